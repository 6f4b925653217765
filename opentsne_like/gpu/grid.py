"""Charges onto a regular grid, and values and gradients of what the grid holds back at points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..ops import Grid, Place, Potential
from . import device, sums
from .doors import check_on_grid
from .workspace import Workspace

# Threads of a block and numbers of its window, for maps below this number of points and above.
MANY = 300_000
FEW_WINDOW, MANY_WINDOW = (128, 4096), (256, 8192)


def _frame(points: Array, place: Place, grid: Grid) -> tuple[Any, ...]:
    """Return what kernels take of points and a grid: d, n, the points, and the frame of `sources/grid.cu`."""
    check_on_grid(points)
    n, d = points.shape
    corner, offset, cells_per_unit = place
    ends = [0.0] * (2 - d)
    numbers = (*ends, *np.asarray(corner).tolist(), *ends, *np.asarray(offset).tolist(), float(cells_per_unit))
    return d, n, points, *numbers, *grid.shape[1:]


def spread(
    points: Array, place: Place, grid: Grid, work: Workspace, n_jobs: int, charges: Array | None = None
) -> Array:
    """Return the charges of points on a grid, see `ops.spread`: the same bits for any order of the points.

    They are summed in fixed point, in units of 2^-22; with charges, of 2^-30 of the power of two above the largest of
    a column. Points that are not within the grid are left out.

    Parameters
    ----------
    points : ndarray of the device, shape (n, d), float64
        d is 1 or 2.
    place : Place
    grid : Grid
    work : Workspace
        Holds what is returned.
    n_jobs : int
    charges : ndarray of the device, shape (n, q), float32, optional

    Returns
    -------
    ndarray of the device, shape (1, g1, g2) or, with charges, (q, 1, g1, g2), float32
    """
    frame, card = _frame(points, place, grid), device.current()
    n, q = len(points), 1 if charges is None else charges.shape[1]
    exact = work.take("sums", (q, *grid.shape), np.uint64)
    out = work.take("charges", (q, *grid.shape), np.float32)
    exact.fill(0)
    board = None
    if charges is None:
        threads, room = FEW_WINDOW if n < MANY else MANY_WINDOW
        blocks = (device.blocks_for(n, threads, most=n),)
        card.launch("spread", blocks, (*frame, exact, room), threads, 4 * room)
    else:
        board = sums.new_board(q)
        sums.look(charges, board)
        card.launch("spread_charges", (device.blocks_for(n, most=n), q), (*frame, q, charges, board, exact))
    nodes = exact[0].size
    card.launch("settle", (device.blocks_for(nodes), q), (np.int64(nodes), exact, board, out))
    return out[0] if charges is None else out


def gather(
    potential: Array,
    points: Array,
    place: Place,
    grid: Grid,
    own: Array,
    shift: float,
    faintest: float,
    n_jobs: int,
) -> tuple[Potential, int]:
    """Return value and gradient at points of a potential on a grid, see `ops.gather`.

    Parameters
    ----------
    potential : ndarray of the device, shape (1, g1, g2), float32
    points : ndarray of the device, shape (m, d), float64
    place, grid
        As in `spread`.
    own : ndarray of shape (HARMONICS, HARMONICS, HARMONICS), float64
        Of the host or the device.
    shift, faintest : float
    n_jobs : int

    Returns
    -------
    Potential
        Its arrays are the device's.
    int
        How many points the grid is not good for.
    """
    frame, card = _frame(points, place, grid), device.current()
    n, d = points.shape
    values, gradient = card.xp.empty(n, np.float32), card.xp.empty((n, d), np.float32)
    board = sums.new_board(2)  # a line for the values, a word for how many are missing
    made = (values, gradient, board, board[1])
    numbers = (potential, card.xp.asarray(own), float(shift), float(faintest))
    card.launch("gather", (device.blocks_for(n, most=n),), (*frame, *numbers, *made))
    sums.add_up(values[:, None], board)
    words = card.read(board)
    return Potential(values, gradient, float(sums.decoded(words[:1]).total[0])), int(words[1, 0])


def gather_charges(
    potentials: Array,
    points: Array,
    place: Place,
    grid: Grid,
    own: Array,
    shift: Array,
    charges: Array,
    n_jobs: int,
) -> Potential:
    """Return value and gradient of several potentials at the points whose charges made them, see `ops.gather_charges`.

    Parameters
    ----------
    potentials : ndarray of the device, shape (q, 1, g1, g2), float32
    points, place, grid, own, n_jobs
        As in `gather`.
    shift : ndarray of shape (q,), float64
        Of the host or the device.
    charges : ndarray of the device, shape (n, q), float32

    Returns
    -------
    Potential
        ``values`` (n, q) and ``gradient`` (n, q, d), float32, of the device.
    """
    frame, card = _frame(points, place, grid), device.current()
    (n, d), q, xp = points.shape, len(potentials), card.xp
    values, gradient = xp.empty((n, q), np.float32), xp.empty((n, q, d), np.float32)
    numbers = (q, potentials, xp.asarray(own), xp.asarray(shift), charges)
    card.launch("gather_charges", (device.blocks_for(n, most=n),), (*frame, *numbers, values, gradient))
    return Potential(values, gradient, total_of(values))


def total_of(values: Array) -> float:
    """Return the sum of an array of the device, float32 or float64, in no order."""
    return float(sums.column_sums(values.reshape(-1, 1)).total[0])
