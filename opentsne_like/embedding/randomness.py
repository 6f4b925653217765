"""Seeds and generators as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validation import check_integer
from ..errors import StorageError

_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_PLACES = {"MT19937": {"pos": 624}, "Philox": {"buffer_pos": 4}}  # and the last value that means something


def pack_random_state(random_state: Any) -> Any:
    """Return a seed or a generator as JSON values.

    Parameters
    ----------
    random_state : None, int, RandomState or Generator

    Examples
    --------
    >>> pack_random_state(7)
    7
    """
    if isinstance(random_state, np.random.RandomState):
        return {"RandomState": _listed(random_state.get_state(legacy=False))}
    if isinstance(random_state, np.random.Generator):
        return {"Generator": _listed(random_state.bit_generator.state)}
    return None if random_state is None else int(random_state)


def unpack_random_state(packed: Any) -> Any:
    """Return the seed or generator that `pack_random_state` took apart.

    Parameters
    ----------
    packed : None, int or dict

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> copy = unpack_random_state(pack_random_state(generator))
    >>> bool(generator.random() == copy.random())
    True
    """
    if packed is None or isinstance(packed, int):
        return packed
    try:
        ((kind, state),) = packed.items()
        name = state["bit_generator"]
        if name not in _BIT_GENERATORS or kind not in ("RandomState", "Generator"):
            raise StorageError(f"the random state is of the kind {str(name)[:40]!r}, which is not known")
        _check_places(name, state)
        if kind == "Generator":
            bits = getattr(np.random, name)()
            bits.state = state
            return np.random.Generator(bits)
        legacy = np.random.RandomState()
        legacy.set_state(state)
        return legacy
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise StorageError(f"the stored random state is damaged: {error}") from error


def _check_places(name: str, state: dict[str, Any]) -> None:
    """Refuse a place in a buffer that lies outside of it: NumPy takes any, and reads there."""
    for place, last in _PLACES.get(name, {}).items():
        holder = state["state"] if place == "pos" else state
        check_integer(holder[place], place, at_least=0, at_most=last)


def _listed(state: Any) -> Any:
    """Return nested dictionaries with lists in the place of arrays."""
    if isinstance(state, dict):
        return {key: _listed(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
