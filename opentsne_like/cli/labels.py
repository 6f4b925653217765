"""A column of labels in a text file: numbers where they are no names, and text as it is written."""

from __future__ import annotations

import math
import re

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError
from .text import MISSING, Text, is_infinite, is_missing, is_number, is_word

_FEW = 50  # different numbers, where two that are written differently are two labels
_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_NAME = re.compile(r"[+-]?(0\d.*|\d{16,})", re.ASCII)  # zeros before, or more digits than double precision has


def label_column(text: Text, n: int, name: str) -> Array:
    """Return the labels in a file of one column.

    A line of blanks is a missing label, except at the very end. The first line is a name if it is a word above
    numbers, or in quotes above numbers without; and, since names of columns and of classes look alike, if it is a word,
    in quotes or 0, as pandas writes, and there is one line too many.
    """
    rows = list(text.lines())
    while rows and not rows[-1][1]:
        rows.pop()
    wide = next(((line, cells) for line, cells in rows if len(cells) > 1), None)
    if wide is not None:
        raise InvalidParameterError(
            f"`{name}` {text.path!r} must have one column, got {len(wide[1])} cells in line {wide[0]}"
        )
    cells = [cells[0].strip() if cells else "" for _, cells in rows]
    header = _has_name(text, cells, [line for line, _ in rows], n)
    labels = cells[1:] if header else cells
    if len(labels) != n:
        if header:
            below = f" below the name {cells[0]!r}"
        else:  # names of a column and of a class look alike
            below = f", or {len(labels) - 1} below a name {cells[0]!r}" if cells and is_word(cells[0]) else ""
        raise InvalidParameterError(
            f"`{name}` {text.path!r} must hold one label for each of the {n} rows, got {len(labels)}{below}"
        )
    return label_values(labels)


def _has_name(text: Text, cells: list[str], lines: list[int], n: int) -> bool:
    if not cells:
        return False
    first, rest = cells[0], cells[1:]
    quoted = all(text.quoted(lines[0]))
    below = next((line for line, cell in zip(lines[1:], rest, strict=True) if is_number(cell)), None)
    if below is None or not all(is_number(cell) or is_missing(cell) for cell in rest):
        sure = False
    else:
        sure = is_word(first) or (is_number(first) and quoted and not any(text.quoted(below)))
    return sure or (len(cells) == n + 1 and (is_word(first) or quoted or first == "0"))


def label_values(cells: list[str]) -> Array:
    """Return numbers if writing them again gives what was read, or if they are many and measure; else text."""
    written = {cell for cell in set(cells) if not is_missing(cell)}
    if written and all(map(_INTEGER.fullmatch, written)) and max(map(len, written)) < 19:
        return _with_gaps([None if is_missing(cell) else int(cell) for cell in cells])
    if written and all((is_number(cell) and not _NAME.fullmatch(cell)) or is_infinite(cell) for cell in written):
        different = len(set(map(float, written)))
        if different == len(written) or len(written) > _FEW:
            return np.array([math.nan if is_missing(cell) else float(cell) for cell in cells])
    return np.array([None if cell in MISSING else cell for cell in cells], dtype=object)


def _with_gaps(values: list[int | None]) -> Array:
    """Return integers as such if none is missing, else as floats if these can hold them."""
    present = [value for value in values if value is not None]
    if len(present) == len(values):
        return np.array(values, dtype=np.int64)
    exact = max(map(abs, present)) <= 2**53
    return np.array(values, dtype=float if exact else object)
