"""Single tasks of a cluster, and the client that hands them over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._types import Array
from ..dependencies import need
from ..errors import InvalidTypeError, UnavailableError
from .cluster import mapped


def check_client(client: Any = None) -> Any:
    """Return a client of a cluster, that of the process where none is given.

    Parameters
    ----------
    client : distributed.Client, optional

    Raises
    ------
    UnavailableError
        There is none, or it was closed.
    """
    distributed = need("distributed", "dask")
    if client is None:
        try:
            return distributed.default_client()
        except ValueError:
            raise UnavailableError(
                "`client` must be the client of a cluster, got none; make one: distributed.Client()"
            ) from None
    if not isinstance(client, distributed.Client):
        raise InvalidTypeError(f"`client` must be a distributed.Client, got {type(client).__name__}")
    if client.status == "closed":
        raise UnavailableError("`client` must be the client of a cluster, got one that was closed; make another one")
    return client


def submitted(client: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Return the future of ``function(*args)``; futures among the arguments, also in lists, stand for their results."""
    return mapped(client, function, *([argument] for argument in args))[0]


def stacked(pieces: list[Array]) -> Array:
    """Return arrays below each other, in a task."""
    return np.concatenate(pieces)
