"""Whether the first line of a table holds names, and what they say."""

from __future__ import annotations

import re
from itertools import islice

from ..errors import InvalidParameterError
from .refusals import is_mistaken
from .text import Text, is_number, is_word

_NAMELESS = re.compile(r"Unnamed: \d+(\.\d+)*|__index_level_\d+__")  # pandas' names of columns that had none


def find_header(text: Text) -> tuple[list[str] | None, int]:
    """Return the names in the first line of a table, or None if it holds data, and after which line these begin.

    A first line of names has only words, or words where the line below has none, or quotes around numbers where the
    line below has none, or counts 0, 1, 2, ... as pandas does for columns without names, and the line below does not
    go on counting. Words in both lines are a column of text, which the caller refuses.
    """
    lines = ((number, cells) for number, cells in text.lines() if cells)
    found = list(islice(lines, 2))
    if not found:
        return None, 0
    number, first = found[0]
    below, second = found[1] if len(found) > 1 else (0, [])
    words = [i for i, cell in enumerate(first) if is_word(cell)]
    if any(is_mistaken(cell, text, alone=len(first) == 1) for cell in first):
        names = False
    elif words:
        only_words = len(words) == sum(bool(cell.strip()) for cell in first)
        words_below = any(i < len(second) and is_word(second[i]) for i in words)
        names = only_words or not words_below
    else:
        named = first[1:] if len(first) > 1 and not first[0].strip() else first
        names = bool(second) and all(map(is_number, named))
        names = names and (_counts(named, second) or (all(text.quoted(number)) and not any(text.quoted(below))))
    return (first, number) if names else (None, 0)


def refuse_nameless(names: list[str], path: str, name: str) -> None:
    """Raise an error about a column of row numbers, or of names of rows, among several columns."""
    for column, title in enumerate(names if len(names) > 1 else [], 1):
        if _NAMELESS.fullmatch(title.strip()) or (column == 1 and not title.strip()):
            known = f" (now {title!r})" if title.strip() else ""
            raise InvalidParameterError(
                f"`{name}` {path!r} must hold features only, got column {column} without a name{known}, which looks "
                f"like names of rows; remove it"
            )


def _counts(first: list[str], second: list[str]) -> bool:
    """Say whether a line counts the columns while the line below does not go on, which would be data.

    A single 0 is a name only above a number with decimals, which it would have, too, if it were one of them.
    """
    k = len(first)
    if first != [str(i) for i in range(k)]:
        return False
    if k == 1:
        return "." in second[-1]
    return second[-k:] != [str(i) for i in range(k, 2 * k)]
