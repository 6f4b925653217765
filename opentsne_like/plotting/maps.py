"""The picture of a map."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .._validation import check_choice, check_matrix, check_real
from ..errors import InvalidParameterError
from .colors import MISSING, ONE_COLOR, Classes, Values, read_labels
from .figures import blank, save
from .legends import color_scale, explain
from .names import INK, PLAIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_INCHES = 6.0  # side of a two-dimensional map
_PANEL = 4.0  # side of each view of a three-dimensional one
_MARGIN = 0.03  # of the extent, on every side


def scatter(
    embedding: Any,
    labels: Any = None,
    *,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    legend: bool | str = True,
    size: float | None = None,
    alpha: float | None = None,
    dpi: float = 200,
    categorical: bool | None = None,
    colors: Any = None,
    background: Any = None,
) -> Figure:
    """Draw a map.

    Both axes have the same scale and no ticks, since only distances mean something. The size of the points follows from
    their number, and they are drawn in random order, so that no class hides another; in PDF and SVG they are pixels,
    while names stay text. A one-dimensional map is drawn as a strip that is as wide as the points are dense, a
    three-dimensional one in its three views.

    Parameters
    ----------
    embedding : array-like of shape (n_samples, n_components)
        The map, of one to three dimensions.
    labels : array-like of shape (n_samples,), optional
        Classes of any type, or a quantity, from NumPy, pandas, polars, pyarrow or Python. Missing values (None, NaN,
        NaT, pandas.NA, nulls, masked) are drawn in grey, beneath the others.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    title : str, optional
    legend : bool or {"map", "side"}
        True writes the names of classes on the map where they have room, and beside it otherwise (beneath maps of one
        or three dimensions); a quantity gets a colour bar. Of more classes than about 100, or than have room on a page,
        the largest are named. Names and titles are text, also with dollar signs.
    size : float, optional
        Area of a point in square points (1/72 inch).
    alpha : float, optional
        Opacity of a point, between 0 and 1.
    dpi : float
        Pixels per inch; a map is 6 inches wide.
    categorical : bool, optional
        Whether labels name classes (True) or measure something (False). By default text, booleans, categories of
        pandas and polars, and up to 50 different integers or times are classes, other numbers and times a quantity.
    colors : mapping, sequence or str, optional
        Of classes: a mapping from label to colour, where others are grey, or colours in the order of the labels; by
        default 32 that are told apart well. Categories without a point keep their colour. Of a quantity: the name of
        one of matplotlib's colormaps. Without labels: one colour.
    background : array-like of shape (m, n_components), optional
        Points that are drawn in grey beneath, such as the map that new points were placed on.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it; pyplot is not needed.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import plotting
    >>> Y = np.random.RandomState(0).normal(size=(300, 2))
    >>> figure = plotting.scatter(Y, Y[:, 0] > 0, path="map.png", title="Two halves")
    >>> figure.get_size_inches().tolist()
    [6.0, 6.0]
    """
    points = check_matrix(embedding, "embedding").astype(np.float64, copy=False)
    n, dims = points.shape
    if dims > 3:
        raise InvalidParameterError(f"`embedding` must have 1 to 3 columns to be drawn, got {dims}; choose some")
    beneath = None if background is None else check_matrix(background, "background", n_columns=dims)
    check_choice(legend, "legend", [True, False, "map", "side"])
    area = _area(n, dims) if size is None else check_real(size, "size", above=0)
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    meaning = read_labels(labels, n, categorical, colors)
    opacity = _opacity(n, meaning is None) if alpha is None else check_real(alpha, "alpha", above=0, at_most=1)
    inches = {1: (8.0, 2.4), 2: (_INCHES, _INCHES), 3: (3 * _PANEL, _PANEL)}[dims]
    figure = blank(inches, resolution)
    shades = _shades(meaning, n, opacity, colors)
    views = _views(points)
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    if beneath is not None:
        for axes, (x, y, _) in zip(panels, _views(beneath), strict=True):
            axes.scatter(x, y, s=_area(len(x), dims), c=MISSING, linewidths=0, rasterized=True)
    for axes, (x, y, depth) in zip(panels, views, strict=True):
        order = _order(meaning, n, depth)
        axes.scatter(x[order], y[order], s=area, c=shades[order], linewidths=0, rasterized=True)
        axes.set_axis_off()
    shown = points if beneath is None else np.vstack([points, beneath])
    for axes, (x, y, _) in zip(panels, _views(shown), strict=True):
        _frame(axes, x, y, equal=dims > 1)
    if title:
        figure.suptitle(title, fontsize=13, color=INK, **PLAIN)
    if legend is not False:
        explain(figure, meaning, views, legend, colors)
    if path is not None:
        save(figure, path)
    return figure


def _area(n: int, dims: int) -> float:
    """Return the area of a point such that all together cover much of the map, or a little for a few of them."""
    full = {1: 14_000, 2: 28_000, 3: 14_000}[dims]
    return float(np.clip(full / n, 0.06, 36 if dims == 2 else 20))


def _opacity(n: int, plain: bool) -> float:
    """Return less for more points, and for points of one colour, so that dense places show."""
    return float(np.clip((0.75 if plain else 1.0) - 0.09 * np.log10(max(1.0, n / 300)), 0.4, 0.95))


def _views(points: Array) -> list[tuple[Array, Array, Array | None]]:
    """Return what to draw to the right, upward and toward the eye, for each panel."""
    dims = points.shape[1]
    if dims == 1:
        return [(points[:, 0], strip(points[:, 0]), None)]
    if dims == 2:
        return [(points[:, 0], points[:, 1], None)]
    return [(points[:, a], points[:, b], points[:, c]) for a, b, c in ((0, 1, 2), (0, 2, 1), (1, 2, 0))]


def strip(x: Array) -> Array:
    """Return heights for points on a line: random, within the smoothed density on both sides of the line."""
    low, high = float(x.min()), float(x.max())
    bins = 400
    counts, edges = np.histogram(x, bins=bins, range=(low, high) if high > low else (low - 0.5, high + 0.5))
    bell = np.exp(-0.5 * (np.arange(-12, 13) / 4.0) ** 2)
    density = np.convolve(counts, bell / bell.sum(), mode="same")
    at = np.interp(x, (edges[1:] + edges[:-1]) / 2, density / density.max())
    heights: Array = np.random.RandomState(0).uniform(-1, 1, len(x)) * (0.05 + 0.95 * at)
    return heights


def _order(meaning: Classes | Values | None, n: int, depth: Array | None) -> Array:
    """Return the order of drawing: what has no label first, then from far to near, or at random."""
    order = np.random.RandomState(0).permutation(n) if depth is None else np.argsort(depth, kind="stable")
    if isinstance(meaning, Classes):
        missing = meaning.codes[order] < 0
    elif isinstance(meaning, Values):
        missing = np.isnan(meaning.values[order])
    else:
        return order
    return np.concatenate([order[missing], order[~missing]])


def _shades(meaning: Classes | Values | None, n: int, opacity: float, colors: Any) -> Array:
    """Return the colours of the points, (n, 4)."""
    from matplotlib.colors import to_rgba, to_rgba_array

    if isinstance(meaning, Values):
        shades = np.asarray(color_scale(meaning, colors).to_rgba(np.nan_to_num(meaning.values)))
        shades[np.isnan(meaning.values)] = to_rgba(MISSING)
    else:
        used = [ONE_COLOR if colors is None else colors] if meaning is None else [*meaning.colors, MISSING]
        try:
            table = to_rgba_array(used)
        except (ValueError, TypeError) as error:
            raise InvalidParameterError(f"`colors` must be colours that matplotlib knows: {error}") from error
        shades = np.tile(table, (n, 1)) if meaning is None else table[meaning.codes]  # code -1 is the last, grey
    shades[:, 3] = opacity
    return shades


def _frame(axes: Axes, x: Array, y: Array, *, equal: bool) -> None:
    """Leave the same margin on all sides."""
    center_x, center_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    half_x, half_y = np.ptp(x) / 2, np.ptp(y) / 2
    if equal:
        half_x = half_y = max(half_x, half_y)
        axes.set_aspect("equal")
    half_x, half_y = (half * (1 + 2 * _MARGIN) if half > 0 else 1.0 for half in (half_x, half_y))
    axes.set_xlim(center_x - half_x, center_x + half_x)
    axes.set_ylim(center_y - half_y, center_y + half_y)
