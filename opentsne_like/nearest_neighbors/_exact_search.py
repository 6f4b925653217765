"""Exact neighbours: float32 products propose, exact distances decide, and a bound on the error proves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from ._space import Array, Screen, index_type

COLUMNS = 2048  # columns of a tile: with 256 rows it fits the second-level cache
_CONTROLLER: list[Any] = []
_LIMITERS: list[Any] = []
_USERS = 0
_LOCK = threading.Lock()


@contextmanager
def serial_products() -> Iterator[None]:
    """Keep the linear algebra library on one thread while threads of this package call it."""
    global _USERS
    with _LOCK:
        if not _CONTROLLER:
            from threadpoolctl import ThreadpoolController

            _CONTROLLER.append(ThreadpoolController())
        if _USERS == 0:
            _LIMITERS.append(_CONTROLLER[0].limit(limits=1, user_api="blas"))
        _USERS += 1
    try:
        yield
    finally:
        with _LOCK:
            _USERS -= 1
            if _USERS == 0:
                _LIMITERS.pop().restore_original_limits()


def kept(k: int, n: int) -> int:
    """Return how many candidates are kept for k neighbours: the row itself, and a margin for rounding."""
    return min(n, k + 1 + max(8, k // 8))


def rows_per_task(n_rows: int, n_columns: int, k: int) -> int:
    """Return how many queries share the tiles: many for the products, few where the buffers would grow large."""
    buffered = max(16, 2**19 // (k + COLUMNS))
    return int(min(256, max(64, n_rows // 64), buffered)) if n_columns > 64 else 256


class Buffers:
    """The running selection of one block of queries; see ``kernels.knn.scan``."""

    def __init__(self, rows: int, keep: int, n: int) -> None:
        capacity = keep + max(256, keep + keep // 2)
        self.keep = keep
        self.score = np.empty((rows, capacity), np.float32)
        self.column = np.empty((rows, capacity), index_type(n))
        self.count = np.zeros(rows, np.int64)
        self.threshold = np.full(rows, np.inf, np.float32)

    def scan(self, tile: Array, first: int) -> None:
        """Take the columns of a tile into account."""
        kernels.knn.scan(tile, first, self.keep, self.score, self.column, self.count, self.threshold)

    def cut(self) -> None:
        """Cut every row to the lowest scores; all other scores are at or above ``threshold``."""
        kernels.knn.cut(self.keep, self.score, self.column, self.count, self.threshold)

    def candidates(self, rows: Array) -> Array:
        """Return the rows of the data behind the columns that are kept; after the last of a buffer anything follows."""
        return rows.take(self.column[:, : self.count.max()], mode="clip")


def tiles(left: Array, panel: Array, start: int) -> Iterator[tuple[Array, int]]:
    """Yield the tiles of scores of all columns with their first columns, the one at `start` first.

    Rows that are close in the matrix are often close in space. With them first, and the others in long strides, the
    thresholds of `scan` drop early whatever the order of the data.
    """
    n = panel.shape[1]
    count = -(-n // COLUMNS)
    stride = next(s for s in range(max(1, int(0.618 * count)), count + 1) if np.gcd(s, count) == 1)
    room = np.empty((len(left), min(n, COLUMNS)), np.float32)
    for turn in range(count):
        first = (start // COLUMNS + turn * stride) % count * COLUMNS
        last = min(first + COLUMNS, n)
        tile = room if last - first == room.shape[1] else np.empty((len(left), last - first), np.float32)
        with np.errstate(all="ignore"):  # a query may lie so far away that float32 overflows; `_recheck` sees to it
            np.matmul(left, panel[:, first:last], out=tile)
        yield tile, first


def exact_neighbors(
    screen: Screen, queries: Array, own: Array, k: int, *, dtype: Any, n_jobs: int
) -> tuple[Array, Array]:
    """Return the first k rows by (distance, index) for every query, without the query's own row.

    Parameters
    ----------
    screen : Screen
    queries : ndarray of shape (m, d), dtype of the data
    own : ndarray of shape (m,), int64
        The row that a query itself is, or -1.
    k : int
        At most n, or n - 1 where queries are rows of the data.
    dtype : dtype
        What the distances are returned in.
    n_jobs : int

    Returns
    -------
    indices : ndarray of shape (m, k), int32 or int64
    distances : ndarray of shape (m, k)
    """
    space, m = screen.space, len(queries)
    norms = space.row_norms(queries, "query")
    indices = np.empty((m, k), index_type(space.n))
    distances = np.empty((m, k), dtype)
    step = rows_per_task(m, space.n, k)
    ranges = [(low, min(low + step, m)) for low in range(0, m, step)]

    def work(low: int, high: int) -> tuple[Array, Array]:
        at = slice(low, high)
        left, squares = screen.queries(queries[at], norms[at])
        buffers = Buffers(high - low, kept(k, space.n), space.n)
        for tile, first in tiles(left, screen.panel, max(0, int(own[low]))):
            buffers.scan(tile, first)
        buffers.cut()
        found_index, found_distance, found = space.rank_block(
            queries[at], norms[at], own[at], buffers.candidates(screen.rows), buffers.count, k
        )
        indices[at], distances[at] = found_index, found_distance
        limit = _limits(screen, squares, found_distance[:, -1])
        # What was left out scored at least the threshold, so it is farther than the last neighbour if that is below.
        doubtful = np.flatnonzero(~((found == k) & (limit < buffers.threshold)))
        return low + doubtful, limit[doubtful]

    with serial_products():
        parts: Sequence[tuple[Array, Array]] = run_tasks([(work, r) for r in ranges], n_jobs=n_jobs)
        rows = np.concatenate([part[0] for part in parts])
        limits = np.concatenate([part[1] for part in parts])

        def again(low: int, high: int) -> None:
            at = rows[low:high]
            own_norms = norms[at] if len(norms) else norms
            indices[at], distances[at] = _recheck(screen, queries[at], own_norms, own[at], limits[low:high], k)

        run_tasks([(again, (low, min(low + step, len(rows)))) for low in range(0, len(rows), step)], n_jobs=n_jobs)
    return indices, distances


def _limits(screen: Screen, squares: Array, farthest: Array) -> Array:
    """Return the score that no row closer than `farthest` exceeds, infinity where that is unknown."""
    reach = screen.reach(farthest) * (1 + 1e-12)
    with np.errstate(all="ignore"):
        limit = reach * reach - squares + screen.error(squares, reach)
    return np.where(np.isfinite(limit), limit, np.inf)


def _recheck(screen: Screen, queries: Array, norms: Array, own: Array, limits: Array, k: int) -> tuple[Array, Array]:
    """Rank every row whose score does not exclude it: the way out for ties and for scores too coarse to decide."""
    space = screen.space
    left, _ = screen.queries(queries, norms)
    indices = np.full((len(queries), k), -1, index_type(space.n))
    distances = np.full((len(queries), k), np.inf)
    found = np.zeros(len(queries), np.int64)
    for tile, first in tiles(left, screen.panel, max(0, int(own[0]))):
        rows = screen.rows[first : first + tile.shape[1]]
        kernels.knn.rank_below(
            tile, rows, limits, queries, space.data, space.kind, norms, space.norms, own, indices, distances, found
        )
    kernels.knn.sort_heaps(indices, distances, found)
    return indices, distances
