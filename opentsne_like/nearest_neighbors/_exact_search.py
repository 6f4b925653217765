"""Exact neighbours: float32 products propose, exact distances decide, and a bound on the error proves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks, serial_blas
from ._screen import COLUMNS, Buffers, Screen
from ._space import Array, index_type


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

    def work(low: int, high: int) -> None:
        at = slice(low, high)
        visit = _visits(screen.n_blocks, own[low] / space.n)
        indices[at], distances[at] = nearest_among(screen, visit, queries[at], norms[at], own[at], k)

    step = _rows_per_task(m, k)
    with serial_blas():
        run_tasks([(work, (low, min(low + step, m))) for low in range(0, m, step)], n_jobs=n_jobs)
    return indices, distances


def nearest_among(
    screen: Screen, visit: Sequence[int], queries: Array, norms: Array, own: Array, k: int
) -> tuple[Array, Array]:
    """Return the first k by (distance, index) of the rows in some blocks for a few queries, on this thread.

    Parameters
    ----------
    screen : Screen
    visit : sequence of int
        The blocks, those first that probably hold the neighbours.
    queries, norms, own, k
        As in `exact_neighbors`, the norms as of `Space.row_norms`.

    Returns
    -------
    indices : ndarray of shape (m, k), -1 where the blocks hold fewer
    distances : ndarray of shape (m, k), float64, infinity where the blocks hold fewer
    """
    left, sizes = screen.queries(queries, norms)
    buffers = Buffers(len(queries), k, screen.space.n)
    for tile, rows in screen.tiles(left, visit):
        buffers.scan(tile, rows)
    buffers.cut()
    indices, distances, found = screen.space.rank_block(queries, norms, own, buffers.candidates(), buffers.count, k)
    limit = screen.limits(sizes, distances[:, -1])
    # What was left out scored at least the threshold, so it is farther than the last neighbour if that is below.
    doubtful = np.flatnonzero(~((found == k) & (limit < buffers.threshold)))
    if len(doubtful):
        norms = norms[doubtful] if len(norms) else norms
        indices[doubtful], distances[doubtful] = _recheck(
            screen, visit, queries[doubtful], norms, own[doubtful], limit[doubtful], k
        )
    return indices, distances


def _rows_per_task(m: int, k: int) -> int:
    """Return how many queries share the tiles: many for the products, few where the buffers would grow large."""
    return int(min(256, max(64, m // 64), max(16, 2**19 // (k + COLUMNS))))


def _visits(count: int, start: float) -> list[int]:
    """Return all blocks, the one at the share `start` of the rows first and the others in long strides.

    Rows that are close in the matrix are often close in space. With them first the thresholds of the selection drop
    early, whatever the order of the data.
    """
    stride = next(s for s in range(max(1, int(0.618 * count)), count + 1) if math.gcd(s, count) == 1)
    first = int(max(0.0, start) * count)
    return [(first + turn * stride) % count for turn in range(count)]


def _recheck(
    screen: Screen, visit: Sequence[int], queries: Array, norms: Array, own: Array, limits: Array, k: int
) -> tuple[Array, Array]:
    """Rank every row whose score does not exclude it: the way out for ties and for scores too coarse to decide."""
    space = screen.space
    left, _ = screen.queries(queries, norms)
    indices = np.full((len(queries), k), -1, index_type(space.n))
    distances = np.full((len(queries), k), np.inf)
    found = np.zeros(len(queries), np.int64)
    for tile, rows in screen.tiles(left, visit):
        kernels.knn.rank_below(
            tile, rows, limits, queries, space.data, space.kind, norms, space.norms, own, indices, distances, found
        )
    kernels.knn.sort_heaps(indices, distances, found)
    return indices, distances
