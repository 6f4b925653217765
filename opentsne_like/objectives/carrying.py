"""What objectives carry from one iteration to the next in the state: all of it, by name, with a check for files."""

from __future__ import annotations

from collections.abc import Mapping

from .._types import Array
from ..errors import InvalidParameterError
from ..repulsion import Control
from .base import Loss
from .stale import StaleForces

CARRIERS = (Control, StaleForces)


def carried_names(loss: Loss) -> set[str]:
    """Return the names of what may be carried: by objectives of the package, and by this loss.

    Parameters
    ----------
    loss : Loss

    Examples
    --------
    >>> from opentsne_like.objectives import KullbackLeibler, carried_names
    >>> "verdict" in carried_names(KullbackLeibler())
    True
    """
    return {name for carrier in CARRIERS for name in carrier.names} | set(loss.carries)


def check_carried(carried: Mapping[str, Array], shape: tuple[int, ...], loss: Loss) -> None:
    """Refuse what was carried, as a file says, that no objective would find in place.

    Parameters
    ----------
    carried : mapping of str to ndarray
    shape : (int, int)
        Of the map.
    loss : Loss
        Which may carry what is known to nobody else, and finds out itself whether that is in place.

    Raises
    ------
    InvalidParameterError

    Examples
    --------
    >>> from opentsne_like.objectives import KullbackLeibler
    >>> check_carried({}, (100, 2), KullbackLeibler())
    """
    rest = dict(carried)
    for carrier in CARRIERS:
        parts = {name: rest.pop(name) for name in carrier.names if name in rest}
        if parts and len(parts) < len(carrier.names):
            raise InvalidParameterError(f"what is carried with {min(parts)!r} is not complete")
        if parts:
            carrier.check(parts, shape)
    if rest := {name: part for name, part in rest.items() if name not in loss.carries}:
        raise InvalidParameterError(f"what is carried as {min(rest)!r} is not known")
