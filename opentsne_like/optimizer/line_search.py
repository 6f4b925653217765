r"""A search along a line for a step that goes down far enough and ends where the slope has flattened.

A step of length t along a direction with the slope :math:`\varphi'(0) < 0` is taken under the *strong Wolfe conditions*

.. math::
    \varphi(t) \le \varphi(0) + c_1 t \varphi'(0), \qquad |\varphi'(t)| \le c_2 |\varphi'(0)|

with :math:`c_1 = 10^{-4}, c_2 = 0.9` (Nocedal & Wright, *Numerical Optimization*, 2006, algorithms 3.5 and 3.6). Near a
minimum values differ by less than their error while slopes still tell. There the second condition is enough: for a
parabola it gives the first one, with :math:`2 c_1 \le 1 - c_2` (Hager & Zhang 2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

DECREASE = 1e-4  # c1
FLATTENING = 0.9  # c2
NOISE = 1e-6  # of the value: sums on the grid are as good as that from one point to a near one
MOST = 20  # trials
SHORTER = 0.8  # factor of backtracking
SHORTER_MOST = 51  # trials of it: the last is 1e-5 as long as the first
TENTH = 0.1  # of the fall that the slope promises
MARGIN = 0.1  # of a bracket, that a trial keeps away from its ends
FARTHEST = 10.0  # factor from one trial to the next while there is no bracket


class Trial(NamedTuple):
    """What was found at one length of a line.

    Attributes
    ----------
    length : float
    value, slope : float
        Of the function and its derivative along the line.
    found : object
        What else whoever evaluates wants to keep.

    Examples
    --------
    >>> from opentsne_like.optimizer import Trial
    >>> Trial(0.5, 1.0, -2.0).found is None
    True
    """

    length: float
    value: float
    slope: float
    found: Any = None


def search_line(evaluate: Callable[[float], Trial], start: Trial, first: float, longest: float) -> Trial:
    """Return a trial under the strong Wolfe conditions, else the lowest that falls enough, else `start`.

    It makes 20 trials at most.

    Parameters
    ----------
    evaluate : callable
        From a length to its trial. Values that are not finite count as too high.
    start : Trial
        Of length 0, with a negative slope.
    first, longest : float
        The first length that is tried, and the longest.

    Examples
    --------
    >>> from opentsne_like.optimizer import Trial, search_line
    >>> def parabola(t):
    ...     return Trial(t, (t - 3.0) ** 2, 2.0 * (t - 3.0))
    >>> search_line(parabola, parabola(0.0), first=1.0, longest=10.0).length
    1.0
    >>> search_line(parabola, parabola(0.0), first=100.0, longest=100.0).length < 6
    True
    """
    noise = NOISE * abs(start.value)
    low, high, length = start, None, min(first, longest)
    for _ in range(MOST):
        trial = evaluate(length)
        if not _falls(trial, start, noise) or trial.value > low.value + noise:
            high = trial
        elif abs(trial.slope) <= -FLATTENING * start.slope or (high is None and length >= longest):
            return trial
        else:
            end = math.inf if high is None else high.length
            behind, low = low, trial
            if trial.slope * (end - trial.length) >= 0.0:
                high = behind
        length = min(longest, _beyond(behind, low)) if high is None else _between(low, high)
    return low


def backtrack(evaluate: Callable[[float], Trial], start: Trial, first: float) -> Trial:
    """Return the first of ever shorter trials that falls by a tenth of what the slope promises, else `start`.

    Parameters
    ----------
    evaluate : callable
        From a length to its trial.
    start : Trial
        Of length 0, with a negative slope.
    first : float
        The length that is tried first; each of the next 50 is 0.8 times the one before.

    Examples
    --------
    >>> from opentsne_like.optimizer import Trial, backtrack
    >>> def parabola(t):
    ...     return Trial(t, (t - 1.0) ** 2, 2.0 * (t - 1.0))
    >>> round(backtrack(parabola, parabola(0.0), first=2.5).length, 3)
    1.6
    """
    length = first
    for _ in range(SHORTER_MOST):
        trial = evaluate(length)
        if _falls(trial, start, NOISE * abs(start.value), TENTH):
            return trial
        length *= SHORTER
    return start


def _falls(trial: Trial, start: Trial, noise: float, part: float = DECREASE) -> bool:
    """Say whether a trial is far enough below the start, by its value or, within the noise, by its slope."""
    if not (math.isfinite(trial.value) and math.isfinite(trial.slope)):
        return False
    if trial.value < start.value + part * trial.length * start.slope:
        return True
    return abs(trial.value - start.value) <= noise and abs(trial.slope) <= -FLATTENING * start.slope


def _beyond(behind: Trial, ahead: Trial) -> float:
    """Return a length farther on, where nothing has stopped the fall yet."""
    least = _least_of_cubic(behind, ahead)
    at_least, at_most = 2.0 * ahead.length, FARTHEST * ahead.length
    return min(max(least, at_least), at_most) if least > ahead.length else at_most


def _between(low: Trial, high: Trial) -> float:
    """Return a length between two trials, well within."""
    bounds = sorted((low.length, high.length))
    margin = MARGIN * (bounds[1] - bounds[0])
    middle = 0.5 * (bounds[0] + bounds[1])
    least = _least_of_cubic(low, high) if math.isfinite(high.value) and math.isfinite(high.slope) else middle
    return min(max(least, bounds[0] + margin), bounds[1] - margin) if math.isfinite(least) else middle


def _least_of_cubic(one: Trial, other: Trial) -> float:
    """Return where the cubic through two values and slopes has its minimum; NaN where it has none."""
    apart = other.length - one.length
    bend = one.slope + other.slope - 3.0 * (other.value - one.value) / apart
    square = bend * bend - one.slope * other.slope
    if not square >= 0.0:
        return math.nan
    root = math.copysign(math.sqrt(square), apart)
    below = other.slope - one.slope + 2.0 * root
    return other.length - apart * (other.slope + root - bend) / below if below else math.nan
