"""Convolution of charges on a grid with a kernel, by Fourier transforms whose factors are given at run time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..ops import Grid
from . import device
from .workspace import Workspace

FACTORS = (8, 5, 4, 3, 2)  # whose transforms are written out
COLUMNS = 2  # that a block transforms together, as in `sources/fourier.cu`
GAP = 4  # of two: a number is left out after as many in a buffer
BLOCKS = 256  # that have buffers in the memory of all, where they are too long to be shared
THREADS = ((128, 64), (1024, 256))  # of a block, for transforms below a length; more for longer ones
MOST_THREADS = 512


class Passes(NamedTuple):
    """A transform: the roots of unity of twice its length, (2m,) complex64, its factors, and how many they are."""

    roots: Array
    factors: Array
    many: int


def factors_of(length: int) -> list[int]:
    """Return factors whose product is `length`, first those whose transforms are written out.

    Examples
    --------
    >>> from opentsne_like.gpu.fourier import factors_of
    >>> factors_of(600), factors_of(31)
    ([8, 5, 5, 3], [31])
    """
    found, factor = [], 7
    for known in FACTORS:
        while length % known == 0:
            found.append(known)
            length //= known
    while length > 1:
        if length % factor:
            factor += 2
        else:
            found.append(factor)
            length //= factor
    return found


def _passes(length: int, work: Workspace) -> Passes:
    def make() -> Passes:
        xp, found = device.current().xp, factors_of(length)
        roots = np.exp(-1j * np.pi * np.arange(2 * length) / length).astype(np.complex64)
        return Passes(xp.asarray(roots), xp.asarray(np.array([*found, 0], np.int32)), len(found))

    made: Passes = work.once(f"passes of {length}", make)
    return made


def arrange(spectrum: Array, grid: Grid) -> Array:
    """Return an influence function as `convolve` takes it, see `ops.arrange`.

    Parameters
    ----------
    spectrum : ndarray of shape (1, p1 // 2 + 1, p2 // 2 + 1), float64
        Of the host or the device.
    grid : Grid
        Of one or two dimensions.

    Returns
    -------
    ndarray of the device, shape (g2 + 1, 2, g1), float32
        By columns, even and odd frequencies of the rows apart.
    """
    card = device.current()
    rows, columns = grid.shape[1:]
    out: Array = card.xp.empty((columns + 1, 2, rows), np.float32)
    arguments = (rows, columns, spectrum.shape[1], card.xp.asarray(spectrum), 1.0 / (4.0 * rows * columns), out)
    card.launch("arrange", (device.blocks_for(out.size),), arguments)
    return out


def convolve(charges: Array, influence: Array, grid: Grid, work: Workspace, n_jobs: int) -> Array:
    """Return charges on a grid convolved with a kernel, without wrapping around, see `ops.convolve`.

    Parameters
    ----------
    charges : ndarray of the device, shape (1, g1, g2), float32
        From `spread`; changed.
    influence : ndarray of the device
        From `arrange` or `influence`.
    grid : Grid
    work : Workspace
    n_jobs : int

    Returns
    -------
    ndarray of the device, shape (1, g1, g2), float32
        In the place of the charges.
    """
    rows, length = grid.shape[1:]
    spectrum = work.take("spectrum", (rows, length + 1), np.complex64)
    along, down, pairs = _passes(length, work), _passes(rows, work), -(-rows // 2)
    _transform("transform_rows", pairs, 2, length, (charges, rows, length, spectrum, *along), work)
    columns = (spectrum, rows, length + 1, influence, *down)
    _transform("convolve_columns", -(-(length + 1) // COLUMNS), 2 * COLUMNS, rows, columns, work)
    _transform("transform_back", pairs, 2, length, (spectrum, rows, length, charges, *along), work)
    return charges


def _transform(name: str, blocks: int, many: int, length: int, arguments: tuple[Any, ...], work: Workspace) -> None:
    """Launch a kernel whose blocks need two buffers for `many` transforms, shared ones where they fit."""
    card = device.current()
    numbers = 2 * many * (length - 1 + (length - 1 >> GAP) + 1)
    shared, memory = 8 * numbers, None
    if shared > card.shared_bytes:
        blocks, shared = min(blocks, BLOCKS), 0
        memory = work.take("buffers", (blocks, numbers), np.complex64)
    threads = next((few for below, few in THREADS if length < below), MOST_THREADS)
    card.launch(name, (blocks,), (*arguments, memory), threads, shared)
