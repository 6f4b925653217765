"""What a metric means for the rows of a sparse matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from .._types import Array
from ..errors import InvalidParameterError
from ._space import COSINE, KINDS, Ranked, Space, first_by_distance, index_type

_KINDS = {name: kind for name, kind in KINDS.items() if kind <= 2 and name != "correlation"}


def space_of(data: Any, metric: Any) -> Space | SparseSpace | None:
    """Return the space whose distances are computed here, or None where the backend's own have to do."""
    if not isinstance(metric, str):
        return None
    if hasattr(data, "tocsr"):
        return SparseSpace(data, metric) if metric in _KINDS else None
    return Space(data, metric) if metric in KINDS else None


class SparseSpace:
    """The rows of a CSR matrix under the euclidean, cosine or manhattan metric; see `Space`.

    Parameters
    ----------
    data : csr_matrix of shape (n, d), float32 or float64
    metric : str
    """

    def __init__(self, data: Any, metric: str) -> None:
        self.kind = _KINDS[metric]
        self.data = canonical(data)
        self.n, self.d = data.shape
        self.norms = self.row_norms(self.data, "data")

    def row_norms(self, rows: Any, name: str) -> Array:
        """Return the norms of `rows` that distances need, an empty array where they need none."""
        if self.kind != COSINE:
            return np.empty(0)
        squares = rows.astype(np.float64)
        squares.data **= 2
        norms: Array = np.sqrt(np.asarray(squares.sum(axis=1)).ravel())
        if not norms.all():
            raise InvalidParameterError(
                f"`{name}` must have no all-zero rows under metric 'cosine', got one in row {np.argmin(norms)}; "
                f"remove such rows or use metric 'euclidean'"
            )
        return norms

    def rank(self, queries: Any, own: Array, candidates: Array, k: int, *, dtype: Any, n_jobs: int) -> Ranked:
        """Return the first k candidates of every query by (distance, index); see `Space.rank`."""
        queries, data = canonical(queries), self.data
        m = queries.shape[0]
        norms = self.row_norms(queries, "query")
        indices = np.empty((m, k), index_type(self.n))
        distances = np.empty((m, k), dtype)

        def work(low: int, high: int) -> None:
            chosen = np.ascontiguousarray(candidates[low:high], dtype=np.int64)
            raw = np.empty(chosen.shape)
            kernels.sparse_knn.distances(
                self.kind,
                queries.indptr[low : high + 1],
                queries.indices,
                queries.data,
                data.indptr,
                data.indices,
                data.data,
                norms[low:high],
                self.norms,
                chosen,
                raw,
            )
            indices[low:high], distances[low:high] = first_by_distance(chosen, raw, own[low:high], k)

        step = max(1, 2**16 // candidates.shape[1])
        run_tasks([(work, (low, min(low + step, m))) for low in range(0, m, step)], n_jobs=n_jobs)
        return Ranked(indices, distances, (indices >= 0).sum(axis=1))


def canonical(matrix: Any) -> Any:
    """Return a CSR matrix with sorted columns, each at most once per row; the caller's is not touched."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix
