"""A figure that notebooks show by themselves. Importing this module needs matplotlib."""

from __future__ import annotations

import io
from typing import Any

from ..dependencies import need

need("matplotlib", "plot")
from matplotlib.figure import Figure  # noqa: E402

_SHOWN = 100  # pixels of a notebook for an inch, whatever the resolution


class Picture(Figure):
    """matplotlib's Figure, which pyplot would show but which is made without it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """Return what IPython shows, and how large."""
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        width, height = self.get_size_inches()
        return picture.getvalue(), {"width": round(_SHOWN * width), "height": round(_SHOWN * height)}
