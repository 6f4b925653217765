"""Cells: k-means over the vectors of a prefilter, and which cells to look in for the neighbours of a cell's rows."""

from __future__ import annotations

import numpy as np

from .. import kernels
from .._parallel import run_tasks, serial_blas
from .._types import Array
from ._prefilter import PAD, PANEL, extended, left_sides, panels

ITERATIONS = 8
VOTES = 32  # nearest cells of a row that vote for being looked in
AXES = 64  # dimensions that cells are told apart in
FAR = 64.0  # coordinates beyond, where those of typical rows are below 1, do not pull at the cells
_BLOCK = 512


class Cells:
    """The cells of k-means, trained on a sample of vectors by a few rounds of Lloyd's algorithm.

    Vectors of more than 64 dimensions are projected on the 64 axes along which the sample varies most: what decides
    which cell is near is there, and nothing is lost but a little time in cells that are looked in for nothing. The bits
    do not depend on `n_jobs`.

    Parameters
    ----------
    sample : ndarray of shape (m, d), float32
        At least `count`; changed in place.
    count : int
        Number of cells.
    rng : RandomState
        Chooses the axes and the rows that the centres start at.
    n_jobs : int

    Attributes
    ----------
    count : int
    centres : ndarray of shape (count, d), float32
        In the projection, where there is one.
    order : ndarray of shape (count, count), int32
        All cells in the order in which the rows of each look in them, itself first.
    """

    def __init__(self, sample: Array, count: int, rng: np.random.RandomState, *, n_jobs: int) -> None:
        self.count = count
        self.n_jobs = n_jobs
        np.clip(sample, -FAR, FAR, out=sample)
        with serial_blas():
            self._axes = None
            if sample.shape[1] > AXES:
                axes = principal_axes(sample, AXES, rng)
                self._axes = panels(axes.T)
                sample = sample @ axes
            self.centres = self._trained(sample, rng)
            self.order = self._neighbouring(sample)

    def _trained(self, sample: Array, rng: np.random.RandomState) -> Array:
        """Return the centres after a few rounds of Lloyd's algorithm."""
        centres = sample[np.sort(rng.choice(len(sample), self.count, replace=False))]
        for _ in range(ITERATIONS):
            home = self._nearest(sample, centres, 1)[:, 0]
            order = np.argsort(home, kind="stable")
            used, start, sizes = np.unique(home[order], return_index=True, return_counts=True)
            sums = np.add.reduceat(sample[order], start, axis=0, dtype=np.float64)
            centres = centres.copy()  # a cell that runs empty keeps its centre
            centres[used] = sums / sizes[:, None]
        return centres

    def home(self, vectors: Array) -> Array:
        """Return the nearest cell of every vector, (m,) int64; it does not depend on the other vectors."""
        return self._nearest(vectors, self.centres, 1, self._axes)[:, 0]

    def _nearest(self, vectors: Array, centres: Array, many: int, axes: Array | None = None) -> Array:
        """Return the nearest centres of every vector, (m, many) int64, nearest first."""
        right = panels(extended(centres))
        out = np.empty((len(vectors), many), np.int64)

        def work(low: int, high: int) -> None:
            rows = np.zeros((high - low + PAD, vectors.shape[1]), np.float32)
            np.clip(vectors[low:high], -FAR, FAR, out=rows[: high - low])
            if axes is not None:
                projected = np.empty((len(rows), AXES), np.float32)
                kernels.products.scores(rows, axes, 0, 0, projected)
                rows = projected
            left = left_sides(rows[: high - low])
            if many == 1:
                kernels.products.lowest(left, right, len(centres), out[low:high, 0])
                return
            tile = np.empty((len(left), -(-len(centres) // PANEL) * PANEL), np.float32)
            kernels.products.scores(left, right, 0, 0, tile)
            scores = tile[: high - low, : len(centres)]
            near = np.argpartition(scores, many - 1, axis=1)[:, :many]
            near.sort(axis=1)
            order = np.take_along_axis(scores, near, 1).argsort(axis=1, kind="stable")
            out[low:high] = np.take_along_axis(near, order, 1)

        ranges = [(low, min(low + _BLOCK, len(vectors))) for low in range(0, len(vectors), _BLOCK)]
        run_tasks([(work, r) for r in ranges], n_jobs=self.n_jobs)
        return out

    def _neighbouring(self, sample: Array) -> Array:
        """Return `order`.

        The rows of a cell vote for the cells nearest to them, the r-th with weight 1 / (r + 1); cells without a vote
        follow by the distance of the centres.
        """
        c = self.count
        near = self._nearest(sample, self.centres, min(VOTES, c))
        votes: Array = np.zeros(c * c)
        for r in range(near.shape[1]):
            votes += np.bincount(near[:, 0] * c + near[:, r], minlength=c * c) / (r + 1)
        votes = votes.reshape(c, c)
        np.fill_diagonal(votes, np.inf)
        centres = self.centres.astype(np.float64)
        squares = np.sum(centres * centres, axis=1)
        order = np.empty((c, c), np.int32)

        def work(i: int) -> None:
            order[i] = np.lexsort((squares - 2 * (centres @ centres[i]), -votes[i]))

        with serial_blas():
            run_tasks([(work, (i,)) for i in range(c)], n_jobs=self.n_jobs)
        return order


def principal_axes(vectors: Array, count: int, rng: np.random.RandomState) -> Array:
    """Return orthonormal axes along which `vectors` vary most, (d, count) float32, nearly those of PCA.

    Three rounds of subspace iteration; Halko, Martinsson and Tropp, Finding structure with randomness, 2011.

    Parameters
    ----------
    vectors : ndarray of shape (m, d), float32
        Centred.
    count : int
        At most d.
    rng : RandomState
    """
    axes = rng.normal(size=(vectors.shape[1], count)).astype(np.float32)
    for _ in range(3):
        axes = np.linalg.qr(vectors.T @ (vectors @ axes))[0]
    return axes


def sample_rows(n: int, size: int, rng: np.random.RandomState) -> Array:
    """Return a sorted random sample of ``range(n)``, all of it where `size` is not smaller."""
    return np.sort(rng.choice(n, min(n, size), replace=False))
