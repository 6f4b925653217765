"""Where compiled kernels are kept on disk, and what happens when that place is no good.

Numba names the files and makes the keys. It also trusts them: what a crash, a cleaner or a full disk
left there ends the program, or runs as another function. Here every file is sealed with a hash, and a cache that fails
in any way is no cache: the kernel is compiled, which takes seconds, and one warning names the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import logging
import os
import pickle
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
from numba.core import caching, serialize
from numba.misc import appdirs

from ..errors import CompileCacheWarning

log = logging.getLogger(__package__)

_Cache: Any = caching.FunctionCache  # none of these has types
_Files: Any = caching.IndexDataCacheFile
_dumps: Any = serialize.dumps
_config: Any = numba.config
_user_cache_dir: Any = appdirs.user_cache_dir

PREFIX = "compiled-"
KEPT = 4  # folders of other sources or versions, so that going back and forth between two compiles once
PATIENCE = 1.0  # seconds of compiling before somebody wonders
_SEAL = 32  # bytes


class KernelCache(_Cache):  # type: ignore[misc]
    """The machine code of one function, of these sources and versions alone.

    Parameters
    ----------
    function : callable

    Raises
    ------
    RuntimeError
        There is no folder that could be written to.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        folder, stamp = self._impl.locator.get_cache_path(), self._impl.locator.get_source_stamp()
        if function.__module__.startswith(f"{__package__}."):  # whose sources `version` knows, wherever they stand
            folder, stamp = shared_folder() or folder, version()
        self._cache_path = os.path.join(folder, f"{PREFIX}{version()}")
        self._cache_file = SealedFiles(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what is kept for a signature, or None; what is damaged is dropped."""
        found = None if has_formula_elsewhere(sig) else self._load(sig, target_context)
        if found is None:
            compiling.begins()
        return found

    def _load(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:
            with contextlib.suppress(Exception):
                self.flush()
            warn(self._cache_path, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, if that is possible."""
        compiling.ends()
        if has_formula_elsewhere(sig):
            return
        try:
            make_folder(Path(self._cache_path))
            super().save_overload(sig, data)
        except Exception as error:
            warn(self._cache_path, error)


class SealedFiles(_Files):  # type: ignore[misc]
    """The files of one function; each begins with a hash of its name and its content.

    Numba writes the index first and the machine code afterwards, so what an index points to may be of another key:
    of an older source or, where two processes write at once, of another signature. The key is kept with the code.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep `data`."""
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        """Return what was kept under a key, or None."""
        kept = super().load(key)
        return kept[1] if kept is not None and kept[0] == key else None

    def _load_index(self) -> Any:
        try:
            return self._read(self._index_path)
        except FileNotFoundError:
            return {}

    def _save_index(self, overloads: Any) -> None:
        self._write(self._index_path, overloads)

    def _load_data(self, name: str) -> Any:
        return self._read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str) -> Any:
        content = Path(path).read_bytes()
        seal, content = content[:_SEAL], content[_SEAL:]
        if seal != self._seal(path, content):
            raise ValueError(f"{os.path.basename(path)} is damaged")
        stamp, value = pickle.loads(content)
        if stamp != self._source_stamp:  # of an older source: nothing is wrong, and nothing is there
            raise FileNotFoundError(path)
        return value

    def _write(self, path: str, value: Any) -> None:
        content = _dumps((self._source_stamp, value))
        with self._open_for_write(path) as file:
            file.write(self._seal(path, content) + content)

    def _seal(self, path: str, content: bytes) -> bytes:
        head = os.path.basename(path).encode()
        return hashlib.blake2b(len(head).to_bytes(8, "little") + head + content, digest_size=_SEAL).digest()


def has_formula_elsewhere(kinds: Any) -> bool:
    """Say whether a form of somebody's own is among the types of a signature.

    Its formula stands in no file that `version` hashes, so nobody would notice that it has changed.

    Parameters
    ----------
    kinds : tuple of numba types
    """
    homes = (getattr(getattr(kind, "instance_class", None), "__module__", __package__) for kind in kinds)
    return any(not str(home).startswith(f"{__package__}.") and home != __package__ for home in homes)


@cache
def version() -> str:
    """Return a hash of the sources of all kernels and of the compiler: one may inline what stands in another's file.

    Examples
    --------
    >>> len(version())
    16
    """
    digest = hashlib.blake2b(f"{numba.__version__} {llvmlite.__version__}".encode(), digest_size=8)
    files = importlib.resources.files(__package__).iterdir()
    for file in sorted((file for file in files if file.name.endswith(".py")), key=lambda file: file.name):
        source = file.read_bytes()
        digest.update(f"{file.name} {len(source)} ".encode() + source)
    return digest.hexdigest()


@cache
def shared_folder() -> str | None:
    """Return the folder that all environments of this user share, None where it cannot be written."""
    base = _config.CACHE_DIR or _user_cache_dir(appauthor=False)
    folder = os.path.join(base, __package__.partition(".")[0])
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    return folder


def make_folder(folder: Path) -> None:
    """Make the folder unless it is there, and then remove those of older sources, but for the last few.

    Parameters
    ----------
    folder : Path
    """
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        others = [other for other in folder.parent.glob(f"{PREFIX}*") if other != folder]
        for other in sorted(others, key=lambda other: other.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(other, ignore_errors=True)


class Compiling:
    """How long this process has compiled; it says so once, as soon as that takes long enough to be wondered about."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told = False
        self._since: list[float] = []  # when each of the functions that compile each other was begun

    def begins(self) -> None:
        """Note that a function is about to be compiled."""
        now = time.monotonic()
        self._since.append(now)
        if not self.told and self.seconds + now - self._since[0] > PATIENCE:
            self.told = True
            log.warning("Compiling for this machine, once for each kind of map; this may take up to a minute")

    def ends(self) -> None:
        """Note that the last one is done."""
        if self._since:
            began = self._since.pop()
            self.seconds += 0.0 if self._since else time.monotonic() - began


compiling = Compiling()
_told: list[str] = []  # folders that were warned of


def warn(folder: str, error: Exception) -> None:
    """Say once in a process that compiled kernels are not kept.

    Parameters
    ----------
    folder : str
    error : Exception
    """
    if not _told:
        _told.append(folder)
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        warnings.warn(
            f"compiled kernels could not be read from, or kept in, {folder!r} ({reason}); they are compiled again, "
            "which takes some seconds. Free or remove the folder, or set NUMBA_CACHE_DIR to another one",
            CompileCacheWarning,
            stacklevel=2,
        )
