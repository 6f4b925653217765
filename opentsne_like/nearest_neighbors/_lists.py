"""An inverted file: rows ordered by cell, and the search of a few cells for all rows of a cell at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._parallel import run_tasks
from ._cells import SAMPLE_PER_CELL, adjacency, assign, k_means, sample
from ._exact_search import COLUMNS, Buffers, exact_neighbors, kept, serial_products
from ._space import Array, Screen, Space, blocks, index_type

_ROWS = 256


class Lists:
    """The rows of a space by cell.

    Parameters
    ----------
    space : Space
        Of kind euclidean or cosine.
    n_cells : int
    rng : RandomState
        Chooses the sample that the cells are trained on.
    n_jobs : int

    Attributes
    ----------
    screen : Screen
        Its columns in the order of the cells.
    start : ndarray of shape (n_cells + 1,)
        Where the columns of each cell begin.
    home : ndarray of shape (n,)
        The cell of each row.
    order : ndarray of shape (n_cells, n_cells)
        All cells in the order in which the rows of each look in them.
    """

    def __init__(self, space: Space, n_cells: int, rng: np.random.RandomState, *, n_jobs: int) -> None:
        self.space = space
        self.n_cells = n_cells
        self.screen = Screen(space)
        vectors = self.screen.row_vectors(sample(space.n, SAMPLE_PER_CELL * n_cells, rng))
        self.cells = k_means(vectors, n_cells, rng, n_jobs=n_jobs)
        self.order = adjacency(vectors, self.cells, n_jobs=n_jobs)
        del vectors
        self.home = np.empty(space.n, np.int64)
        for low, high in blocks(space.n, space.d):
            self.home[low:high] = assign(self.screen.row_vectors(slice(low, high)), self.cells, 1, n_jobs=n_jobs)[:, 0]
        self.start = np.concatenate([[0], np.cumsum(np.bincount(self.home, minlength=n_cells))])
        self.screen.fill(np.argsort(self.home, kind="stable").astype(index_type(space.n)))

    def probes_for(self, recall: float, rows: Array, neighbors: Array) -> int:
        """Return how many cells have to be looked in to find a share of known neighbours.

        Parameters
        ----------
        recall : float
        rows : ndarray of shape (m,)
        neighbors : ndarray of shape (m, k)
            The true neighbours of `rows`.
        """
        turn = np.empty_like(self.order)
        np.put_along_axis(turn, self.order, np.arange(self.n_cells, dtype=turn.dtype)[None], axis=1)
        turns = np.sort(turn[self.home[rows][:, None], self.home[neighbors]], axis=None)
        return int(turns[min(len(turns), int(np.ceil(recall * len(turns)))) - 1]) + 1

    def exact(self, rows: Array, k: int, *, n_jobs: int) -> Array:
        """Return the true neighbours of some rows, (m, k)."""
        return exact_neighbors(self.screen, self.space.data[rows], rows, k, dtype=np.float64, n_jobs=n_jobs)[0]

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
        bounds = np.searchsorted(home[order], np.arange(self.n_cells + 1))

        def work(cell: int) -> None:
            panel, columns = self._gather(cell, k, probes)
            for low in range(bounds[cell], bounds[cell + 1], _ROWS):
                at = order[low : min(low + _ROWS, bounds[cell + 1])]
                norms_at = norms[at] if len(norms) else norms
                buffers = Buffers(len(at), kept(k, len(columns)), self.space.n)
                left, _ = self.screen.queries(queries[at], norms_at)
                for first in range(0, len(columns), COLUMNS):
                    with np.errstate(all="ignore"):  # a query may lie anywhere
                        buffers.scan(left @ panel[:, first : first + COLUMNS], first)
                buffers.cut()
                indices[at], distances[at], _ = self.space.rank_block(
                    queries[at], norms_at, own[at], buffers.candidates(columns), buffers.count, k
                )

        used = np.flatnonzero(np.diff(bounds))
        with serial_products():
            run_tasks([(work, (cell,)) for cell in used.tolist()], n_jobs=n_jobs)
        short = np.flatnonzero(indices[:, -1] < 0)  # scores that are not numbers, of queries beyond float32
        if len(short):
            indices[short], distances[short] = exact_neighbors(
                self.screen, queries[short], own[short], k, dtype=dtype, n_jobs=n_jobs
            )
        return indices, distances

    def _gather(self, cell: int, k: int, probes: int) -> tuple[Array, Array]:
        """Return the columns of the cells that a cell looks in, and the rows behind them."""
        cells = self.order[cell]
        held = np.cumsum(self.start[cells + 1] - self.start[cells])
        probes = max(probes, int(np.searchsorted(held, min(self.space.n, 3 * kept(k, self.space.n)))) + 1)
        pieces = [slice(self.start[c], self.start[c + 1]) for c in cells[:probes]]
        panel = np.concatenate([self.screen.panel[:, piece] for piece in pieces], axis=1)
        return panel, np.concatenate([self.screen.rows[piece] for piece in pieces])
