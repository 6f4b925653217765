"""What writing and reading must agree on: the format, its names and its types."""

from __future__ import annotations

import os
import re
import zipfile
from typing import Any

import numpy as np

from ..errors import InvalidTypeError

FORMAT = "opentsne_like"
VERSION = 2

HEADER = "header"  # the member that holds the JSON text
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")
DTYPE = re.compile(r"\|b1|\|[iu]1|[<>][iuf][248]|[<>]c8|[<>]c16")
PIECE = 2**22  # bytes handed to the disk, or taken from it, at a time


class Archive(zipfile.ZipFile):
    """A zip file for `with` statements, which says nothing where Ctrl-C comes before it is open."""

    def __del__(self) -> None:
        """Leave closing to the `with` statement: there may be nothing to close yet."""


def parts_below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with `prefix`, without it.

    Parameters
    ----------
    prefix : str
    arrays : dict of str to ndarray

    Examples
    --------
    >>> list(parts_below("index.", {"index.data": np.eye(2), "gains": np.ones(2)}))
    ['data']
    """
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def path_text(path: Any, name: str = "path") -> str:
    """Return a path as text, or raise InvalidTypeError."""
    try:
        return os.fsdecode(path)
    except TypeError as error:
        raise InvalidTypeError(f"`{name}` must be the name of a file, got {path!r}") from error


def shortened(name: str) -> str:
    """Return the beginning of a file's name, so that as much again can be added.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> len(shortened("x" * 255))
    100
    """
    return os.fsencode(name)[:100].decode(errors="ignore")  # the system counts bytes
