"""An inverted file: rows ordered by cell, and the search of a few cells for all rows of a cell at once."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from .._parallel import run_tasks
from .._types import Array
from ._cells import Cells, sample_rows
from ._exact_search import exact_neighbors, nearest_among
from ._prefilter import COLUMNS, Frame, Prefilter, Visits
from ._space import Space, blocks, index_type

SAMPLE_PER_CELL = 64
_ROWS = 256  # rows of a task, but for whole cells


class Quantizer(NamedTuple):
    """What decides in which cell a row is at home and in which cells its neighbours are looked for.

    Attributes
    ----------
    frame : Frame
        Of all rows.
    cells : Cells
    """

    frame: Frame
    cells: Cells

    def homes(self, rows: Array, norms: Array, *, n_jobs: int) -> Array:
        """Return the cell nearest to each row, (m,) int64.

        Parameters
        ----------
        rows : ndarray of shape (m, d), dtype of the data
        norms : ndarray
            Theirs, as of `Space.row_norms`.
        n_jobs : int
        """
        home = np.empty(len(rows), np.int64)

        def work(low: int) -> None:
            at = slice(low, low + _ROWS)
            home[at] = self.cells.home(self.frame.vectors(rows[at], norms[at]))

        run_tasks([(work, (low,)) for low in range(0, len(rows), _ROWS)], n_jobs=n_jobs)
        return home

    def probes_for(self, recall: float, home: Array, homes: Array) -> int:
        """Return how many cells have to be looked in to find a share of known neighbours.

        Parameters
        ----------
        recall : float
        home : ndarray of shape (m,)
            The cells of some rows.
        homes : ndarray of shape (m, k)
            The cells of their true neighbours.
        """
        turn = np.empty_like(self.cells.order)
        np.put_along_axis(turn, self.cells.order, np.arange(self.cells.count, dtype=turn.dtype)[None], axis=1)
        turns = np.sort(turn[home[:, None], homes], axis=None)
        return int(turns[min(len(turns), int(np.ceil(recall * len(turns)))) - 1]) + 1

    def looked_in(self, cells: Array, sizes: Array, k: int, probes: int) -> tuple[Array, Array]:
        """Return the cells that the rows of some cells look in, as many as hold enough rows.

        Parameters
        ----------
        cells : ndarray of shape (c,)
        sizes : ndarray of shape (n_cells,)
            The number of rows of each cell.
        k : int
        probes : int

        Returns
        -------
        order : ndarray of shape (c, m)
            Cells, nearest first.
        looked : ndarray of shape (c, m), bool
            Which of them are looked in.
        """
        order, most, need = self.cells.order[cells], probes, min(int(sizes.sum()), 3 * k)
        while most < self.cells.count and sizes[order[:, :most]].sum(axis=1).min() < need:
            most *= 2
        order = order[:, :most]
        enough = np.count_nonzero(np.cumsum(sizes[order], axis=1) < need, axis=1) + 1
        return order, np.arange(order.shape[1]) < np.maximum(probes, enough)[:, None]


def quantizer_of(space: Space, n_cells: int, rng: np.random.RandomState, *, n_jobs: int) -> Quantizer:
    """Return a quantizer trained on a sample of the rows of a space, which `rng` chooses."""
    prefilter = Prefilter(space)
    sample = sample_rows(space.n, SAMPLE_PER_CELL * n_cells, rng)
    vectors = np.empty((len(sample), space.d), np.float32)
    for low, high in blocks(*vectors.shape):
        vectors[low:high] = prefilter.row_vectors(sample[low:high])
    return Quantizer(prefilter.frame, Cells(vectors, n_cells, rng, n_jobs=n_jobs))


class Lists:
    """The rows of a space by cell.

    Where the space holds but some rows of the data, all of those are among them that its queries look at.

    Parameters
    ----------
    space : Space
        Of kind euclidean or cosine.
    quantizer : Quantizer
    home : ndarray of shape (n,), optional
        The cell of each row, by default as the quantizer says.
    n_jobs : int

    Attributes
    ----------
    prefilter : Prefilter
        Its columns in the order of the cells.
    sizes : ndarray of shape (n_cells,)
        The number of rows of each cell.
    """

    def __init__(self, space: Space, quantizer: Quantizer, home: Array | None = None, *, n_jobs: int) -> None:
        self.space = space
        self.quantizer = quantizer
        self.prefilter = Prefilter(space, quantizer.frame)
        self.home = quantizer.homes(space.data, space.norms, n_jobs=n_jobs) if home is None else home
        self.sizes = np.bincount(self.home, minlength=quantizer.cells.count)
        ends = np.cumsum(self.sizes)
        parts = [np.arange(end - size, end, COLUMNS) for end, size in zip(ends, self.sizes, strict=True)]
        self._first_block = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        order = np.argsort(self.home, kind="stable").astype(index_type(space.n))
        self.prefilter.fill(order, np.append(np.concatenate(parts), space.n), n_jobs=n_jobs)

    def blocks(self, least: int) -> list[Array]:
        """Return the rows of whole cells, one cell after the other, at least so many together, in ascending order."""
        ends = np.cumsum(self.sizes)
        at = np.searchsorted(ends, np.arange(least, self.space.n - least + 1, least))
        bounds = np.unique(ends[at])
        return [np.sort(part) for part in np.split(self.prefilter.rows, bounds[bounds < self.space.n])]

    def probes_for(self, recall: float, rows: Array, neighbors: Array) -> int:
        """Return how many cells have to be looked in to find a share of known neighbours of some rows."""
        return self.quantizer.probes_for(recall, self.home[rows], self.home[neighbors])

    def exact(self, rows: Array, k: int, *, n_jobs: int) -> tuple[Array, Array]:
        """Return the true neighbours of some rows of the data; see `exact_neighbors`."""
        return exact_neighbors(self.prefilter, self.space.data[rows], rows, k, dtype=np.float64, n_jobs=n_jobs)

    def search(
        self, queries: Array, own: Array, home: Array, k: int, probes: int, *, dtype: Any, n_jobs: int
    ) -> tuple[Array, Array]:
        """Return the neighbours of every query that its home cell looks in, by (distance, index).

        Parameters
        ----------
        queries : ndarray of shape (m, d), dtype of the data
        own : ndarray of shape (m,), int64
            The row that a query itself is, or -1.
        home : ndarray of shape (m,)
            The cell nearest to each query.
        k : int
        probes : int
            The number of cells that are looked in; more where they hold too few rows.
        dtype : dtype
            What the distances are returned in.
        n_jobs : int

        Returns
        -------
        indices : ndarray of shape (m, k), int32 or int64
        distances : ndarray of shape (m, k)
        """
        norms = self.space.row_norms(queries, "query")
        indices = np.empty((len(queries), k), index_type(self.space.n))
        distances = np.empty((len(queries), k), dtype)
        order = np.argsort(home, kind="stable")
        cells, first = np.unique(home[order], return_index=True)
        visits = self._visits(cells, np.append(first, len(home)), k, probes)

        def work(low: int, high: int) -> None:
            groups = visits.groups[low : high + 1]
            at = order[groups[0] : groups[-1]]
            part = Visits(groups - groups[0], visits.bounds[low : high + 1], visits.blocks)
            norms_at = norms[at] if len(norms) else norms
            indices[at], distances[at] = nearest_among(self.prefilter, part, queries[at], norms_at, own[at], k)

        steps = np.arange(0, len(home), _ROWS)
        bounds = np.append(np.unique(np.searchsorted(visits.groups, steps, side="right") - 1), len(cells))
        run_tasks([(work, (low, high)) for low, high in itertools.pairwise(bounds)], n_jobs=n_jobs)
        return indices, distances

    def _visits(self, cells: Array, groups: Array, k: int, probes: int) -> Visits:
        """Return the blocks that the queries of some cells look in, of which each group has one."""
        order, looked = self.quantizer.looked_in(cells, self.sizes, k, probes)
        low, high = (self._first_block[order[looked] + after] for after in (0, 1))
        ends = np.concatenate([[0], np.cumsum(high - low)])
        blocks = np.arange(ends[-1]) + np.repeat(low - ends[:-1], high - low)
        return Visits(groups, ends[np.concatenate([[0], np.cumsum(looked.sum(axis=1))])], blocks)
