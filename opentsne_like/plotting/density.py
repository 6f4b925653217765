"""Maps of so many points that their pixels are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PER_INCH = 200  # pixels
_FAINTEST = 0.45  # opacity of a pixel with one point
_FULL = 0.95  # share of the pixels, above which all are opaque


def density(axes: Axes, x: Array, y: Array, shades: Array) -> None:
    """Draw the points of a panel, whose limits are set, as one image.

    Parameters
    ----------
    axes : Axes
    x, y : ndarray of shape (n,)
    shades : ndarray of shape (n, 3)
        Colours.
    """
    grid = axes.get_subplotspec().get_gridspec()  # type: ignore[union-attr]  # panels are always parts of one
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    across, up = (max(1, round(_PER_INCH * side)) for side in (width / grid.ncols, height / grid.nrows))
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    columns = np.clip((x - left) / (right - left) * across, 0, across - 1).astype(np.int64)
    rows = np.clip((y - bottom) / (top - bottom) * up, 0, up - 1).astype(np.int64)
    image = mean_colors(rows * across + columns, shades, across * up).reshape(up, across, 4)
    limits = (left, right, bottom, top)
    axes.imshow(image, extent=limits, origin="lower", aspect=axes.get_aspect(), interpolation="nearest")


def mean_colors(pixels: Array, shades: Array, n_pixels: int) -> Array:
    """Return the mean colour of the points in each pixel, the more opaque the more they are.

    Opacity grows with the logarithm of the number of points, since the densities of a map span orders of magnitude.

    Parameters
    ----------
    pixels : ndarray of shape (n,), int
        Where each point is.
    shades : ndarray of shape (n, 3)
    n_pixels : int

    Returns
    -------
    float64 ndarray of shape (n_pixels, 4)
    """
    counts = np.bincount(pixels, minlength=n_pixels)
    held = counts > 0
    image = np.zeros((n_pixels, 4))
    if not held.any():
        return image
    for part in range(3):
        sums = np.bincount(pixels, shades[:, part], n_pixels)
        image[held, part] = np.clip(sums[held] / counts[held], 0, 1)
    full = max(2.0, float(np.quantile(counts[held], _FULL)))
    strength = np.minimum(1.0, np.log(counts[held]) / np.log(full))
    image[held, 3] = _FAINTEST + (1 - _FAINTEST) * strength
    return image
