"""Neighbours that are kept as they are found, so that a search that was killed goes on where it stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from .._types import Array

Arrays = Mapping[str, Array]


class Keeper(Protocol):
    """What keeps arrays by name from one process to the next.

    Examples
    --------
    >>> class Memory(dict):
    ...     put = dict.__setitem__
    >>> Memory().get("seed") is None
    True
    """

    def get(self, name: str) -> Arrays | None:
        """Return what was kept under a name, None where there is nothing or it is damaged."""

    def put(self, name: str, arrays: Arrays) -> None:
        """Keep arrays under a name, whole or not at all."""


_keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


@contextmanager
def kept_by(keeper: Keeper) -> Iterator[None]:
    """Let the one search inside keep what it finds, and take what an earlier one of the same data and parameters kept.

    A search of cells keeps each block of rows, a quarter of a million or so, as it is found.

    Parameters
    ----------
    keeper : object
        With ``get(name)``, which returns arrays by name or None, and ``put(name, arrays)``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import IVF, kept_by
    >>> class Memory(dict):
    ...     put = dict.__setitem__
    >>> memory, X = Memory(), np.random.default_rng(0).normal(size=(500, 5))
    >>> with kept_by(memory):
    ...     indices, _ = IVF(X, k=3).build()
    >>> with kept_by(memory):
    ...     again, _ = IVF(X, k=3).build()
    >>> bool((again == indices).all())
    True
    """
    token = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(token)


def kept(name: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays that are kept under a name, made and kept if they are not there; made where nobody keeps."""
    keeper = _keeper.get()
    if keeper is None:
        return make()
    found = keeper.get(name)
    if found is None:
        found = make()
        keeper.put(name, found)
    return found
