"""A step of all points, and its commit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _parallel, kernels

Array = np.ndarray[Any, Any]

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


def commit(points: Array, counter: Array, side: Array, new_points: Array, offset: Array) -> None:
    """Make one step the current one, in a single compiled call that Ctrl-C cannot split.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64, changed
        Becomes ``new_points - offset``.
    counter : ndarray of shape (1,), int64, changed
        Steps made; grows by one.
    side : ndarray of shape (1,), int64, changed
        Which of two buffers is the current one; turns to the other.
    new_points : ndarray of shape (n, d), float64
    offset : ndarray of shape (d,), float64
    """
    kernels.update.commit(points, counter, side, new_points, offset)
