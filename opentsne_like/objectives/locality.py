"""Edges in an order in which points that are close on the map stand together in memory."""

from __future__ import annotations

from typing import Any

from .._types import Array
from ..devices import operations

FEWEST_POINTS = 20_000  # fewer points stay in the cache in any order
FIRST = 8  # evaluations before the first sorting: a single one does not pay for it


class Locality:
    """Keeps a square CSR matrix along a curve through the map, sorted anew after 8, 40, 200, 1,000, ... evaluations.

    It shows in the time alone: edges keep their sequence within a row, so every sum over a row keeps its bits. The
    matrix is a `Graph`, of `ops` or of `gpu`, and lies where the points do.
    """

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._evaluations = 0
        self._next = FIRST
        self._sorted = graph

    def layout(self, points: Array, n_jobs: int) -> Any:
        """Return the matrix for an evaluation at `points` (n, d)."""
        self._evaluations += 1
        n, d = points.shape
        if self._evaluations >= self._next and n >= FEWEST_POINTS and d <= 3:
            self._next *= 5
            self._sorted = self._graph  # before the new one is made, lest there be two
            on = operations(points)
            self._sorted = on.reorder(self._graph, on.morton_order(points, n_jobs), n_jobs)
        return self._sorted
