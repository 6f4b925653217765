"""An objective as optimizers see it that compare its values: at points that keep to a constraint, along lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..devices import is_on_gpu
from ..errors import InvalidTypeError, UnavailableError
from ..ops import checksum
from .base import Objective, Step
from .line_search import Trial

EXACT = 2**52  # whole numbers below are exact in float64


class Evaluated(NamedTuple):
    """An objective at one place.

    Attributes
    ----------
    points : ndarray of shape (n, d)
    loss : float
        Without exaggeration.
    value : float
        A quarter of the loss with exaggeration.
    gradient : ndarray of shape (n, d), float64
        The derivative of `value`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import evaluate_at
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> here = evaluate_at(Bowl(), np.ones((2, 2)), exaggeration=1.0)
    >>> here.loss, here.value, here.gradient.tolist()
    (2.0, 0.5, [[0.25, 0.25], [0.25, 0.25]])
    """

    points: Array
    loss: float
    value: float
    gradient: Array


def evaluate_at(objective: Objective, points: Array, exaggeration: float) -> Evaluated:
    """Return the objective at `points`, with the value whose derivative the gradient is.

    Parameters
    ----------
    objective : Objective
    points : ndarray of shape (n, d)
    exaggeration : float
        Other than 1 only for an objective with a method ``evaluate_exaggerated``, see `objectives.PairLoss`.

    Raises
    ------
    UnavailableError
        If the objective does not know the value that goes with an exaggerated gradient.
    InvalidTypeError
        If the gradient is of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import evaluate_at
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> evaluate_at(Bowl(), np.ones((2, 2)), exaggeration=12.0)
    Traceback (most recent call last):
    opentsne_like.errors.UnavailableError: `exaggeration` must be 1 with an optimizer that searches, got 12; ...
    """
    knows = getattr(objective, "evaluate_exaggerated", None)
    if knows is not None:
        loss, value, gradient = knows(points, exaggeration=exaggeration)
    elif exaggeration == 1.0:
        loss, gradient = value_and_gradient(objective, points, exaggeration=1.0, with_loss=True)
        value = loss
    else:
        raise UnavailableError(
            f"`exaggeration` must be 1 with an optimizer that searches, got {exaggeration:g}; the objective has no "
            "method `evaluate_exaggerated`, and its loss is not what an exaggerated gradient goes down"
        )
    gradient = np.asarray(_checked(gradient, points.shape), dtype=np.float64)
    return Evaluated(points, float(loss), 0.25 * float(value), gradient)


def value_and_gradient(
    objective: Objective, points: Array, exaggeration: float, with_loss: bool
) -> tuple[float, Array]:
    """Return what an objective says of some points, or refuse what is no loss and no gradient of them.

    Parameters
    ----------
    objective : Objective
    points : ndarray of shape (n, d)
    exaggeration : float
    with_loss : bool

    Returns
    -------
    loss : float
    gradient : ndarray of shape (n, d), C-contiguous

    Raises
    ------
    InvalidTypeError
        It returns something else, as an object of the user's own may.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import value_and_gradient
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points[0] / 4
    >>> value_and_gradient(Bowl(), np.ones((3, 2)), exaggeration=1.0, with_loss=True)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidTypeError: `evaluate` must return a gradient of shape (3, 2), got (2,)
    """
    found = objective.evaluate(points, exaggeration=exaggeration, with_loss=with_loss)
    try:
        loss, gradient = found
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"`evaluate` must return (loss, gradient), got {type(found).__name__}") from error
    return loss, _checked(gradient, points.shape)


def _checked(gradient: Any, shape: tuple[int, ...]) -> Array:
    """Return a gradient in one piece, or refuse one that is not of the points."""
    array: Array = gradient if is_on_gpu(gradient) else np.ascontiguousarray(gradient)
    if array.shape != shape:  # compiled code would read beyond its end
        raise InvalidTypeError(f"`evaluate` must return a gradient of shape {shape}, got {array.shape}")
    return array


def along(objective: Objective, step: Step, start: Array, direction: Array) -> Callable[[float], Trial]:
    """Return what evaluates an objective along a line, with each trial brought back to the constraint.

    Parameters
    ----------
    objective : Objective
    step : Step
    start, direction : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Schedule, along
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> step = Schedule(1).plan(2, lambda rho: 1.0, None, n_jobs=1).at(0)
    >>> start = np.array([[1.0, 0.0], [-1.0, 0.0]])
    >>> trial = along(Bowl(), step, start, -start)(0.5)
    >>> trial.value, trial.slope, trial.found.points.tolist()
    (0.0625, -0.25, [[0.5, 0.0], [-0.5, 0.0]])
    """

    def evaluate(length: float) -> Trial:
        points = np.ascontiguousarray(step.constraint.project(start + length * direction, start))
        found = evaluate_at(objective, points, step.exaggeration)
        slope = inner(step.constraint.tangent(points, found.gradient), direction)
        return Trial(length, found.value, slope, found)

    return evaluate


def inner(one: Array, other: Array) -> float:
    """Return the sum of products, added in an order that depends on nothing but the shape.

    Parameters
    ----------
    one, other : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import inner
    >>> inner(np.ones((2, 2)), np.full((2, 2), 3.0))
    12.0
    """
    return float(np.add.reduce((one * other).ravel()))  # a library's product adds in an order of its threads


def longest_row(vectors: Array) -> float:
    """Return the length of the longest row.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import longest_row
    >>> longest_row(np.array([[3.0, 4.0], [1.0, 0.0]]))
    5.0
    """
    return math.sqrt(float((vectors * vectors).sum(axis=1).max(initial=0.0)))


def place_of(points: Array, n_jobs: int) -> float:
    """Return a number that tells coordinates from others, for an array of the state.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import place_of
    >>> place_of(np.zeros((2, 2)), n_jobs=1) == place_of(np.ones((2, 2)), n_jobs=1)
    False
    """
    return float(checksum(points, n_jobs) % EXACT)
