"""The page itself: written from its parts, kept as text, saved or shown in a notebook."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from ..._types import Array
from ..._validation import check_matrix, shown
from ...errors import InvalidParameterError, InvalidTypeError
from ...storage import check_writable
from ..files import write_file
from ..panels import strip
from .columns import plain_color, read_columns
from .images import read_images
from .payload import Payload, pack_points

_SCRIPTS = ("data", "grid", "camera", "painters", "shades", "panels", "viewer", "hands", "start")
_SUFFIXES = (".html", ".htm")
_FLAT = 0.15  # half the height of a map of one dimension, of its width
_FRAME = 600  # pixels of height in a notebook


@dataclass(frozen=True, repr=False)
class Page:
    """A map as one page for a browser. Notebooks show it; `save` writes it.

    Attributes
    ----------
    n : int
        Number of points.
    text : str
        The whole page.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import plotting
    >>> page = plotting.html(np.eye(2))
    >>> page
    Page(2 points, 0.0... MB)
    >>> page.text.splitlines()[0]
    '<!doctype html>'
    """

    n: int
    text: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page.

        Parameters
        ----------
        path : str or PathLike
            It ends in .html or .htm.

        Raises
        ------
        InvalidParameterError, StorageError
        """
        _check_target(path)
        write_file(path, self.text.encode())

    def __repr__(self) -> str:
        """Say how much it is, not what."""
        return f"Page({self.n:,} points, {len(self.text) / 1e6:.2f} MB)"

    def _repr_html_(self) -> str:
        """Show it in a frame that scripts cannot reach out of."""
        return (
            f'<iframe srcdoc="{escape(self.text)}" sandbox="allow-scripts allow-downloads" allow="clipboard-write" '
            f'width="100%" height="{_FRAME}" frameborder="0"></iframe>'
        )


def html(
    embedding: Any,
    labels: Any = None,
    *,
    hover: Any = None,
    images: Any = None,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    categorical: bool | None = None,
    colors: Any = None,
    label_name: str | None = None,
) -> Page:
    """Make a page on which a map can be explored.

    It is one file, which needs no network, no server and nothing installed but a browser: what it draws, and the code
    that does, are in it. The map is moved by mouse, fingers or arrow keys and zoomed by wheel, two fingers, plus and
    minus. A point under the pointer shows what is known about it; a click keeps that in sight. Points are coloured
    by any column, classes hidden by their names in the legend (a double click hides all others), texts searched, and
    points selected by a line that is drawn round them (with shift, or the button), to copy their row numbers or save
    them as a table. It follows the dark mode of the browser, and draws without WebGL where there is none.

    Parameters
    ----------
    embedding : array-like of shape (n_samples, n_components)
        The map, of one or two dimensions.
    labels : array-like of shape (n_samples,), optional
        Classes or a quantity, which colour the points at first; as for `scatter`.
    hover : mapping or data frame, optional
        Names of columns and what each says of every point, such as ``{"title": titles, "year": years}``: text,
        classes, quantities or times, (n_samples,) each. Columns of classes and quantities can be chosen as colours.
    images : array-like or sequence, optional
        A picture of each point, shown above the columns: pixels as an array of shape (n_samples, height, width) or
        (n_samples, height, width, channels) with 1, 3 or 4 channels, or paths of PNG, JPEG, GIF or WebP files, None
        for points without one. The files become part of the page, so they should be small. Pixels of type uint8 are
        taken as they are; of others, 0 (or the smallest, if it is negative) is black and the largest (but 1 at least)
        is white.
    path : str or PathLike, optional
        Where to write the page; it ends in .html or .htm.
    title : str, optional
    categorical : bool, optional
        Whether labels name classes (True) or measure something (False); as for `scatter`.
    colors : mapping, sequence or str, optional
        Of labels; as for `scatter`. Colours in other forms than ``"#1f77b4"`` need matplotlib.
    label_name : str, optional
        What the labels are called on the page; by default as the series or column that they are.

    Returns
    -------
    Page
        Notebooks show it, and its method `save` writes it.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
    StorageError
        The page cannot be written, or a picture not be read.

    Notes
    -----
    Coordinates are rounded to 1/65535 of the map's longer side, or, where points would fall together by that, to
    1/65536 of it. The policy in the page's head forbids browsers to load anything, and titles, names and texts are
    set as text, so that none of them can act.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import plotting
    >>> Y = np.random.RandomState(0).normal(size=(300, 2))
    >>> names = {"name": [f"point {i}" for i in range(300)]}
    >>> page = plotting.html(Y, Y[:, 0] > 0, hover=names, path="map.html", title="Two halves")
    >>> page.n
    300
    """
    if path is not None:
        _check_target(path)
    for argument, text in (("title", title), ("label_name", label_name)):
        if text is not None and not isinstance(text, str):
            raise InvalidTypeError(f"`{argument}` must be text, got {shown(text)}")
    points = check_matrix(embedding, "embedding").astype(np.float64, copy=False)
    n, dims = points.shape
    if dims > 2:
        raise InvalidParameterError(
            f"`embedding` must have 1 or 2 columns for a page, got {dims}; choose two, or take `scatter` for three"
        )
    payload = Payload()
    header = {
        "color": plain_color(labels, colors),
        "columns": read_columns(labels, label_name, hover, n, categorical, colors, payload),
        "images": read_images(images, n, payload),
        **pack_points(points if dims == 2 else _strip(points[:, 0]), payload),
    }
    page = Page(n, _written(title, payload.encode(header)))
    if path is not None:
        page.save(path)
    return page


def _check_target(path: str | os.PathLike[str]) -> None:
    check_writable(path)
    text = os.fsdecode(path)
    if not text.lower().endswith(_SUFFIXES):
        raise InvalidParameterError(f"`path` must end in .html, got {text!r}")


def _strip(x: Array) -> Array:
    """Return places in the plane for a map on a line."""
    return np.column_stack([x, strip(x) * _FLAT * (np.ptp(x) or 1.0)])


def _written(title: str | None, payload: str) -> str:
    """Return the page: code, styles and data in their places, and a policy that allows these and nothing else."""
    folder = files(__package__) / "assets"
    read = {name: (folder / name).read_text(encoding="utf-8") for name in ["page.html", "page.css"]}
    script = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(read['page.css'])}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "style": read["page.css"],
        "script": script,
        "payload": payload,
        "title": escape(title or "Map"),
        "heading": escape(title or ""),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read["page.html"])
    return page.encode("utf-8", "xmlcharrefreplace").decode()  # a title may hold halves of pairs of code units


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
