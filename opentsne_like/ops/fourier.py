"""Convolution of charges on a grid with a kernel, by Fourier transforms."""

from __future__ import annotations

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .grid import Grid
from .plane import arranged, convolve_in_plane
from .workspace import Workspace


def arrange(spectrum: Array, grid: Grid) -> Array:
    """Return an influence function as `convolve` takes it.

    Parameters
    ----------
    spectrum : ndarray of shape (p0 // 2 + 1, p1 // 2 + 1, p2 // 2 + 1), float64
        Real and even, for the padded lengths of the grid; 1 along missing axes.
    grid : Grid

    Returns
    -------
    ndarray, float32

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> grid = ops.Grid(1.0, (1, 16, 16), (1, 32, 32))
    >>> ops.arrange(np.ones((1, 17, 17)), grid).dtype
    dtype('float32')
    """
    return arranged(spectrum[0]) if grid.is_plane else spectrum.astype(np.float32)


def convolve(charges: Array, influence: Array, grid: Grid, work: Workspace, n_jobs: int) -> Array:
    """Return charges on a grid convolved with a kernel, without wrapping around.

    Parameters
    ----------
    charges : ndarray of shape (g0, g1, columns), float32
        From `spread`; changed.
    influence : ndarray, float32
        Transform of the kernel, from `arrange`.
    grid : Grid
    work : Workspace
    n_jobs : int
        Threads; the result has the same bits for any number.

    Returns
    -------
    ndarray of shape (g0, g1, columns), float32
        In the place of the charges.

    Examples
    --------
    With a spectrum of ones a convolution changes nothing:

    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> grid, work = ops.Grid(1.0, (1, 16, 16), (1, 32, 32)), ops.Workspace()
    >>> place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    >>> charges = ops.spread(np.array([[0.0, 0.0]]), place, grid, work, n_jobs=1)
    >>> before = charges[0, :, :16].copy()
    >>> after = ops.convolve(charges, ops.arrange(np.ones((1, 17, 17)), grid), grid, work, n_jobs=1)
    >>> bool(np.allclose(after[0, :, :16], before, atol=1e-5))
    True
    """
    if grid.is_plane:
        return convolve_in_plane(charges[0], influence, grid.shape[1:], n_jobs, work)[None]
    return _convolve_on_line_or_in_space(charges, influence, grid.padded, n_jobs, work)


def _convolve_on_line_or_in_space(
    charges: Array, influence: Array, padded: tuple[int, int, int], n_jobs: int, work: Workspace
) -> Array:
    """Return the charges convolved with the kernel, by transforms of blocks of fixed size.

    Only the rows that hold charges are transformed, and only those that are read are transformed back. Both middle
    transforms and the product run on one block of columns while it is in the cache.
    """
    from scipy import fft

    g0, g1, p2 = charges.shape
    columns = p2 // 2 + 1
    flat = charges.reshape(g0 * g1, p2)
    spectrum = work.take("spectrum", (g0 * g1, columns), np.complex64)
    cube = spectrum.reshape(g0, g1, columns)

    def forward(low: int, high: int) -> None:
        spectrum[low:high] = fft.rfft(flat[low:high], axis=1)

    def middle(low: int, high: int) -> None:
        block = cube[:, :, low:high]
        if g1 > 1:
            block = fft.fft(block, n=padded[1], axis=1)
        if g0 > 1:
            block = fft.fft(block, n=padded[0], axis=0)
        if g0 == g1 == 1:
            block = np.ascontiguousarray(block)
        kernels.grid.apply_influence(block, influence, low)
        if g0 > 1:
            block = fft.ifft(block, axis=0, overwrite_x=True)[:g0]
        if g1 > 1:
            block = fft.ifft(block, axis=1, overwrite_x=True)[:, :g1]
        cube[:, :, low:high] = block

    def backward(low: int, high: int) -> None:
        flat[low:high] = fft.irfft(spectrum[low:high], n=p2, axis=1)

    rows = max(1, 2**15 // p2)
    width = max(1, min(64, 2**16 // (padded[0] * padded[1])))
    _parallel.for_chunks(forward, g0 * g1, (), n_jobs=n_jobs, grain=rows)
    _parallel.for_chunks(middle, columns, (), n_jobs=n_jobs, grain=width)
    _parallel.for_chunks(backward, g0 * g1, (), n_jobs=n_jobs, grain=rows)
    return charges
