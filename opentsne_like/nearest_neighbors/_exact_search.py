"""Exact neighbours: float32 products propose, exact distances decide, and a bound on the error proves it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from .._types import Array
from ._prefilter import COLUMNS, Prefilter, Visits
from ._space import Ranked, index_type


def exact_neighbors(
    prefilter: Prefilter, queries: Array, own: Array, k: int, *, dtype: Any, n_jobs: int
) -> tuple[Array, Array]:
    """Return the first k rows by (distance, index) for every query, without the query's own row.

    Parameters
    ----------
    prefilter : Prefilter
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
    space, m = prefilter.space, len(queries)
    norms = space.row_norms(queries, "query")
    indices = np.empty((m, k), index_type(space.n))
    distances = np.empty((m, k), dtype)

    def work(low: int, high: int) -> None:
        at = slice(low, high)
        blocks = _in_strides(prefilter.n_blocks, own[low] / space.n)
        visits = Visits(np.array([0, high - low]), np.array([0, len(blocks)]), blocks)
        indices[at], distances[at] = nearest_among(prefilter, visits, queries[at], norms[at], own[at], k)

    step = _rows_per_task(m, k)
    run_tasks([(work, (low, min(low + step, m))) for low in range(0, m, step)], n_jobs=n_jobs)
    return indices, distances


def nearest_among(
    prefilter: Prefilter, visits: Visits, queries: Array, norms: Array, own: Array, k: int
) -> tuple[Array, Array]:
    """Return the first k by (distance, index) of the rows that each query looks at, on this thread.

    Parameters
    ----------
    prefilter : Prefilter
    visits : Visits
    queries, norms, own, k
        As in `exact_neighbors`, the norms as of `Space.row_norms`.

    Returns
    -------
    indices : ndarray of shape (m, k), -1 where a query looks at fewer
    distances : ndarray of shape (m, k), float64, infinity where a query looks at fewer
    """
    left, sizes = prefilter.queries(queries, norms)
    candidates, count, threshold = prefilter.candidates(left, visits, k)
    indices, distances, found = prefilter.space.rank_block(queries, norms, own, candidates, count, k)
    limit = prefilter.limits(sizes, distances[:, -1])
    # What was left out scored at least the threshold, so it is farther than the last neighbour if that is below.
    doubtful = ~((found == k) & (limit < threshold))
    for g in range(len(visits.groups) - 1) if doubtful.any() else ():
        at = visits.groups[g] + np.flatnonzero(doubtful[visits.groups[g] : visits.groups[g + 1]])
        if len(at):
            blocks = visits.blocks[visits.bounds[g] : visits.bounds[g + 1]]
            norms_at = norms[at] if len(norms) else norms
            indices[at], distances[at] = _recheck(prefilter, blocks, queries[at], norms_at, own[at], limit[at], k)
    return indices, distances


def _rows_per_task(m: int, k: int) -> int:
    """Return how many queries share the tiles: many for the products, few where the buffers would grow large."""
    return int(min(256, max(64, m // 64), max(16, 2**19 // (k + COLUMNS))))


def _in_strides(count: int, start: float) -> Array:
    """Return all blocks, the one at the share `start` of the rows first and the others in long strides.

    Rows that are close in the matrix are often close in space. With them first the thresholds of the selection drop
    early, whatever the order of the data.
    """
    stride = next(s for s in range(max(1, int(0.618 * count)), count + 1) if math.gcd(s, count) == 1)
    first = int(max(0.0, start) * count)
    return (first + np.arange(count) * stride) % count


def _recheck(
    prefilter: Prefilter, blocks: Array, queries: Array, norms: Array, own: Array, limits: Array, k: int
) -> tuple[Array, Array]:
    """Rank every row whose score does not exclude it: the way out for ties and for scores too coarse to decide."""
    space = prefilter.space
    left, _ = prefilter.queries(queries, norms)
    indices = np.full((len(queries), k), -1, index_type(space.n))
    best = Ranked(indices, np.full((len(queries), k), np.inf), np.zeros(len(queries), np.int64))
    for b in blocks:
        space.rank_below(*prefilter.scores(left, b), limits, queries, norms, own, best)
    kernels.knn.sort_heaps(*best)
    return best.indices, best.distances
