"""NumPy's files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError, StorageError
from ..storage import replacing
from .locations import Location

_MAGIC = b"\x93NUMPY"


def read_npy(place: Location) -> Array:
    """Return the array in a .npy file, mapped where it can be."""
    if place.what is not None:
        raise InvalidParameterError(f"`{place.name}` must be one array, got {place.what!r} of {place.path!r}")
    try:
        return np.asarray(np.lib.format.open_memmap(place.path, mode="r"))
    except ValueError:  # empty, of Python objects or broken: reading says which
        try:
            with open(place.path, "rb") as file:
                return np.asarray(np.load(file, allow_pickle=False))
        except (OSError, MemoryError):
            raise
        except Exception as error:  # what looks like an archive or a pickle fails in other ways
            raise StorageError(f"`{place.name}` {place.path!r} cannot be read: {_flaw(place.path)}") from error


def write_npy(path: str, blocks: Iterable[Array], shape: tuple[int, ...], written: Callable[[int], Any]) -> None:
    """Write rows as they come, under another name until all are there.

    Parameters
    ----------
    path : str
    blocks : iterable of ndarray
        Rows, one block after the other.
    shape : tuple of int
        Of all together.
    written : callable
        Is told how many rows each block had.

    Examples
    --------
    >>> write_npy("Y.npy", iter([np.zeros((2, 2)), np.ones((1, 2))]), (3, 2), lambda rows: None)
    >>> np.load("Y.npy").tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    """
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
        for block in blocks:
            file.write(np.ascontiguousarray(block, "<f8").data)
            written(len(block))


def _flaw(path: str) -> str:
    """Return what is wrong with a .npy file that NumPy refuses."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(len(_MAGIC))
        if start != _MAGIC[: len(start)]:
            return "it is of another kind, since it does not begin as .npy files do"
        file.seek(0)
        try:
            version = np.lib.format.read_magic(file)
            read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
            shape, _, dtype = read[version[0]](file)
        except (ValueError, KeyError):
            return "it is truncated or damaged within its header"
        if dtype.hasobject:
            return "it holds Python objects, which could run code; save numbers or text"
        whole = file.tell() + int(np.prod(shape, dtype=object)) * dtype.itemsize
    return f"it is truncated: {size:,} bytes of {whole:,}" if size < whole else "it is damaged"


def read_npz(place: Location, preferred: str, say: Callable[[str], Any]) -> Any:
    """Return an array of a .npz file: the one that is asked for, the preferred one, or the first, which is told."""
    with open(place.path, "rb") as file, zipfile.ZipFile(file):  # NumPy leaves a file that is none open
        pass
    with np.load(place.path, allow_pickle=False) as archive:
        names = list(archive.files)
        if place.what is not None:
            return archive[place.chosen(names, "array")]
        if {"format", "data", "shape"} <= set(names):
            from scipy import sparse

            return sparse.load_npz(place.path).tocsr()
        if "header" in names and b'"opentsne_like"' in np.asarray(archive["header"]).tobytes()[:64]:
            raise StorageError(f"{place.path!r} is a map of opentsne-like, not a table; pass the data")
        if not names:
            raise ValueError("it holds no array")
        chosen = preferred if preferred in names else names[0]
        if len(names) > 1:
            say(f"{place.path}: the array {chosen!r} of {', '.join(names)}; {place.path}:NAME takes another")
        return archive[chosen]
