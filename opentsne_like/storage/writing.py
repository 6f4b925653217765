"""Writing: the whole file or nothing, flushed to the disk before it takes its name."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import socket
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InvalidParameterError, InvalidTypeError, StorageError
from .fingerprints import canonical_json
from .layout import DTYPE, FORMAT, HEADER, NAME, PIECE, VERSION, Archive, path_text, shortened

_PACKAGES = ("opentsne-like", "numpy", "scipy", "numba", "scikit-learn", "faiss-cpu", "pynndescent")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # no clock in the file: the same content gives the same bytes


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    header: Mapping[str, Any],
    *,
    overwrite: bool = True,
) -> None:
    """Write arrays and a header to one file, in one step that either happens or does not.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and the file is then renamed: whatever
    happens, `path` holds the old content or the new one. What earlier processes left behind when they were killed while
    writing to the same `path` is removed.

    Parameters
    ----------
    path : str or PathLike
        The file. Its name is taken as it is.
    arrays : mapping of str to ndarray
        Numbers or booleans of any shape. Names consist of letters, digits, ``_``, ``.`` and ``-``.
    header : mapping of str to JSON values
        Whatever JSON can hold; NumPy scalars and tuples are accepted, NaN and infinity too.
    overwrite : bool
        False: raise when the file exists.

    Raises
    ------
    StorageError
        The folder is missing, not writable or full, or the file exists and `overwrite` is False.
    InvalidTypeError, InvalidParameterError
        An array or header that cannot be stored.

    Examples
    --------
    >>> import numpy as np
    >>> write("square.npz", {"corners": np.eye(2)}, {"scale": 3})
    >>> from opentsne_like.storage import read
    >>> arrays, header = read("square.npz")
    >>> arrays["corners"].tolist(), header
    ([[1.0, 0.0], [0.0, 1.0]], {'scale': 3})
    >>> np.load("square.npz", allow_pickle=False)["corners"].shape
    (2, 2)
    """
    prepared = {name: _storable(name, array) for name, array in arrays.items()}
    content = canonical_json(header, "header")
    with replacing(path, overwrite=overwrite) as file:
        _write_archive(file, prepared, content)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when all is written, and leaves nothing behind otherwise.

    Parameters
    ----------
    path, overwrite
        As of `write`.

    Yields
    ------
    file : binary file, open for writing

    Raises
    ------
    StorageError
        As of `write`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from opentsne_like.storage import replacing
    >>> with replacing("three.bin") as file:
    ...     _ = file.write(b"abc")
    >>> Path("three.bin").read_bytes()
    b'abc'
    """
    shown = path_text(path)
    target = _writable_target(shown, overwrite)
    temporary = target.with_name(_temporary_name(target))
    try:
        _remove_leftovers(target)
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"`path` {shown!r} could not be written: {error.strerror or error}") from error
    finally:  # gone already where the renaming succeeded
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_missing(
    path: str | os.PathLike[str], contents: Callable[[], tuple[Mapping[str, np.ndarray], Mapping[str, Any]]]
) -> bool:
    """Write a file unless one is there, which costs one look, and say whether it was written.

    Parameters
    ----------
    path : str or PathLike
    contents : callable
        Returns arrays and header; called only where they are needed.

    Raises
    ------
    StorageError
        See `write`.

    Examples
    --------
    >>> [write_missing("once.npz", lambda: ({}, {"made": True})) for _ in range(2)]
    [True, False]
    """
    if os.path.isfile(path_text(path)):
        return False
    write(path, *contents())
    return True


