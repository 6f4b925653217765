"""Names of columns: what a data frame knows beyond its numbers."""

from __future__ import annotations

import numbers
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidParameterError
from .scalars import shown

Names = tuple[str | int, ...]
_LISTED = 5  # names in a message


def column_names(X: Any) -> Names | None:
    """Return the names of the columns of a data frame of any library, None where `X` is none.

    Names that are neither text nor numbers are written as text, so that they can be stored.

    Parameters
    ----------
    X : object

    Returns
    -------
    tuple of str and int, or None
    """
    names = getattr(X, "column_names", None)  # pyarrow's `columns` are the columns themselves
    if names is None:
        names = getattr(X, "columns", None)
    if names is None or callable(names) or isinstance(names, str):
        return None
    return tuple(int(n) if isinstance(n, numbers.Integral) else str(n) for n in names)


def column_order(X: Any, names: Sequence[str | int] | None, name: str) -> list[int] | None:
    """Return where the columns that the data had lie in new rows, None where they are taken by position.

    Names are compared as they are written, because files know no others.

    Parameters
    ----------
    X : object
        New rows.
    names : sequence of str and int, optional
        The names of the columns of the data.
    name : str
        How the caller calls `X`.

    Raises
    ------
    InvalidParameterError
        Both have names, and not the same.
    """
    given = column_names(X)
    if given is None or names is None:
        return None
    own, known = (tuple(map(str, titles)) for titles in (given, names))
    if own == known:
        return None
    if len(own) == len(known) and tuple(map(str, range(len(own)))) in (own, known) and set(own) != set(known):
        return None  # numbers that a library gives to columns without names
    missing, extra = Counter(known) - Counter(own), Counter(own) - Counter(known)
    if missing or extra:
        named = dict(zip((*own, *known), (*given, *names), strict=True))
        parts = [
            f"{what} {_listed([named[title] for title in counter])}"
            for what, counter in (("no", missing), ("also", extra))
            if counter
        ]
        raise InvalidParameterError(f"`{name}` must have the columns of the data, got {' and '.join(parts)}")
    places = {column: place for place, column in enumerate(own)}
    if len(places) < len(own):
        twice = Counter(own).most_common(1)[0][0]
        raise InvalidParameterError(f"`{name}` must have each column once to be put in order, got {twice!r} twice")
    return [places[column] for column in known]


def _listed(names: list[Any]) -> str:
    text = ", ".join(shown(name) for name in names[:_LISTED])
    return text if len(names) <= _LISTED else f"{text} and {len(names) - _LISTED} more"
