"""Exact sums over all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..ops import Potential
from . import device
from .doors import check_dimension
from .forms import numbers
from .grid import total_of
from .sums import precision

BLOCKS = 2**10  # that should be at work, where there are sources for so many
SLICE = 2**10  # sources that a block sums, at least


def exact(targets: Array, sources: Array | None, form: Any, n_jobs: int, charges: Array | None = None) -> Potential:
    """Return the potential of charges and its gradient by exact sums over all pairs, see `ops.exact`.

    Parameters
    ----------
    targets : ndarray of the device, shape (m, d), float32 or float64
    sources : ndarray of the device, shape (n, d), optional
    form : NamedTuple
    n_jobs : int
    charges : ndarray of the device, shape (n, q), optional

    Returns
    -------
    Potential
        Its arrays are the device's.
    """
    check_dimension(targets)
    card, dtype, (m, d) = device.current(), targets.dtype, targets.shape
    others = targets if sources is None else sources.astype(dtype, copy=False)
    n, q = len(others), 1 if charges is None else charges.shape[1]
    columns = None if charges is None else charges.astype(dtype, copy=False)
    slices = max(1, min(-(-n // SLICE), BLOCKS // device.blocks_for(m, most=m)))
    size = max(1, -(-n // slices))
    parts = card.xp.empty((slices, m, q, d + 1))
    values, gradient = card.xp.empty((m, q), dtype), card.xp.empty((m, q, d), dtype)
    arguments = (d, m, targets, n, others, sources is None, *numbers(form), q, columns, size, parts)
    card.launch(f"exact_{precision(targets)}", (device.blocks_for(m, most=m), slices, q), arguments)
    added = (d, np.int64(m * q), slices, parts, values, gradient)
    card.launch(f"add_slices_{precision(targets)}", (device.blocks_for(m * q * (d + 1)),), added)
    if charges is None:
        values, gradient = values[:, 0], gradient[:, 0]
    return Potential(values, gradient, total_of(values))
