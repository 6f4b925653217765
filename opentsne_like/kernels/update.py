"""One step of gradient descent with gains and momentum, and the few sums over all points that go with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import helper, kernel

BLOCK = 512  # rows that stay in the nearest cache between the loops of a step


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
    adaptive: bool,
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
    adaptive : bool
        Whether gains take part; otherwise they stay as they are.
    new_points, new_update, new_gains : (n, d) float64, out
    sums : (chunks, d + 1) float64, out
        Sums of the new coordinates, and of the squared gradient.
    """
    d = points.shape[1]
    for k in range(d + 1):
        sums[chunk, k] = 0.0
    for first in range(low, high, BLOCK):
        last = min(first + BLOCK, high)
        x, v, gain = new_points[first:last], new_update[first:last], new_gains[first:last]
        old = (points[first:last], update[first:last], gains[first:last])
        sums[chunk, d] += _copied(gradient[first:last].reshape(-1), x.reshape(-1))
        if max_grad_norm < np.inf:
            _clip(x, max_grad_norm, 1e-6)
        _accelerate(
            x.reshape(-1),
            old[1].reshape(-1),
            old[2].reshape(-1),
            (learning_rate, momentum, min_gain),
            adaptive,
            v.reshape(-1),
            gain.reshape(-1),
        )
        if max_step_norm < np.inf:
            _clip(v, max_step_norm, 0.0)
        for i in range(last - first if len(fixed) > 0 else 0):
            if fixed[first + i]:
                for k in range(d):
                    v[i, k], gain[i, k] = 0.0, old[2][i, k]
        _add(old[0].reshape(-1), v.reshape(-1), x.reshape(-1))
        for k in range(d):
            sums[chunk, k] += _column_sum(x, k)


@helper
def _copied(values: Array, out: Array) -> float:
    """Copy numbers and return the sum of their squares."""
    for e in range(len(out)):
        out[e] = values[e]
    total = 0.0
    for e in range(len(out)):
        total += out[e] * out[e]
    return total


@helper
def _accelerate(
    force: Array, velocity: Array, gain: Array, rates: Any, adaptive: bool, new_velocity: Array, new_gain: Array
) -> None:
    """Write gains and steps; a loop for each array that is written, or the compiler does not vectorize them."""
    learning_rate, momentum, min_gain = rates
    for e in range(len(gain)):
        g, u = force[e], velocity[e]
        same = ((u > 0.0) == (g > 0.0)) & ((u < 0.0) == (g < 0.0))  # no branch: signs cannot be foreseen
        changed = 0.8 * gain[e] + min_gain if same else gain[e] + 0.2
        new_gain[e] = changed if adaptive else gain[e]
    for e in range(len(gain)):
        rate = learning_rate * new_gain[e] if adaptive else learning_rate
        new_velocity[e] = momentum * velocity[e] - rate * force[e]


@helper
def _add(a: Array, b: Array, out: Array) -> None:
    for e in range(len(out)):
        out[e] = a[e] + b[e]


@helper
def _column_sum(rows: Array, k: int) -> float:
    total = 0.0
    for i in range(len(rows)):
        total += rows[i, k]
    return total


@helper
def _clip(rows: Array, longest: float, slack: float) -> None:
    """Shorten those rows that are too long."""
    in_plane = rows.shape[1] == 2
    for i in range(len(rows) if in_plane else 0):  # without branches, so that it becomes vector instructions
        square = rows[i, 0] * rows[i, 0] + rows[i, 1] * rows[i, 1]
        shrink = longest / (math.sqrt(square) + slack) if square > longest * longest else 1.0
        rows[i, 0] *= shrink
        rows[i, 1] *= shrink
    for i in range(0 if in_plane else len(rows)):
        square = 0.0
        for k in range(rows.shape[1]):
            square += rows[i, k] * rows[i, k]
        if square > longest * longest:
            shrink = longest / (math.sqrt(square) + slack)
            for k in range(rows.shape[1]):
                rows[i, k] *= shrink


@kernel
def commit(points: Array, counter: Array, current: Array, new_points: Array, offset: Array) -> None:
    """Make one step the current one, moved by ``-offset`` (d,), in a single call that Ctrl-C cannot split.

    Parameters
    ----------
    points : (n, d) float64, changed
    counter : (1,) int64, changed
        Counts the steps that were made.
    current : (1,) int64, changed
        Which half of a double buffer is the current one, see `optimizer.State`.
    new_points : (n, d) float64
    offset : (d,) float64
    """
    n, d = points.shape
    for i in range(n):
        for k in range(d):
            points[i, k] = new_points[i, k] - offset[k]
    current[0] = 1 - current[0]
    counter[0] += 1


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
