"""Figures without a window, and files of them."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ..dependencies import need
from ..errors import InvalidParameterError, StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank(inches: tuple[float, float], dpi: float) -> Figure:
    """Return an empty white figure on the Agg canvas."""
    need("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Draw in memory first, so that a failure leaves an older picture as it was."""
    text = os.fsdecode(path)
    suffix = os.path.splitext(text)[1].lstrip(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if suffix not in known:
        raise InvalidParameterError(f"`path` must end in one of {', '.join(sorted(known))}, got {text!r}")
    picture = io.BytesIO()
    figure.savefig(picture, format=suffix)
    try:
        with open(text, "wb") as file:
            file.write(picture.getvalue())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageError(f"`path` {text!r} could not be written: {reason or error}") from error
