"""Distortions of an edge as compiled loops take them: named tuples, whose types choose machine code.

An edge has a length d in the map and a *number*: its weight, where a *penalty* pulls its ends together or pushes them
apart, or its target, where a *deviation* says how far d is from it. Loops call ``value_and_slope(form, number, d)``,
and the compiler puts the formula of the form's type in its place, as with `kernels.forms`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ._jit import kernel
from .forms import by_type


class LinearPenalty(NamedTuple):
    """``w d``."""


class QuadraticPenalty(NamedTuple):
    """``w d^2``."""


class CubicPenalty(NamedTuple):
    """``w d^3``."""


class PowerPenalty(NamedTuple):
    """``w d^exponent``."""

    exponent: float


class HuberPenalty(NamedTuple):
    """``w d^2 / 2`` below the threshold t, ``w t (d - t / 2)`` above."""

    threshold: float


class LogisticPenalty(NamedTuple):
    """``w log(1 + exp(alpha (d - threshold)))``."""

    threshold: float
    alpha: float


class SigmoidPenalty(NamedTuple):
    """``w / (1 + exp(-alpha (d - threshold)))``."""

    threshold: float
    alpha: float


class HingePenalty(NamedTuple):
    """``|w| max(0, sign(w) (d - threshold) + sigma)``."""

    threshold: float
    sigma: float


class Log1pPenalty(NamedTuple):
    """``w log(1 + d^exponent)``."""

    exponent: float


class LogPenalty(NamedTuple):
    """``w log(1 - exp(-d^exponent))``."""

    exponent: float


class InvPowerPenalty(NamedTuple):
    """``-w / d^exponent``."""

    exponent: float


class LogRatioPenalty(NamedTuple):
    """``w log(d^exponent / (1 + d^exponent))``."""

    exponent: float


class PushAndPull(NamedTuple):
    """One penalty where the weight is 0 or more, another where it is less."""

    attractive: Any
    repulsive: Any


class AbsoluteDeviation(NamedTuple):
    """``|d - t|``."""


class QuadraticDeviation(NamedTuple):
    """``(d - t)^2``."""


class CubicDeviation(NamedTuple):
    """``|d - t|^3``."""


class PowerDeviation(NamedTuple):
    """``|d - t|^exponent``."""

    exponent: float


class HuberDeviation(NamedTuple):
    """``(d - t)^2`` where ``|d - t|`` is below the threshold h, ``h (2 |d - t| - h)`` beyond."""

    threshold: float


class LogisticDeviation(NamedTuple):
    """``log(1 + exp(|d - t|))``."""


class FractionalDeviation(NamedTuple):
    """``max(t / d, d / t) - 1``."""


class SoftFractionalDeviation(NamedTuple):
    """``log((exp(gamma t / d) + exp(gamma d / t)) / (2 exp(gamma))) / gamma``."""

    gamma: float


@by_type
def value_and_slope(form: Any, number: Any, d: Any) -> Any:
    """Return the distortion of an edge of length `d`, and its derivative in that; at 0 the latter may be NaN."""


@value_and_slope.of(LinearPenalty)
def _linear(form: Any, w: Any, d: Any) -> Any:
    return w * d, w


@value_and_slope.of(QuadraticPenalty)
def _quadratic(form: Any, w: Any, d: Any) -> Any:
    return w * d * d, 2.0 * w * d


@value_and_slope.of(CubicPenalty)
def _cubic(form: Any, w: Any, d: Any) -> Any:
    return w * d * d * d, 3.0 * w * d * d


@value_and_slope.of(PowerPenalty)
def _power(form: Any, w: Any, d: Any) -> Any:
    p = w * d**form.exponent
    return p, form.exponent * p / d


@value_and_slope.of(HuberPenalty)
def _huber(form: Any, w: Any, d: Any) -> Any:
    t = form.threshold
    if d < t:
        return 0.5 * w * d * d, w * d
    return w * t * (d - 0.5 * t), w * t


@value_and_slope.of(LogisticPenalty)
def _logistic(form: Any, w: Any, d: Any) -> Any:
    z = form.alpha * (d - form.threshold)
    tail = math.exp(-abs(z))
    upper = 1.0 / (1.0 + tail)
    return w * (max(z, 0.0) + math.log1p(tail)), w * form.alpha * (upper if z > 0.0 else tail * upper)


@value_and_slope.of(SigmoidPenalty)
def _sigmoid(form: Any, w: Any, d: Any) -> Any:
    z = form.alpha * (d - form.threshold)
    tail = math.exp(-abs(z))
    upper = 1.0 / (1.0 + tail)
    return w * (upper if z > 0.0 else tail * upper), w * form.alpha * tail * upper * upper


@value_and_slope.of(HingePenalty)
def _hinge(form: Any, w: Any, d: Any) -> Any:
    over = w * (d - form.threshold) + abs(w) * form.sigma
    if over > 0.0:
        return over, w
    return 0.0 * over, 0.0 * w  # NaN stays NaN


@value_and_slope.of(Log1pPenalty)
def _log1p(form: Any, w: Any, d: Any) -> Any:
    p = d * math.sqrt(d) if form.exponent == 1.5 else d**form.exponent  # a power is most of what an edge costs
    return w * math.log1p(p), w * form.exponent * p / (d * (1.0 + p))


@value_and_slope.of(LogPenalty)
def _log(form: Any, w: Any, d: Any) -> Any:
    p = d if form.exponent == 1.0 else d**form.exponent
    if p > 0.7:  # two transcendental functions instead of three, either way without a difference of equals
        tail = math.exp(-p)
        return w * math.log1p(-tail), w * form.exponent * p * tail / (d * (1.0 - tail))
    near = -math.expm1(-p)
    return w * math.log(near), w * form.exponent * p * (1.0 - near) / (d * near)


@value_and_slope.of(InvPowerPenalty)
def _inv_power(form: Any, w: Any, d: Any) -> Any:
    p = w * d**-form.exponent
    return -p, form.exponent * p / d


@value_and_slope.of(LogRatioPenalty)
def _log_ratio(form: Any, w: Any, d: Any) -> Any:
    p = d**form.exponent
    return -w * math.log1p(1.0 / p), w * form.exponent / (d * (1.0 + p))


@value_and_slope.of(PushAndPull)
def _push_and_pull(form: Any, w: Any, d: Any) -> Any:
    if w < 0.0:
        return value_and_slope(form.repulsive, w, d)
    return value_and_slope(form.attractive, w, d)


@value_and_slope.of(AbsoluteDeviation)
def _absolute(form: Any, t: Any, d: Any) -> Any:
    over = d - t
    return abs(over), math.copysign(1.0, over) if over != 0.0 else 0.0


@value_and_slope.of(QuadraticDeviation)
def _quadratic_deviation(form: Any, t: Any, d: Any) -> Any:
    over = d - t
    return over * over, 2.0 * over


@value_and_slope.of(CubicDeviation)
def _cubic_deviation(form: Any, t: Any, d: Any) -> Any:
    over = d - t
    return abs(over) * over * over, 3.0 * over * abs(over)


@value_and_slope.of(PowerDeviation)
def _power_deviation(form: Any, t: Any, d: Any) -> Any:
    over = d - t
    p = abs(over) ** form.exponent
    return p, form.exponent * p / over if over != 0.0 else 0.0


@value_and_slope.of(HuberDeviation)
def _huber_deviation(form: Any, t: Any, d: Any) -> Any:
    over, h = d - t, form.threshold
    if abs(over) < h:
        return over * over, 2.0 * over
    return h * (2.0 * abs(over) - h), math.copysign(2.0 * h, over)


@value_and_slope.of(LogisticDeviation)
def _logistic_deviation(form: Any, t: Any, d: Any) -> Any:
    over = d - t
    tail = math.exp(-abs(over))
    return abs(over) + math.log1p(tail), math.copysign(1.0 / (1.0 + tail), over) if over != 0.0 else 0.0


@value_and_slope.of(FractionalDeviation)
def _fractional(form: Any, t: Any, d: Any) -> Any:
    if d < t:
        return t / d - 1.0, -t / (d * d)
    return d / t - 1.0, 1.0 / t if d > t else 0.0


@value_and_slope.of(SoftFractionalDeviation)
def _soft_fractional(form: Any, t: Any, d: Any) -> Any:
    low, high = t / d, d / t
    apart = form.gamma * (high - low)
    tail = math.exp(-abs(apart))
    upper = 1.0 / (1.0 + tail)
    share = upper if apart > 0.0 else tail * upper  # of the second exponential
    value = max(low, high) - 1.0 + (math.log1p(tail) - math.log(2.0)) / form.gamma
    return value, share / t - (1.0 - share) * t / (d * d)


@kernel
def measure(low: int, high: int, rows: Array, columns: Array, points: Array, others: Array, lengths: Array) -> None:
    """Write the lengths of a range of edges.

    Parameters
    ----------
    low, high : int
        The range of edges.
    rows, columns : (edges,) int32
        Their ends, the first among `points` and the second among `others`.
    points, others : (n, d) float64
    lengths : (high - low,) float64, out
    """
    d = points.shape[1]
    if d == 2:
        for e in range(low, high):
            i, j = np.uint64(rows[e]), np.uint64(columns[e])  # cannot be negative, so nothing looks whether they are
            x, y = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1]
            lengths[e - low] = math.sqrt(x * x + y * y)
        return
    for e in range(low, high):
        i, j = np.uint64(rows[e]), np.uint64(columns[e])
        square = 0.0
        for k in range(d):
            square += (points[i, k] - others[j, k]) ** 2
        lengths[e - low] = math.sqrt(square)


@kernel
def distort(form: Any, numbers: Array, lengths: Array, values: Array, slopes: Array) -> None:
    """Write the distortions of edges and their derivatives in the lengths.

    Parameters
    ----------
    form : NamedTuple
        One of this module.
    numbers, lengths : (edges,) float64
    values, slopes : (edges,) float64, out
    """
    for e in range(len(lengths)):
        values[e], slopes[e] = value_and_slope(form, numbers[e], lengths[e])


@kernel
def part(
    low: int,
    high: int,
    starts: Array,
    rows: Array,
    columns: Array,
    points: Array,
    others: Array,
    apart: Array,
    lengths: Array,
) -> None:
    """Write differences of the ends of a range of edges, which stand in the order of their rows, and their lengths.

    The coordinates of a row are read once for all its edges.

    Parameters
    ----------
    low, high : int
        The range of edges.
    starts : (n + 1,) int
        Where the edges of each row begin.
    rows, columns, points, others
        As in `measure`.
    apart : (d, high - low) float64 or longer, out
        ``points - others``.
    lengths : (high - low,) float64 or longer, out
    """
    d, i, begin = points.shape[1], np.uint64(rows[low]), low
    x, y = apart[0], apart[d - 1]
    while begin < high:
        end = min(high, starts[i + np.uint64(1)])
        if d == 2:
            first, second = points[i, 0], points[i, 1]
            for e in range(begin, end):
                j = np.uint64(columns[e])
                x[e - low], y[e - low] = first - others[j, 0], second - others[j, 1]
        else:
            for k in range(d):
                for e in range(begin, end):
                    apart[k, e - low] = points[i, k] - others[np.uint64(columns[e]), k]
        i, begin = i + np.uint64(1), end
    for e in range(high - low):
        lengths[e] = x[e] * x[e]
    for k in range(1, d):
        for e in range(high - low):
            lengths[e] += apart[k, e] * apart[k, e]
    for e in range(high - low):
        lengths[e] = math.sqrt(lengths[e])


@kernel
def pull(
    low: int,
    high: int,
    starts: Array,
    rows: Array,
    columns: Array,
    apart: Array,
    lengths: Array,
    slopes: Array,
    mutual: bool,
    gradient: Array,
) -> None:
    """Add the derivative of the distortions of a range of edges; edges of length 0 have none.

    Parameters
    ----------
    low, high, starts, rows, columns
        As in `part`.
    apart : (d, high - low) float64 or longer
        As `part` wrote it; it is overwritten.
    lengths, slopes : (high - low,) float64 or longer
    mutual : bool
        Whether the second ends are points, too, and move.
    gradient : (n, d) float64, added to
    """
    d, i, begin = len(apart), np.uint64(rows[low]), low
    x, y = apart[0], apart[d - 1]
    for k in range(d):
        for e in range(high - low):
            apart[k, e] *= slopes[e] / lengths[e] if lengths[e] > 0.0 else 0.0
    while begin < high:
        end = min(high, starts[i + np.uint64(1)])
        for k in range(d):
            total = 0.0
            for e in range(begin - low, end - low):
                total += apart[k, e]
            gradient[i, k] += total
        i, begin = i + np.uint64(1), end
    if mutual and d == 2:
        for e in range(high - low):
            j = np.uint64(columns[low + e])
            gradient[j, 0] -= x[e]
            gradient[j, 1] -= y[e]
    elif mutual:
        for k in range(d):
            for e in range(high - low):
                gradient[np.uint64(columns[low + e]), k] -= apart[k, e]
