"""Edges in an order in which points that are close on the map stand together in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _parallel, kernels
from ..repulsion import morton_order

Array = np.ndarray[Any, Any]

FEWEST_POINTS = 20_000  # fewer points stay in the cache in any order
FIRST = 8  # evaluations before the first sorting: a single one does not pay for it
GRAIN = 4096


class Layout(NamedTuple):
    """A CSR matrix whose row and column r stand for point ``order[r]``."""

    order: Array
    indptr: Array
    indices: Array
    values: Array


class Locality:
    """Keeps a square CSR matrix along a curve through the map, sorted anew after 8, 40, 200, 1,000, ... evaluations.

    It shows in the time alone: edges keep their sequence within a row, so every sum over a row keeps its bits.
    """

    def __init__(self, indptr: Array, indices: Array, values: Array) -> None:
        self._matrix = indptr, indices, values
        self._evaluations = 0
        self._next = FIRST
        self._layout: Layout | None = None

    def layout(self, points: Array, n_jobs: int) -> Layout | None:
        """Return the matrix for an evaluation at `points` (n, d); None stands for the order it came in."""
        self._evaluations += 1
        n, d = points.shape
        if self._evaluations >= self._next and n >= FEWEST_POINTS and d <= 3:
            self._layout = None  # before the new one is made, lest there be two
            self._layout = self._sort(points, n_jobs)
            self._next *= 5
        return self._layout

    def _sort(self, points: Array, n_jobs: int) -> Layout:
        old_indptr, old_indices, old_values = self._matrix
        n = len(points)
        order = morton_order(points, n_jobs)
        rank = np.empty(n, np.int32)
        rank[order] = np.arange(n, dtype=np.int32)
        indptr = np.zeros_like(old_indptr)  # of the same type as before, or kernels would be compiled in mid-run
        np.cumsum(np.diff(old_indptr)[order], dtype=indptr.dtype, out=indptr[1:])
        indices, values = np.empty_like(old_indices), np.empty_like(old_values)
        args = (order, rank, old_indptr, old_indices, old_values, indptr, indices, values)
        _parallel.for_chunks(kernels.attraction.reorder, n, args, n_jobs=n_jobs, grain=GRAIN)
        return Layout(order, indptr, indices, values)
