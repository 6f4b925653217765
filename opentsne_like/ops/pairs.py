"""Exact sums over all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .forms import check_form
from .potential import Potential

PAIRS = 2**17  # of a chunk, at least


def exact(targets: Array, sources: Array | None, form: Any, n_jobs: int, charges: Array | None = None) -> Potential:
    """Return the potential of charges and its gradient by exact sums over all pairs.

    Parameters
    ----------
    targets : ndarray of shape (m, d), float32 or float64
        The sums are taken in this precision.
    sources : ndarray of shape (n, d), optional
        None for the targets themselves, which then do not feel their own charge.
    form : NamedTuple
        The radial function, one of `kernels.forms`.
    n_jobs : int
        Threads; the result has the same bits for any number.
    charges : ndarray of shape (n, q), optional
        By default there is one column, of ones.

    Returns
    -------
    Potential
        ``values`` (m,) and ``gradient`` (m, d) in the precision of the targets, (m, q) and (m, q, d) with charges.

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> ops.exact(np.array([[0.0], [1.0]]), None, forms.Cauchy(), n_jobs=1).values
    array([0.5, 0.5])
    """
    check_form(form, kernels.forms.value_and_slope)
    if charges is not None:
        return _charged(targets, sources, form, n_jobs, charges)
    m, d = targets.shape
    x = np.ascontiguousarray(targets.T)
    y = x if sources is None else np.ascontiguousarray(sources.T, dtype=targets.dtype)
    values = np.empty(m, targets.dtype)
    gradient = np.empty((m, d), targets.dtype)
    grain = max(1, PAIRS // max(1, y.shape[1]))
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


def _charged(targets: Array, sources: Array | None, form: Any, n_jobs: int, charges: Array) -> Potential:
    (m, d), q, dtype = targets.shape, charges.shape[1], targets.dtype
    x = np.ascontiguousarray(targets.T)
    y = x if sources is None else np.ascontiguousarray(sources.T, dtype=dtype)
    values, gradient = np.empty((m, q), dtype), np.empty((m, q, d), dtype)
    shared = (x, y, sources is None, form, np.ascontiguousarray(charges.T, dtype=dtype), values, gradient)
    tasks = [
        (kernels.exact.charged_sums, (low, high, *shared, np.empty((2, kernels.exact.BLOCK), dtype)))
        for low, high in _parallel.chunk_bounds(m, max(1, PAIRS // max(1, y.shape[1])))
    ]
    _parallel.run_tasks(tasks, n_jobs=n_jobs)
    return Potential(values, gradient, float(values.sum(dtype=np.float64)))
