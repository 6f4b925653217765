"""Tables that are read block by block: rows as floats where they are looked at, and never all of them at once."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError, StorageError

SMALL = 2**24  # bytes of a table that may as well be an array: what is done with it is faster then
_BLOCK = 2**24  # bytes that are read at once


class Rows:
    """A dense table of any numbers whose rows are float32 or float64 wherever they are looked at.

    It is indexed as an array is and gives C-ordered arrays; ``numpy.asarray`` makes one of it all. The bits are those
    of the whole table as an array of that type.

    Parameters
    ----------
    source : ndarray or Chunked of shape (n, d)
        Numbers of any type, in any order, also memory-mapped.
    dtype : dtype
        float32 or float64.

    Examples
    --------
    >>> rows = Rows(np.arange(6, dtype=np.float16).reshape(3, 2), np.float32)
    >>> rows.shape, rows[1:].tolist(), rows[1:].dtype
    ((3, 2), [[2.0, 3.0], [4.0, 5.0]], dtype('float32'))
    """

    ndim = 2

    def __init__(self, source: Any, dtype: Any) -> None:
        self.source = source
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape: tuple[int, int] = source.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Array:
        with np.errstate(over="ignore"):  # of types that are wider than ours; infinity is refused at the door
            return np.ascontiguousarray(self.source[key], dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype=dtype)

    def __reduce__(self) -> Any:
        return np.asarray, (np.asarray(self),)  # another process may not see the file


class Chunked:
    """A table that another library keeps in chunks: a dataset of h5py, an array of zarr or of dask.

    It is read in slices of rows, and what is read is held to what the table says of itself.

    Parameters
    ----------
    source : object
        With `shape`, `dtype`, `chunks`, and slices that NumPy can read.
    name : str
        How the caller calls it.

    Raises
    ------
    InvalidParameterError
        A size is not known.
    """

    def __init__(self, source: Any, name: str) -> None:
        if any(isinstance(size, float) and math.isnan(size) for size in source.shape):
            raise InvalidParameterError(
                f"`{name}` must have chunks of known size, got shape {source.shape}; call {name}.compute_chunk_sizes()"
            )
        self.source, self.name = source, name
        self.dtype: np.dtype[Any] = np.dtype(source.dtype)
        self.shape: tuple[int, ...] = tuple(map(int, source.shape))

    def __getitem__(self, key: slice) -> Array:
        low, high, step = key.indices(self.shape[0])
        if step != 1:
            raise InvalidTypeError(f"`{self.name}` is read in slices of rows, got a step of {step}")
        parts = [self._read(*span) for span in self.spans(low, high)]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *parts])

    def spans(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows of a few megabytes that together are those from `low` to `high`, by whole chunks."""
        chunks = self.source.chunks
        first = chunks[0] if chunks else 1
        row = max(1, math.prod(self.shape[1:]) * self.dtype.itemsize)
        if isinstance(first, tuple):  # the sizes of all, as dask has them
            ends = np.cumsum(first)
        else:
            step = first * max(1, _BLOCK // (row * first))
            ends = np.arange(step, self.shape[0] + step, step)
        for end in (*ends[(ends > low) & (ends < high)].tolist(), high):
            yield low, end
            low = end

    def _read(self, low: int, high: int) -> Array:
        expected = (high - low, *self.shape[1:])
        try:
            block = np.asarray(self.source[low:high])
        except MemoryError:
            raise
        except Exception as error:  # of a file, of the network, or of what computes the chunk
            said = " ".join(str(error).split())[:150]
            raise StorageError(f"`{self.name}` cannot be read in rows {low} to {high - 1}: {said}") from error
        if block.shape != expected or block.dtype != self.dtype:
            raise InvalidParameterError(
                f"`{self.name}` must hold what it says, {self.dtype} of shape {expected} in rows {low} to {high - 1}, "
                f"got {block.dtype} of shape {block.shape}"
            )
        return block

    def filed(self) -> Array:
        """Return the table in a temporary file, see `filed`."""
        blocks = (self._read(*span) for span in self.spans(0, self.shape[0]))
        return filed(blocks, self.shape, self.dtype, self.name)


def filed(blocks: Iterable[Array], shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Array:
    """Return a table that comes in blocks of rows as an array: a small one in memory, others in a temporary file.

    The file is memory-mapped, so any row can be looked at, and has no name.

    Parameters
    ----------
    blocks : iterable of ndarray
        Of `dtype`, together of `shape`.
    shape : tuple of int
    dtype : dtype
    name : str
        How the caller calls the table.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    dtype = np.dtype(dtype)
    if math.prod(shape) * dtype.itemsize <= SMALL:
        return np.concatenate([np.empty((0, *shape[1:]), dtype), *blocks])
    with _writing(shape, dtype, name):
        file = tempfile.TemporaryFile(prefix="opentsne-like-")  # noqa: SIM115 (it is opened and filled apart)
    with file:
        for block in blocks:
            with _writing(shape, dtype, name):
                file.write(np.ascontiguousarray(block).data)
        with _writing(shape, dtype, name):
            file.flush()
        return np.asarray(np.memmap(file, dtype, "r", shape=shape))  # which outlives the file's name


@contextmanager
def _writing(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        size = math.prod(shape) * dtype.itemsize
        raise StorageError(
            f"`{name}` could not be written to a temporary file of {size / 1e9:.2g} GB in "
            f"{tempfile.gettempdir()!r}: {error.strerror or error}; set the environment variable TMPDIR to a "
            "larger disk"
        ) from error


def chunked(X: Any, name: str) -> Chunked | None:
    """Return a table of numbers that another library keeps in chunks, None where it is something else.

    Parameters
    ----------
    X : object
    name : str
        How the caller calls it.
    """
    if isinstance(X, np.ndarray) or not (hasattr(X, "chunks") and hasattr(X, "dtype") and hasattr(X, "shape")):
        return None
    return Chunked(X, name) if getattr(X.dtype, "kind", "") in "biuf" and X.shape else None


def as_rows(table: Any, name: str) -> Any:
    """Return a dense table as something whose rows are floats and can be looked at in any order.

    Parameters
    ----------
    table : ndarray or Chunked of shape (n, d)
        Not looked at.
    name : str
        How the caller calls it.

    Returns
    -------
    ndarray or Rows
        The array itself where it is one of float32 or float64 in C order, and an array where the table is small.
    """
    dtype = np.dtype(float_type(table.dtype, name))
    small = math.prod(table.shape) * dtype.itemsize <= SMALL
    source = table if isinstance(table, np.ndarray) else table.filed()
    if source.dtype == dtype and source.flags.c_contiguous:
        return source
    rows = Rows(source, dtype)
    return rows[:] if small else rows


def float_type(dtype: np.dtype[Any], name: str) -> type:
    """Return the floating type that numbers of `dtype` are worked with in."""
    if dtype.kind in "biu":
        return np.float64
    if dtype.kind != "f":
        raise InvalidTypeError(f"`{name}` must be numeric, got dtype {dtype}")
    return np.float64 if dtype.itemsize >= 8 else np.float32
