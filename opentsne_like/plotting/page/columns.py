"""What is known about each point, as columns of a page: classes, quantities, or texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._types import Array
from ..._validation import shown
from ...dependencies import need
from ...errors import InvalidParameterError, InvalidTypeError
from ..colors import ONE_COLOR, Classes, Values, read_labels
from ..labels import names_of, only_column, values_of
from .payload import Payload

# viridis at sixteen places (matplotlib's, by Smith, van der Walt and Firing, in the public domain by CC0).
VIRIDIS = (
    *("#440154", "#481a6c", "#472f7d", "#414487", "#39568c", "#31688e", "#2a788e", "#23888e"),
    *("#1f988b", "#22a884", "#35b779", "#54c568", "#7ad151", "#a5db36", "#d2e21b", "#fde725"),
)

_FEW = 104  # classes, which a legend names; more than that are texts where few points share one


def read_columns(
    labels: Any, name: str | None, hover: Any, n: int, categorical: bool | None, colors: Any, payload: Payload
) -> Any:
    """Return the columns of a page's header, that of the labels first.

    Parameters
    ----------
    labels, categorical, colors
        As `html` takes them.
    name : str, optional
        Of the labels.
    hover : mapping or data frame, optional
    n : int
    payload : Payload
        Where arrays go.
    """
    found = []
    if labels is not None:
        meaning = read_labels(labels, n, categorical, colors)
        found.append(_column(name or _name_of(labels) or "label", meaning, colors, payload))
    for title, values in _items(hover):
        meaning = read_labels(values, n, None, None, f"hover[{shown(title)}]")
        found.append(_column(names_of(values_of([title]))[0], meaning, None, payload))
    return found


def _name_of(labels: Any) -> str | None:
    """Return the name of a series, or of a data frame's only column, if it is text."""
    name = getattr(only_column(labels), "name", None)
    return name if isinstance(name, str) else None


def plain_color(labels: Any, colors: Any) -> str:
    """Return the colour of points that are not coloured by a column."""
    return ONE_COLOR if labels is not None or colors is None else hex_colors([colors])[0]


def hex_colors(colors: list[Any]) -> list[str]:
    """Return colours as a browser's style takes them; matplotlib is asked for those in other forms only."""
    if all(isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color) for color in colors):
        return colors
    need("matplotlib", "plot")
    from matplotlib.colors import to_hex

    try:
        return [to_hex(color) for color in colors]
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(f"`colors` must be colours that matplotlib knows: {error}") from error


def _items(hover: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the names and columns of a mapping or of a data frame."""
    if hover is None:
        return
    names = getattr(hover, "column_names", getattr(hover, "columns", None))  # pyarrow; pandas and polars
    if names is None and not hasattr(hover, "keys"):
        raise InvalidTypeError(
            f"`hover` must be a mapping of names to columns, such as {{'title': titles}}, got a {type(hover).__name__}"
        )
    for name in hover.keys() if names is None else names:
        yield name, hover[name]


def _column(name: str, meaning: Classes | Values | None, colors: Any, payload: Payload) -> dict[str, Any]:
    if isinstance(meaning, Values):
        return {"name": name, "kind": "values", **_quantity(meaning, colors, payload)}
    assert meaning is not None  # labels were given
    if len(meaning.names) > max(_FEW, len(meaning.codes) // 2):
        texts = [*meaning.names, None]  # code -1 is the last
        return {"name": name, "kind": "text", "texts": [texts[code] for code in meaning.codes]}
    none = len(meaning.names)
    codes = np.where(meaning.codes < 0, none, meaning.codes).astype(np.min_scalar_type(none))
    shades = hex_colors(meaning.colors)
    return {"name": name, "kind": "classes", "names": meaning.names, "colors": shades, "codes": payload.put(codes)}


def _quantity(meaning: Values, colors: Any, payload: Payload) -> dict[str, Any]:
    scale = {"low": meaning.low, "high": meaning.high, "times": meaning.times, "scale": _scale(meaning, colors)}
    return {**scale, "values": payload.put(_narrowed(meaning.values))}


def _scale(meaning: Values, colors: Any) -> list[str]:
    if colors is None:
        return list(VIRIDIS)
    need("matplotlib", "plot")
    from ..legends import color_scale

    ends = np.linspace(meaning.low, meaning.high, len(VIRIDIS))
    return hex_colors(list(color_scale(meaning, colors).to_rgba(ends)))


def _narrowed(values: Array) -> Array:
    """Return single precision where that changes nothing."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values
