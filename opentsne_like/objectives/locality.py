"""Edges in an order in which points that are close on the map stand together in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._types import Array
from ..devices import operations

FEWEST_POINTS = 20_000  # fewer points stay in the cache in any order
FIRST = 2  # evaluations before the first sorting: a single one does not pay for it
AGAIN = 20  # times as many before the next


class Locality:
    """Keeps a square CSR matrix along a curve through the map, sorted anew after 2, 40, 800, ... evaluations.

    It shows in the time alone: edges keep their sequence within a row, so every sum over a row keeps its bits. Almost
    any order does that the map has given: of a million points, attraction on the finished map takes 1350 ms of a
    processor in the order of the rows, 370 in that of the start by PCA, 350 in its own. The matrix is a `Graph` of
    `ops` or of `gpu` that lies where the points do, or whatever `rounded` and `reordered` return in its place.

    Parameters
    ----------
    rounded : callable
        Returns the matrix with weights in single precision; kept until edges are sorted.
    reordered : callable
        ``reordered(order, n_jobs)`` returns it with rows and columns in the order of the points (n,) int32.

    Examples
    --------
    A matrix of 30,000 points is sorted for the second evaluation, and kept so:

    >>> import numpy as np
    >>> from opentsne_like.objectives import Locality
    >>> locality = Locality(lambda: "as it was", lambda order, n_jobs: f"by {len(order)} places")
    >>> points = np.random.default_rng(0).normal(size=(30_000, 2))
    >>> [locality.layout(points, n_jobs=1) for _ in range(3)]
    ['as it was', 'by 30000 places', 'by 30000 places']
    """

    def __init__(self, rounded: Callable[[], Any], reordered: Callable[[Array, int], Any]) -> None:
        self._rounded, self._reordered = rounded, reordered
        self._evaluations = 0
        self._next = FIRST
        self._laid_out: Any = None

    def layout(self, points: Array, n_jobs: int) -> Any:
        """Return the matrix for an evaluation at `points` (n, d), its weights in single precision."""
        self._evaluations += 1
        n, d = points.shape
        if self._evaluations >= self._next and n >= FEWEST_POINTS and d <= 3:
            self._next *= AGAIN
            self._laid_out = None  # before the new one is made, lest there be two
            self._laid_out = self._reordered(operations(points).morton_order(points, n_jobs), n_jobs)
        elif self._laid_out is None:
            self._laid_out = self._rounded()
        return self._laid_out
