"""A step of all points, and its commit."""

from __future__ import annotations

import numpy as np

from .. import ops
from .._types import Array
from ..ops import Moments, StepRates
from . import device, sums
from .doors import check_dimension
from .extents import write_around


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
    """Make a step of gradient descent with momentum and gains, see `ops.step`.

    Parameters
    ----------
    points, update, gains : ndarray of the device, shape (n, d), float64
    gradient : ndarray of the device, shape (n, d), float32 or float64
    fixed : ndarray of shape (n,), bool, or (0,)
        Of the host or the device.
    rates : StepRates
    out : three ndarrays of the device, shape (n, d), float64, changed
    n_jobs : int

    Returns
    -------
    Moments
        On the host: the only thing that is read of a step.
    """
    check_dimension(points)
    card, (n, d) = device.current(), points.shape
    board = sums.new_board(d + 1)  # a line for each coordinate, one for the gradient
    held = card.xp.asarray(fixed) if len(fixed) else None
    numbers = (*(float(rate) for rate in rates[:-1]), bool(rates.use_gains))
    arguments = (d, n, points, update, gains, gradient, held, *numbers, *out, board)
    card.launch(f"step_{sums.precision(gradient)}", (device.blocks_for(n, most=n),), arguments)
    sums.add_up(out[0], board[:d])
    sums.add_up(gradient.reshape(-1, 1), board[d:], squared=True)
    words = card.read(board)
    square = sums.decoded(words[d:], squared=True).total[0]
    return Moments(sums.decoded(words[:d]).total / n, float(np.sqrt(square)))


def commit(points: Array, counter: Array, current: Array, new_points: Array, offset: Array) -> None:
    """Make one step the current one, as a whole: Ctrl-C waits until it is done, see `ops.commit`.

    Parameters
    ----------
    points, new_points : ndarray of the device, shape (n, d), float64; the first is changed
    counter, current : ndarray of shape (1,), int64, changed
        On the host.
    offset : ndarray of shape (d,), float64
        On the host.
    """
    d = points.shape[1]
    with device.deferred_interrupts():
        write_around(new_points, offset, None, points)
        ops.commit(np.empty((0, d)), counter, current, np.empty((0, d)), offset)
