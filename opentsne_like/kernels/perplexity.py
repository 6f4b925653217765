"""Gaussian rows: the precision that gives a wanted perplexity, and the conditional probabilities that follow.

A row holds the distances ``d_j`` of one point to its neighbours. Everything is computed from the shifted, scaled
squares ``delta_j = (d_j^2 - min d^2) / max d^2``, which lie in [0, 1]. Shifting cancels in the normalized row, so no
exponential underflows in the sum, and scaling makes the result the same whatever the unit of the distances. Precisions
are therefore stated in units of ``1 / max d^2`` of their row: ``p_j ~ exp(-b delta_j)``.

The entropy of a row falls from log(m) to log(number of ties at the smallest distance) as log(b) grows, with slope minus
the variance of ``b delta``. The root is found by Newton's method in log(b), kept between analytic bounds and falling
back on bisection (M. Vladymyrov and M. Carreira-Perpinan, Entropic affinities: properties and efficient numerical
computation, ICML 2013).

Rows are ``starts[i] : starts[i] + min(width, starts[i + 1] - starts[i])`` of the flat array `distances`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import helper, kernel

LARGEST = 1e300  # the precision of a row that has at least as many ties at its smallest distance as the perplexity


@helper
def _exp_minus(x: float) -> Any:
    """Return exp(-x) for x >= 0 with a relative error below 1e-13; x beyond 700 counts as 700, so it is never zero.

    Unlike math.exp it is vectorized by LLVM: exp(-x) = 2^-k exp(r), |r| <= log(2) / 2, and a polynomial for exp(r).
    """
    x = min(x, 700.0)
    k = np.int32(x * 1.4426950408889634 + 0.5)
    r = k * 0.6931471805599453 - x
    p = r * (1 / 39916800) + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((np.int64(1023) - np.int64(k)) << np.int64(52)).view(np.float64)


@helper
def _load(distances: Array, start: int, m: int, delta: Array) -> float:
    """Fill `delta` from the row of `m` distances at `start` and return (smallest d^2) / (largest d^2)."""
    nearest = np.float64(distances[start])
    farthest = nearest
    for j in range(m):
        d = np.float64(distances[start + j])
        nearest = min(nearest, d)
        farthest = max(farthest, d)
    inverse = 1.0 / farthest if farthest > 1e-300 else 0.0
    for j in range(m):
        d = np.float64(distances[start + j])
        delta[j] = ((d - nearest) * inverse) * (d * inverse + nearest * inverse)  # exactly zero for ties
    return (nearest * inverse) ** 2


@helper
def _sums(delta: Array, m: int, b: float) -> tuple[float, float, float]:
    """Return the zeroth, first and second moment of x = b delta under the weights exp(-x)."""
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    for j in range(m):
        x = b * delta[j]
        e = _exp_minus(x)
        s0 += e
        s1 += e * x
        s2 += e * x * x
    return s0, s1, s2


@helper
def _bracket(delta: Array, m: int, nearest: float, log_perplexity: float, odds: float) -> tuple[float, float, float]:
    """Return the bounds of the precision and a first guess; equal bounds are the answer itself."""
    ties = 0
    gap = 2.0
    widest = 0.0
    mean = 0.0
    square = 0.0
    for j in range(m):
        x = delta[j]
        if x > 0.0:
            gap = min(gap, x)
        else:
            ties += 1
        widest = max(widest, x)
        mean += x
        square += x * x
    surplus = math.log(m) - log_perplexity
    if math.log(ties) >= log_perplexity:
        return LARGEST, LARGEST, LARGEST
    if surplus <= 1e-12:
        return 0.0, 0.0, 0.0
    low = max(m * surplus / ((m - 1) * widest), math.sqrt(surplus / (widest * (widest + 2.0 * nearest))))
    span = math.log(odds * (m - 1)) if ties == 1 and odds > 0.0 else math.log(m) + 40.0
    high = span / max(gap, 1e-290)
    variance = square / m - (mean / m) ** 2
    # log(m) - b^2 variance / 2 is the entropy near b = 0
    guess = math.sqrt(2.0 * surplus / variance) if variance > 0.0 else high
    return low, high, min(max(guess, low), high)


@helper
def _solve(delta: Array, m: int, nearest: float, log_perplexity: float, odds: float) -> float:
    """Return the precision whose row has the entropy `log_perplexity`; its relative error is about 1e-11."""
    low, high, b = _bracket(delta, m, nearest, log_perplexity, odds)
    if low == high:
        return b
    for iteration in range(200):
        s0, s1, s2 = _sums(delta, m, b)
        mean = s1 / s0
        excess = math.log(s0) + mean - log_perplexity
        if excess > 0.0:
            low = b
        else:
            high = b
        # the slope of the entropy in log(b) is minus the variance; a step of at most e^3 keeps exp() in range
        step = excess / max(s2 / s0 - mean * mean, 1e-300)
        newton = b * math.exp(min(max(step, -3.0), 3.0))
        if abs(step) < 1e-6:
            return newton
        if high - low <= 4e-16 * high:
            return b
        b = newton if low < newton < high and iteration < 40 else math.sqrt(low) * math.sqrt(high)
    return b


@kernel
def search(
    low: int,
    high: int,
    distances: Array,
    starts: Array,
    width: int,
    log_perplexities: Array,
    odds: Array,
    precisions: Array,
) -> None:
    """Write the precision of every row and scale.

    Parameters
    ----------
    low, high : int
        Range of rows.
    distances : float32 or float64 array (n_edges,)
    starts : int64 array (n_rows + 1,)
    width : int
        At most so many entries of a row are used.
    log_perplexities : float64 array (n_scales,)
    odds : float64 array (n_scales,)
        p / (1 - p) of the bound p on the largest probability of a row of `width` entries; 0: unknown.
    precisions : float64 array (n_rows, n_scales)
        Written, in units of 1 / (largest squared distance of the row).
    """
    delta = np.empty(width)
    for i in range(low, high):
        m = min(width, starts[i + 1] - starts[i])
        nearest = _load(distances, starts[i], m, delta)
        for h in range(log_perplexities.size):
            precisions[i, h] = _solve(delta, m, nearest, log_perplexities[h], odds[h] if m == width else 0.0)


@kernel
def evaluate(
    low: int, high: int, distances: Array, starts: Array, width: int, precisions: Array, average: bool, out: Array
) -> None:
    """Write the conditional probabilities of the rows, one after the other from ``out[0]`` on.

    Parameters
    ----------
    low, high, distances, starts, width, precisions
        As in `search`.
    average : bool
        True: the mean over the scales of the normalized Gaussians. False: the normalized sum over the scales of the
        Gaussian densities sqrt(b) exp(-b d^2).
    out : float32 or float64 array
        Written; each row sums to 1.
    """
    n_scales = precisions.shape[1]
    delta = np.empty(width)
    term = np.empty(width)
    total = np.empty(width)
    end = 0
    for i in range(low, high):
        m = min(width, starts[i + 1] - starts[i])
        nearest = _load(distances, starts[i], m, delta)
        peak = -math.inf
        for h in range(n_scales):
            b = precisions[i, h]
            peak = max(peak, 0.5 * math.log(b) - b * nearest if b > 0.0 else -LARGEST)
        total[:m] = 0.0
        for h in range(n_scales):
            b = precisions[i, h]
            mass = 0.0
            for j in range(m):
                term[j] = _exp_minus(b * delta[j])
            for j in range(m):  # not above: whether a loop that also writes is vectorized depends on where arrays lie
                mass += term[j]
            weight = 1.0 / mass
            if n_scales > 1 and not average:
                weight = math.exp((0.5 * math.log(b) - b * nearest if b > 0.0 else -LARGEST) - peak)
            for j in range(m):
                total[j] += weight * term[j]
        mass = 0.0
        for j in range(m):
            mass += total[j]
        for j in range(m):
            out[end + j] = total[j] / mass
        end += m
