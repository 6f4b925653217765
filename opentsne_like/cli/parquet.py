"""Parquet files, by pyarrow alone; numbers are read a batch of rows at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, filed, shown
from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError
from .columns import CategoricalColumn, NamedTable
from .headers import refuse_nameless
from .locations import Location

_NUMBERS = 2**21  # of a batch


def _opened(place: Location) -> tuple[Any, list[str]]:
    """Return the file and the titles of its columns, without those that pandas keeps names of rows in."""
    need("pyarrow", "tables")
    from pyarrow import parquet

    if not os.path.isfile(place.path):
        raise FileNotFoundError(place.path)
    file = parquet.ParquetFile(place.path, memory_map=True, pre_buffer=False)
    schema = file.schema_arrow
    if place.what is not None:
        place.chosen(schema.names)
        return file, [place.what]
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    return file, [name for name in schema.names if name not in index]


def numbers_of(place: Location, index: bool, say: Callable[[str], Any]) -> Array | NamedTable:
    """Return the columns of numbers as float64, missing values as NaN, or a column of vectors as a table.

    Where there is one column of vectors it is the data, whatever else is there; which one is told. What is large goes
    through a temporary file.

    Parameters
    ----------
    place : Location
    index : bool
        Whether the first column holds names of rows.
    say : callable
    """
    file, titles = _opened(place)
    n = file.metadata.num_rows
    if index and place.what is None:
        titles = titles[1:]
    if not titles or not n:
        raise InvalidParameterError(f"`{place.name}` must have at least one row of numbers, got none in {place.path!r}")
    if len({*titles}) < len(titles):
        twice = next(title for i, title in enumerate(titles) if title in titles[:i])
        raise InvalidParameterError(
            f"`{place.name}` {place.path!r} must have columns of different names, got {twice!r} twice"
        )
    vectors = [title for title in titles if _is_list(file.schema_arrow.field(title).type)]
    if len(vectors) == 1:
        if _is_list(file.schema_arrow.field(vectors[0]).type.value_type):
            raise InvalidTypeError(
                f"`{place.name}` {place.path!r} must hold vectors of numbers, got lists of lists in {vectors[0]!r}"
            )
        if len(titles) > 1:
            say(f"{place.path}: the vectors in column {vectors[0]!r} of {', '.join(titles)}")
        return _vectors(file, vectors[0], place)
    refuse_nameless(titles, place.path, place.name)
    for position, title in enumerate(titles, 1):
        _refuse_other_than_numbers(file, title, position, place)
    blocks = (np.column_stack([_numbers(part) for part in batch]) for batch in _batches(file, titles, len(titles)))
    return NamedTable(filed(blocks, (n, len(titles)), np.dtype(np.float64), place.name), tuple(titles))


def _batches(file: Any, titles: Sequence[str], width: int) -> Iterator[list[Any]]:
    """Yield some rows of some columns at a time."""
    for batch in file.iter_batches(max(1, _NUMBERS // width), columns=titles):
        yield [batch.column(batch.schema.get_field_index(title)) for title in titles]


def label_column(place: Location) -> Any:
    """Return the only column, or the one that is asked for, as labels."""
    file, titles = _opened(place)
    if len(titles) != 1:
        raise InvalidParameterError(
            f"`{place.name}` {place.path!r} must have one column, got {', '.join(titles) or 'none'}; "
            f"choose one as {place.path}:COLUMN"
        )
    column = file.read(titles).column(0).combine_chunks()
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        codes = column.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)  # polars has unsigned ones
        return CategoricalColumn.of(codes, column.dictionary.to_pylist())
    return column


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _vectors(file: Any, title: str, place: Location) -> Array:
    """Return a column of lists of one length as a table."""
    first = next(_batches(file, [title], _NUMBERS))[0]  # one row
    width = 0 if first.null_count else len(first[0])
    dtype = as_array(first.flatten().to_numpy(zero_copy_only=False), place.name).dtype

    def blocks() -> Iterator[Array]:
        low = 0
        for (part,) in _batches(file, [title], max(1, width)):
            yield _block_of_vectors(part, width, low, place)
            low += len(part)

    return filed(blocks(), (file.metadata.num_rows, width), dtype, place.name)


def _block_of_vectors(part: Any, width: int, low: int, place: Location) -> Array:
    """Return some rows of a column of lists, the first of which is the row `low`, as a table of `width` columns."""
    from pyarrow import compute

    values = part.flatten()
    if part.null_count or values.null_count:
        raise InvalidParameterError(f"`{place.name}` {str(place)!r} must be finite, got a vector with missing values")
    sizes = compute.list_value_length(part).to_numpy(zero_copy_only=False)
    if (sizes != width).any():
        row = int(np.argmax(sizes != width))
        raise InvalidParameterError(
            f"`{place.name}` {str(place)!r} must hold vectors of one length, got rows of different length: "
            f"{width} in row 0 and {sizes[row]} in row {low + row}"
        )
    return as_array(values.to_numpy(zero_copy_only=False).reshape(len(part), width), place.name)


def _refuse_other_than_numbers(file: Any, title: str, position: int, place: Location) -> None:
    import pyarrow as pa

    kind = file.schema_arrow.field(title).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return
    values = (value for (part,) in _batches(file, [title], 1) for value in part.to_pylist())
    row, value = next(((i, v) for i, v in enumerate(values, 1) if v is not None), (1, None))
    raise InvalidTypeError(
        f"`{place.name}` {place.path!r} must hold numbers only, got {shown(value)} in column {position} "
        f"({title!r}), row {row}; put labels into a file of their own, or choose a column as {place.path}:COLUMN"
    )


def _numbers(column: Any) -> Array:
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
