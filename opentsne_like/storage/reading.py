"""Reading: nothing is trusted, extracted, unpickled or evaluated.

Arrays are described by the JSON header alone; members must be stored uncompressed, and so cannot be larger in memory
than in the file.
"""

from __future__ import annotations

import json
import math
import os
import stat
import struct
import zipfile
from collections.abc import Collection
from typing import Any

import numpy as np

from ..errors import StorageError
from .layout import DTYPE, FORMAT, HEADER, NAME, PIECE, VERSION, Archive, path_text


def read(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write` wrote, and refuse everything else.

    Parameters
    ----------
    path : str or PathLike
    names : collection of str, optional
        The arrays to read; only these are read and verified. None reads all, ``()`` the header alone.

    Returns
    -------
    arrays : dict of str to ndarray
        Fresh, writable arrays with the stored dtypes and shapes.
    header : dict
        What was passed to `write`, with tuples as lists.

    Raises
    ------
    StorageError
        The file is missing, truncated, altered, foreign or written by a newer version, or lacks one of `names`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.storage import write
    >>> write("map.npz", {"coordinates": np.zeros((4, 2)), "gains": np.ones((4, 2))}, {"iterations": 750})
    >>> arrays, header = read("map.npz", names=["gains"])
    >>> sorted(arrays), header["iterations"]
    (['gains'], 750)
    """
    arrays, document = _read(path, names)
    return arrays, document["content"]


def versions(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the versions of the packages that a file was written with.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    dict of str to str
        By the names of distributions; empty where the file does not say.

    Raises
    ------
    StorageError
        See `read`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.storage import write
    >>> write("map.npz", {}, {})
    >>> versions("map.npz")["numpy"] == np.__version__
    True
    """
    found = _read(path, ())[1].get("packages")
    return {str(name): str(version) for name, version in found.items()} if isinstance(found, dict) else {}


def _read(path: str | os.PathLike[str], names: Collection[str] | None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and the whole document."""
    text = path_text(path)
    shown = repr(text)
    try:
        if not stat.S_ISREG(os.stat(text).st_mode):
            raise StorageError("it is not a regular file")
        with open(text, "rb") as file, Archive(file) as archive:
            members = _members(archive, os.fstat(file.fileno()).st_size)
            document = _document(_content(archive, members, HEADER, "<u1", None))
            described = document["arrays"]
            wanted = list(described) if names is None else list(names)
            missing = [name for name in wanted if name not in described]
            if missing:
                raise StorageError(f"it has no array {missing[0]!r}, only {', '.join(sorted(described)) or 'none'}")
            arrays = {name: _array(archive, members, name, described[name]) for name in wanted}
    except FileNotFoundError as error:
        raise StorageError(f"`path` must be an existing file, got {shown}") from error
    except StorageError as error:
        raise StorageError(f"`path` {shown} cannot be read: {error}") from error.__cause__
    except (zipfile.BadZipFile, EOFError, struct.error, NotImplementedError, RuntimeError) as error:
        raise StorageError(
            f"`path` {shown} cannot be read: it is truncated, altered or not a file of {FORMAT} ({error})"
        ) from error
    except (OSError, ValueError, LookupError, OverflowError, MemoryError) as error:
        raise StorageError(f"`path` {shown} cannot be read: {error or type(error).__name__}") from error
    return arrays, document


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, none of which can be larger than the file itself."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in members:
            raise StorageError(f"it holds {info.filename!r} twice")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
            raise StorageError(f"{info.filename!r} is compressed or encrypted, so the file is not one of {FORMAT}")
        members[info.filename] = info
    if sum(info.file_size for info in members.values()) > size:
        raise StorageError("its parts overlap, so it was made to do harm")
    if f"{HEADER}.npy" not in members:
        raise StorageError(f"it is not a file of {FORMAT}: it has no header")
    return members


def _document(text: np.ndarray) -> dict[str, Any]:
    """Return the parsed header, of the expected form and version."""
    try:
        document = json.loads(text.tobytes())
    except (ValueError, RecursionError) as error:
        raise StorageError(f"it is not a file of {FORMAT}: its header is no JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StorageError(f"it is not a file of {FORMAT}")
    version = document.get("version")
    if not isinstance(version, int) or version < 1:
        raise StorageError(f"its format version must be a positive integer, got {str(version)[:40]!r}")
    if version > VERSION:
        raise StorageError(f"its format version is {version}, newer than {VERSION}; upgrade opentsne-like")
    if not isinstance(document.get("arrays"), dict) or not isinstance(document.get("content"), dict):
        raise StorageError("its header is incomplete")
    return document


def _array(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, described: Any) -> np.ndarray:
    """Return one array, if the header's description is sane and true."""
    if not (isinstance(described, dict) and NAME.fullmatch(name) and f"{name}.npy" in members):
        raise StorageError(f"the array {name[:60]!r} is missing or badly described")
    dtype, shape, checksum = described.get("dtype"), described.get("shape"), described.get("crc32")
    if not (isinstance(dtype, str) and DTYPE.fullmatch(dtype)):
        raise StorageError(f"the array {name!r} has the dtype {str(dtype)[:40]!r}, which is not read")
    if not (isinstance(shape, list) and len(shape) <= 32 and all(type(s) is int and 0 <= s < 2**62 for s in shape)):
        raise StorageError(f"the array {name!r} has an impossible shape")
    if checksum != f"{members[f'{name}.npy'].CRC:08x}":
        raise StorageError(f"the array {name!r} was altered: its checksum is wrong")
    return _content(archive, members, name, dtype, shape)


def _content(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, dtype: str, shape: list[int] | None
) -> np.ndarray:
    """Return the data of one member as an array; `shape` None takes all there is.

    The member is as long as its directory entry says or `zipfile` raises, which checks its CRC-32 too.
    """
    info = members[f"{name}.npy"]
    data = bytearray(info.file_size)
    view = memoryview(data)
    filled = 0
    with archive.open(info) as member:
        while piece := member.read(PIECE):
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
    start = 10 + int.from_bytes(data[8:10], "little")
    kind = np.dtype(dtype)
    count = (filled - start) // kind.itemsize if shape is None else math.prod(shape)
    if filled != len(data) or start + count * kind.itemsize != filled:
        raise StorageError(f"the array {name!r} was altered: its size is wrong")
    return np.frombuffer(data, dtype=kind, count=count, offset=start).reshape(-1 if shape is None else shape)
