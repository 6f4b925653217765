"""What passes for a distance: finite, and not below zero by more than rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError

# By the bytes of a floating type: how far below 0 a distance may be, as a share of the largest. It was 1 - x.y, or the
# root of a difference, and 0 is what it stands for.
ROUNDING = {2: 2e-3, 4: 1e-6, 8: 1e-12, 16: 1e-12}
_BLOCK = 2**20  # numbers that are looked at together


def check_distances(
    distances: Array, name: str, *, starts: Array | None = None, own: bool = False, dtype: Any = None
) -> Array:
    """Return distances that are finite and not negative; what rounding brought below 0 becomes 0, in a copy.

    Parameters
    ----------
    distances : ndarray of shape (m, k), or (n_stored,) with `starts`
    name : str
        How the caller calls them.
    starts : ndarray of shape (m + 1,), optional
        Where the rows of a sparse matrix begin.
    own : bool
        Whether entry i of row i is the distance of a point to itself, which is not looked at.
    dtype : dtype, optional
        What they were computed in, where that is another type than that of `distances`.

    Raises
    ------
    InvalidParameterError
        NaN, infinity or a negative distance, with its row.
    """
    least = largest = 0.0
    kind = np.dtype(distances.dtype if dtype is None else dtype)
    rows = max(1, _BLOCK // max(1, distances[:1].size))
    for low in range(0, len(distances), rows):
        part = _looked_at(distances, low, low + rows, own)
        if not np.isfinite(part).all():
            _refuse(part, ~np.isfinite(part), name, low, starts)
        least, largest = min(least, part.min(initial=0)), max(largest, part.max(initial=0))
    if least >= 0:
        return distances
    limit = _limit(kind, largest)
    if least < limit:
        for low in range(0, len(distances), rows):
            part = _looked_at(distances, low, low + rows, own)
            if (part < limit).any():
                _refuse(part, part < limit, name, low, starts)
    return np.maximum(distances, 0)


def forgiven(distances: Array) -> Array:
    """Return computed distances with 0 in the place of what rounding brought below it.

    Parameters
    ----------
    distances : ndarray of floats
    """
    limit = _limit(distances.dtype, float(np.max(distances, initial=0, where=np.isfinite(distances))))
    slight = (distances < 0) & (distances >= limit)
    return np.where(slight, 0, distances) if slight.any() else distances


def _limit(kind: np.dtype[Any], largest: float) -> float:
    """Return how far below 0 rounding brings a distance where the largest is `largest`."""
    return -ROUNDING[kind.itemsize] * largest if kind.kind == "f" else 0.0


def _looked_at(distances: Array, low: int, high: int, own: bool) -> Array:
    """Return a block of rows, with zeros for the distances of points to themselves."""
    part = distances[low:high]
    if own:
        part = part.copy()
        here = np.arange(len(part))
        part[here, low + here] = 0
    return part


def _refuse(part: Array, bad: Array, name: str, low: int, starts: Array | None) -> None:
    place = tuple(np.argwhere(bad)[0])
    row = low + int(place[0])
    if starts is not None:
        row = int(np.searchsorted(starts, row, side="right")) - 1
    raise InvalidParameterError(f"`{name}` must be finite and not negative, got {part[place]} in row {row}")
