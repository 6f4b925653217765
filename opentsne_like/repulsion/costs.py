"""What a method costs: measured times on one core, from which the engine picks the cheapest.

Nanoseconds of processor time, medians on maps of 40 clusters of 300 to 200,000 points and of width 1 to 400. They
decide between methods that all keep the tolerance, so a factor of two here or there does no harm.
"""

from __future__ import annotations

import math

from .radial import Radial

# For 1, 2 and 3 dimensions.
_PAIR = (0.35, 0.13, 0.56)
_TREE_LEVEL = (8.5, 17.0, 33.0)
_GRID_POINT = (35.0, 55.0, 120.0)
_CELL = (25.0, 8.7, 51.0)

_EXACT_START, _TREE_START, _GRID_START = 3e4, 6e4, 1e5
_GRID_SHARE = 1.15  # transforms gain less from more threads


def exact_cost(n_targets: int, n_sources: int, d: int, radial: Radial) -> float:
    """Return what exact sums over all pairs cost."""
    return _EXACT_START + max(_PAIR[d - 1], radial.pair_cost) * n_targets * n_sources


def tree_cost(n_targets: int, n_sources: int, d: int, radial: Radial, theta: float) -> float:
    """Return what Barnes-Hut costs."""
    level = _TREE_LEVEL[d - 1] * radial.tree_cost
    opening = math.pow(0.5 / max(theta, 0.05), 0.75)
    return _TREE_START + level * opening * n_targets * math.log2(n_sources + 2.0)


def grid_cost(n: int, d: int, cells: float) -> float:
    """Return what a grid of `cells` nodes costs for `n` points."""
    return _GRID_START + _GRID_SHARE * (_GRID_POINT[d - 1] * n + _CELL[d - 1] * cells)
