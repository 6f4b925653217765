"""What operations on a GPU refuse."""

from __future__ import annotations

from .._types import Array
from ..errors import UnsupportedDimensionError


def check_dimension(points: Array) -> None:
    """Refuse points of more than three dimensions, which kernels are not compiled for.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.gpu.doors import check_dimension
    >>> check_dimension(np.zeros((5, 4)))
    Traceback (most recent call last):
    opentsne_like.errors.UnsupportedDimensionError: a GPU takes maps of up to 3 dimensions, got 4; use device='cpu'
    """
    if points.shape[1] > 3:
        raise UnsupportedDimensionError(
            f"a GPU takes maps of up to 3 dimensions, got {points.shape[1]}; use device='cpu'"
        )


def check_on_grid(points: Array) -> None:
    """Refuse points that no grid of the device is for: those of more than two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.gpu.doors import check_on_grid
    >>> check_on_grid(np.zeros((5, 2)))
    """
    if points.shape[1] > 2:
        raise UnsupportedDimensionError(
            f"a GPU has grids for maps of 1 or 2 dimensions, got {points.shape[1]}; use exact sums or device='cpu'"
        )
