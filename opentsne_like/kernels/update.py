"""One step of gradient descent with gains and momentum, and the few sums over all points that go with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._jit import kernel

Array = np.ndarray[Any, Any]


@kernel
def step(
    low: int,
    high: int,
    chunk: int,
    points: Array,
    update: Array,
    gains: Array,
    gradient: Array,
    fixed: Array,
    learning_rate: float,
    momentum: float,
    max_grad_norm: float,
    max_step_norm: float,
    min_gain: float,
    new_points: Array,
    new_update: Array,
    new_gains: Array,
    sums: Array,
) -> None:
    """Move a range of points by one step (Jacobs 1988; van der Maaten & Hinton 2008).

    A gain grows by 0.2 where the last step and the gradient have different signs, else it becomes
    ``0.8 gain + min_gain``.

    Parameters
    ----------
    low, high : int
        The range of points.
    chunk : int
        Row of `sums` that this range owns.
    points, update, gains : (n, d) float64
    gradient : (n, d) float32 or float64
        A quarter of the gradient of the loss.
    fixed : (n,) bool, or (0,) if every point moves
    learning_rate, momentum : float
    max_grad_norm, max_step_norm : float
        Longest row of the gradient and of the step; infinite for no bound.
    min_gain : float
    new_points, new_update, new_gains : (n, d) float64, out
    sums : (chunks, d + 1) float64, out
        Sums of the new coordinates, and of the squared gradient.
    """
    d = points.shape[1]
    hold = len(fixed) > 0
    squares = 0.0
    for i in range(low, high):
        square = 0.0
        for k in range(d):
            square += np.float64(gradient[i, k]) ** 2
        squares += square
        clip = max_grad_norm / (math.sqrt(square) + 1e-6) if square > max_grad_norm * max_grad_norm else 1.0
        square = 0.0
        for k in range(d):
            g = clip * gradient[i, k]
            u = update[i, k]
            gain = gains[i, k]
            same = ((u > 0.0) == (g > 0.0)) & ((u < 0.0) == (g < 0.0))  # no branch: signs cannot be foreseen
            shrunk, grown = 0.8 * gain + min_gain, gain + 0.2
            gain = shrunk if same else grown
            u = momentum * u - learning_rate * gain * g
            new_gains[i, k] = gain
            new_update[i, k] = u
            square += u * u
        shrink = max_step_norm / math.sqrt(square) if square > max_step_norm * max_step_norm else 1.0
        for k in range(d):
            new_update[i, k] *= shrink
            new_points[i, k] = points[i, k] + new_update[i, k]
            if hold and fixed[i]:
                new_points[i, k] = points[i, k]
                new_update[i, k] = 0.0
                new_gains[i, k] = gains[i, k]
    for k in range(d):  # apart, because a sum in memory would have every point wait for the last
        total = 0.0
        for i in range(low, high):
            total += new_points[i, k]
        sums[chunk, k] = total
    sums[chunk, d] = squares


@kernel
def commit(
    points: Array,
    update: Array,
    gains: Array,
    iteration: Array,
    shape: Array,
    new_points: Array,
    new_update: Array,
    new_gains: Array,
    new_shape: Array,
    offset: Array,
) -> None:
    """Make one step the current one, centred by `offset` (d,), in a single call that Ctrl-C cannot split.

    Parameters
    ----------
    points, update, gains : (n, d) float64, changed
    iteration : (1,) int64, changed
        Counts the steps that were made.
    shape : (3, k) float64, changed
        What the objective learns, see `optimizer.DescentState`.
    new_points, new_update, new_gains : (n, d) float64
    new_shape : (3, k) float64
    offset : (d,) float64
    """
    n, d = points.shape
    for i in range(n):
        for k in range(d):
            points[i, k] = new_points[i, k] - offset[k]
            update[i, k] = new_update[i, k]
            gains[i, k] = new_gains[i, k]
    for i in range(shape.shape[0]):
        for k in range(shape.shape[1]):
            shape[i, k] = new_shape[i, k]
    iteration[0] += 1


@kernel
def extent(low: int, high: int, chunk: int, points: Array, lows: Array, highs: Array, sums: Array) -> None:
    """Write smallest, largest and summed coordinates of a range of points to row `chunk` of the last three.

    The sums are not finite where a coordinate is not, whatever the comparisons make of it.
    """
    for k in range(points.shape[1]):
        a = b = points[low, k]
        total = 0.0
        for i in range(low, high):
            a = min(a, points[i, k])
            b = max(b, points[i, k])
            total += points[i, k]
        lows[chunk, k] = a
        highs[chunk, k] = b
        sums[chunk, k] = total
