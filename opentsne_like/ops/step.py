"""A step of all points, and its commit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import _parallel, kernels
from .._types import Array

GRAIN = 8192  # points


class StepRates(NamedTuple):
    """The numbers of a step.

    Attributes
    ----------
    learning_rate, momentum : float
    max_grad_norm, max_step_norm : float
        Longest row of the gradient and of the step; infinite for no bound.
    min_gain : float
        What is added to a gain that shrinks.
    use_gains : bool

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.ops import StepRates
    >>> StepRates(200.0, 0.8, np.inf, 5.0, 0.01, True).max_step_norm
    5.0
    """

    learning_rate: float
    momentum: float
    max_grad_norm: float
    max_step_norm: float
    min_gain: float
    use_gains: bool


class Moments(NamedTuple):
    """Sums over all points of a step that was made.

    Attributes
    ----------
    mean : ndarray of shape (d,)
        Of the new coordinates; not finite where a coordinate is not.
    gradient_norm : float
        Root of the summed squares of the gradient, before clipping.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.ops import Moments
    >>> Moments(mean=np.zeros(2), gradient_norm=0.5).gradient_norm
    0.5
    """

    mean: Array
    gradient_norm: float


def step(
    points: Array,
    update: Array,
    gains: Array,
    gradient: Array,
    fixed: Array,
    rates: StepRates,
    out: tuple[Array, Array, Array],
    *,
    n_jobs: int,
) -> Moments:
    """Make a step of gradient descent with momentum and gains.

    Parameters
    ----------
    points, update, gains : ndarray of shape (n, d), float64
        Coordinates, their last step and the gains on the learning rate.
    gradient : ndarray of shape (n, d), float32 or float64
    fixed : ndarray of shape (n,), bool, or (0,)
        Points that stay where they are; none if it is empty.
    rates : StepRates
    out : three ndarrays of shape (n, d), float64, changed
        New coordinates, new steps, new gains.
    n_jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    Moments

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> points, out = np.ones((2, 2)), tuple(np.empty((3, 2, 2)))
    >>> rates = ops.StepRates(1.0, 0.8, np.inf, np.inf, 0.01, False)
    >>> held = np.array([False, True])
    >>> made = ops.step(points, 0 * points, points, points / 4, held, rates, out, n_jobs=1)
    >>> out[0].tolist(), made.mean.tolist()
    ([[0.75, 0.75], [1.0, 1.0]], [0.875, 0.875])
    """
    chunks = _parallel.chunk_bounds(len(points), GRAIN)
    d = points.shape[1]
    sums = np.empty((len(chunks), d + 1))
    numbers = (*(float(rate) for rate in rates[:-1]), bool(rates.use_gains))
    args = (points, update, gains, gradient, fixed, *numbers, *out, sums)
    tasks = [(kernels.update.step, (low, high, c, *args)) for c, (low, high) in enumerate(chunks)]
    _parallel.run_tasks(tasks, n_jobs=n_jobs)
    total = sums.sum(axis=0)
    return Moments(total[:d] / len(points), float(np.sqrt(total[d])))


def commit(points: Array, counter: Array, current: Array, new_points: Array, offset: Array) -> None:
    """Make one step the current one, in a single compiled call that Ctrl-C cannot split.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64, changed
        Becomes ``new_points - offset``.
    counter : ndarray of shape (1,), int64, changed
        Steps made; grows by one.
    current : ndarray of shape (1,), int64, changed
        Which half of a double buffer is the current one, 0 or 1; turns to the other.
    new_points : ndarray of shape (n, d), float64
    offset : ndarray of shape (d,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> points, counter, current = np.zeros((2, 1)), np.zeros(1, np.int64), np.zeros(1, np.int64)
    >>> ops.commit(points, counter, current, np.array([[1.0], [3.0]]), np.array([2.0]))
    >>> points.tolist(), counter.tolist(), current.tolist()
    ([[-1.0], [1.0]], [1], [1])
    """
    kernels.update.commit(points, counter, current, new_points, offset)
