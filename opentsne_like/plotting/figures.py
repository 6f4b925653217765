"""Figures without a window, and files of them."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from ..dependencies import need
from ..errors import InvalidParameterError
from .files import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank(inches: tuple[float, float], dpi: float) -> Figure:
    """Return an empty white figure on the Agg canvas, which notebooks show."""
    need("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from .picture import Picture

    figure = Picture(figsize=inches, dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def pixels(figure: Figure) -> Array:
    """Return what the figure looks like, uint8 of shape (height, width, 3)."""
    canvas: Any = figure.canvas
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Draw in memory first, so that a failure leaves an older picture as it was."""
    text = os.fsdecode(path)
    suffix = os.path.splitext(text)[1].lstrip(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if suffix not in known:
        raise InvalidParameterError(f"`path` must end in one of {', '.join(sorted(known))}, got {text!r}")
    picture = io.BytesIO()
    figure.savefig(picture, format=suffix)
    write_file(text, picture.getvalue())
