"""What labels mean for colours: classes, quantities, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidParameterError, InvalidTypeError

Array = np.ndarray[Any, Any]

# Ten familiar colours, then always the one that differs most from all before it, from white and from grey, also to
# eyes with deuteranopia (distances in Oklab, moderate chroma).
PALETTE = (
    *("#1f77b4", "#f28e2b", "#2ca25f", "#d62738", "#8a5fbf", "#8c5a3c", "#e377c2", "#17b3c8", "#b5b52a", "#3b3f8f"),
    *("#800058", "#40efaf", "#205000", "#809fff", "#407068", "#dfafff", "#ff7880", "#9f788f", "#f7c770", "#af4097"),
    *("#5870e7", "#af8708", "#704080", "#80a78f", "#78dfd7", "#972008", "#df9faf", "#084868", "#7887bf", "#783840"),
    *("#dfd700", "#af5068"),
)
MISSING = "#d8d8d8"

_MOST_INTEGERS = 50  # integers with more different values than this are a quantity
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
        NaN for points without a value.
    low, high : float
        Ends of the colour scale; a few extreme values may lie beyond.
    """

    values: Array
    low: float
    high: float


def read_labels(labels: Any, n: int, categorical: bool | None, colors: Any) -> Classes | Values | None:
    """Return what labels of any type mean.

    Parameters
    ----------
    labels : array-like of shape (n,) or None
    n : int
    categorical : bool, optional
        None decides by the type and the number of different values.
    colors : mapping or sequence, optional
        See `scatter`.
    """
    if labels is None:
        return None
    categories = getattr(getattr(labels, "cat", labels), "categories", None)  # pandas: their order is kept
    values = np.asarray(labels)
    if values.shape != (n,):
        raise InvalidParameterError(f"`labels` must be one per point, shape ({n},), got shape {values.shape}")
    if values.dtype.kind not in "biufOSUT":
        raise InvalidTypeError(f"`labels` must be numbers or names, got dtype {values.dtype}")
    if values.dtype.kind == "O" and categories is None:
        values = _numbers_if_all(values)
    if categorical is None:
        categorical = categories is not None or _names_groups(values)
    if not categorical:
        return _quantity(values)
    missing = _missing(values)
    plain = _as_names(values)
    if categories is None:
        names = sorted(set(plain[~missing].tolist()), key=_natural)
    else:
        names = [name for name in _as_names(np.asarray(categories)).tolist() if name in set(plain[~missing].tolist())]
    index = {name: code for code, name in enumerate(names)}
    codes = np.array([-1 if gone else index[name] for name, gone in zip(plain.tolist(), missing, strict=True)], int)
    return Classes(codes, names, _colors_of(names, colors))


def _numbers_if_all(values: Array) -> Array:
    """Return an object array of numbers and None as floats, anything else as it is."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, (int, float, np.integer, np.floating)) for value in present):
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    return values


def _names_groups(values: Array) -> bool:
    """Say whether values are more likely to name groups than to measure something."""
    if values.dtype.kind in "iu":
        return len(np.unique(values)) <= _MOST_INTEGERS
    if values.dtype.kind == "f":
        present = values[np.isfinite(values)]
        return bool((present == np.round(present)).all()) and len(np.unique(present)) <= _MOST_FLOATS
    return True


def _missing(values: Array) -> Array:
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array([value is None or value != value for value in values], bool)
    return np.zeros(len(values), bool)


def _as_names(values: Array) -> Array:
    """Return the values as text; whole numbers have no decimals."""
    if values.dtype.kind == "f":
        return np.array([f"{value:g}" for value in values.tolist()], dtype=object)
    if values.dtype.kind == "S":
        return np.array([value.decode("utf-8", "replace") for value in values.tolist()], dtype=object)
    return np.array([str(value) for value in values.tolist()], dtype=object)


def _natural(name: str) -> tuple[Any, ...]:
    """Sort "cluster 2" before "Cluster 10"."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name.casefold())
    )


def _quantity(values: Array) -> Values:
    if values.dtype.kind not in "biuf":
        raise InvalidTypeError(f"`labels` must be numbers when `categorical` is False, got dtype {values.dtype}")
    numbers = values.astype(float)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return Values(np.full(len(numbers), np.nan), 0.0, 1.0)
    low = float(np.quantile(finite, _TAIL, method="higher"))
    high = float(np.quantile(finite, 1 - _TAIL, method="lower"))
    if low >= high:
        low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return Values(numbers, low, high)


def _colors_of(names: Sequence[str], colors: Any) -> list[Any]:
    """Return one colour per name from a mapping, a sequence, or the palette, which repeats itself when it is short."""
    if isinstance(colors, Mapping):
        by_name = {str(key): value for key, value in colors.items()}
        return [by_name.get(name, MISSING) for name in names]
    chosen = list(PALETTE if colors is None else colors)
    return [chosen[i % len(chosen)] for i in range(len(names))]
