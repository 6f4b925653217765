"""Where a command writes to, and the pictures and pages it makes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from .._validation import check_integer
from ..dependencies import need
from ..errors import InvalidParameterError
from ..storage import check_writable
from .locations import Location, free_name
from .tables import read_label_file

_PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".eps", ".ps", ".pgf", ".svgz")
_PAGES = (".html", ".htm")
_MOVIES = (".gif", ".mp4")


def check_outputs(
    options: Any, inputs: Sequence[str], *, moving: bool = True, endings: Sequence[str] = (".npz",)
) -> None:
    """Raise now what would otherwise be found out after the work.

    Parameters
    ----------
    options : argparse.Namespace
        With `out`, `plot`, `labels` and `hover`.
    inputs : sequence of str
        Files that must not be written to.
    moving : bool
        Whether the command moves a map, of which a movie can be made.
    endings : sequence of str
        What the name of the map may end in.
    """
    inputs = [*inputs, *columns_of(options)]
    for flag, path in (("--out", options.out), ("--plot", options.plot)):
        if path is not None:
            check_target(path, flag, inputs)
    if not options.out.endswith(tuple(endings)):
        raise InvalidParameterError(
            f"`--out` must end in {' or '.join(endings)}, got {options.out!r}; `export` makes tables of a map, `plot` "
            "pictures"
        )
    if options.plot is None:
        for flag, given in (("--labels", options.labels), ("--hover", options.hover)):
            if given:
                raise InvalidParameterError(f"`{flag}` must come with --plot: it is for the picture, not the map")
        return
    if os.path.realpath(options.plot) == os.path.realpath(options.out):
        raise InvalidParameterError(f"`--plot` must be another file than --out, got {options.plot!r}")
    check_picture(options.plot, "--plot", options.hover, moving=moving)


def check_target(path: str, flag: str, inputs: Sequence[str]) -> None:
    """Refuse a file that cannot be written, or that is read.

    Parameters
    ----------
    path, flag : str
    inputs : sequence of str
    """
    check_writable(path, flag)
    if any(os.path.realpath(path) == os.path.realpath(_file(other)) for other in inputs):
        raise InvalidParameterError(f"`{flag}` must not be a file that is read, got {path!r}")


def check_picture(path: str, flag: str, hover: Sequence[str] | None, *, moving: bool) -> None:
    """Refuse a picture or page of a kind that cannot be made.

    Parameters
    ----------
    path, flag : str
    hover : sequence of str, optional
        Columns that only a page can show.
    moving : bool
        Whether a movie can be made.

    Raises
    ------
    InvalidParameterError, MissingDependencyError
    """
    ending = os.path.splitext(path)[1].lower()
    if ending in _PAGES:
        return
    if ending in _MOVIES and not moving:
        raise InvalidParameterError(
            f"`{flag}` must be no movie of a map that stands still, got {path!r}; embed --plot makes one"
        )
    if ending not in (*_PICTURES, *_MOVIES):
        raise InvalidParameterError(
            f"`{flag}` must end in .png, .pdf, .svg or .html{', or in .gif for a movie' * moving}, got {path!r}"
        )
    if hover:
        raise InvalidParameterError(f"`--hover` must come with a page, .html, got {path!r}")
    need("matplotlib", "plot")


def check_dimensions(path: str | None, dims: int | None) -> None:
    """Refuse a map that has too many dimensions to be drawn.

    Parameters
    ----------
    path : str, optional
    dims : int, optional
    """
    if path is None or dims is None:
        return
    kinds = {"page": _PAGES, "movie": _MOVIES}
    kind = next((kind for kind, endings in kinds.items() if path.lower().endswith(endings)), "picture")
    most = 3 if kind == "picture" else 2
    if dims > most:
        raise InvalidParameterError(
            f"`--n-components` must be at most {most} for a {kind}, got {dims}; leave out the {kind}"
        )


def columns_of(options: Any) -> list[str]:
    """Return the places that labels and columns for the pointer are read from."""
    return [*([options.labels] if options.labels else []), *(options.hover or [])]


class Columns(NamedTuple):
    """What is known about the points of a picture.

    Attributes
    ----------
    labels : array or None
    name : str or None
        Of the labels.
    hover : dict of str to array
    """

    labels: Any
    name: str | None
    hover: dict[str, Any]


def read_columns(options: Any, n: int) -> Columns:
    """Read labels and columns for the pointer, and see before the work whether they can be drawn.

    Parameters
    ----------
    options : argparse.Namespace
    n : int
        Rows of the map.

    Returns
    -------
    Columns
    """
    from ..plotting.colors import read_labels

    labels = None if options.labels is None else read_label_file(options.labels, n)
    if labels is not None:
        read_labels(labels, n, None, None)
    name = None if labels is None else Location.find(options.labels, "labels").title
    hover: dict[str, Any] = {}
    for text in options.hover or []:
        hover[free_name(Location.find(text, "hover").title, [name, *hover])] = read_label_file(text, n, "hover")
    return Columns(labels, name, hover)


def is_movie(path: str | None) -> bool:
    """Say whether a path is that of a movie.

    Parameters
    ----------
    path : str, optional
    """
    return path is not None and path.lower().endswith(_MOVIES)


def snapshots_for(path: str | None, every: int | None = None, include: str = "data") -> list[Any]:
    """Return the callback that keeps the frames of a movie, where one is to be made now or later.

    Parameters
    ----------
    path : str, optional
        Of a picture, page or movie.
    every : int, optional
        Iterations between frames that are to be stored with the map.
    include : str
        How much of the map is stored.
    """
    from ..callbacks import Snapshots

    if every is None:
        return [Snapshots()] if is_movie(path) else []
    if include == "coordinates":
        raise InvalidParameterError("`--snapshots` must come without --slim, which stores the last coordinates alone")
    return [Snapshots(check_integer(every, "--snapshots", at_least=1))]


def draw(path: str, points: Any, columns: Columns, title: str | None = None, **options: Any) -> None:
    """Draw a map as a picture, a page or a movie, by the ending of the path.

    Parameters
    ----------
    path : str
    points : ndarray of shape (n, d), or Snapshots
    columns : Columns
    title : str, optional
    **options
        Of `plotting.scatter`.
    """
    from .. import plotting

    labels, name, hover = columns
    if path.lower().endswith(_PAGES):
        plotting.html(points, labels, hover=hover or None, path=path, title=title, label_name=name)
    elif is_movie(path):
        plotting.animate(points, labels, path=path, title=title)
    else:
        plotting.scatter(points, labels, path=path, title=title, **options)


def _file(text: str) -> str:
    """Return the file of a place, or the text if it is none."""
    try:
        return Location.find(text, "labels").path
    except InvalidParameterError:
        return text
