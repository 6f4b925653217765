"""The names of classes on the map itself, where they have room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .colors import Classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text


INK = "#262626"
PLAIN: dict[str, Any] = {"parse_math": False, "usetex": False}  # of text that is to be read as it was written

LONGEST = 40  # characters of a name that is written whole
_LONGEST_ON_MAP = 24
_LARGEST, _SMALLEST = 10.0, 6.0  # letters on the map, in points
_FEW = 20  # names on the map that are written in the largest
_LINE = 14  # letters of a name on the map that is not broken in two
_LOOKED_AT = 5000  # points that are asked where their name is
_DARKER = 0.6  # how bright a name is beside its points
_STEPS = 60  # of pushing overlapping names apart


def shorten(names: list[str], longest: int = LONGEST) -> list[str]:
    """Leave out the end of long names, or the middle or the beginning if that keeps them apart."""
    for head in (longest - 1, longest // 2, 0):
        tail = longest - 1 - head
        short = [name if len(name) <= longest else f"{name[:head]}…{name[len(name) - tail :]}" for name in names]
        if len(set(short)) == len(names):
            break
    return short


def anchors(x: Array, y: Array, classes: Classes) -> Array:
    """Return where the name of each class belongs: its point that is closest to its median, (classes, 2).

    A class in two parts has its median between them, where the name would stand among strangers.
    """
    found = np.empty((len(classes.names), 2))
    for code in range(len(classes.names)):
        own = np.flatnonzero(classes.codes == code)
        gap_x, gap_y = x[own] - np.median(x[own]), y[own] - np.median(y[own])
        best = own[np.argmin(gap_x**2 + gap_y**2)]
        found[code] = x[best], y[best]
    return found


def names_fit(figure: Figure, x: Array, y: Array, classes: Classes) -> bool:
    """Say whether the names can stand on the map: told apart, with room, and of classes that are places on it."""
    if len(classes.names) < 2 or len(set(shorten(classes.names, _LONGEST_ON_MAP))) < len(classes.names):
        return False
    if not _are_places(x, y, classes):
        return False
    texts = _write(figure, x, y, classes)
    have_room = _push_apart(figure, texts)
    for text in texts:
        text.remove()
    return have_room


def _are_places(x: Array, y: Array, classes: Classes) -> bool:
    """Say whether most points are closer to the name of their own class than to any other."""
    labelled = np.flatnonzero(classes.codes >= 0)
    some = labelled[:: max(1, len(labelled) // _LOOKED_AT)]
    places = anchors(x, y, classes)
    gaps = (x[some, None] - places[:, 0]) ** 2 + (y[some, None] - places[:, 1]) ** 2
    return float((gaps.argmin(axis=1) == classes.codes[some]).mean()) > 0.5


def place_names(figure: Figure, x: Array, y: Array, classes: Classes) -> None:
    """Write the names on the map."""
    _push_apart(figure, _write(figure, x, y, classes))


def _write(figure: Figure, x: Array, y: Array, classes: Classes) -> list[Text]:
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import withStroke

    axes = figure.axes[0]
    halo = [withStroke(linewidth=2.6, foreground="white", alpha=0.9)]
    size = max(_SMALLEST, _LARGEST * min(1.0, _FEW / len(classes.names)) ** 0.3)
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size, "fontweight": "bold", **PLAIN}
    colors = [tuple(_DARKER * part for part in to_rgb(color)) for color in classes.colors]  # legible, and whose it is
    return [
        axes.text(right, up, name, color=color, path_effects=halo, **style)
        for (right, up), name, color in zip(
            anchors(x, y, classes).tolist(), map(_broken, shorten(classes.names, _LONGEST_ON_MAP)), colors, strict=True
        )
    ]


def _broken(name: str) -> str:
    """Return a long name on two lines, broken at the blank that is closest to its middle."""
    blanks = [at for at, letter in enumerate(name) if letter == " "]
    if len(name) <= _LINE or not blanks:
        return name
    at = min(blanks, key=lambda place: abs(2 * place - len(name)))
    return f"{name[:at]}\n{name[at + 1 :]}"


def _push_apart(figure: Figure, texts: list[Text]) -> bool:
    """Move overlapping names a little; say whether that was enough."""
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in texts]
    half = np.array([[box.width, box.height] for box in boxes]) / 2 + figure.dpi / 72  # half of a halo
    start = np.array([[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2] for box in boxes])
    place = start.copy()
    for _ in range(_STEPS):
        steps = _steps(place, half)
        if not steps.any():
            break
        place += steps
    close = np.abs(place - start) <= 2.5 * half.min()
    for text, (left, up) in zip(texts, axes.transData.inverted().transform(place), strict=True):
        text.set_position((left, up))
    return bool(close.all() and not _steps(place, half).any())


def _steps(place: Array, half: Array) -> Array:
    """Return how to move each box off the others, in the direction that is shorter."""
    gap = place[:, None] - place
    overlap = half[:, None] + half - np.abs(gap)
    i, j = np.nonzero((overlap > 0).all(axis=2) & np.tri(len(place), k=-1, dtype=bool))
    axis = overlap[i, j].argmin(axis=1)
    push = np.where(gap[i, j, axis] >= 0, 1.0, -1.0) * (overlap[i, j, axis] / 2 + 0.5)
    steps = np.zeros_like(place)
    np.add.at(steps, (i, axis), push)
    np.subtract.at(steps, (j, axis), push)
    return steps
