"""What labels mean for colours: classes, quantities, or nothing."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError
from .labels import Labels, distinct, in_one_type, names_of, plain, take_labels, values_of

# Ten near the familiar ones: by CIEDE2000 any two are at least 12 apart to eyes without red, green or blue cones (by
# the matrices of Machado, Oliveira and Fernandes 2009), and 20 to others. Then always the one that is farthest from all
# before it, from white, black and grey, first of another hue and later of another lightness: all are 10 apart.
PALETTE = (
    *("#4b6e91", "#e4811e", "#1ac976", "#d2414a", "#9e55dc", "#7f4614", "#f08adb", "#4898a1", "#d8d416", "#282e89"),
    *("#004b2d", "#871e5a", "#78a5ff", "#69694b", "#ffb4b4", "#876978", "#ffd296", "#789678", "#69f0f0", "#004b5a"),
    *("#f01e96", "#3c3c00", "#968700", "#008700", "#8700a5", "#782d2d", "#9687c3", "#0fd2ff", "#00785a", "#4b2d3c"),
    *("#c38796", "#96c3b4", "#d2785a", "#96d24b", "#c3a596", "#5a4b78", "#c3a55a", "#d2b4d2", "#96695a", "#a55a96"),
    *("#87693c", "#4b4bd2", "#b4d2ff", "#1e96d2", "#00c3b4", "#c3d296", "#2d7878", "#0f4b78", "#8778ff", "#5af0c3"),
    *("#f05a78", "#3c692d", "#f0a500", "#2d9678", "#78a52d", "#b44b69", "#b45a00", "#f0a578", "#7869b4", "#96a5c3"),
    *("#870f00", "#784b5a", "#e15ae1", "#b40f2d"),
)
MISSING = "#d8d8d8"
ONE_COLOR = "#2f6690"  # of points without labels

_MOST_INTEGERS = 50  # integers and times with more different values than this are a quantity
_MOST_FLOATS = 30  # the same for whole numbers stored as floats
_TAIL = 0.005  # share of the values beyond each end of the colour scale


@dataclass(frozen=True)
class Classes:
    """Labels that name groups.

    Attributes
    ----------
    codes : ndarray of shape (n,), int
        Index into `names`, -1 for points without a label.
    names : list of str
        In the order of the legend.
    colors : list of str
        One for each name.
    """

    codes: Array
    names: list[str]
    colors: list[Any]


@dataclass(frozen=True)
class Values:
    """Labels that measure.

    Attributes
    ----------
    values : ndarray of shape (n,), float64
        NaN for points without a value; times are in days since 1970.
    low, high : float
        Ends of the colour scale; a few extreme values may lie beyond.
    times : bool
        Whether the values are times.
    """

    values: Array
    low: float
    high: float
    times: bool = False


def read_labels(
    labels: Any, n: int, categorical: bool | None, colors: Any, name: str = "labels"
) -> Classes | Values | None:
    """Return what labels of any type mean.

    Parameters
    ----------
    labels : array-like of shape (n,) or None
    n : int
    categorical : bool, optional
        None decides by the type and the number of different values.
    colors : mapping or sequence, optional
        See `scatter`.
    name : str
        How the caller calls them.
    """
    if labels is None:
        return None
    taken = take_labels(labels, n, name)
    if categorical is None:
        categorical = taken.categories is not None or _names_groups(taken.values)
    return _classes(taken, colors, name) if categorical else _quantity(taken, name)


def _names_groups(values: Array) -> bool:
    """Say whether values are more likely to name groups than to measure something."""
    if values.dtype.kind in "iumM":
        return len(np.unique(values)) <= _MOST_INTEGERS
    if values.dtype.kind == "f":
        present = values[np.isfinite(values)]
        return bool((present == np.round(present)).all()) and len(np.unique(present)) <= _MOST_FLOATS
    return True


def _classes(taken: Labels, colors: Any, name: str) -> Classes:
    """Return the classes that occur; colours are dealt to all that could, so that they stay where they are."""
    values, names, codes = distinct(taken.values, name)
    if taken.categories is not None:
        place = {value: i for i, value in enumerate(taken.categories)}
        codes = np.array([place[value] for value in values], np.intp)[codes]
        values, names = taken.categories, names_of(in_one_type(values_of(taken.categories)))
    shades = _colors_of(values, names, colors)
    used, codes = np.unique(codes, return_inverse=True)
    of_points = np.full(len(taken.missing), -1, np.intp)
    of_points[~taken.missing] = codes
    return Classes(of_points, [names[i] for i in used], [shades[i] for i in used])


def _colors_of(values: list[Any], names: list[str], colors: Any) -> list[Any]:
    """Return one colour per class from a mapping, a sequence, or the palette, which repeats itself when it is short."""
    if hasattr(colors, "keys"):  # a mapping, or a series of pandas
        return _from_mapping(values, names, dict(colors))
    if isinstance(colors, str):
        raise InvalidParameterError(f"`colors` must be a mapping or a sequence of colours for classes, got {colors!r}")
    chosen = list(PALETTE if colors is None else colors)
    if not chosen:
        raise InvalidParameterError("`colors` must hold at least one colour, got none")
    return [chosen[i % len(chosen)] for i in range(len(values))]


def _from_mapping(values: list[Any], names: list[str], colors: dict[Any, Any]) -> list[Any]:
    """Look colours up by value, else by name; a class without one is grey."""
    by_value = {plain(key): color for key, color in colors.items()}
    by_name = {str(key): color for key, color in by_value.items()}
    found = [by_value.get(value, by_name.get(name, MISSING)) for value, name in zip(values, names, strict=True)]
    if values and not any(value in by_value or name in by_name for value, name in zip(values, names, strict=True)):
        raise InvalidParameterError(
            f"`colors` must have a colour for at least one class, such as {values[0]!r:.40}, "
            f"got only {', '.join(repr(key) for key in colors)[:60] or 'an empty mapping'}"
        )
    return found


def _quantity(taken: Labels, name: str) -> Values:
    labels = in_one_type(taken.values)
    present = _as_floats(labels, name)
    values = np.full(len(taken.missing), np.nan)
    values[~taken.missing] = present
    finite = present[np.isfinite(present)]
    times = labels.dtype.kind == "M"
    if not len(finite):
        return Values(values, 0.0, 1.0, times)
    low = float(np.quantile(finite, _TAIL, method="higher"))
    high = float(np.quantile(finite, 1 - _TAIL, method="lower"))
    if low >= high:
        low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return Values(values, low, high, times)


def _as_floats(values: Array, name: str) -> Array:
    """Return numbers as they are and times in days since 1970."""
    kind = values.dtype.kind
    if kind == "M":
        days: Array = (values - np.datetime64(0, "s")) / np.timedelta64(1, "D")
        return days
    if kind == "m":
        raise InvalidTypeError(
            f"`{name}` must be numbers, names or times, got durations; "
            "divide them by a unit, such as numpy.timedelta64(1, 'h')"
        )
    if kind == "O" and (names := [value for value in values if not isinstance(value, numbers.Real)]):
        raise InvalidTypeError(
            f"`{name}` must be numbers or times when `categorical` is False, got {str(names[0])[:40]!r}"
        )
    return values.astype(np.float64)
