"""The picture of a map."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._validation import check_choice, check_matrix, check_real
from ..errors import InvalidParameterError
from .colors import read_labels
from .figures import blank, save
from .legends import explain
from .names import INK, PLAIN
from .panels import INCHES, background_marks, frame, marks_of, views_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 4.0  # side of each view of a three-dimensional map


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
    three-dimensional one in its three views. More than 500,000 points are not drawn one by one: each pixel has the mean
    colour of its points, the stronger the more they are, unless `size` or `alpha` is given.

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
        or three dimensions), where numbers on the map lead to the names of more than ten; a quantity gets a colour bar.
        Of more classes than about 100, or than have room on a page, the largest are named. Names and titles are text,
        also with dollar signs.
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
        default 64 that are told apart, the first ten by the colour-blind, too, and then the same again. Categories
        without a point keep their colour. Of a quantity: the name of one of matplotlib's colormaps. Without labels:
        one colour.
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
    area = None if size is None else check_real(size, "size", above=0)
    opacity = None if alpha is None else check_real(alpha, "alpha", above=0, at_most=1)
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    meaning = read_labels(labels, n, categorical, colors)
    figure = blank({1: (8.0, 2.4), 2: (INCHES, INCHES), 3: (3 * _PANEL, _PANEL)}[dims], resolution)
    marks = marks_of(meaning, n, dims, colors, size=area, alpha=opacity)
    views = views_of(points)
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    shown = points if beneath is None else np.vstack([points, beneath])
    for axes, (x, y, _) in zip(panels, views_of(shown), strict=True):
        frame(axes, x, y, equal=dims > 1)
    if beneath is not None:
        grey = background_marks(len(beneath), dims)
        for axes, view in zip(panels, views_of(beneath), strict=True):
            grey.draw(axes, view)
    for axes, view in zip(panels, views, strict=True):
        marks.draw(axes, view)
    if title:
        figure.suptitle(title, fontsize=13, color=INK, **PLAIN)
    if legend is not False:
        explain(figure, meaning, views, legend, colors)
    if path is not None:
        save(figure, path)
    return figure
