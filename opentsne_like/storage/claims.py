"""Claims: a path that one living run at a time writes to."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from pathlib import Path
from typing import Any

from ..errors import StorageError
from .layout import path_text, shortened
from .writing import check_writable

_FAR = 2**30  # beyond all that is written to a lock file


class Claim:
    """The right to write to a path, until it is released or the process ends.

    A hidden file beside the path is locked; the system gives the lock back however the process ends. On file systems
    without locks, the file tells which process on which machine to look for.

    Parameters
    ----------
    path : path-like
    name : str
        How the caller calls the argument.

    Raises
    ------
    StorageError
        Another claim on the path is alive, or it cannot be written.

    Examples
    --------
    >>> claim = Claim("run.npz")
    >>> Claim("run.npz")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    opentsne_like.errors.StorageError: `path` must be a file that no other run is writing to, got 'run.npz', which ...
    >>> claim.release()
    """

    def __init__(self, path: Any, name: str = "path") -> None:
        check_writable(path, name)
        shown = path_text(path, name)
        target = Path(os.path.realpath(shown))
        unique = hashlib.blake2b(os.fsencode(target.name), digest_size=4).hexdigest()
        self._file = target.with_name(f".{shortened(target.name)}.{unique}.lock")
        try:
            self._descriptor: int | None = _locked(self._file)
        except BlockingIOError as error:
            raise StorageError(
                f"`{name}` must be a file that no other run is writing to, got {shown!r}, which {error} is; wait "
                "for it or choose another file"
            ) from None
        except OSError as error:
            raise StorageError(f"`{name}` {shown!r} could not be written: {error.strerror or error}") from error

    def release(self) -> None:
        """Let others write; a second call does nothing."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if os.name == "posix":  # before another run can lock what is about to vanish
            self._file.unlink(missing_ok=True)
        os.close(descriptor)
        if os.name != "posix":
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)


def _locked(file: Path) -> int:
    """Return the descriptor of a locked file that names this process; BlockingIOError says whose it is."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            holder = os.read(descriptor, 200).decode(errors="replace")
            _lock(descriptor, holder)
            if file.exists() and os.path.samestat(os.fstat(descriptor), file.stat()):
                _sign(descriptor, file)
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise BlockingIOError(holder or "another process") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever held it has removed it in the meantime


def _sign(descriptor: int, file: Path) -> None:
    """Write into a locked file whose it is; remove it where there is no room for that."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except OSError:
        if os.name == "posix":
            file.unlink(missing_ok=True)
        raise


def _lock(descriptor: int, holder: str) -> None:
    """Lock a file for as long as it is open, or raise BlockingIOError."""
    try:
        import fcntl
    except ImportError:  # not POSIX
        _lock_elsewhere(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # a file system without locks
        if _is_alive(holder):
            raise BlockingIOError from error


def _lock_elsewhere(descriptor: int) -> None:
    """Lock a byte that is never written, as Windows does it."""
    import msvcrt

    locking: Any = vars(msvcrt)  # which has no types here
    os.lseek(descriptor, _FAR, os.SEEK_SET)
    try:
        locking["locking"](descriptor, locking["LK_NBLCK"], 1)
    except OSError as error:
        raise BlockingIOError from error


def _is_alive(holder: str) -> bool:
    """Say whether the process that a lock file names is one of this machine that lives."""
    process, _, host = holder.removeprefix("process ").partition(" on ")
    if host != socket.gethostname() or not process.isdecimal() or os.name != "posix":
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # of another user
        return True
    return True
