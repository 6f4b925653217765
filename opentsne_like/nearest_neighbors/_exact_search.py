"""Exact neighbours: float32 products propose, exact distances decide, and a bound on the error proves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from ._screen import COLUMNS, Buffers, Screen, serial_products
from ._space import Array, index_type


def kept(k: int, n: int) -> int:
    """Return how many candidates are kept for k neighbours: the row itself, and a margin for rounding."""
    return min(n, k + 1 + max(8, k // 8))


def rows_per_task(n_rows: int, n_columns: int, k: int) -> int:
    """Return how many queries share the tiles: many for the products, few where the buffers would grow large."""
    buffered = max(16, 2**19 // (k + COLUMNS))
    return int(min(256, max(64, n_rows // 64), buffered)) if n_columns > 64 else 256


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
        for tile, rows in screen.tiles(left, _visits(screen.n_blocks, own[low] / space.n)):
            buffers.scan(tile, rows)
        buffers.cut()
        found_index, found_distance, found = space.rank_block(
            queries[at], norms[at], own[at], buffers.candidates(), buffers.count, k
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


def _visits(count: int, start: float) -> list[int]:
    """Return all blocks, the one at the share `start` of the rows first and the others in long strides.

    Rows that are close in the matrix are often close in space. With them first the thresholds of the selection drop
    early, whatever the order of the data.
    """
    stride = next(s for s in range(max(1, int(0.618 * count)), count + 1) if math.gcd(s, count) == 1)
    first = int(max(0.0, start) * count)
    return [(first + turn * stride) % count for turn in range(count)]


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
    for tile, rows in screen.tiles(left, _visits(screen.n_blocks, own[0] / space.n)):
        kernels.knn.rank_below(
            tile, rows, limits, queries, space.data, space.kind, norms, space.norms, own, indices, distances, found
        )
    kernels.knn.sort_heaps(indices, distances, found)
    return indices, distances
