"""Tables and columns of tables in text."""

from __future__ import annotations

import warnings
from array import array
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError
from .columns import NamedTable
from .headers import find_header, refuse_nameless
from .labels import label_column, label_values
from .locations import Location
from .refusals import refuse_line
from .text import Text, floats


def read_delimited(place: Location, index: bool) -> Array | NamedTable:
    """Return the numbers of a table, or of the column that is asked for.

    Parameters
    ----------
    place : Location
    index : bool
        Whether the first cell of each line is a name of the row.
    """
    text = Text.find(place.path, place.suffix)
    if place.what is not None:
        return _column_of_numbers(text, place)
    header, skipped = find_header(text)
    if index:
        return _without_index(text, place.name, header, skipped)
    if header is not None:
        refuse_nameless(header, text.path, place.name)
    table = _read_plain(text, skipped)
    if table is None or (header is not None and len(header) != table.shape[1]):
        table = _read_line_by_line(text, place.name, header, skipped)
    return table if header is None else NamedTable(table, tuple(title.strip() for title in header))


def read_labels(place: Location, n: int) -> Array:
    """Return one label per row: the only column, or the one that is asked for."""
    text = Text.find(place.path, place.suffix)
    if place.what is None:
        return label_column(text, n, place.name)
    cells = [cell for _, cell in _cells_of(text, place)]
    if len(cells) != n:
        raise InvalidParameterError(
            f"`{place.name}` {str(place)!r} must hold one label for each of the {n} rows, got {len(cells)}"
        )
    return label_values(cells)


def _cells_of(text: Text, place: Location) -> list[tuple[int, str]]:
    """Return the number of each line below the names, and what stands in it in a column."""
    lines = text.lines()
    _, names = next(((number, cells) for number, cells in lines if cells), (0, []))
    titles = [name.strip() for name in names]
    column = titles.index(place.chosen(titles))
    found: list[tuple[int, str]] = []
    gaps: list[int] = []
    for number, cells in lines:
        if not cells:
            gaps.append(number)
            continue
        if len(titles) == 1:  # where a line of blanks is a missing value, except at the end
            found.extend((gap, "") for gap in gaps)
        gaps.clear()
        if len(cells) == len(titles) + 1:  # names of rows without a name of their own, as R writes them
            cells = cells[1:]
        if len(cells) != len(titles):
            refuse_line(text, place.name, names, len(titles), number, cells)
        found.append((number, cells[column].strip()))
    return found


def _column_of_numbers(text: Text, place: Location) -> NamedTable:
    values = array("d")
    what = place.what or ""
    for line, cell in _cells_of(text, place):
        row = floats([cell])
        if row is None:
            refuse_line(text, place.name, [what], 1, line, [cell])
        values.extend(row)
    return NamedTable(_table(values, 1, text, place.name, header=True), (what,))


def _without_index(text: Text, name: str, header: list[str] | None, skipped: int) -> Array | NamedTable:
    """Return the numbers behind names of rows; the names of columns may lack one above them, as R writes them."""
    width = next((len(cells) for line, cells in text.lines() if cells and line > skipped), 0)
    titles = None if header is None else header if len(header) == width - 1 else header[1:]
    values = array("d")
    for line, cells in text.lines():
        if line <= skipped or not cells:
            continue
        row = floats(cells[1:])
        if row is None or len(cells) != width:
            refuse_line(text, name, titles, width - 1, line, cells[1:])
        values.extend(row)
    table = _table(values, width - 1, text, name, header is not None)
    return table if titles is None else NamedTable(table, tuple(title.strip() for title in titles))


def _read_plain(text: Text, skipped: int) -> Array | None:
    """Return the numbers of a table without a quote or a flaw, or None, twice as fast as line by line.

    NumPy's reader passes over lines of blanks, which in a single column are missing values.
    """
    try:
        with text.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a file without numbers
            table = np.loadtxt(file, delimiter=text.separator, comments=None, ndmin=2, skiprows=skipped)
    except ValueError:
        return None
    return table if table.shape[1] > 1 and np.isfinite(table).all() else None


def _read_line_by_line(text: Text, name: str, header: list[str] | None, skipped: int) -> Array:
    columns = None if header is None else len(header)
    values = array("d")
    gap = 0
    for line, cells in text.lines():
        if line <= skipped:
            continue
        if not cells:
            gap = gap or line
            continue
        columns = columns or len(cells)
        if gap and columns == 1:  # a missing value, except at the end
            refuse_line(text, name, header, 1, gap, [""])
        row = floats(cells)
        if row is None or len(row) != columns:
            refuse_line(text, name, header, columns, line, cells)
        values.extend(row)
    return _table(values, columns or 1, text, name, header is not None)


def _table(values: Any, columns: int, text: Text, name: str, header: bool) -> Array:
    if not values:
        got = f"none in {text.path!r}" if header else f"the empty file {text.path!r}"
        raise InvalidParameterError(f"`{name}` must have at least one line of numbers, got {got}")
    return np.frombuffer(values).reshape(-1, columns)
