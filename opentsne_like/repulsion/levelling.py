"""PaCMAP's radial functions, which level off where points are far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._types import Array
from .._validation import check_real
from .radial import Radial


@dataclass(frozen=True)
class Hyperbola(Radial):
    """``height / (height + 1 + s)``, the repulsion of PaCMAP's further pairs at a height of 1.

    Parameters
    ----------
    height : float

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Hyperbola
    >>> Hyperbola(1.0)(np.array([0.0, 2.0])).tolist()
    [0.5, 0.25]
    """

    height: float = 1.0

    def __post_init__(self) -> None:
        check_real(self.height, "height", above=0)

    @property
    def width(self) -> float:
        """The distance at which half of it is left."""
        return float((self.height + 1.0) ** 0.5)

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(self.height / (self.height + 1.0 + squared_distance))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(-self.height / (self.height + 1.0 + squared_distance) ** 2)


@dataclass(frozen=True)
class Saturation(Hyperbola):
    """``(1 + s) / (height + 1 + s)``, the attraction of PaCMAP's near pairs at a height of 10: 1 less a `Hyperbola`.

    Parameters
    ----------
    height : float

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Saturation
    >>> Saturation(1.0)(np.array([0.0, 2.0])).tolist()
    [0.5, 0.75]
    """

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return 1.0 - super().__call__(squared_distance)

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return -super().slope(squared_distance)
