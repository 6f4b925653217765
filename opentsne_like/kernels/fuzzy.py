"""Rows of fuzzy membership strengths: a distance that counts as nothing, and the width that gives a wanted sum.

Rows are laid out as in ``kernels.perplexity``. The sum of ``exp(-max(0, d - rho) / sigma)`` over a row rises with sigma
from the number of entries up to rho to the length of the row; its logarithm is searched by bisection.
"""

from __future__ import annotations

import math

import numpy as np

from .._types import Array
from ._jit import kernel


@kernel
def search(
    low: int,
    high: int,
    distances: Array,
    starts: Array,
    width: int,
    connectivity: float,
    target: float,
    floor: float,
    rhos: Array,
    sigmas: Array,
) -> None:
    """Write `rhos` and `sigmas` of the rows.

    Parameters
    ----------
    low, high : int
        Range of rows.
    distances : float32 or float64 array (n_edges,)
        Ascending in each row.
    starts : int64 array (n_rows + 1,)
    width : int
    connectivity : float
        rho is the distance to so many neighbours at positive distance, interpolated.
    target : float
        Wanted sum of a row.
    floor : float
        Smallest sigma where rho is zero; elsewhere it is 0.001 times the sum of the row over its length plus 1.
    rhos, sigmas : float64 array (n_rows,)
        Written.
    """
    whole = math.floor(connectivity)
    part = connectivity - whole
    for i in range(low, high):
        first = starts[i]
        m = min(width, starts[i + 1] - first)
        zeros = 0
        total = 0.0
        for j in range(m):
            zeros += distances[first + j] <= 0.0
            total += distances[first + j]
        positive = first + zeros
        rho = 0.0
        if m - zeros >= connectivity:
            if whole > 0:
                rho = np.float64(distances[positive + whole - 1])
                if part > 0.0:
                    rho += part * (distances[positive + whole] - rho)
            elif m > zeros:
                rho = part * distances[positive]
        elif m > zeros:
            rho = np.float64(distances[first + m - 1])
        unit = total / (m + 1)
        below = -60.0
        above = 60.0
        for _ in range(70):
            middle = 0.5 * (below + above)
            sigma = unit * math.exp(middle)
            found = 0.0
            for j in range(m):
                excess = np.float64(distances[first + j]) - rho
                found += math.exp(-excess / sigma) if excess > 0.0 else 1.0
            if found > target:
                above = middle
            else:
                below = middle
        sigma = unit * math.exp(0.5 * (below + above))
        rhos[i] = rho
        sigmas[i] = max(sigma, 1e-3 * unit if rho > 0.0 else floor)


@kernel
def evaluate(
    low: int, high: int, distances: Array, starts: Array, width: int, rhos: Array, sigmas: Array, out: Array
) -> None:
    """Write the membership strengths of the rows, one after the other from ``out[0]`` on.

    Parameters
    ----------
    low, high, distances, starts, width, rhos, sigmas
        As in `search`.
    out : float32 or float64 array
        Written.
    """
    end = 0
    for i in range(low, high):
        first = starts[i]
        m = min(width, starts[i + 1] - first)
        for j in range(m):
            excess = np.float64(distances[first + j]) - rhos[i]
            out[end + j] = math.exp(-excess / sigmas[i]) if excess > 0.0 and sigmas[i] > 0.0 else 1.0
        end += m
