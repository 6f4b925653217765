"""Where a map lies and how wide it is."""

from __future__ import annotations

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
