"""Labels of any library as values: which points have one, and what it is.

A class is a value. What it is called is decided when all values are known, so that no two classes share a name.
"""

from __future__ import annotations

import datetime
import numbers
import re
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError

_DIGITS = range(6, 18)  # of the name of a number; 17 tell all numbers of double precision apart
_WHOLE = 1e15  # whole numbers below it are written with all digits


@dataclass(frozen=True)
class Labels:
    """What each point is labelled with.

    Attributes
    ----------
    missing : ndarray of shape (n,), bool
        Points without a label.
    values : ndarray of shape (n_present,)
        Labels of the other points: booleans, numbers, times, durations or, as objects, anything that can be hashed;
        always objects where there are categories.
    categories : list, optional
        All values that there could be, in their order, where the labels say so.
    """

    missing: Array
    values: Array
    categories: list[Any] | None


def take_labels(labels: Any, n: int, name: str = "labels") -> Labels:
    """Return labels of NumPy, pandas, polars, pyarrow or plain Python as values.

    Missing are None, NaN, NaT, pandas.NA, nulls and what a mask hides.

    Parameters
    ----------
    labels : array-like of shape (n,) or (n, 1)
    n : int
    name : str
        How the caller calls them.
    """
    labels = only_column(labels)
    array = _as_array(labels, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (n,):
        raise InvalidParameterError(f"`{name}` must be one per point, shape ({n},), got shape {array.shape}")
    if array.dtype.kind not in "biufmMOSUT":
        raise InvalidTypeError(f"`{name}` must be numbers or names, got dtype {array.dtype}")
    if array.dtype.kind in "SUT":
        array = _as_objects(array, name)
    missing = _missing(array)
    values = np.asarray(array)[~missing]
    known: Any = getattr(getattr(labels, "dtype", None), "categories", None)
    if not hasattr(known, "__len__"):  # polars also has categories that all series share
        return Labels(missing, in_one_type(values), None)
    return Labels(missing, values_of([plain(value) for value in values]), [plain(value) for value in known])


def plain(value: Any) -> Any:
    """Return a value of NumPy, a text in bytes or a time of any time zone as Python writes it, others as they are."""
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return value.astype(f"{value.dtype.kind}8[us]").item()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def in_one_type(values: Array) -> Array:
    """Return values in NumPy's type for them where there is one that changes none, else as plain objects."""
    if values.dtype.kind == "f":
        return values.astype(np.float64) if values.dtype.itemsize > 8 else values
    if values.dtype.kind != "O":
        return values
    objects = [plain(value) for value in values]
    kinds = set(map(type, objects))
    for allowed, dtype in (
        ((bool,), np.bool_),
        ((int, bool), np.int64),
        ((int, bool), np.uint64),
        ((numbers.Real, Decimal), np.float64),
        ((datetime.date,), "M8[us]"),
    ):
        if kinds and all(issubclass(kind, allowed) for kind in kinds):
            try:
                typed = np.array(objects, dtype)
            except (OverflowError, TypeError, ValueError):
                continue
            if dtype == "M8[us]" or all(map(_same, typed.tolist(), objects)):
                return typed
    return values_of(objects)


def distinct(values: Array, name: str = "labels") -> tuple[list[Any], list[str], Array]:
    """Return the different values, what each is called, and which of them each value is.

    Numbers and times are in their order, others in that of their names, where "cluster 2" stands before "cluster 10".
    """
    if values.dtype.kind != "O":
        found, codes = np.unique(values, return_inverse=True)
        return [plain(value) for value in found], names_of(found), codes.astype(np.intp, copy=False)
    index: dict[Any, int] = {}
    try:
        codes = np.array([index.setdefault(value, len(index)) for value in values], np.intp)
    except TypeError as error:
        raise InvalidTypeError(f"`{name}` must be numbers or names, got {_first_unhashable(values)}") from error
    seen = list(index)
    names = names_of(values_of(seen))
    order = sorted(range(len(seen)), key=lambda i: _natural(names[i]))
    rank = np.empty(len(seen), np.intp)
    rank[order] = np.arange(len(seen))
    return [seen[i] for i in order], [names[i] for i in order], rank[codes]


def names_of(values: Array) -> list[str]:
    """Return a name for each of several different values, no two the same."""
    if values.dtype.kind == "f":
        for digits in _DIGITS:
            names = [_number(value, digits) for value in values.tolist()]
            if len(set(names)) == len(names):
                break
        return names
    if values.dtype.kind == "M":
        return [str(text) for text in np.datetime_as_string(values, unit="auto")]
    plainly = [plain(value) for value in values]
    names = [_printable(str(value)) for value in plainly]
    times = Counter(names)
    names = [  # the number 1 and the text "1", or a text of blanks
        name if name and times[name] == 1 else repr(value) for name, value in zip(names, plainly, strict=True)
    ]
    return names if len(set(names)) == len(names) else [repr(value) for value in values.tolist()]


def values_of(values: list[Any]) -> Array:
    """Return an array of objects, each a value, even where these are sequences."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def only_column(labels: Any) -> Any:
    """Return the column of a data frame that has only one, anything else as it is."""
    names: Any = getattr(labels, "column_names", getattr(labels, "columns", ()))  # pyarrow; pandas and polars
    return labels[names[0]] if len(names) == 1 else labels


def _as_array(labels: Any, name: str) -> Array:
    """Return an array of any shape, of objects where the library's own types have no place in NumPy's."""
    if isinstance(labels, np.ndarray):
        return labels
    if isinstance(labels, (str, bytes, Mapping, Set)):
        raise InvalidTypeError(f"`{name}` must be a sequence, one per point, got a {type(labels).__name__}")
    try:
        if isinstance(getattr(labels, "dtype", None), np.dtype):
            return np.asarray(labels)
        for convert in ("to_pylist", "tolist", "to_list"):  # pyarrow; pandas; polars
            if hasattr(labels, convert) and getattr(labels, "ndim", 1) == 1:
                return values_of(getattr(labels, convert)())
        return np.asarray(labels) if hasattr(labels, "__array__") else np.array(list(labels), dtype=object)
    except Exception as error:  # whatever a library says about what it cannot convert
        raise InvalidTypeError(
            f"`{name}` must be a sequence of numbers or names, one per point, got a {type(labels).__name__}"
        ) from error


def _as_objects(array: Array, name: str) -> Array:
    """Return text as Python's own, which also shows the missing values of text of variable width."""
    try:
        return array.astype(object)
    except (SystemError, ValueError) as error:
        raise InvalidParameterError(f"`{name}` must be text, got characters that do not exist") from error


def _missing(array: Array) -> Array:
    hidden: Array = np.ma.getmaskarray(array)
    array = np.asarray(array)
    if array.dtype.kind in "fmM":
        hidden = hidden | np.isnan(array)
    elif array.dtype.kind == "O":
        hidden = hidden | np.array([_is_missing(value) for value in array], bool)
    return hidden


def _is_missing(value: Any) -> bool:
    """Say whether a value is None, hidden by a mask, unequal to itself as NaN and NaT are, or without a truth value."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, (str, int)):
        return False
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA
        return True
    except (ValueError, ArithmeticError):  # an array; a signalling NaN
        return isinstance(value, Decimal)


def _same(typed: Any, value: Any) -> bool:
    """Say whether a number is still the same; fractions of other bases may be rounded."""
    return typed == value or not isinstance(value, numbers.Integral)


def _first_unhashable(values: Array) -> str:
    for value in values:
        try:
            hash(value)
        except TypeError:
            return f"a {type(value).__name__}"
    return "values that cannot be hashed"


def _number(value: float, digits: int) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else f"{value:.{digits}g}"


def _printable(text: str) -> str:
    """Return a text on one line, with what cannot be printed as Python writes it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in " ".join(text.split()))


def _natural(name: str) -> tuple[Any, ...]:
    """Sort "cluster 2" before "Cluster 10"."""
    parts = [
        (0, len(part.lstrip("0")), part.lstrip("0")) if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name.casefold())
    ]
    return (*parts, (2, 0, name))