def check_writable(path: str | os.PathLike[str], name: str = "path", *, ending: str = "") -> None:
    """Raise now if a file cannot be written later; nothing on the disk is changed.

    Parameters
    ----------
    path : str or PathLike
    name : str
        How the caller calls the argument.
    ending : str
        What will be added to the name for a second file beside it.

    Raises
    ------
    StorageError
        The folder is missing or not writable, or `path` is a folder, a write-protected file or too long.

    Examples
    --------
    >>> check_writable("map.npz")
    >>> check_writable("no/such/folder/map.npz", "out")
    Traceback (most recent call last):
        ...
    opentsne_like.errors.StorageError: `out` must be in an existing folder, got 'no/such/folder/map.npz'
    """
    text = path_text(path, name)
    shown = repr(text)
    try:
        target = Path(os.path.realpath(text))
        if os.path.basename(text) in ("", ".") and not target.is_dir():
            raise StorageError(f"`{name}` must be a file, got {shown}, which ends like a folder")
        if target.is_dir():
            raise StorageError(f"`{name}` must be a file, got the folder {shown}")
        if not target.parent.is_dir():
            raise StorageError(f"`{name}` must be in an existing folder, got {shown}")
        if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
            raise StorageError(f"`{name}` {shown} could not be written: it is write-protected or not a regular file")
        with contextlib.suppress(FileNotFoundError):
            os.stat(f"{target}{ending}")  # which raises where that is too long a name
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except (OSError, ValueError) as error:
        if isinstance(error, StorageError):
            raise
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageError(f"`{name}` {shown} could not be written: {reason or error}") from error


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array` in row order, or raise if reading it back would need pickle."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == HEADER:
        raise InvalidParameterError(
            f"`arrays` must have names of letters, digits, '_', '.' and '-' other than {HEADER!r}, got {name!r}"
        )
    plain = np.asarray(array)
    if not DTYPE.fullmatch(plain.dtype.str):
        raise InvalidTypeError(f"`arrays` must hold numbers or booleans, got dtype {plain.dtype} in {name!r}")
    return plain if plain.flags.c_contiguous else np.ascontiguousarray(plain)


def _writable_target(path: str, overwrite: bool) -> Path:
    check_writable(path)
    target = Path(os.path.realpath(path))  # a link keeps pointing at its file
    if target.exists() and not overwrite:
        raise StorageError(f"`path` must be a new file, got {path!r}, which exists; pass overwrite=True")
    return target


def _temporary_name(target: Path, process: str | None = None) -> str:
    """Return a hidden name that tells which process on which machine is writing."""
    host = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:40]
    return f".{shortened(target.name)}.{host}.{process or f'{os.getpid()}.{os.urandom(4).hex()}'}.tmp"


def _remove_leftovers(target: Path) -> None:
    """Remove temporary files of processes on this machine that are gone."""
    if os.name != "posix":
        return  # elsewhere `os.kill(pid, 0)` is no question
    head, tail = _temporary_name(target, "\0").split("\0")
    for file in target.parent.iterdir():
        if file.name.startswith(head) and file.name.endswith(tail):
            process = file.name[len(head) :].split(".")[0]
            try:
                os.kill(int(process), 0)
            except ProcessLookupError:
                with contextlib.suppress(OSError):
                    file.unlink()
            except (ValueError, OverflowError, OSError):
                continue


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself survive a crash, on systems where a folder can be flushed; the file is there already."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_archive(file: IO[bytes], arrays: Mapping[str, np.ndarray], content: str) -> None:
    with Archive(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        described = {
            name: {
                "dtype": array.dtype.str,
                "shape": list(array.shape),
                "crc32": f"{_write_member(archive, name, array):08x}",
            }
            for name, array in arrays.items()
        }
        document = {"format": FORMAT, "version": VERSION, "packages": _package_versions(), "arrays": described}
        text = f'{json.dumps(document)[:-1]}, "content": {content}}}'
        _write_member(archive, HEADER, np.frombuffer(text.encode(), dtype=np.uint8))


def _write_member(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> int:
    """Write one array as ``name.npy`` and return the CRC-32 of the member."""
    info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    info.external_attr = 0o644 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(_npy_prefix(array))
        data = array.reshape(-1).view(np.uint8).data
        for start in range(0, len(data), PIECE):
            member.write(data[start : start + PIECE])
    return info.CRC


def _npy_prefix(array: np.ndarray) -> bytes:
    """Return what stands before the data of a ``.npy`` file, version 1.0."""
    text = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape!r}, }}"
    padding = -(10 + len(text) + 1) % 64  # the data begin at a multiple of 64 bytes
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + padding + 1) + f"{text}{' ' * padding}\n".encode()


def _package_versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions
