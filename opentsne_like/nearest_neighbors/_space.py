"""What a metric means for the rows of a matrix: one number, whichever backend proposed the neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from ..errors import InvalidParameterError

Array = np.ndarray[Any, Any]

# The metrics whose distances are computed here, by the codes of ``kernels.knn``.
KINDS = {
    "euclidean": 0,
    "l2": 0,
    "cosine": 1,
    "manhattan": 2,
    "l1": 2,
    "cityblock": 2,
    "taxicab": 2,
    "chebyshev": 3,
    "infinity": 3,
    "linf": 3,
    "linfty": 3,
    "linfinity": 3,
    "hamming": 4,
    "dot": 5,
    "ip": 5,
}
EUCLIDEAN, COSINE, DOT = 0, 1, 5
_MOST = 1e150  # squares of anything larger overflow
_BLOCK = 2**21  # numbers that are read from a matrix at once


def blocks(n_rows: int, n_columns: int) -> Iterator[tuple[int, int]]:
    """Yield fixed ranges of rows, each a few megabytes long."""
    step = max(1, _BLOCK // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)


def index_type(n: int) -> np.dtype[Any]:
    """Return the integer type that counts `n` rows: int32 while that is enough."""
    return np.dtype(np.int32 if n < 2**31 else np.int64)


def plain(rows: Any, dtype: Any = None) -> Array:
    """Return `rows` as a C-ordered array of the base class, copied only where that needs it."""
    return np.asarray(np.ascontiguousarray(rows, dtype=dtype))


def first_by_distance(indices: Array, distances: Array, own: Array, k: int) -> tuple[Array, Array]:
    """Return the first k by (distance, index) of neighbours that came with their distances, without the row itself.

    Parameters
    ----------
    indices : ndarray of shape (m, c), integers
        Negative entries are none.
    distances : ndarray of shape (m, c)
    own : ndarray of shape (m,)
        The row that a query itself is, or -1.
    k : int

    Returns
    -------
    indices : ndarray of shape (m, k), -1 where there were fewer
    distances : ndarray of shape (m, k), infinity where there were fewer
    """
    gone = (indices < 0) | (indices == own[:, None])
    indices = np.where(gone, np.iinfo(indices.dtype).max, indices)
    distances = np.where(gone, np.inf, distances)
    order = np.lexsort((indices, distances), axis=-1)[:, :k]
    indices, distances = np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)
    return np.where(np.isinf(distances), -1, indices), distances


class Space:
    """The rows of a dense matrix under a metric of `KINDS`.

    Distances are summed in float64, coordinate by coordinate, from the rows as they were given. Cosine distance is
    ``1 - cos``, and where that cancels half the squared distance of the unit vectors, so that rows with the same
    direction are exactly 0 apart.

    Parameters
    ----------
    data : ndarray of shape (n, d), float32 or float64
        May be memory-mapped; C order is used as it is.
    metric : str
    """

    def __init__(self, data: Array, metric: str) -> None:
        self.kind = KINDS[metric]
        self.data = plain(data)
        self.n, self.d = data.shape
        self.norms = self.row_norms(self.data, "data")

    def row_norms(self, rows: Array, name: str) -> Array:
        """Return the norms of `rows` that distances need, an empty array where they need none."""
        if self.kind != COSINE:
            return np.empty(0)
        norms = np.empty(len(rows))
        kernels.knn.norms(rows, norms)
        if not norms.all():
            raise InvalidParameterError(
                f"`{name}` must have no all-zero rows under metric 'cosine', got zeros in row {np.argmin(norms)}; "
                f"remove such rows or use metric 'euclidean'"
            )
        if not np.isfinite(norms).all():
            raise InvalidParameterError(
                f"`{name}` must be below {_MOST:g} in magnitude, got more in row {np.argmax(norms)}; rescale it"
            )
        return norms

    def rank(
        self, queries: Array, own: Array, candidates: Array, k: int, *, dtype: Any, n_jobs: int
    ) -> tuple[Array, Array, Array]:
        """Return the first k candidates of every query by (distance, index).

        Parameters
        ----------
        queries : ndarray of shape (m, d), dtype of the data
        own : ndarray of shape (m,), int64
            The row that a query itself is, or -1.
        candidates : ndarray of shape (m, c), integers
            Negative entries are skipped.
        k : int
        dtype : dtype
            What the distances are returned in.
        n_jobs : int

        Returns
        -------
        indices : ndarray of shape (m, k), -1 where there were fewer
        distances : ndarray of shape (m, k), infinity where there were fewer
        found : ndarray of shape (m,), int64
        """
        m = len(queries)
        indices = np.empty((m, k), index_type(self.n))
        distances = np.empty((m, k), dtype)
        found = np.empty(m, np.int64)
        norms = self.row_norms(queries, "query")

        def work(low: int, high: int) -> None:
            count = np.full(high - low, candidates.shape[1], np.int64)
            indices[low:high], distances[low:high], found[low:high] = self.rank_block(
                queries[low:high], norms[low:high], own[low:high], plain(candidates[low:high]), count, k
            )

        step = max(1, 2**18 // (k + candidates.shape[1]))
        run_tasks([(work, (low, min(low + step, m))) for low in range(0, m, step)], n_jobs=n_jobs)
        return indices, distances, found

    def rank_block(
        self, queries: Array, norms: Array, own: Array, candidates: Array, count: Array, k: int
    ) -> tuple[Array, Array, Array]:
        """Rank the first `count` candidates of a few queries on this thread; distances are float64."""
        indices = np.full((len(queries), k), -1, index_type(self.n))
        distances = np.full((len(queries), k), np.inf)
        found = np.empty(len(queries), np.int64)
        kernels.knn.rank(
            queries, self.data, self.kind, norms, self.norms, own, candidates, count, indices, distances, found
        )
        return indices, distances, found


def extended(vectors: Array) -> Array:
    """Return ``(y, |y|^2)`` for every row y of `vectors`, as columns: (d + 1, m) float32."""
    columns = np.empty((vectors.shape[1] + 1, len(vectors)), np.float32)
    columns[:-1] = vectors.T
    columns[-1] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return columns


class Screen:
    """The rows of a `Space` as centred float32 vectors, whose products tell in which order to look at them.

    With ``x`` the centred row (the centred unit vector under cosine), scaled by a power of two to norms of at most 1,
    ``score = |y|^2 - 2 x.y = |x - y|^2 - |x|^2`` is one product of the extended vectors ``(-2 x, 1)`` and
    ``(y, |y|^2)``.

    Parameters
    ----------
    space : Space
        Of kind euclidean or cosine.

    Attributes
    ----------
    panel : ndarray of shape (d + 1, n), float32
        The extended vectors ``(y, |y|^2)`` as columns, after `fill`.
    rows : ndarray of shape (n,), int32 or int64
        The rows of the data behind the columns.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.mean, self.scale = self._centre()

    def fill(self, order: Array | None = None) -> Screen:
        """Make the panel, its columns in the order of the data or in a given order, and return the screen itself."""
        space = self.space
        self.rows = np.arange(space.n, dtype=index_type(space.n)) if order is None else order
        self.panel = np.empty((space.d + 1, space.n), np.float32)
        for low, high in blocks(space.n, space.d):
            self.panel[:, low:high] = extended(self.row_vectors(slice(low, high) if order is None else order[low:high]))
        return self

    def row_vectors(self, rows: Any) -> Array:
        """Return the vectors of some rows of the data, (m, d) float32."""
        space = self.space
        return self.vectors(space.data[rows], space.norms[rows] if space.kind == COSINE else space.norms)

    def _centre(self) -> tuple[Array, float]:
        """Return the mean of the vectors and the power of two that brings them into the unit ball."""
        space = self.space
        total, least, most = np.zeros(space.d), np.full(space.d, np.inf), np.full(space.d, -np.inf)
        for low, high in blocks(space.n, space.d):
            rows = space.data[low:high].astype(np.float64)
            if space.kind == COSINE:
                rows /= space.norms[low:high, None]
            total += rows.sum(axis=0)
            least, most = np.minimum(least, rows.min(axis=0)), np.maximum(most, rows.max(axis=0))
        mean = total / space.n
        reach = np.maximum(most - mean, mean - least)
        longest = reach.max()
        with np.errstate(over="ignore"):
            radius = float(longest * np.sqrt(np.sum((reach / longest) ** 2))) if longest > 0 else 0.0
        if not radius < _MOST or 0 < radius < 1 / _MOST:
            raise InvalidParameterError(
                f"`data` must spread over between {1 / _MOST:g} and {_MOST:g}, got {radius:g}; rescale it"
            )
        return mean, float(2.0 ** -np.ceil(np.log2(radius))) if radius > 0 else 1.0

    def vectors(self, rows: Array, norms: Array) -> Array:
        """Return the centred, scaled float32 vectors of `rows`."""
        wide = rows.astype(np.float64)
        if self.space.kind == COSINE:
            wide /= norms[:, None]
        wide -= self.mean
        wide *= self.scale
        with np.errstate(over="ignore"):  # a query may lie anywhere
            return wide.astype(np.float32)

    def queries(self, rows: Array, norms: Array) -> tuple[Array, Array]:
        """Return the extended vectors ``(-2 x, 1)`` of `rows` and ``|x|^2`` in float64."""
        vectors = self.vectors(rows, norms)
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        left = np.empty((len(rows), self.space.d + 1), np.float32)
        np.multiply(vectors, -2, out=left[:, :-1])
        left[:, -1] = 1
        return left, squares

    def error(self, squares: Array, reach: Array) -> Array:
        """Return a bound on the error of the scores of all rows within `reach` of a query of squared norm `squares`.

        A sum of d + 1 products is wrong by at most (d + 1) u times the sum of their magnitudes, in any order of
        addition, with u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), and the
        rows were rounded to float32 before. A row within `reach` has at most the norm |x| + reach.
        """
        own = np.sqrt(squares)
        other = own + reach
        bound: Array = (self.space.d + 8) * 2.0**-24 * (2 * own * other + other * other) + 2.0**-100
        return bound

    def reach(self, distances: Array) -> Array:
        """Return distances of the metric as euclidean distances of the vectors."""
        return self.scale * (np.sqrt(2 * distances) if self.space.kind == COSINE else distances)
