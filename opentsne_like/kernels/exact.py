"""Exact all-pairs sums of a radial kernel and its gradient."""

from __future__ import annotations

from typing import Any

from .._types import Array
from ._jit import helper, kernel
from .forms import value_and_slope

BLOCK = 512


@helper
def _cauchy(x: Array, y: Array, xi: float, yi: float) -> tuple[float, float, float]:
    """Return the sums of w, w²Δx and w²Δy over the points (x, y), with ``w = 1 / (1 + d²)``."""
    one = x.dtype.type(1)
    total = sx = sy = x.dtype.type(0)
    for j in range(len(x)):
        dx = xi - x[j]
        dy = yi - y[j]
        w = one / (one + dx * dx + dy * dy)
        total += w
        w *= w
        sx += w * dx
        sy += w * dy
    return total, sx, sy


@kernel
def cauchy_plane(low: int, high: int, targets: Array, sources: Array, same: bool, phi: Array, gradient: Array) -> None:
    """Sum ``1 / (1 + d²)`` and its gradient over all sources for a range of targets in the plane.

    Parameters
    ----------
    low, high : int
        The range of targets.
    targets : (2, m) float32 or float64
    sources : (2, n), same dtype
    same : bool
        Whether target i is source i, which it then does not feel.
    phi : (m,), out
    gradient : (m, 2), out
    """
    x, y = sources[0], sources[1]
    for i in range(low, high):
        xi, yi = targets[0, i], targets[1, i]
        if same:
            a, ax, ay = _cauchy(x[:i], y[:i], xi, yi)
            b, bx, by = _cauchy(x[i + 1 :], y[i + 1 :], xi, yi)
            a, ax, ay = a + b, ax + bx, ay + by
        else:
            a, ax, ay = _cauchy(x, y, xi, yi)
        phi[i] = a
        gradient[i, 0] = -2 * ax
        gradient[i, 1] = -2 * ay


@kernel
def radial_sums(
    low: int,
    high: int,
    targets: Array,
    sources: Array,
    same: bool,
    form: Any,
    phi: Array,
    gradient: Array,
    scratch: Array,
) -> None:
    """Sum any radial kernel and its gradient over all sources for a range of targets, in any dimension.

    Parameters
    ----------
    low, high : int
        The range of targets.
    targets : (d, m) float32 or float64
    sources : (d, n), same dtype
    same : bool
        Whether target i is source i, which it then does not feel.
    form : NamedTuple
        The radial kernel, one of `forms`.
    phi : (m,), out
    gradient : (m, d), out
    scratch : (BLOCK,), same dtype
        The caller's thread's own.
    """
    d, n = sources.shape
    for i in range(low, high):
        total = scratch.dtype.type(0)
        for k in range(d):
            gradient[i, k] = 0
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            own = i - start if same and start <= i < start + count else -1
            scratch[:count] = 0
            for k in range(d):
                part = sources[k, start : start + count]
                for j in range(count):
                    delta = targets[k, i] - part[j]
                    scratch[j] += delta * delta
            total += _values_to_slopes(form, scratch, count, own)
            for k in range(d):
                part = sources[k, start : start + count]
                pull = scratch.dtype.type(0)
                for j in range(count):
                    pull += scratch[j] * (targets[k, i] - part[j])
                gradient[i, k] += pull
        phi[i] = total


@helper
def _values_to_slopes(form: Any, scratch: Array, count: int, own: int) -> Any:
    """Return the sum of ``k(d²)`` over a block of squared distances and replace them by ``2 k'(d²)``."""
    total = scratch.dtype.type(0)
    for j in range(count):
        value, slope = value_and_slope(form, scratch[j])
        scratch[j] = slope + slope
        total += 0 if j == own else value
    return total


@kernel
def charged_sums(
    low: int,
    high: int,
    targets: Array,
    sources: Array,
    same: bool,
    form: Any,
    charges: Array,
    phi: Array,
    gradient: Array,
    scratch: Array,
) -> None:
    """Sum a radial kernel and its gradient over charges of several columns for a range of targets.

    Parameters
    ----------
    low, high, targets, sources, same, form
        As in `radial_sums`.
    charges : (q, n), same dtype
    phi : (m, q), out
    gradient : (m, q, d), out
    scratch : (2, BLOCK), same dtype
        The caller's thread's own.
    """
    d, n = sources.shape
    values, slopes = scratch[0], scratch[1]
    for i in range(low, high):
        phi[i] = 0
        gradient[i] = 0
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            slopes[:count] = 0
            for k in range(d):
                part = sources[k, start : start + count]
                for j in range(count):
                    delta = targets[k, i] - part[j]
                    slopes[j] += delta * delta
            for j in range(count):
                value, slope = value_and_slope(form, slopes[j])
                values[j], slopes[j] = value, slope + slope
            if same and start <= i < start + count:
                values[i - start] = slopes[i - start] = 0
            for c in range(len(charges)):
                charge = charges[c, start : start + count]
                total = scratch.dtype.type(0)
                for j in range(count):
                    total += values[j] * charge[j]
                phi[i, c] += total
                for k in range(d):
                    part = sources[k, start : start + count]
                    pull = scratch.dtype.type(0)
                    for j in range(count):
                        pull += slopes[j] * charge[j] * (targets[k, i] - part[j])
                    gradient[i, c, k] += pull
