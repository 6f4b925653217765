"""The repulsion of minimum-distortion embedding, softened so that a grid can hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import kernels
from .._types import Array
from .._validation import check_real
from .radial import Radial


@dataclass(frozen=True)
class SoftenedLog(Radial):
    r"""``-log(1 - exp(-sqrt(d² + core)))``: the penalty `distortions.LogPenalty` of a weight of -1, finite at 0.

    Parameters
    ----------
    core : float
        A squared length. At distances above a few roots of it the function is that without a core.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import SoftenedLog
    >>> SoftenedLog()(np.array([0.0, 1.0, 9.0])).round(3).tolist()
    [2.352, 0.456, 0.051]
    """

    core: float = 0.01

    def __post_init__(self) -> None:
        check_real(self.core, "core", above=0)

    @property
    def width(self) -> float:
        """About the core's length, or that of the exponential, if it is shorter."""
        return float(min(1.35 * self.core**0.5, 1.0))

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(-np.log(-np.expm1(-np.sqrt(squared_distance + self.core))))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        root = np.sqrt(squared_distance + self.core)
        with np.errstate(over="ignore"):
            return np.asarray(-0.5 / (root * np.expm1(root)))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.SoftenedLog(float(self.core))
