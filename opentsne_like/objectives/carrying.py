"""What objectives carry from one iteration to the next in the state: all of it, by name, with a check for files."""

from __future__ import annotations

from collections.abc import Mapping

from .._types import Array
from ..errors import InvalidParameterError
from ..repulsion import Control
from .stale import StaleForces

CARRIERS = (Control, StaleForces)


def check_carried(carried: Mapping[str, Array], shape: tuple[int, ...]) -> None:
    """Refuse what was carried, as a file says, that no objective would find in place.

    Parameters
    ----------
    carried : mapping of str to ndarray
    shape : (int, int)
        Of the map.

    Raises
    ------
    InvalidParameterError

    Examples
    --------
    >>> check_carried({}, (100, 2))
    """
    rest = dict(carried)
    for carrier in CARRIERS:
        parts = {name: rest.pop(name) for name in carrier.names if name in rest}
        if parts and len(parts) < len(carrier.names):
            raise InvalidParameterError(f"what is carried with {min(parts)!r} is not complete")
        if parts:
            carrier.check(parts, shape)
    if rest:
        raise InvalidParameterError(f"what is carried as {min(rest)!r} is not known")
