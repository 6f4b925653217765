"""What affinities have that hold a value for every pair of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._parallel import chunk_bounds
from .._types import Array
from ..errors import InvalidParameterError
from .base import NeighborAffinities
from .matrix import LEAST, as_csr
from .neighbors import NeighborLists

MOST = 5000  # points: 100 bytes for every pair, at the peak, are 2.5 GB
BLOCK = 256  # rows of the result that are computed at a time


class DenseAffinities(NeighborAffinities):
    """Affinities of all pairs of points; a base class, not for use by itself.

    Their neighbour lists hold all other points, and so all distances. At the peak these take 12 bytes for every pair,
    the costs 24, and the matrices of the solver, `affinity.dual`, before and after a step, up to 48; hence the bound.
    """

    def _find_all(self, data: Any, knn_index: Any, **search: Any) -> None:
        """Set the neighbour index and the lists of all other points, or refuse too many or too few of them."""
        self._find_neighbors(data, knn_index, self._count, **search)
        lists = self._kept_lists()
        self._count(lists.n_rows)
        if int(lists.sizes().min()) < lists.n_rows - 1:
            raise InvalidParameterError(
                f"`{'data' if knn_index is None else 'knn_index'}` must give the distances of all pairs of points to "
                f"{type(self).__name__}, got {int(lists.sizes().min())} of {lists.n_rows - 1} neighbours in a row"
            )

    def _count(self, n_samples: int) -> int:
        if n_samples > MOST:
            raise InvalidParameterError(
                f"`data` must have at most {MOST} rows for {type(self).__name__}, which holds matrices of all pairs, "
                f"got {n_samples}; take a sample of them and place the rest with `transform`, or take Entropic or "
                "PerplexityBasedNN"
            )
        return n_samples - 1

    def _costs(self) -> Array:
        """Return the squared distances of all pairs of points, (n, n), symmetric."""
        costs = squares(self._kept_lists())
        return (costs + costs.T) / 2

    def _keep(self, rows: Callable[[int, int], Array], n: int) -> None:
        """Take the matrix whose rows [low, high) `rows` computes, divided by n; its diagonal is empty."""
        values = np.empty((n, n - 1), dtype=self.dtype)
        for low, high in chunk_bounds(n, BLOCK, most=n):
            off = np.arange(n) != np.arange(low, high)[:, np.newaxis]
            values[low:high] = (rows(low, high)[off] / n).reshape(high - low, n - 1)
        np.maximum(values, LEAST[self.dtype], out=values)
        columns = np.tile(np.arange(n - 1, dtype=np.int32), (n, 1))
        columns += columns >= np.arange(n, dtype=np.int32)[:, np.newaxis]
        ends = np.arange(n + 1, dtype=np.int32) * np.int32(n - 1)
        self._hold(as_csr(values.ravel(), columns.ravel(), ends, (n, n)))

    def _costs_of_new(self, data: Any) -> tuple[Array, Array, Array]:
        """Return the squared distances of new points to all old ones, (m, n), and the neighbours with distances."""
        indices, distances, lists = self._query(data, self.n_samples, self.n_samples)
        return squares(lists), indices, distances


def squares(lists: NeighborLists) -> Array:
    """Return the squared distances of lists that hold all points, as float64 of shape (n_rows, n_columns)."""
    dense = np.zeros((lists.n_rows, lists.n_columns))
    indices, distances = (part.reshape(lists.n_rows, -1) for part in (lists.indices, lists.distances))
    np.put_along_axis(dense, indices, distances, axis=1)
    return np.square(dense, out=dense)


def as_rows(values: Array) -> Any:
    """Return rows of new points, each divided by its sum, as a CSR matrix without gaps."""
    m, n = values.shape
    values = np.maximum(values, LEAST[np.dtype(np.float64)])
    values /= values.sum(axis=1, keepdims=True)
    columns = np.tile(np.arange(n, dtype=np.int32), m)
    return as_csr(values.ravel(), columns, np.arange(m + 1, dtype=np.int64) * n, (m, n))
