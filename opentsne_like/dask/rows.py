"""The rows of a dask array or data frame, checked and in partitions that stay on the workers."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from .. import storage
from .._types import Array
from .._validation import check_matrix, column_names
from .._validation.rows import float_type
from ..affinity.matrix import row_chunks
from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError, OpenTSNEError, UnavailableError
from .cluster import gathered, mapped, reaching
from .memory import check_workers
from .tasks import check_client, stacked, submitted

NUMBERS = 2**22  # of a partition, about
MOST = 512  # partitions, which exchange pieces in pairs


class PartitionedRows:
    """Rows as floats in partitions that workers hold.

    Where partitions begin is a function of the shape alone, and always a row with which a block of the sums of one
    machine begins.

    Parameters
    ----------
    X : dask array or data frame of shape (n_samples, n_features)
        Finite numbers. float32 and float64 are kept, float16 becomes float32, integers become float64.
    client : distributed.Client, optional
        By default that of the process.
    name : str
        How the caller calls `X`.
    at_least_rows : int

    Attributes
    ----------
    parts : list of distributed.Future
        Of ndarray of shape (high - low, n_features), in order.
    bounds : list of int
        The rows that the parts begin with, then the number of rows.
    shape : tuple of int
    dtype : dtype
        float32 or float64.
    columns : tuple of str and int, or None
        The names of the columns of a data frame.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        Chunks of unknown size, of another width or type than the array says, too few rows; NaN, infinity, or something
        that is no number, with partition and row.
    InsufficientMemoryError
        The workers have too little memory for the rows.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from opentsne_like.dask import PartitionedRows
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     print(PartitionedRows(da.ones((100_000, 100), chunks=(3_000, 100)), client).bounds)
    [0, 43750, 87500, 100000]
    """

    def __init__(self, X: Any, client: Any = None, *, name: str = "X", at_least_rows: int = 2) -> None:
        self.client = check_client(client)
        self.columns = column_names(X)
        table = as_dask_array(X, name)
        n, d = table.shape
        if n < at_least_rows or d < 1:
            raise InvalidParameterError(
                f"`{name}` must have at least {at_least_rows} rows and 1 column, got shape ({n}, {d})"
            )
        self.shape: tuple[int, int] = (n, d)
        self.dtype: np.dtype[Any] = np.dtype(float_type(table.dtype, name))
        self.bounds = row_bounds(n, d)
        row = d * self.dtype.itemsize
        check_workers(self.client, n * row, 2 * row * max(np.diff(self.bounds).tolist()), f"{n} rows of {d} columns")
        whole = table.map_blocks(_whole_chunk, name, table.dtype, dtype=table.dtype, meta=table._meta).rechunk(
            {1: -1}, method="tasks"
        )
        floats = whole.map_blocks(_floats, name, self.dtype, dtype=self.dtype, meta=np.empty((0, 0), self.dtype))
        sizes = tuple(np.diff(self.bounds).tolist())
        blocks = floats.rechunk((sizes, (d,)), method="tasks").to_delayed().ravel().tolist()
        with reaching(self.client):
            self.parts: list[Any] = self.client.compute(blocks)
        gathered(self.client, mapped(self.client, len, self.parts))

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The rows [low, high) of each partition."""
        return list(itertools.pairwise(self.bounds))

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that tell the rows from others."""
        return storage.fingerprint(list(self.shape), *gathered(self.client, mapped(self.client, _digest, self.parts)))

    def each(self, function: Callable[..., Any], *args: Sequence[Any], **shared: Any) -> list[Any]:
        """Return the futures of ``function(rows, low, ...)`` of each partition, with one of each of `args`."""
        return mapped(self.client, function, self.parts, self.bounds[:-1], *args, **shared)

    def taken(self, rows: Array) -> Any:
        """Return the future of some rows, an ndarray of shape (m, n_features).

        Parameters
        ----------
        rows : ndarray of shape (m,), ascending
        """
        ends = np.searchsorted(rows, self.bounds)
        pieces = [
            submitted(self.client, _take, part, rows[first:last] - low)
            for part, low, (first, last) in zip(self.parts, self.bounds[:-1], itertools.pairwise(ends), strict=True)
            if last > first
        ]
        return submitted(self.client, stacked, pieces)

    def sliced(self, low: int, high: int) -> list[Any]:
        """Return the futures of the pieces that together are the rows [low, high)."""
        return [
            submitted(self.client, _slice, part, max(low, first) - first, min(high, last) - first)
            for part, (first, last) in zip(self.parts, self.spans, strict=True)
            if max(low, first) < min(high, last)
        ]

    def __copy__(self) -> PartitionedRows:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: Any) -> PartitionedRows:
        return copy.copy(self)  # nobody can write into the partitions

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise UnavailableError(
            "rows stand on the workers of a cluster and cannot be pickled, nor can a map of them; `save` keeps the map"
        )

    def release(self) -> None:
        """Let go of the partitions."""
        self.parts = []


def row_bounds(n: int, d: int) -> list[int]:
    """Return the rows that the partitions of a table begin with, and the number of its rows.

    Examples
    --------
    >>> from opentsne_like.dask.rows import row_bounds
    >>> row_bounds(100_000, 100)
    [0, 43750, 87500, 100000]
    """
    chunks = row_chunks(n)
    wanted = max(NUMBERS // d, math.ceil(n / MOST))
    many = max(1, math.ceil(wanted * len(chunks) / n))
    return [low for low, _ in chunks[::many]] + [n]


def as_dask_array(X: Any, name: str) -> Any:
    """Return a dask array of numbers with chunks of known size, or refuse what is none.

    Parameters
    ----------
    X : dask array or data frame
    name : str
        How the caller calls it.
    """
    need("dask.array", "dask")
    if hasattr(X, "to_dask_array") and hasattr(X, "columns") and X.ndim == 2:
        for column, kind in zip(column_names(X) or (), X.dtypes, strict=True):
            if getattr(kind, "kind", "") not in ("b", "i", "u", "f"):
                raise InvalidTypeError(f"`{name}` must be numeric, got column {column!r} of type {kind}; leave it out")
        if X._meta.to_numpy().dtype.kind == "O":  # columns that may have missing values, or booleans beside numbers
            X = X.map_partitions(_frame_of_floats, meta=_frame_of_floats(X._meta))
        X = X.to_dask_array(lengths=True)
    elif hasattr(X, "to_dask_array"):
        raise InvalidParameterError(f"`{name}` must have 2 dimensions, got a single column; take a data frame of it")
    if not (hasattr(X, "map_blocks") and hasattr(X, "rechunk")):
        raise InvalidTypeError(
            f"`{name}` must be a dask array or data frame, got {type(X).__name__}; use opentsne_like.TSNE for arrays "
            "of one machine, or dask.array.from_array"
        )
    if X.ndim != 2:
        raise InvalidParameterError(f"`{name}` must have 2 dimensions, got {X.ndim}")
    if any(math.isnan(size) for sizes in X.chunks for size in sizes):
        raise InvalidParameterError(
            f"`{name}` must have chunks of known size, got shape {X.shape}; call {name}.compute_chunk_sizes()"
        )
    if X.dtype.kind not in "biuf":
        raise InvalidTypeError(f"`{name}` must be numeric, got dtype {X.dtype}")
    return X


def _frame_of_floats(frame: Any) -> Any:
    """Return a data frame of pandas as float64, what is missing as NaN."""
    floats = frame.to_numpy(np.float64, na_value=np.nan)
    return type(frame)(floats, index=frame.index, columns=frame.columns)


def _whole_chunk(chunk: Any, name: str, kind: Any, block_info: Any = None) -> Any:
    """Return a chunk if it is what the array says of it."""
    said = block_info[0]
    shape = tuple(high - low for low, high in said["array-location"])
    if not isinstance(chunk, np.ndarray):
        raise InvalidTypeError(f"`{name}` must have chunks of NumPy arrays, got {type(chunk).__name__}{_where(said)}")
    if chunk.shape != shape or chunk.dtype.newbyteorder("=") != kind.newbyteorder("="):  # dask turns bytes itself
        raise InvalidParameterError(
            f"`{name}` must hold what it says, {kind} of shape {shape}{_where(said)}, got {chunk.dtype} of shape "
            f"{chunk.shape}"
        )
    return chunk


def _floats(chunk: Array, name: str, dtype: Any, block_info: Any = None) -> Array:
    """Return a chunk of whole rows as floats."""
    said = block_info[0]
    try:
        checked = check_matrix(chunk, name, first_row=said["array-location"][0][0]) if len(chunk) else chunk
    except OpenTSNEError as error:
        raise type(error)(f"{error}{_where(said)}") from None
    return np.ascontiguousarray(checked, dtype)


def _where(said: Any) -> str:
    return f" (partition {said['chunk-location'][0]})"


def _digest(rows: Array) -> str:
    return storage.fingerprint(rows)


def _take(rows: Array, at: Array) -> Array:
    return rows[at]


def _slice(rows: Array, low: int, high: int) -> Array:
    return rows[low:high].copy()
