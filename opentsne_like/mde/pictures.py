"""Pictures of embeddings with PyMDE's arguments, of distortions, and films."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plotting
from .._types import Array
from .._validation import check_matrix, check_real, shown
from ..affinity import check_edges
from ..errors import InvalidParameterError, InvalidTypeError
from ..plotting.figures import blank, pixels, save
from ..plotting.panels import views_of
from .geometry import deduplicate_edges

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 4.0  # that a film takes
LEAST_RATE = 15.0  # pictures a second
DPI = 72  # of a film
LINE = "#9a9a9a"


def plot(
    X: Any,
    color_by: Any = None,
    color_map: Any = "Spectral",
    colors: Any = None,
    edges: Any = None,
    axis_limits: Any = None,
    background_color: Any = None,
    marker_size: float = 1.0,
    figsize_inches: tuple[float, float] = (8.0, 8.0),
    savepath: Any = None,
) -> Figure:
    """Return a picture of an embedding in one, two or three dimensions.

    Parameters
    ----------
    X : array-like of shape (n_items, embedding_dim)
    color_by : array-like of shape (n_items,), optional
        Classes, or a quantity.
    color_map : str
        For a quantity.
    colors : array-like of shape (n_items, 3) or (n_items, 4), optional
        The colour of each item.
    edges : array-like of shape (m, 2), optional
        Lines between items, beneath them.
    axis_limits : (float, float), optional
        Of both axes.
    background_color : optional
    marker_size : float
        Area of a point in square points.
    figsize_inches : (float, float)
    savepath : path-like, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> figure = mde.plot(np.eye(3)[:, :2], color_by=["a", "b", "b"], edges=[[0, 1]], savepath="corner.png")
    >>> len(figure.axes[0].collections) >= 2
    True
    """
    points = np.asarray(check_matrix(X, "X"), np.float64)
    if color_by is not None and colors is not None:
        raise InvalidParameterError("`colors` must be None where `color_by` is given, got both")
    check_real(marker_size, "marker_size", above=0)
    inches = _pair(figsize_inches, "figsize_inches", above=0)
    limits = None if axis_limits is None else _pair(axis_limits, "axis_limits")
    shades = None if colors is None else check_matrix(colors, "colors")
    if shades is not None and len(shades) != len(points):
        raise InvalidParameterError(f"`colors` must be {len(points)} rows, one for each item, got {len(shades)}")
    options: dict[str, Any] = {"size": marker_size}
    if color_by is not None and _measures(color_by):
        options |= {"categorical": False, "colors": color_map}
    figure = plotting.scatter(points, color_by, **options)
    figure.set_size_inches(*inches)
    lines = None if edges is None else check_edges(deduplicate_edges(edges), len(points))
    for axes, (x, y, _) in zip(figure.axes, views_of(points), strict=False):  # a colour bar may follow
        if shades is not None:
            axes.collections[0].remove()
            axes.scatter(x, y, s=marker_size, c=shades, linewidths=0)
        if lines is not None:
            _join(axes, np.column_stack([x, y]), lines)
        if limits is not None:
            axes.set(xlim=limits, ylim=limits if points.shape[1] > 1 else axes.get_ylim())
    if background_color is not None:
        figure.set_facecolor(background_color)
    if savepath is not None:
        save(figure, savepath)
    return figure


def _pair(value: Any, name: str, above: float | None = None) -> tuple[float, float]:
    """Return two numbers, or refuse what is not."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise InvalidTypeError(f"`{name}` must be two numbers, got {shown(value)}") from None
    return check_real(low, name, above=above), check_real(high, name, above=above)


def _measures(labels: Any) -> bool:
    """Say whether labels are numbers with fractions."""
    return bool(np.asarray(labels).dtype.kind == "f")


def _join(axes: Any, points: Array, edges: Array) -> None:
    """Draw lines between items, beneath their points."""
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(list(points[edges]), colors=LINE, linewidths=0.5, zorder=0), autolim=False)


def cdf(values: Array, figsize_inches: tuple[float, float]) -> Figure:
    """Return a picture of the share of values below each.

    Parameters
    ----------
    values : ndarray of shape (edges,)
    figsize_inches : (float, float)
    """
    figure = blank(figsize_inches, 100)
    axes = figure.subplots()
    axes.ecdf(values)
    axes.set(xlabel="distortion", ylabel="share of the edges", ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def film(
    shots: Sequence[Array],
    fps: float | None,
    tmpdir: str | os.PathLike[str] | None,
    savepath: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> plotting.Movie:
    """Return a film of embeddings, one after the other, and write it where a path is given.

    Parameters
    ----------
    shots : sequence of ndarray of shape (n_items, embedding_dim)
    fps : float or None
    tmpdir : path-like or None
        A folder for the pictures one by one.
    savepath : path-like or None
    options : mapping
        Of `plot`.
    """
    rate = max(len(shots) / SECONDS, LEAST_RATE) if fps is None else check_real(fps, "fps", above=0)
    if options["axis_limits"] is None:
        far = max(float(np.abs(shot).max()) for shot in shots)
        options = {**options, "axis_limits": (-far, far)}
    pictures = []
    for k, shot in enumerate(shots):
        figure = plot(shot, **options)
        figure.set_dpi(DPI)
        if tmpdir is not None:
            save(figure, os.path.join(tmpdir, f"{k:04d}.png"))
        pictures.append(pixels(figure))
    movie = plotting.Movie(np.stack(pictures), rate)
    if savepath is not None:
        movie.save(savepath)
    return movie
