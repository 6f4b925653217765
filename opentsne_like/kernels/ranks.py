"""Ranks: how many points are closer than some."""

from __future__ import annotations

from .._types import Array
from ._jit import kernel


@kernel
def count_below(tile: Array, limits: Array, counts: Array) -> None:
    """Add to every count how many numbers of a row of `tile` are below the limit.

    Parameters
    ----------
    tile : (m, w) float64
    limits : (m, k) float64
    counts : (m, k) int64, in and out
    """
    for i in range(len(tile)):
        row = tile[i]
        for t in range(limits.shape[1]):
            limit = limits[i, t]
            below = 0
            for c in range(len(row)):
                below += row[c] < limit
            counts[i, t] += below
