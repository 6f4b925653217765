"""All-pairs repulsion by exact sums: the oracle of the fast methods, and the fastest for a few thousand points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _parallel, kernels
from .potential import Potential
from .radial import Radial, StudentT

Array = np.ndarray[Any, Any]


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
    grain = max(1, 2**17 // y.shape[1])
    if d == 2 and radial == StudentT(1.0):
        args = (x, y, sources is None, values, gradient)
        _parallel.for_chunks(kernels.exact.cauchy_plane, m, args, n_jobs=n_jobs, grain=grain)
    else:
        shared = (x, y, sources is None, radial.code, targets.dtype.type(radial.parameter), values, gradient)
        tasks = [
            (kernels.exact.radial_sums, (low, high, *shared, np.empty(kernels.exact.BLOCK, targets.dtype)))
            for low, high in _parallel.chunk_bounds(m, grain)
        ]
        _parallel.run_tasks(tasks, n_jobs=n_jobs)
    return Potential(values, gradient, float(values.sum(dtype=np.float64)))
