"""Influence functions of grids in the plane, made where they are used."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..ops import HARMONICS, Grid
from . import device
from .forms import numbers
from .fourier import arrange

TILE = 16  # as in `sources/influence.cu`


def influence(
    grid: Grid,
    form: Any,
    constant: float,
    squares: tuple[Array, Array],
    factors: tuple[Array, Array],
    waves: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return the influence function of a radial function, as `convolve` takes it, and the self-interaction.

    Its cosine transforms are two products of matrices, so a grid of another size costs neither a plan nor a compiler.

    Parameters
    ----------
    grid : Grid
        In the plane, of m0 and m1 nodes.
    form : NamedTuple
        The radial function, one of `kernels.forms`.
    constant : float
        What is taken off it.
    squares : two ndarrays of shape (m0 + 1,) and (m1 + 1,), float64
        Squared distances from node 0 along either axis of the padded grid, up to its middle.
    factors : two ndarrays of the same shapes, float64
        What the transform is multiplied by along either axis.
    waves : two ndarrays of shape (HARMONICS, m0 + 1) and (HARMONICS, m1 + 1), float64
        What of each frequency goes into each harmonic of the self-interaction.

    Returns
    -------
    influence : ndarray of the device, shape (m1 + 1, 2, m0), float32
    own : ndarray of the host, shape (HARMONICS, HARMONICS, HARMONICS), float64
        As `gather` takes it.
    """
    card = device.current()
    xp, (m0, m1) = card.xp, grid.shape[1:]
    table = xp.empty((m0 + 1, m1 + 1))
    x, y = (xp.asarray(each) for each in squares)
    shape = (m0 + 1, m1 + 1)
    radial = (*shape, x, y, *numbers(form), float(constant), table)
    card.launch("radial_table", (device.blocks_for(table.size),), radial)
    turned = _transformed(table, factors[1])
    spectrum = _transformed(turned, factors[0])
    harmonics = _folded(_folded(spectrum, waves[1]), waves[0])
    own = np.zeros((HARMONICS,) * 3)
    own[0] = card.read(harmonics)
    return arrange(spectrum[None], grid), own


def _transformed(table: Array, factor: Array) -> Array:
    """Return the cosine transform of the rows (r, m + 1) times a factor (m + 1,), as columns (m + 1, r)."""
    card = device.current()
    rows, m = len(table), table.shape[1] - 1
    cosines = card.xp.asarray(np.cos(np.pi * np.arange(2 * m) / m))
    out: Array = card.xp.empty((m + 1, rows))
    blocks = (-(-rows // TILE), -(-(m + 1) // TILE))
    card.launch("cosine_products", blocks, (rows, m, table, cosines, card.xp.asarray(factor), out), TILE * TILE)
    return out


def _folded(table: Array, waves: Array) -> Array:
    """Return the products of rows (r, k) with waves (w, k), shape (w, r)."""
    card = device.current()
    (rows, length), count = table.shape, len(waves)
    out: Array = card.xp.empty((count, rows))
    card.launch("fold_waves", (rows, count), (length, card.xp.asarray(waves), table, out))
    return out
