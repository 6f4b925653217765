"""The accelerated schedule of t-SNE: few iterations without gains, much momentum, and width by multiplication."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from .._types import Array
from ..optimizer import accelerated_momentum, value_at

MANY = 5_000  # points, from which on a map is multiplied halfway; fewer find their width by themselves
START = 1.0  # standard deviation of the start; from openTSNE's 1e-4 the first thirty iterations would only unfold it
WIDER = 1.7  # what the map and its last step are multiplied by before the last stage
FIRM, SOFT, STEPS = 0.9, 0.99, (0.94, 0.91, 0.87)  # momentum: early, in the middle, at the end, where points settle
EARLY, MIDDLE, LATE = 16, 10, 6  # hundredths of the standard schedule's iterations in the phase: 40, 50 and 30
EASED = 8.0  # what exaggeration is divided by for the second half of the early phase
FEWER = 30  # hundredths of the iterations where nothing is multiplied


def stages(n: int, lengths: tuple[int, int], exaggerations: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Return what `optimize` is told in each stage.

    From `MANY` points on there are three, between which the map is multiplied (`factor_after`); fewer points have two.

    Parameters
    ----------
    n : int
        Number of points.
    lengths : (int, int)
        Iterations of the standard schedule, in the early phase and after it.
    exaggerations : (float, sequence, callable or None, twice)
        Of these.

    Examples
    --------
    >>> from opentsne_like.methods import accelerated
    >>> for stage in accelerated.stages(10_000, (250, 500), (12, None)):
    ...     print(stage["n_iter"], stage["exaggeration"], stage["momentum"])
    40 (12, 1.5) 0.9
    50 None 0.99
    30 None (0.94, 0.91, 0.87)
    """
    early, main = lengths
    if n < MANY:
        return [_stage(_part(FEWER, early), exaggerations[0], FIRM), onward(n, main, exaggerations[1])]
    middle, late = _part(MIDDLE, main), _part(LATE, main)
    softly, settling = (_rest(exaggerations[1], done, middle + late) for done in (0, middle))
    first = _stage(_part(EARLY, early), _eased(*exaggerations), FIRM)
    return [first, _stage(middle, softly, SOFT), _stage(late, settling, STEPS)]


def onward(n: int, length: int, exaggeration: Any) -> dict[str, Any]:
    """Return what `optimize` is told to go on from a map that is there, which is not multiplied.

    Parameters
    ----------
    n : int
    length : int
        Iterations of the standard schedule.
    exaggeration : float, sequence, callable or None

    Examples
    --------
    >>> from opentsne_like.methods import accelerated
    >>> accelerated.onward(10_000, 500, 4.0)
    {'n_iter': 150, 'exaggeration': 4.0, 'momentum': 0.98, 'use_gains': False}
    """
    return _stage(_part(FEWER, length), exaggeration, accelerated_momentum(n))


def factor_after(stages: list[dict[str, Any]], done: int) -> float:
    """Return what the map is multiplied by after a stage: `WIDER` before the last of three, else 1.

    Exaggeration holds a map together, so its width is no slow mode then: what goes on with some is not multiplied.

    Parameters
    ----------
    stages : list of dict
    done : int
        Number of the stage, from 0.

    Examples
    --------
    >>> from opentsne_like.methods import accelerated
    >>> stages = accelerated.stages(10_000, (250, 500), (12, None))
    >>> [accelerated.factor_after(stages, done) for done in (0, 1, 2)]
    [1.0, 1.7, 1.0]
    """
    if len(stages) < 3 or done != 1 or not stages[-1]["n_iter"]:
        return 1.0
    late = stages[-1]["exaggeration"]
    late = late(0) if callable(late) else late
    return WIDER if late is None or late <= 1 else 1.0


def start_factor(points: Array) -> float:
    """Return what a start is multiplied by: 1 where it is wide enough, or has no width, or fewer points than `MANY`.

    Parameters
    ----------
    points : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.methods import accelerated
    >>> start = 1e-4 * np.random.default_rng(0).normal(size=(5_000, 2))
    >>> wide = start * accelerated.start_factor(start)
    >>> float(wide.std(axis=0).max().round(9)), accelerated.start_factor(wide), accelerated.start_factor(start[:100])
    (1.0, 1.0, 1.0)
    """
    width = float(np.std(points, axis=0).max())
    return START / width if len(points) >= MANY and 0.0 < width < START else 1.0


def _stage(n_iter: int, exaggeration: Any, momentum: Any) -> dict[str, Any]:
    return {"n_iter": n_iter, "exaggeration": exaggeration, "momentum": momentum, "use_gains": False}


def _part(hundredths: int, length: int) -> int:
    """Return a share of some iterations, rounded up."""
    return -(-hundredths * length // 100)


def _eased(early: Any, late: Any) -> Any:
    """Return early exaggeration in two steps, the second not below what comes after it."""
    if not isinstance(early, Real):
        return early
    most, least = float(early), float(late) if isinstance(late, Real) else 1.0
    return early, max(most / EASED, min(least, most))


def _rest(course: Any, done: int, whole: int) -> Any:
    """Return what is left of an exaggeration that was given for two stages together."""
    if course is None or isinstance(course, Real):
        return course
    return lambda iteration: value_at(course, done + iteration, whole)
