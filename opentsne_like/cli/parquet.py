"""Parquet files, by pyarrow alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, shown
from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError
from .columns import CategoricalColumn, NamedTable
from .headers import refuse_nameless
from .locations import Location


def read_columns(place: Location) -> Any:
    """Return the file as a table of pyarrow, without the columns that pandas keeps names of rows in."""
    need("pyarrow", "tables")
    from pyarrow import parquet

    if not os.path.isfile(place.path):
        raise FileNotFoundError(place.path)
    if place.what is not None:
        place.chosen(parquet.read_schema(place.path).names)
        return parquet.read_table(place.path, columns=[place.what])
    table = parquet.read_table(place.path)
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    return table.drop_columns([name for name in index if isinstance(name, str) and name in table.column_names])


def numbers_of(place: Location, index: bool, say: Callable[[str], Any]) -> Array | NamedTable:
    """Return the columns of numbers as float64, missing values as NaN, or a column of vectors as a table.

    Where there is one column of vectors it is the data, whatever else is there; which one is told.

    Parameters
    ----------
    place : Location
    index : bool
        Whether the first column holds names of rows.
    say : callable
    """
    table = read_columns(place)
    if index and place.what is None:
        table = table.drop_columns(table.column_names[:1])
    titles = list(table.column_names)
    if not titles or not len(table):
        raise InvalidParameterError(f"`{place.name}` must have at least one row of numbers, got none in {place.path!r}")
    vectors = [title for title in titles if _is_list(table.column(title).type)]
    if len(vectors) == 1:
        if len(titles) > 1:
            say(f"{place.path}: the vectors in column {vectors[0]!r} of {', '.join(titles)}")
        return _vectors(table.column(vectors[0]), place)
    refuse_nameless(titles, place.path, place.name)
    numbers = np.empty((len(table), len(titles)))
    for i, title in enumerate(titles):
        numbers[:, i] = _numbers(table.column(title), title, i + 1, place)
    return NamedTable(numbers, tuple(titles))


def label_column(place: Location) -> Any:
    """Return the only column, or the one that is asked for, as labels."""
    table = read_columns(place)
    if table.num_columns != 1:
        raise InvalidParameterError(
            f"`{place.name}` {place.path!r} must have one column, got {', '.join(table.column_names) or 'none'}; "
            f"choose one as {place.path}:COLUMN"
        )
    column = table.column(0).combine_chunks()
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        codes = column.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)  # polars has unsigned ones
        return CategoricalColumn.of(codes, column.dictionary.to_pylist())
    return column


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _vectors(column: Any, place: Location) -> Array:
    """Return a column of lists of one length as a table; chunks stay apart, since pyarrow's lists have an end."""
    from pyarrow import compute

    parts = [chunk.flatten() for chunk in column.chunks]
    if column.null_count or any(part.null_count for part in parts):
        raise InvalidParameterError(f"`{place.name}` {str(place)!r} must be finite, got a vector with missing values")
    sizes = compute.list_value_length(column).to_numpy()
    if np.ptp(sizes):
        row = int(np.argmax(sizes != sizes[0]))
        raise InvalidParameterError(
            f"`{place.name}` {str(place)!r} must hold vectors of one length, got rows of different length: "
            f"{sizes[0]} in row 0 and {sizes[row]} in row {row}"
        )
    values = [part.to_numpy(zero_copy_only=False) for part in parts]
    whole = values[0] if len(values) == 1 else np.concatenate(values)
    return as_array(whole.reshape(len(column), int(sizes[0])), place.name)


def _numbers(column: Any, title: str, position: int, place: Location) -> Array:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        row, value = next(((i, v) for i, v in enumerate(column.to_pylist(), 1) if v is not None), (1, None))
        raise InvalidTypeError(
            f"`{place.name}` {place.path!r} must hold numbers only, got {shown(value)} in column {position} "
            f"({title!r}), row {row}; put labels into a file of their own, or choose a column as {place.path}:COLUMN"
        )
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
