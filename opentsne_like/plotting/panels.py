"""The points of a map on a panel of a figure: from where they are seen, how large, in which colours and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError
from .colors import MISSING, ONE_COLOR, Classes, Values
from .density import density
from .legends import color_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

View = tuple[Array, Array, Array | None]  # to the right, upward, and toward the eye

MANY = 500_000  # points, more of which are counted in pixels instead of drawn one by one
INCHES = 6.0  # side of a map in the plane
_MARGIN = 0.03  # of the extent, on every side


@dataclass(frozen=True)
class Marks:
    """How the points of a map are drawn.

    Attributes
    ----------
    shades : ndarray of shape (n, 4)
        Colours.
    area : float, optional
        Of a point, in square points; None for points that are counted.
    beneath : ndarray of shape (n,), bool
        Points without a label, which lie beneath the others.
    """

    shades: Array
    area: float | None
    beneath: Array

    def draw(self, axes: Axes, view: View) -> None:
        """Draw the points; the limits of the axes are set already."""
        x, y, depth = view
        if self.area is None:
            for layer in filter(np.any, (self.beneath, ~self.beneath)):
                density(axes, x[layer], y[layer], self.shades[layer, :3])
            return
        order = self.order(depth)
        axes.scatter(x[order], y[order], s=self.area, c=self.shades[order], linewidths=0, rasterized=True)

    def order(self, depth: Array | None) -> Array:
        """Return the order of drawing: what has no label first, then from far to near, or at random."""
        n = len(self.shades)
        order = np.random.RandomState(0).permutation(n) if depth is None else np.argsort(depth, kind="stable")
        missing = self.beneath[order]
        return np.concatenate([order[missing], order[~missing]])


def marks_of(
    meaning: Classes | Values | None,
    n: int,
    dims: int,
    colors: Any,
    *,
    size: float | None = None,
    alpha: float | None = None,
    inches: float = INCHES,
) -> Marks:
    """Return how to draw points.

    Parameters
    ----------
    meaning : Classes, Values or None
    n, dims : int
        Shape of the map.
    colors
        See `scatter`.
    size, alpha : float, optional
        Area and opacity of a point, by default those that suit the number of points.
    inches : float
        Side of the panel.
    """
    counted = size is None and alpha is None and n > MANY
    area = None if counted else _area(n, dims) * (inches / INCHES) ** 2 if size is None else size
    shades = _shades(meaning, n, _opacity(n, meaning is None) if alpha is None else alpha, colors)
    if isinstance(meaning, Classes):
        beneath = meaning.codes < 0
    else:
        beneath = np.isnan(meaning.values) if isinstance(meaning, Values) else np.zeros(n, bool)
    return Marks(shades, area, beneath)


def background_marks(n: int, dims: int) -> Marks:
    """Return how to draw grey points that lie beneath another map."""
    from matplotlib.colors import to_rgba

    return Marks(np.tile(to_rgba(MISSING), (n, 1)), None if n > MANY else _area(n, dims), np.zeros(n, bool))


def views_of(points: Array) -> list[View]:
    """Return what to draw to the right, upward and toward the eye, for each panel."""
    dims = points.shape[1]
    if dims == 1:
        return [(points[:, 0], strip(points[:, 0]), None)]
    if dims == 2:
        return [(points[:, 0], points[:, 1], None)]
    return [(points[:, a], points[:, b], points[:, c]) for a, b, c in ((0, 1, 2), (0, 2, 1), (1, 2, 0))]


def strip(x: Array) -> Array:
    """Return heights for points on a line: random, within the smoothed density on both sides of the line."""
    low, high = float(x.min()), float(x.max())
    bins = 400
    counts, edges = np.histogram(x, bins=bins, range=(low, high) if high > low else (low - 0.5, high + 0.5))
    bell = np.exp(-0.5 * (np.arange(-12, 13) / 4.0) ** 2)
    density = np.convolve(counts, bell / bell.sum(), mode="same")
    at = np.interp(x, (edges[1:] + edges[:-1]) / 2, density / density.max())
    heights: Array = np.random.RandomState(0).uniform(-1, 1, len(x)) * (0.05 + 0.95 * at)
    return heights


def frame(axes: Axes, x: Array, y: Array, *, equal: bool) -> None:
    """Hide the axes and leave the same margin on all sides."""
    axes.set_axis_off()
    center_x, center_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    half_x, half_y = np.ptp(x) / 2, np.ptp(y) / 2
    if equal:
        half_x = half_y = max(half_x, half_y)
        axes.set_aspect("equal")
    half_x, half_y = (half * (1 + 2 * _MARGIN) if half > 0 else 1.0 for half in (half_x, half_y))
    axes.set_xlim(center_x - half_x, center_x + half_x)
    axes.set_ylim(center_y - half_y, center_y + half_y)


def _area(n: int, dims: int) -> float:
    """Return the area of a point such that all together cover much of the map, or a little for a few of them."""
    full = {1: 14_000, 2: 28_000, 3: 14_000}[dims]
    return float(np.clip(full / n, 0.06, 36 if dims == 2 else 20))


def _opacity(n: int, plain: bool) -> float:
    """Return less for more points, and for points of one colour, so that dense places show."""
    return float(np.clip((0.75 if plain else 1.0) - 0.09 * np.log10(max(1.0, n / 300)), 0.4, 0.95))


def _shades(meaning: Classes | Values | None, n: int, opacity: float, colors: Any) -> Array:
    """Return the colours of the points, (n, 4)."""
    from matplotlib.colors import to_rgba, to_rgba_array

    if isinstance(meaning, Values):
        shades = np.asarray(color_scale(meaning, colors).to_rgba(np.nan_to_num(meaning.values)))
        shades[np.isnan(meaning.values)] = to_rgba(MISSING)
    else:
        used = [ONE_COLOR if colors is None else colors] if meaning is None else [*meaning.colors, MISSING]
        try:
            table = to_rgba_array(used)
        except (ValueError, TypeError) as error:
            raise InvalidParameterError(f"`colors` must be colours that matplotlib knows: {error}") from error
        shades = np.tile(table, (n, 1)) if meaning is None else table[meaning.codes]  # code -1 is the last, grey
    shades[:, 3] = opacity
    return shades
