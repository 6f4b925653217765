"""Radial kernels: functions of a squared distance that repulsion is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class StudentT:
    """The heavy-tailed kernel of t-SNE, ``k(d²) = (1 + d² / dof)^(-dof)``.

    Parameters
    ----------
    dof : float
        Degrees of freedom; 1 is t-SNE's Cauchy kernel, a large value approaches the Gaussian.

    References
    ----------
    Kobak, Linderman, Steinerberger, Kluger & Berens, *Heavy-tailed kernels reveal a finer cluster structure in t-SNE
    visualisations* (2019).
    """

    dof: float = 1.0
    code: ClassVar[int] = 0

    @property
    def parameter(self) -> float:
        """The number that compiled kernels get beside `code`."""
        return self.dof

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        base = 1.0 + squared_distance / self.dof
        return 1.0 / base if self.dof == 1.0 else base**-self.dof


@dataclass(frozen=True)
class Gaussian:
    """The kernel of SNE and elastic embedding, ``k(d²) = exp(-d²)``."""

    code: ClassVar[int] = 1
    parameter: ClassVar[float] = 0.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        return np.exp(-squared_distance)


Radial = StudentT | Gaussian
