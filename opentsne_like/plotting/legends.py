"""What explains the colours: names on the map or beside it, or a colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidParameterError
from .colors import MISSING, Classes, Values
from .names import INK, LONGEST, PLAIN, names_fit, place_names, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE = 11.7  # inches; no legend makes a picture wider
_MOST = 104  # names, at the side or on the map
_ROWS = 26  # of a legend beside a map of 6 inches
_TOLD_APART = 10  # classes by their colours alone; beyond, numbers on the map lead to names beside it
_SIZES = ((1.0, LONGEST), (0.75, LONGEST), (0.75, 22))  # of letters, and most characters, until all names have room
_DAYS = (-719_000, 2_932_000)  # since 1970, about the years 1 to 9999: what matplotlib writes as dates
_NUMBER = 4  # characters of a number and what parts it from its name
_BAR_WIDTH = 22  # a colour bar is so many times as long as it is wide


def explain(
    figure: Figure, meaning: Classes | Values | None, views: list[Any], legend: bool | str, colors: Any
) -> None:
    """Add the names of classes or the colour bar of a quantity.

    Parameters
    ----------
    figure : Figure
    meaning : Classes, Values or None
    views : list of tuple
        What each panel shows to the right, upward and toward the eye; of no use to names beside the map.
    legend : True, "map" or "side"
    colors : str, optional
        Name of the colormap of a quantity.
    """
    if isinstance(meaning, Values):
        color_bar(figure, meaning, colors, figure.axes)
    elif isinstance(meaning, Classes) and meaning.names:
        can = legend is True and len(views) == 1
        few = len(meaning.names) <= _MOST
        if legend == "map" or (can and few and names_fit(figure, views[0][0], views[0][1], meaning)):
            place_names(figure, views[0][0], views[0][1], _largest(meaning, _MOST))
        else:
            _legend(figure, meaning, views[0] if can and len(meaning.names) > _TOLD_APART else None)


def color_scale(meaning: Values, colors: Any) -> Any:
    """Return matplotlib's mapping from values to colours."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    name = "viridis" if colors is None else colors
    if not isinstance(name, str) or name not in colormaps:
        raise InvalidParameterError(
            f"`colors` must be one of matplotlib's colormaps for a quantity, got {colors!r:.60}; "
            "pass categorical=True for classes"
        )
    return ScalarMappable(Normalize(meaning.low, meaning.high), colormaps[name])


def color_bar(figure: Figure, meaning: Values, colors: Any, axes: Any) -> None:
    """Add the colour bar of a quantity.

    Parameters
    ----------
    figure : Figure
    meaning : Values
    colors : str, optional
        Name of the colormap.
    axes : Axes or list of Axes
        The panels beside which it stands.
    """
    beyond = (
        bool(np.nanmin(meaning.values, initial=np.inf) < meaning.low),
        bool(np.nanmax(meaning.values, initial=-np.inf) > meaning.high),
    )
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    bar = figure.colorbar(
        color_scale(meaning, colors),
        ax=axes,
        shrink=0.5,
        aspect=_BAR_WIDTH,
        pad=0.02,
        extend=extend,
        extendfrac=0.03,
        **(_dates() if meaning.times and _DAYS[0] < meaning.low and meaning.high < _DAYS[1] else {}),
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, length=2, color=INK, labelcolor=INK)
    if np.isnan(meaning.values).any():
        _grey_end(bar.ax)


def _grey_end(axes: Axes) -> None:
    """Say below a colour bar what grey points are."""
    from matplotlib.patches import Rectangle

    low, high = -0.115, -0.07  # of the bar's length; a square
    square = Rectangle((0, low), 1, high - low, facecolor=MISSING, edgecolor="none", transform=axes.transAxes)
    square.set_clip_on(False)
    axes.add_patch(square)
    axes.text(1.4, (low + high) / 2, "none", va="center", fontsize=9, color=INK, transform=axes.transAxes)


def _dates() -> dict[str, Any]:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ticks = AutoDateLocator()  # type: ignore[no-untyped-call]
    return {"ticks": ticks, "format": ConciseDateFormatter(ticks)}  # type: ignore[no-untyped-call]


def _largest(meaning: Classes, most: int) -> Classes:
    """Return the classes with the most points, as many as there is room for, in their order."""
    if len(meaning.names) <= most:
        return meaning
    sizes = np.bincount(meaning.codes[meaning.codes >= 0], minlength=len(meaning.names))
    kept = np.sort(np.argsort(-sizes, kind="stable")[:most])
    new = np.full(len(sizes) + 1, -1)  # the last is that of points without a label
    new[kept] = np.arange(len(kept))
    return Classes(new[meaning.codes], [meaning.names[i] for i in kept], [meaning.colors[i] for i in kept])


def _legend(figure: Figure, meaning: Classes, view: Any = None) -> None:
    """Name the classes beside a map in the plane, and beneath those that are wide already.

    They are numbered where a view is given in which the numbers have room.
    """
    width, height = figure.get_size_inches()
    beside = height >= width / 2
    unlabelled = bool((meaning.codes < 0).any())
    longest = max(map(len, [*meaning.names, "no label" if unlabelled else ""]))
    wanted = len(meaning.names) + unlabelled
    for scale, most in _SIZES:
        column = scale * (0.45 + 0.075 * (min(longest, most) + (0 if view is None else _NUMBER)))
        columns = max(1, int((_PAGE - width if beside else width) / column))
        rows = int(_ROWS * max(1.0, height / 6 if beside else 1.0) / scale)
        if wanted <= columns * rows:
            break
    room = min(_MOST, columns * rows) - unlabelled
    shown = meaning if len(meaning.names) <= room else _largest(meaning, room - 1)
    numbers = Classes(shown.codes, [str(i + 1) for i in range(len(shown.names))], shown.colors)
    numbered = view is not None and names_fit(figure, view[0], view[1], numbers)
    names = [
        f"{i}  {name}" if numbered else name for i, name in zip(numbers.names, shorten(shown.names, most), strict=True)
    ]
    entries = [*zip(names, shown.colors, strict=True)]
    if (more := len(meaning.names) - len(shown.names)) > 0:
        entries.append((f"and {more:,} more", "none"))
    if unlabelled:
        entries.append(("no label", MISSING))
    if beside:
        columns = -(-len(entries) // rows)
        figure.set_size_inches(width + columns * column, height)
    else:
        columns = min(columns, len(entries))
        figure.set_size_inches(width, height + 0.2 + 0.19 * scale * -(-len(entries) // columns))
    _write_list(figure, entries, columns, beside, scale)
    if numbered:
        place_names(figure, view[0], view[1], numbers)


def _write_list(figure: Figure, entries: list[tuple[str, Any]], columns: int, beside: bool, scale: float) -> None:
    """Write names beside points of their colours, in letters of a share of the usual size."""
    from matplotlib.lines import Line2D

    legend = figure.legend(
        handles=[
            Line2D([], [], marker="o", ls="", ms=6 * scale, mew=0, color=color, label=" ") for _, color in entries
        ],
        loc="outside right center" if beside else "outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9 * scale,
        labelcolor=INK,
        handletextpad=0.2,
        columnspacing=1.0,
        borderpad=0.2,
    )
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):  # matplotlib would pass over "_name"
        text.set(text=name, **PLAIN)
