"""Convolution of a grid in the plane, padded with zeros: the layout of what `kernels.fourier` works on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .workspace import Workspace

ROWS, COLUMNS = 16, 32  # of the blocks that are transformed at a time
SPARE = 2  # columns that are read, with weight 0, beyond those that points touch


@lru_cache(maxsize=64)
def _passes(length: int) -> tuple[Array, Array]:
    """Return the factors of a transform and the roots of unity of twice its length, cosines and negative sines."""
    factors, left = [], length
    for factor in (5, 3, 4, 2):
        while left % factor == 0:
            factors.append(factor)
            left //= factor
    angles = np.pi * np.arange(2 * length) / length
    return np.array(factors), np.array([np.cos(angles), -np.sin(angles)], np.float32)


def row_length(length: int) -> int:
    """Return how many numbers a row of the grid takes in memory: whole blocks."""
    return -(-(length + SPARE) // COLUMNS) * COLUMNS


def arranged(spectrum: Array) -> Array:
    """Return an influence function (m0 + 1, m1 + 1) as `kernels.fourier` takes it, for transforms that do not scale.

    Both axes hold their even frequencies first, then their odd ones; the second axis comes first.
    """
    m0, m1 = spectrum.shape[0] - 1, spectrum.shape[1] - 1
    rows = np.concatenate([np.arange(0, m0 + 1, 2), np.arange(1, m0 + 1, 2)])
    out = np.zeros((2, m1 // 2 + 1, -(-(m0 + 1) // ROWS) * ROWS), np.float32)
    for odd in (0, 1):
        part = spectrum[rows, odd::2].T / (4.0 * m0 * m1)
        out[odd, : len(part), : m0 + 1] = part
    return out


def convolve_in_plane(
    charges: Array, influence: Array, lengths: tuple[int, int], n_jobs: int, work: Workspace
) -> Array:
    """Return the charges convolved with the kernel.

    Parameters
    ----------
    charges : (m0, columns) float32
        With `row_length` columns.
    influence : float32
        From `arranged`.
    lengths : (m0, m1)
        Nodes of the grid, products of 2, 3 and 5.
    n_jobs : int
    work : Workspace
        Holds what is returned.

    Returns
    -------
    (m0, columns) float32
    """
    (m0, m1), columns, rows = lengths, charges.shape[1], influence.shape[2]
    spectrum = work.take("spectrum", (2, rows, columns), np.float32)
    spectrum[:, m0 + 1 :] = 0.0
    fourier = kernels.fourier
    first, second = _passes(m0), _passes(m1)
    columnwise = {"n": columns // COLUMNS, "n_jobs": n_jobs, "grain": 1}
    _parallel.for_chunks(fourier.forward_columns, args=(charges, *first, spectrum), **columnwise)
    args = (m1, *second, influence, spectrum)
    _parallel.for_chunks(fourier.convolve_rows, rows // ROWS, args, n_jobs=n_jobs, grain=1)
    _parallel.for_chunks(fourier.backward_columns, args=(spectrum, *first, charges), **columnwise)
    return charges
