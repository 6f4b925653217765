"""What a metric means for the rows of a matrix: one number, whichever backend proposed the neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from .._types import Array
from .._validation import Rows
from ..errors import InvalidParameterError

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
    "correlation": 1,
    "hamming": 4,
    "dot": 5,
    "ip": 5,
    "braycurtis": 6,
    "canberra": 7,
    "russellrao": 8,
}
EUCLIDEAN, COSINE, MANHATTAN, CHEBYSHEV, DOT = 0, 1, 2, 3, 5
PREFILTERED = sorted(name for name, kind in KINDS.items() if kind <= CHEBYSHEV)
MOST = 1e150  # squares of anything larger overflow
_BLOCK = 2**21  # numbers that are read from a matrix at once


def blocks(n_rows: int, n_columns: int) -> Iterator[tuple[int, int]]:
    """Yield fixed ranges of rows, each a few megabytes long."""
    step = max(1, _BLOCK // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)


def column_extremes(data: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest value of each column, (d,) each, read block by block."""
    parts = [data[low:high] for low, high in blocks(*data.shape)]
    return np.min([part.min(axis=0) for part in parts], axis=0), np.max([part.max(axis=0) for part in parts], axis=0)


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


class Ranked(NamedTuple):
    """The first k candidates of every query by (distance, index).

    Attributes
    ----------
    indices : ndarray of shape (m, k)
        -1 where there were fewer candidates.
    distances : ndarray of shape (m, k)
        Infinity where there were fewer.
    found : ndarray of shape (m,), int64
        How many there were.
    """

    indices: Array
    distances: Array
    found: Array


class _Window(NamedTuple):
    """Rows of a space, under numbers that ascend as the rows do, so that ties are decided alike.

    Attributes
    ----------
    data : ndarray of shape (m, d)
    norms : ndarray
    rows : ndarray of shape (m,) or None
        None where all are there.
    """

    data: Array
    norms: Array
    rows: Array | None

    def numbers(self, rows: Array) -> Array:
        """Return the numbers of rows, -1 for those that are not there."""
        if self.rows is None:
            return rows
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[at] == rows, at, -1).astype(rows.dtype)

    def named(self, numbers: Array) -> Array:
        """Return the rows that have these numbers, -1 where there is none."""
        return numbers if self.rows is None else np.where(numbers < 0, -1, self.rows[numbers])


class Space:
    """The rows of a dense matrix under a metric of `KINDS`.

    Distances are summed in float64 from the rows as they were given. Cosine distance is ``1 - cos``, and where that
    cancels half the squared distance of the unit vectors, so that rows with the same direction are exactly 0 apart.
    Correlation distance is the cosine distance of rows whose mean was taken off.

    Parameters
    ----------
    data : ndarray or Rows of shape (n, d), float32 or float64
        May be memory-mapped; C order is used as it is, and `Rows` are read as they are needed.
    metric : str
    first : int
        The number by which errors call the first row.
    """

    def __init__(self, data: Array, metric: str, first: int = 0) -> None:
        self.metric = metric
        self.kind = KINDS[metric]
        self.data = self.rows(data)
        self.n, self.d = data.shape
        self.norms = self.row_norms(self.data, "data", first)

    def rows(self, rows: Any) -> Any:
        """Return rows of the user as the rows that distances are computed from: C-ordered, centred for correlation."""
        if self.metric != "correlation":
            return rows if isinstance(rows, Rows) else plain(rows)
        rows = np.asarray(rows)
        means = np.mean(rows, axis=1, keepdims=True, dtype=np.float64)
        centred = rows - means
        centred[np.abs(centred) <= 2.0**-48 * np.abs(means)] = 0  # what rounding leaves of a constant row
        return plain(centred, rows.dtype)

    def row_norms(self, rows: Array, name: str, first: int = 0) -> Array:
        """Return the norms of `rows` that distances need, an empty array where they need none.

        Errors name a row by its number, that of the first of `rows` being `first`.
        """
        if self.kind != COSINE:
            return np.empty(0)
        norms = np.empty(len(rows))
        for low, high in blocks(*rows.shape):
            kernels.knn.norms(rows[low:high], norms[low:high])
        if not norms.all():
            what = "all-zero" if self.metric == "cosine" else "constant"
            raise InvalidParameterError(
                f"`{name}` must have no {what} rows under metric '{self.metric}', got one in row "
                f"{first + np.argmin(norms)}; remove such rows or use metric 'euclidean'"
            )
        if not np.isfinite(norms).all():
            raise InvalidParameterError(
                f"`{name}` must be below {MOST:g} in magnitude, got more in row {first + np.argmax(norms)}; rescale it"
            )
        return norms

    def rank(self, queries: Array, own: Array, candidates: Array, k: int, *, dtype: Any, n_jobs: int) -> Ranked:
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
        Ranked
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
        return Ranked(indices, distances, found)

    def rank_block(self, queries: Array, norms: Array, own: Array, candidates: Array, count: Array, k: int) -> Ranked:
        """Rank the first `count` candidates of a few queries on this thread; distances are float64."""
        indices = np.full((len(queries), k), -1, index_type(self.n))
        distances = np.full((len(queries), k), np.inf)
        found = np.empty(len(queries), np.int64)
        window = self._window(candidates)
        own, candidates = window.numbers(own), window.numbers(candidates)
        pairs = (queries, window.data, self.kind, norms, window.norms, own)
        kernels.knn.rank(*pairs, candidates, count, indices, distances, found)
        return Ranked(window.named(indices), distances, found)

    def rank_below(
        self, tile: Array, rows: Array, limits: Array, queries: Array, norms: Array, own: Array, best: Ranked
    ) -> None:
        """Offer rows whose scores are at most the limit of a query to the heap of the query, on this thread.

        Parameters
        ----------
        tile : ndarray of shape (m, at least w), float32
        rows : ndarray of shape (w,)
            The rows behind the columns.
        limits : ndarray of shape (m,)
        queries, norms, own
            As in `rank_block`.
        best : Ranked
            Heaps, changed in place.
        """
        window = self._window(rows, best.indices)
        indices = window.numbers(best.indices)
        pairs = (queries, window.data, self.kind, norms, window.norms, window.numbers(own))
        kernels.knn.rank_below(tile, window.numbers(rows), limits, *pairs, indices, best.distances, best.found)
        best.indices[:] = window.named(indices)

    def _window(self, *rows: Array) -> _Window:
        """Return what compiled loops look at to see some rows: all of an array, these alone of what is read."""
        if not isinstance(self.data, Rows):
            return _Window(self.data, self.norms, None)
        some = np.unique(np.concatenate([part.ravel() for part in rows]))
        some = some[np.searchsorted(some, 0) :]
        return _Window(self.data[some], self.norms[some] if len(self.norms) else self.norms, some)
