"""Points along a curve that keeps close ones together."""

from __future__ import annotations

import numpy as np

from .._types import Array
from ..ops.tree import morton_box
from . import device
from .doors import check_dimension
from .extents import bulk, extent, three


def morton_order(points: Array, n_jobs: int) -> Array:
    """Return the numbers of points along the Morton curve, see `ops.morton_order`.

    Where the curve does not tell points apart they keep their sequence.

    Parameters
    ----------
    points : ndarray of the device, shape (n, d), float64
        d is at most 3.
    n_jobs : int

    Returns
    -------
    ndarray of the device, shape (n,), int32
    """
    check_dimension(points)
    card, (n, d) = device.current(), points.shape
    corner, width = morton_box(extent(points, n_jobs), *bulk(points))
    scale = 1.0 / width if width > 1e-290 else 0.0
    keys = card.xp.empty(n, np.uint64)
    order: Array = card.xp.empty(n, np.int32)
    card.launch("morton_keys", (device.blocks_for(n),), (d, n, points, *three(corner), scale, keys))
    keys.sort()
    card.launch("lower_halves", (device.blocks_for(n),), (np.int64(n), keys, order))
    return order
