"""Pictures and pages on the disk."""

from __future__ import annotations

import os

from ..errors import StorageError


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write what is complete in memory, so that a failure to make it leaves an older file as it was.

    Parameters
    ----------
    path : str or PathLike
    content : bytes
    """
    text = os.fsdecode(path)
    try:
        with open(text, "wb") as file:
            file.write(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageError(f"`path` {text!r} could not be written: {reason or error}") from error
