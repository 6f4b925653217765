"""Pictures of embeddings with PyMDE's arguments, of distortions, and films."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plotting
from .._types import Array
from .._validation import check_matrix, check_real
from ..affinity import check_edges
from ..dependencies import need
from ..errors import InvalidParameterError
from ..plotting.figures import blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 4.0  # that a film takes
LEAST_RATE = 15.0  # pictures a second
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
        Lines between items, in the plane.
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
    options: dict[str, Any] = {"size": marker_size}
    if color_by is not None and _measures(color_by):
        options |= {"categorical": False, "colors": color_map}
    figure = plotting.scatter(points, color_by, **options)
    figure.set_size_inches(*figsize_inches)
    axes = figure.axes[0]
    if colors is not None:
        _paint(axes, points, colors, marker_size)
    if edges is not None:
        _join(axes, points, check_edges(edges, len(points)))
    if background_color is not None:
        figure.set_facecolor(background_color)
    if axis_limits is not None:
        axes.set(xlim=axis_limits, ylim=axis_limits)
    if savepath is not None:
        figure.savefig(savepath)
    return figure


def _measures(labels: Any) -> bool:
    """Say whether labels are numbers with fractions."""
    return bool(np.asarray(labels).dtype.kind == "f")


def _paint(axes: Any, points: Array, colors: Any, size: float) -> None:
    if points.shape[1] != 2:
        raise InvalidParameterError(f"`colors` must be None in {points.shape[1]} dimensions; use `color_by`")
    axes.collections[0].remove()
    axes.scatter(points[:, 0], points[:, 1], s=size, c=np.asarray(colors), linewidths=0)


def _join(axes: Any, points: Array, edges: Array) -> None:
    """Draw lines between items, beneath their points."""
    if points.shape[1] != 2:
        raise InvalidParameterError(
            f"`edges` must be None in {points.shape[1]} dimensions; they are drawn in the plane"
        )
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(list(points[edges]), colors=LINE, linewidths=0.5, zorder=0))


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


def film(shots: Sequence[Array], color_by: Any, savepath: Any, fps: float | None, options: Mapping[str, Any]) -> None:
    """Write a GIF of embeddings, one after the other, with the last one twice.

    Parameters
    ----------
    shots : sequence of ndarray of shape (n_items, embedding_dim)
    color_by : array-like, optional
    savepath : path-like
    fps : float or None
    options : mapping
        Of `plot`.
    """
    need("matplotlib", "plot")
    from PIL import Image

    rate = max(len(shots) / SECONDS, LEAST_RATE) if fps is None else check_real(fps, "fps", above=0)
    limits = (min(float(shot.min()) for shot in shots), max(float(shot.max()) for shot in shots))
    pictures = []
    for shot in [*shots, shots[-1]]:
        figure = plot(shot, color_by, **{"axis_limits": limits, **options})
        memory = io.BytesIO()
        figure.savefig(memory, format="png")
        pictures.append(Image.open(memory).convert("P"))
    first, rest = pictures[0], pictures[1:]
    first.save(savepath, format="GIF", save_all=True, append_images=rest, duration=1000.0 / rate, loop=0)
