"""Text files as lines of cells, whatever their compression, encoding and separator; and which cells are numbers."""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

SEPARATORS = {".csv": ",", ".tsv": "\t"}
_COMPRESSIONS = {"": "builtins", ".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
SUFFIXES = tuple(suffix + compression for suffix in SEPARATORS for compression in _COMPRESSIONS)

# What pandas and R write for a value that is missing.
MISSING = {"", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "NaT"}
_NO_NUMBERS = {cell.lower() for cell in MISSING} | {"?"}  # what stands for none among numbers
_INFINITE = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}

_MARKS = (  # UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 20  # lines that are asked for the separator
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


class BrokenTextError(ValueError):
    """A file is no text, or its quotes do not close; the message says where."""


@dataclass(frozen=True)
class Text:
    """A text file.

    Attributes
    ----------
    path : str
    encoding : str
        By the mark at its beginning, UTF-8 without one.
    separator : str
        The tab for .tsv; for .csv the semicolon where it separates cells in most of the first lines, else the comma.
    """

    path: str
    encoding: str
    separator: str

    @classmethod
    def find(cls, path: str, suffix: str) -> Text:
        """Return the file with what its name and its beginning say about it."""
        encoding = _encoding(path)
        if suffix.startswith(".csv") and cls(path, encoding, ";")._separates():
            return cls(path, encoding, ";")
        return cls(path, encoding, SEPARATORS[suffix[:4]])

    def _separates(self) -> bool:
        """Say whether the separator stands in most of the first lines, outside of quotes."""
        try:
            lines = [cells for _, cells in islice(self.lines(strict=False), _LOOKED_AT) if cells]
        except BrokenTextError:  # such as a line that is too long for one cell
            return False
        return sum(len(cells) > 1 for cells in lines) > len(lines) / 2

    def open(self, errors: str = "strict") -> IO[str]:
        """Return the file, opened to be read as text."""
        return io.TextIOWrapper(_open_bytes(self.path), encoding=self.encoding, errors=errors, newline="")

    def lines(self, *, quotes: bool = True, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each line and its cells, none for a line of blanks.

        Parameters
        ----------
        quotes : bool
            Take quotes off the cells that they hold together; False leaves them on cells that they cut through.
        strict : bool
            Refuse quotes that do not close where a cell ends.
        """
        with self.open() as file:
            reader = csv.reader(
                file,
                delimiter=self.separator,
                quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
                strict=strict,
            )
            number = 1
            try:
                for cells in reader:
                    yield number, [] if len(cells) == 1 and cells[0].isspace() else cells
                    number = reader.line_num + 1
            except csv.Error as error:
                if "field limit" in str(error):
                    flaw = f"a cell in line {number} is too long, as if there were another separator or an open quote"
                else:
                    flaw = f"a quote in line {number} does not close as it should: {error}"
                raise BrokenTextError(flaw) from error
            except UnicodeError as error:
                known, line = self.encoding.removesuffix("-sig").upper(), self._first_undecodable()
                raise BrokenTextError(f"it is no text in {known}, as line {line} shows; save it as UTF-8") from error

    def quoted(self, line: int) -> list[bool]:
        """Say which cells of a line, none of which has a separator in it, are in quotes."""
        return next([cell.strip()[:1] == '"' for cell in cells] for i, cells in self.lines(quotes=False) if i == line)

    def _first_undecodable(self) -> int:
        with self.open(errors="replace") as file:
            return next((number for number, line in enumerate(file, 1) if "\ufffd" in line), 1)


def floats(cells: list[str]) -> list[float] | None:
    """Return cells as numbers, or None unless all are finite numbers in plain digits."""
    try:
        numbers = list(map(float, cells))
    except ValueError:
        return None
    if not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
        return None
    joined = "".join(cells)
    odd = "_" in joined or not joined.isascii()  # Python also reads 1_000, and the digits of all scripts
    return None if odd and not all(map(is_number, cells)) else numbers


def is_number(cell: str) -> bool:
    """Say whether a cell is a number in plain digits; infinity and NaN are none."""
    return _NUMBER.fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Say whether a cell among numbers stands for a missing one."""
    return cell.strip().lower() in _NO_NUMBERS


def is_infinite(cell: str) -> bool:
    """Say whether a cell among numbers stands for an infinite one."""
    return cell.strip().lower() in _INFINITE


def is_word(cell: str) -> bool:
    """Say whether a cell is neither a number, nor infinite, nor missing."""
    return not (is_number(cell) or is_missing(cell) or is_infinite(cell))


def _open_bytes(path: str) -> IO[bytes]:
    compression = next(ending for ending in reversed(_COMPRESSIONS) if path.lower().endswith(ending))
    opened: IO[bytes] = importlib.import_module(_COMPRESSIONS[compression]).open(path, "rb")
    return opened


def _encoding(path: str) -> str:
    with _open_bytes(path) as file:
        start = file.read(2**12)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if (zero := start.find(b"\0")) >= 0:
        line = start[:zero].count(b"\n") + 1
        raise BrokenTextError(f"it is no text in UTF-8, as the zero in line {line} shows; save it as UTF-8")
    return "utf-8-sig"
