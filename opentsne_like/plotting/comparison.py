"""Several maps side by side."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .._validation import check_flag, check_integer, check_matrix, check_real, shown
from ..errors import InvalidParameterError, InvalidTypeError
from ..utils import align
from .colors import read_labels
from .figures import blank, save
from .legends import explain
from .names import INK, PLAIN
from .panels import frame, marks_of, views_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _MOST_INCHES = 12.0, 4.0  # of all panels together, and of one
_MOST_COLUMNS = 4  # unless others are asked for


def compare(
    maps: Any,
    labels: Any = None,
    *,
    columns: int | None = None,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    legend: bool = True,
    size: float | None = None,
    alpha: float | None = None,
    dpi: float = 200,
    categorical: bool | None = None,
    colors: Any = None,
) -> Figure:
    """Draw maps of the same points side by side, each turned, mirrored and shifted onto the first.

    The loss does not change when a map is turned or mirrored, so what differs after `align` is a difference. Sizes are
    left as they are, but every map fills its panel: its width says little, and that of an unfinished map nothing.

    Parameters
    ----------
    maps : mapping or sequence
        Maps of one or two dimensions, array-likes of shape (n_samples, n_components) each; a mapping such as
        ``{"perplexity 10": Y, "perplexity 100": Z}`` gives the panels titles.
    labels : array-like of shape (n_samples,), optional
        Classes or a quantity, which colour all maps alike; as for `scatter`.
    columns : int, optional
        How many maps stand beside each other; 4 at most by default.
    path : str or PathLike, optional
        Where to write the picture; the suffix decides the format (png, pdf, svg, ...).
    title : str, optional
    legend : bool
        Whether to name the classes, or draw the colour bar, beside the maps or beneath them.
    size, alpha, dpi, categorical, colors
        As for `scatter`.

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidParameterError, InvalidTypeError
        The maps are not of the same points, among others.
    StorageError
        The picture cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import plotting
    >>> Y = np.random.default_rng(0).normal(size=(200, 2))
    >>> figure = plotting.compare({"a map": Y, "mirrored": Y[:, ::-1]}, Y[:, 0] > 0, path="maps.png")
    >>> [axes.get_title() for axes in figure.axes]
    ['a map', 'mirrored']
    """
    titles, points = _read(maps)
    n, dims = points[0].shape
    check_flag(legend, "legend")
    across = min(len(points), _MOST_COLUMNS) if columns is None else check_integer(columns, "columns", at_least=1)
    area = None if size is None else check_real(size, "size", above=0)
    opacity = None if alpha is None else check_real(alpha, "alpha", above=0, at_most=1)
    resolution = check_real(dpi, "dpi", above=0, at_most=10_000)
    meaning = read_labels(labels, n, categorical, colors)
    side = min(_MOST_INCHES, _WIDTH / across)
    rows = -(-len(points) // across)
    height = side if dims == 2 else side / 2
    figure = blank((across * side, rows * (height + 0.25)), resolution)
    marks = marks_of(meaning, n, dims, colors, size=area, alpha=opacity, inches=side)
    grid = figure.subplots(rows, across, squeeze=False).ravel()
    for axes in grid[len(points) :]:
        axes.remove()
    for axes, name, place in zip(grid, titles, points, strict=False):
        (view,) = views_of(place)
        frame(axes, view[0], view[1], equal=dims == 2)
        marks.draw(axes, view)
        axes.set_title(name, fontsize=10, color=INK, **PLAIN)
    if title:
        figure.suptitle(title, fontsize=13, color=INK, **PLAIN)
    if legend:
        explain(figure, meaning, [], "side", colors)
    if path is not None:
        save(figure, path)
    return figure


def _read(maps: Any) -> tuple[list[str], list[Array]]:
    """Return titles and coordinates, of all but the first aligned with that."""
    if hasattr(maps, "keys"):
        titles, given = [str(name) for name in maps], [maps[name] for name in maps]
    elif isinstance(maps, (list, tuple)) or (isinstance(maps, np.ndarray) and maps.ndim == 3):
        titles, given = [""] * len(maps), list(maps)
    else:
        raise InvalidTypeError(f"`maps` must be a mapping of titles to maps, or a list of maps, got {shown(maps)}")
    if not given:
        raise InvalidParameterError("`maps` must hold at least one map, got none")
    names = [f"maps[{shown(name)}]" if hasattr(maps, "keys") else f"maps[{i}]" for i, name in enumerate(titles)]
    points = [check_matrix(one, name).astype(np.float64, copy=False) for one, name in zip(given, names, strict=True)]
    first = points[0]
    if first.shape[1] > 2:
        raise InvalidParameterError(f"`maps` must have 1 or 2 columns, got {first.shape[1]}; choose two")
    for name, one in zip(names, points, strict=True):
        if one.shape != first.shape:
            raise InvalidParameterError(
                f"`maps` must be of the same points, got shape {one.shape} for `{name}` and {first.shape} for the first"
            )
    return titles, [first, *(align(one, first) for one in points[1:])]
