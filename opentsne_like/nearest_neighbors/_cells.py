"""Cells: k-means over the vectors of a screen, and which cells to look in for the neighbours of a cell's rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._parallel import run_tasks
from ._exact_search import serial_products
from ._space import Array, extended

ITERATIONS = 8
SAMPLE_PER_CELL = 64
VOTES = 32  # nearest cells of a row that vote for being looked in
_BLOCK = 2048


def assign(vectors: Array, cells: Array, many: int, *, n_jobs: int) -> Array:
    """Return the nearest cells of every vector, (m, many) int64, nearest first.

    Parameters
    ----------
    vectors : ndarray of shape (m, d), float32
    cells : ndarray of shape (d + 1, c), float32
        Extended vectors of the centres, see `extended`.
    many : int
        At most c.
    n_jobs : int
    """
    out = np.empty((len(vectors), many), np.int64)

    def work(low: int, high: int) -> None:
        left = np.empty((high - low, len(cells)), np.float32)
        np.multiply(vectors[low:high], -2, out=left[:, :-1])
        left[:, -1] = 1
        with np.errstate(all="ignore"):  # a query may lie anywhere
            scores = left @ cells
        if many == 1:
            out[low:high, 0] = scores.argmin(axis=1)
            return
        near = np.argpartition(scores, many - 1, axis=1)[:, :many]
        near.sort(axis=1)
        order = np.take_along_axis(scores, near, 1).argsort(axis=1, kind="stable")
        out[low:high] = np.take_along_axis(near, order, 1)

    ranges = [(low, min(low + _BLOCK, len(vectors))) for low in range(0, len(vectors), _BLOCK)]
    with serial_products():
        run_tasks([(work, r) for r in ranges], n_jobs=n_jobs)
    return out


def k_means(vectors: Array, n_cells: int, rng: np.random.RandomState, *, n_jobs: int) -> Array:
    """Return the extended centres of `n_cells` cells by a few rounds of Lloyd's algorithm, (d + 1, n_cells) float32.

    A cell that runs empty keeps its centre. The bits do not depend on `n_jobs`.

    Parameters
    ----------
    vectors : ndarray of shape (m, d), float32
        At least `n_cells`.
    n_cells : int
    rng : RandomState
        Chooses the rows that the centres start at.
    n_jobs : int
    """
    centres = vectors[np.sort(rng.choice(len(vectors), n_cells, replace=False))]
    for _ in range(ITERATIONS):
        home = assign(vectors, extended(centres), 1, n_jobs=n_jobs)[:, 0]
        order = np.argsort(home, kind="stable")
        used, start, count = np.unique(home[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(vectors[order], start, axis=0, dtype=np.float64)
        centres = centres.copy()
        centres[used] = sums / count[:, None]
    return extended(centres)


def adjacency(vectors: Array, cells: Array, *, n_jobs: int) -> Array:
    """Return for every cell all cells in the order to look in, itself first, (c, c) int32.

    The rows of a cell vote for the cells nearest to them, the r-th with weight 1 / (r + 1); cells without a vote follow
    by the distance of the centres.

    Parameters
    ----------
    vectors : ndarray of shape (m, d), float32
        A sample of the rows.
    cells : ndarray of shape (d + 1, c), float32
    n_jobs : int
    """
    c = cells.shape[1]
    near = assign(vectors, cells, min(VOTES, c), n_jobs=n_jobs)
    votes = np.zeros(c * c)
    for r in range(near.shape[1]):
        votes += np.bincount(near[:, 0] * c + near[:, r], minlength=c * c) / (r + 1)
    votes = votes.reshape(c, c)
    np.fill_diagonal(votes, np.inf)
    centres = cells[:-1].astype(np.float64)
    squares = np.sum(centres * centres, axis=0)
    order = np.empty((c, c), np.int32)

    def work(i: int) -> None:
        distances = squares - 2 * (centres[:, i] @ centres)
        order[i] = np.lexsort((np.arange(c), distances, -votes[i]))

    with serial_products():
        run_tasks([(work, (i,)) for i in range(c)], n_jobs=n_jobs)
    return order


def sample(n: int, size: int, rng: np.random.RandomState) -> Any:
    """Return a sorted random sample of ``range(n)``."""
    return np.sort(rng.choice(n, min(n, size), replace=False))
