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
    has_tree: ClassVar[bool] = True

    @property
    def parameter(self) -> float:
        """The number that compiled kernels get beside `code`."""
        return self.dof

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        base = 1.0 + squared_distance / self.dof
        return 1.0 / base if self.dof == 1.0 else base**-self.dof


@dataclass(frozen=True)
class StudentTTail(StudentT):
    r"""What the heavy-tailed kernel gains when its degrees of freedom fall, ``-dk/d(dof)``.

    ``k(d²) [log(1 + u) - u / (1 + u)]`` with ``u = d² / dof``: not negative, and 0 at a distance of 0. Its sum over all
    pairs is how fast the normaliser falls with the degrees of freedom.

    Parameters
    ----------
    dof : float
        Degrees of freedom.
    """

    code: ClassVar[int] = 2
    has_tree: ClassVar[bool] = False

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        ratio = squared_distance / self.dof
        return super().__call__(squared_distance) * (np.log1p(ratio) - ratio / (1.0 + ratio))


@dataclass(frozen=True)
class Gaussian:
    """The kernel of SNE and elastic embedding, ``k(d²) = exp(-d²)``."""

    code: ClassVar[int] = 1
    has_tree: ClassVar[bool] = True
    parameter: ClassVar[float] = 0.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        return np.exp(-squared_distance)


Radial = StudentT | StudentTTail | Gaussian
