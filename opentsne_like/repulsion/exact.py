"""All-pairs repulsion by exact sums: the oracle of the fast methods, and the fastest for a few thousand points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _parallel, kernels
from .potential import Potential
from .radial import Radial

Array = np.ndarray[Any, Any]

PAIRS = 2**18  # that NumPy works on at a time


def exact_sums(targets: Array, sources: Array | None, radial: Radial, *, n_jobs: int) -> Potential:
    """Return the potential of unit charges at `sources` and its gradient at `targets`.

    Parameters
    ----------
    targets : (m, d) float32 or float64
        The sums are taken in this precision.
    sources : (n, d), optional
        None for the targets themselves, which then do not feel their own charge.
    radial : Radial
    n_jobs : int

    Returns
    -------
    Potential
        ``values`` (m,) and ``gradient`` (m, d) in the precision of the targets.
    """
    m, d = targets.shape
    x = np.ascontiguousarray(targets.T)
    y = x if sources is None else np.ascontiguousarray(sources.T, dtype=targets.dtype)
    values = np.empty(m, targets.dtype)
    gradient = np.empty((m, d), targets.dtype)
    form = radial.form
    if form is None:
        _sum_plainly(x, y, sources is None, radial, values, gradient, n_jobs)
        return Potential(values, gradient, float(values.sum(dtype=np.float64)))
    grain = max(1, 2**17 // y.shape[1])
    if d == 2 and isinstance(form, kernels.forms.Cauchy):
        args = (x, y, sources is None, values, gradient)
        _parallel.for_chunks(kernels.exact.cauchy_plane, m, args, n_jobs=n_jobs, grain=grain)
    else:
        shared = (x, y, sources is None, form, values, gradient)
        tasks = [
            (kernels.exact.radial_sums, (low, high, *shared, np.empty(kernels.exact.BLOCK, targets.dtype)))
            for low, high in _parallel.chunk_bounds(m, grain)
        ]
        _parallel.run_tasks(tasks, n_jobs=n_jobs)
    return Potential(values, gradient, float(values.sum(dtype=np.float64)))


def _sum_plainly(x: Array, y: Array, same: bool, radial: Radial, values: Array, gradient: Array, n_jobs: int) -> None:
    """Write the sums of a function that compiled loops do not know, in float64 by NumPy."""
    (d, m), n = x.shape, y.shape[1]

    def block(low: int, high: int) -> None:
        apart = x[:, low:high, None].astype(np.float64) - y[:, None, :]
        square = (apart * apart).sum(axis=0)
        k, slope = np.array(radial(square)), 2.0 * radial.slope(square)
        if same:
            k[np.arange(high - low), np.arange(low, high)] = 0.0
            slope[np.arange(high - low), np.arange(low, high)] = 0.0
        values[low:high] = k.sum(axis=1)
        for axis in range(d):
            gradient[low:high, axis] = (slope * apart[axis]).sum(axis=1)

    rows = max(1, PAIRS // n)
    _parallel.run_tasks([(block, (low, min(low + rows, m))) for low in range(0, m, rows)], n_jobs=n_jobs)
