"""Hashes of data and parameters that are the same in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._parallel import run_tasks
from .._validation import Rows
from ..errors import InvalidTypeError

_BLOCK = 2**24  # bytes of an array that one thread hashes at a time


def fingerprint(*values: Any) -> str:
    """Return a hash of arrays and parameters that is the same in every process and on every machine.

    Parameters
    ----------
    *values : ndarray, sparse matrix or JSON value
        Arrays count by dtype, shape and content, in row order whatever their layout in memory; sparse matrices by
        shape, dtype and the three parts of their CSR form, whatever the width of their indices; what has an
        attribute `fingerprint`, a string, by that; everything else by its JSON text with sorted keys. Their order
        counts.

    Returns
    -------
    str
        32 hexadecimal digits: BLAKE2b over the hashes of fixed blocks of 16 MiB, which are taken in parallel.

    Raises
    ------
    InvalidTypeError
        An array of objects, or a value that JSON cannot hold.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> fingerprint(X, {"perplexity": 30}) == fingerprint(np.asfortranarray(X), {"perplexity": 30})
    True
    >>> fingerprint(X) == fingerprint(X.astype(np.float32))
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        for part in _hashed_parts(value):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
    return digest.hexdigest()


def _hashed_parts(value: Any) -> Iterator[bytes]:
    if isinstance(own := getattr(value, "fingerprint", None), str):  # what does not stand in this process
        yield f"own {own}".encode()
    elif hasattr(value, "tocsr"):
        matrix = value.tocsr()
        yield f"csr {matrix.dtype.str} {matrix.shape}".encode()
        yield _array_digest(matrix.data)
        yield _array_digest(matrix.indices, np.dtype("<i8"))
        yield _array_digest(matrix.indptr, np.dtype("<i8"))
    elif isinstance(value, (np.ndarray, Rows)):
        array = value if isinstance(value, Rows) else np.asarray(value)
        if array.dtype.hasobject:
            raise InvalidTypeError(f"`values` must be arrays of numbers or JSON values, got dtype {array.dtype}")
        yield f"array {array.dtype.str} {array.shape}".encode()
        yield _array_digest(array)
    else:
        yield b"json " + canonical_json(value, "values").encode()


def _array_digest(array: Any, dtype: np.dtype[Any] | None = None) -> bytes:
    """Return the hash of the hashes of blocks of rows; the blocks depend on shape and dtype alone."""
    rows = array if isinstance(array, Rows) else np.atleast_1d(array)
    kind = rows.dtype if dtype is None else dtype
    height = max(1, _BLOCK // max(1, math.prod(rows.shape[1:]) * kind.itemsize))

    def block_digest(start: int) -> bytes:
        block = np.ascontiguousarray(rows[start : start + height], dtype=kind)
        return hashlib.blake2b(block.reshape(-1).view(np.uint8).data, digest_size=32).digest()

    tasks = [(block_digest, (start,)) for start in range(0, len(rows), height)]
    return hashlib.blake2b(b"".join(run_tasks(tasks, n_jobs=-1)), digest_size=32).digest()


def canonical_json(value: Any, name: str) -> str:
    """Return JSON with sorted keys; NumPy scalars become plain numbers."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTypeError(f"`{name}` must hold JSON values only: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"got {type(value).__name__}")
