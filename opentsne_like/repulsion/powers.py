"""UMAP's pair of radial functions: attraction by a power, and a repulsion that is known by its slope."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from .. import kernels
from .._types import Array
from .._validation import check_real
from .radial import Radial

KNOTS = 4000  # of the table: its error is then below 1e-8 of the height
NODES = 8  # of Gauss-Legendre quadrature between two of them
FARTHEST = 1e12  # squared distance at which the table ends


@dataclass(frozen=True)
class LogOnePlusPower(Radial):
    """The attraction of UMAP, ``log(1 + a (d² + core)^b)``.

    Parameters
    ----------
    a, b : float
        Of UMAP's similarity ``1 / (1 + a d^(2 b))``.
    core : float
        Squared length below which distances count alike: with b < 1 the slope at 0 would be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import LogOnePlusPower
    >>> LogOnePlusPower(a=1.5, b=0.9)(np.array([0.0, 1.0, 9.0])).round(3).tolist()
    [0.0, 0.916, 2.471]
    """

    a: float
    b: float
    core: float = 1e-4
    width: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        for name in ("a", "b", "core"):
            check_real(getattr(self, name), name, above=0)

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(np.log1p(self.a * (squared_distance + self.core) ** self.b))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        t = squared_distance + self.core
        power = self.a * t**self.b
        return np.asarray(self.b * power / (t * (1.0 + power)))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.LogOnePlusPower(float(self.a), float(self.b), float(self.core))


@dataclass(frozen=True)
class SoftenedPower(Radial):
    r"""The repulsion of UMAP, whose slope is :math:`k'(s) = -b / ((s + \epsilon)(1 + a s^b))`.

    Without the core :math:`\epsilon` that is the slope of :math:`\log(1 + 1 / (a s^b))`, minus the logarithm of
    ``1 - q`` for UMAP's similarity ``q = 1 / (1 + a s^b)``, which is infinite at 0. umap-learn cuts each coordinate of
    a force off at 4; this force, ``2 b d / (d² + ε)`` at small distances d, is nowhere above ``b / sqrt(ε)``, which is
    4 for ``ε = (b / 4)²``. The value is integrated once, by Gauss-Legendre quadrature in ``log(1 + s / ε)``, and read
    from a cubic spline.

    Parameters
    ----------
    a, b : float
        Of UMAP's similarity ``1 / (1 + a d^(2 b))``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import SoftenedPower
    >>> far = np.array([100.0, 1e4])
    >>> bool(np.allclose(SoftenedPower(1.5, 0.9)(far), np.log1p(1 / (1.5 * far**0.9)), rtol=2e-3))
    True
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        check_real(self.a, "a", above=0)
        check_real(self.b, "b", above=0)

    @property
    def core(self) -> float:
        """ε, a squared length."""
        return float((self.b / 4.0) ** 2)

    @property
    def width(self) -> float:
        """About the core's length, or the distance at which the similarity is a half, if that is shorter."""
        return float(min(1.1 * self.core**0.5, self.a ** (-0.5 / self.b), 1.0))

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(_table(self)(np.log1p(np.minimum(squared_distance, FARTHEST) / self.core)))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        s = squared_distance
        return np.asarray(-self.b / ((s + self.core) * (1.0 + self.a * s**self.b)))


@lru_cache(maxsize=8)
def _table(radial: SoftenedPower) -> Any:
    """Return the spline of k in ``u = log(1 + s / ε)``; beyond the table k is ``log(1 + 1 / (a s^b))``."""
    from scipy.interpolate import CubicHermiteSpline

    def slope(u: Array) -> Array:
        return radial.slope(radial.core * np.expm1(u)) * radial.core * np.exp(u)

    knots = np.linspace(0.0, np.log1p(FARTHEST / radial.core), KNOTS)
    places, weights = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * np.diff(knots)
    parts = half * (slope((knots[:-1] + half)[:, None] + half[:, None] * places) * weights).sum(axis=1)
    last = np.log1p(1.0 / (radial.a * FARTHEST**radial.b))
    values = last - np.append(np.cumsum(parts[::-1])[::-1], 0.0)
    return CubicHermiteSpline(knots, values, slope(knots))
