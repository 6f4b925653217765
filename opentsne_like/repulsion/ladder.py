"""Forces whose error is known: exact ones at a sample of points, and finer sums until the others are as good.

The error is the root mean square of the distance between a force and the exact one, relative to that of the exact
forces, over all points, as a sample tells. So it is relative to what points feel, also on rings and lines, where forces
nearly cancel. Forces below `FAINT` of the potential per width of the kernel count as that much: an error of a
two-hundredth of it moves a point of t-SNE by 1e-7 of the kernel's width in an iteration, and single precision holds no
more. Two coincident crowds at a distance of 1e4, whose forces are 2e-12 of their potential, are such a map.

What no sample sees is an error that a few points have which do not feel much. Trees about crowds with a few stragglers
had such errors, 0.8 % of Gaussian kernels, all of it at one of 2,000 points, until nodes were held to their farthest
point, too, see `kernels.barnes_hut`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from .._types import Array
from ..devices import on_host, operations, rows
from ..ops import Extent, Potential, sample_places
from .exact import exact_sums
from .radial import Radial

Answer = TypeVar("Answer")

# The rungs: what the tolerance is divided by on each. On the first ones any method serves; then none but trees, which
# find narrow clusters wherever they lie; then exact sums in double precision.
SHARPER = (1.0, 8.0, 64.0, 512.0, 64.0, 1.0)
TREES, EXACT = 4, 5
HOLDS = 0.8  # of the tolerance: what the error at the sample may be, lest that of all points be above
FALL = 8.0  # of the error from one of the first rungs to the next: 0.7 of the spacing, 0.6 of the angle
MOST_EXACT = 20_000  # points that are summed exactly; more would take minutes where they took seconds

SAMPLE, SAMPLE_PAIRS = 64, 1_000_000  # points with exact forces: more where that takes no more pairs than this
STRONGEST = 16  # points with exact forces besides
SLOW_PAIR = 1.0  # nanoseconds of a pair, from which on the sample is two fifths as large
FAINT = 1e-5
FAINTEST = 1e-30  # force that single precision cannot hold
# Maps whose exact forces at the sample are summed in float32: up to this width, and this one times the tolerance. On
# rings these are wrong by 4e-6 times the width.
SURE_SINGLE, SURE_PER_TOLERANCE = 100.0, 2e4


class Sample(NamedTuple):
    """Exact forces at a few points of a map.

    Attributes
    ----------
    places : ndarray of shape (m,), intp
    weights : ndarray of shape (m,), float64
        How many points each of them stands for.
    gradient : ndarray of shape (m, d), float64
        Of the potential.
    size : float
        What errors are relative to: a root mean square over all points, as they are.
    """

    places: Array
    weights: Array
    gradient: Array
    size: float

    def error(self, gradient: Array) -> float:
        """Return the relative error of a gradient (m, d) at these points."""
        return _root_mean_square(gradient - self.gradient, self.weights) / self.size


def exact_at(places: Array, points: Array, radial: Radial, n_jobs: int) -> Potential:
    """Return the potential of all points at some of them by exact sums, without their own charge, on the host.

    Parameters
    ----------
    places : ndarray of shape (m,), intp
    points : ndarray of shape (n, d)
        In the precision of the sums.
    radial : Radial
    n_jobs : int
    """
    found = exact_sums(rows(points, places), points, radial, n_jobs=n_jobs)
    return Potential(on_host(found.values).astype(np.float64) - radial.peak, on_host(found.gradient), found.total)


def single_does(extent: Extent, tolerance: float) -> bool:
    """Say whether exact sums in single precision are so good that a tolerance can be measured by them.

    Parameters
    ----------
    extent : Extent
        Of the map.
    tolerance : float
    """
    return bool(extent.spans.max() < min(SURE_SINGLE, SURE_PER_TOLERANCE * tolerance))


def take_sample(
    points: Array,
    extent: Extent,
    radial: Radial,
    tolerance: float,
    n_jobs: int,
    roughly: Array | None = None,
    exactly: Callable[[Array, Array], Potential] | None = None,
) -> Sample:
    """Return exact forces at a sample of a map: at places that its size alone decides, and where forces are largest.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64
    extent : Extent
    radial : Radial
    tolerance : float
        What errors will be compared with.
    n_jobs : int
        Threads; the result has the same bits for any number.
    roughly : ndarray of shape (n, d), optional
        The gradient of the potential, as good as it is known: the largest forces stand for themselves alone, lest
        those near a crowd, which few points feel and which are most of the sum, be missed or taken for typical.
    exactly : callable, optional
        From places and points to the potential that counts; by default `exact_at`.
    """
    n = len(points)
    places = sample_places(n, _sample_size(n, radial) + 1)[1:]  # not the end of a line
    strongest = places[:0]
    if roughly is not None and n > STRONGEST:
        squares = (on_host(roughly).astype(np.float64) ** 2).sum(axis=1)
        strongest = np.argpartition(squares, -STRONGEST)[-STRONGEST:]
    typical = places[~np.isin(places, strongest)]
    weights = np.repeat([1.0, (n - len(strongest)) / max(1, len(typical))], [len(strongest), len(typical)])
    places = np.concatenate([strongest, typical])
    precision = np.float32 if single_does(extent, tolerance) else np.float64
    near = operations(points).around(points, extent.mean, precision)
    found = exact_at(places, near, radial, n_jobs) if exactly is None else exactly(places, near)
    gradient = found.gradient.astype(np.float64)
    faint = max(FAINT * _root_mean_square(found.values[:, None], weights) / radial.width, FAINTEST)
    return Sample(places, weights, gradient, max(_root_mean_square(gradient, weights), faint))


def _sample_size(n: int, radial: Radial) -> int:
    size = min(n, max(SAMPLE, SAMPLE_PAIRS // n))
    return size if radial.pair_cost < SLOW_PAIR else -(-2 * size // 5)  # so that it stays within 3 % of an iteration


def _root_mean_square(rows: Array, weights: Array) -> float:
    squares = (rows.astype(np.float64) ** 2).sum(axis=1)
    return float(np.sqrt((weights * squares).sum() / weights.sum()))


def climb(
    attempt: Callable[[int], tuple[Answer, Callable[[Array], Array] | None]],
    sample: Callable[[Answer], Sample],
    tolerance: float,
    last: int,
) -> tuple[Answer, int, float]:
    """Climb the ladder until the tolerance holds, by as many rungs at a time as the error asks for.

    Parameters
    ----------
    attempt : callable
        From a rung to an answer, and to its gradient at places of the sample; None for that where sums are exact.
    sample : callable
        From the first answer to the sample.
    tolerance : float
    last : int
        The last rung that may be taken, whether or not it holds.

    Returns
    -------
    answer
    int
        The rung.
    float
        The error there; 0 where sums are exact.
    """
    rung, truth = 0, None
    while True:
        answer, gradient_at = attempt(rung)
        if gradient_at is None:
            return answer, rung, 0.0
        truth = sample(answer) if truth is None else truth
        error = truth.error(gradient_at(truth.places))
        lack = error / (HOLDS * tolerance)
        if lack <= 1.0 or rung >= last:
            return answer, rung, error
        steps = math.ceil(math.log(min(1e9, lack), FALL))
        rung = min(rung + steps, TREES if rung < TREES else EXACT, last)


def last_rung(n: int, radial: Radial) -> int:
    """Return the last rung that is worth its time for `n` points.

    Parameters
    ----------
    n : int
    radial : Radial
    """
    if n <= MOST_EXACT:
        return EXACT
    return TREES if radial.has_tree else TREES - 1
