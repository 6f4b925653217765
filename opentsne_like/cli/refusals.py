"""What is wrong with a line of a table, and where."""

from __future__ import annotations

import re
from typing import NoReturn

from ..errors import InvalidParameterError, InvalidTypeError
from .text import Text, is_number, is_word

_MARKS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "vertical bars", " ": "blanks"}
_DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d[\d.]*)?(,\d+)+([eE][+-]?\d+)?\s*", re.ASCII)


def refuse_line(text: Text, name: str, header: list[str] | None, columns: int, line: int, cells: list[str]) -> NoReturn:
    """Raise an error about the first cell of a line that is no finite number, or about the number of its cells."""
    what = f"`{name}` {text.path!r}"
    for cell in cells:
        if (mark := _other_separator(cell, text, alone=len(cells) == 1)) is not None:
            expected = "commas or semicolons" if text.separator == "," and mark != ";" else _MARKS[text.separator]
            raise InvalidTypeError(
                f"{what} must have {expected} between its cells, got {_MARKS[mark]} in line {line}: {cell[:40]!r}"
            )
    if len(cells) != columns:
        names = header is not None and len(cells) == columns + 1
        raise InvalidParameterError(
            f"{what} must have {columns} cell{'s' if columns > 1 else ''} in every line, got {len(cells)} in line "
            f"{line}{'; if the first are names of rows, remove them' if names else ''}"
        )
    column, cell = next((i, cell) for i, cell in enumerate(cells, 1) if not _is_finite(cell))
    title = f" ({header[column - 1]!r})" if header is not None else ""
    where = f"column {column}{title}, line {line}"
    if _DECIMAL_COMMA.fullmatch(cell):
        raise InvalidTypeError(f"{what} must have decimal points and no marks of thousands, got {cell!r} in {where}")
    if is_word(cell):
        raise InvalidTypeError(
            f"{what} must hold numbers only, got {cell[:40]!r} in {where}; put labels into a file of their own"
        )
    raise InvalidParameterError(f"{what} must be finite, got {cell!r} in {where}; remove or impute such values")


def is_mistaken(cell: str, text: Text, *, alone: bool) -> bool:
    """Say whether a cell holds a number with a decimal comma, or several numbers."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None or _other_separator(cell, text, alone=alone) is not None


def _other_separator(cell: str, text: Text, *, alone: bool) -> str | None:
    """Return the mark between the numbers in a cell; a comma in one of several cells is a decimal comma."""
    for mark in _MARKS:
        parts = cell.strip().split(mark)
        if mark == text.separator or len(parts) == 1 or (mark == "," and not alone):
            continue
        if all(is_number(part) or (not part and mark == " ") for part in parts):
            return mark
    return None


def _is_finite(cell: str) -> bool:
    return is_number(cell) and abs(float(cell)) < float("inf")
