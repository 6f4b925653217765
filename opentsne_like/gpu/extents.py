"""Where a map lies and how wide it is."""

from __future__ import annotations

import numpy as np

from .._types import Array
from ..ops import Extent, extents, sample_places
from . import device, sums
from .doors import check_dimension


def extent(points: Array, n_jobs: int) -> Extent:
    """Return where a map lies and how wide it is, see `ops.extent`.

    Parameters
    ----------
    points : ndarray of the device, shape (n, d), float64
    n_jobs : int
        Of no meaning here, and below.

    Returns
    -------
    Extent
        On the host, where the grid is planned by it.
    """
    check_dimension(points)
    columns = sums.column_sums(points)
    return Extent(columns.low, columns.high - columns.low, columns.total / len(points))


def bulk(points: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest coordinates of all but the outermost 2 % on either side, see `ops.bulk`.

    Parameters
    ----------
    points : ndarray of the device, shape (n, d), float64

    Returns
    -------
    two ndarrays of shape (d,)
        On the host.
    """
    card = device.current()
    places = card.xp.asarray(sample_places(len(points), extents.SAMPLE))
    return extents.bulk_of(card.read(points[places]))


def around(points: Array, offset: Array, dtype: type) -> Array:
    """Return points less an offset, see `ops.around`.

    Parameters
    ----------
    points : ndarray of the device, shape (n, d), float64
    offset : ndarray of shape (d,), float64
        On the host.
    dtype : type
        float32 or float64.

    Returns
    -------
    ndarray of the device, shape (n, d)
    """
    return write_around(points, offset, None, device.current().xp.empty(points.shape, dtype))


def write_around(points: Array, offset: Array, order: Array | None, out: Array) -> Array:
    """Write points (n, d) less an offset (d,) of the host, in an order (n,) where one is given, and return `out`."""
    check_dimension(points)
    n, d = points.shape
    arguments = (d, np.int64(n), order, points, *three(offset), out)
    device.current().launch(f"around_{sums.precision(out)}", (device.blocks_for(n * d),), arguments)
    return out


def three(offset: Array) -> tuple[float, ...]:
    """Return a number for each of up to three axes, and zeros for those that are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.gpu.extents import three
    >>> three(np.ones(2))
    (1.0, 1.0, 0.0)
    """
    return (*np.asarray(offset, np.float64).tolist(), 0.0, 0.0)[:3]
