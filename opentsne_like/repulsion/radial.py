"""Radial functions: functions of a squared distance that repulsion, and attraction along edges, are made of."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .. import kernels
from .._types import Array
from .._validation import check_real

# Of numerical derivatives, in units of s + width². Their formula is wrong by a quarter of step³ times the fourth
# derivative, and by about eps / step in rounding: together least near step = eps^(1/4), 1.2e-4.
STEP = 2e-4


class Radial(ABC):
    """A function k(s) of the squared distance s.

    A frozen dataclass below this class is all that a new radial function takes: its value and its `width`. Such a
    function works on the grid and, through NumPy, in exact sums. With a `form` that compiled loops know, one of
    `kernels.forms`, exact sums are compiled and it serves as attraction along edges, too.

    Attributes
    ----------
    form : NamedTuple or None
        By its type compiled loops choose machine code; None where they know none.
    has_tree : bool
        Whether Barnes-Hut knows how to expand it.
    pair_cost : float
        Nanoseconds that a pair takes in exact sums, if more than a division.
    tree_cost : float
        What a tree costs, in units of that for t-SNE's kernel.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Radial, RepulsionEngine
    >>> @dataclass(frozen=True)
    ... class Core(Radial):
    ...     depth: float = 0.1
    ...
    ...     @property
    ...     def width(self):
    ...         return self.depth**0.5
    ...
    ...     def __call__(self, squared_distance):
    ...         return self.depth / (self.depth + squared_distance)
    >>> RepulsionEngine(Core()).evaluate(np.array([[0.0], [0.3]])).values.round(3)
    array([0.526, 0.526], dtype=float32)
    """

    @abstractmethod
    def __call__(self, squared_distance: Array) -> Array:
        """Return k at squared distances of any shape, float64."""

    @property
    @abstractmethod
    def width(self) -> float:
        """The length over which k changes: the coarsest grid has a spacing of about a third of it."""

    def slope(self, squared_distance: Array) -> Array:
        """Return ``dk/ds`` at squared distances of any shape; by differences to larger ones unless a class knows it."""
        step = STEP * (squared_distance + self.width**2)
        k = [self(squared_distance + n * step) for n in range(4)]
        return np.asarray((18.0 * k[1] - 11.0 * k[0] - 9.0 * k[2] + 2.0 * k[3]) / (6.0 * step))

    @property
    def peak(self) -> float:
        """``k(0)``."""
        return float(self(np.zeros(1))[0])

    @property
    def flat(self) -> float:
        """The width of maps on which k is so flat that its constant is better handled apart from the grid."""
        return self.width

    @property
    def form(self) -> Any:
        """What compiled loops know the function by, or None."""
        return None

    @property
    def has_tree(self) -> bool:
        """Whether Barnes-Hut knows how to expand the function."""
        return False

    @property
    def pair_cost(self) -> float:
        """Nanoseconds that a pair takes in exact sums, if more than a division."""
        return 40.0 if self.form is None else 5.2

    @property
    def tree_cost(self) -> float:
        """What a tree costs, in units of that for t-SNE's kernel."""
        return 2.6

    @property
    def identity(self) -> tuple[float, float]:
        """Two numbers that tell functions apart, the same in every process."""
        text = f"{type(self).__module__}.{self!r}"
        digest = hashlib.sha256(text.encode()).digest()
        return 1.0 + int.from_bytes(digest[:6], "big"), float(int.from_bytes(digest[6:12], "big"))


@dataclass(frozen=True)
class _OfDof(Radial):
    dof: float = 1.0

    def __post_init__(self) -> None:
        check_real(self.dof, "dof", above=0)

    @property
    def width(self) -> float:
        """About the root of the degrees of freedom where these are few."""
        return float(min(1.0, self.dof**0.55))


@dataclass(frozen=True)
class _OfC(Radial):
    c: float = 1.0
    width: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_real(self.c, "c", above=0)


@dataclass(frozen=True)
class StudentT(_OfDof):
    """The heavy-tailed kernel of t-SNE, ``k(d²) = (1 + d² / dof)^(-dof)``.

    Parameters
    ----------
    dof : float
        Degrees of freedom; 1 is t-SNE's Cauchy kernel, a large value approaches the Gaussian.

    References
    ----------
    Kobak, Linderman, Steinerberger, Kluger & Berens, *Heavy-tailed kernels reveal a finer cluster structure in t-SNE
    visualisations* (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import StudentT
    >>> StudentT()(np.array([0.0, 1.0, 3.0])).tolist(), StudentT(dof=0.5).form
    ([1.0, 0.5, 0.25], StudentT(dof=0.5))
    """

    peak: ClassVar[float] = 1.0
    flat: ClassVar[float] = 1.0
    has_tree: ClassVar[bool] = True

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        base = 1.0 + squared_distance / self.dof
        return np.asarray(1.0 / base if self.dof == 1.0 else base**-self.dof)

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(-self(squared_distance) / (1.0 + squared_distance / self.dof))

    @property
    def form(self) -> Any:
        """What compiled loops know it by; one degree of freedom takes neither powers nor logarithms."""
        return kernels.forms.Cauchy() if self.dof == 1.0 else kernels.forms.StudentT(float(self.dof))

    @property
    def pair_cost(self) -> float:
        """Nanoseconds of a pair."""
        return 0.0 if self.dof == 1.0 else 5.2

    @property
    def tree_cost(self) -> float:
        """What a tree costs."""
        return 1.0 if self.dof == 1.0 else 2.6

    @property
    def identity(self) -> tuple[float, float]:
        """0 and the degrees of freedom, as files have it."""
        return 0.0, float(self.dof)


@dataclass(frozen=True)
class StudentTTail(_OfDof):
    r"""What the heavy-tailed kernel gains when its degrees of freedom fall, ``-dk/d(dof)``.

    ``k(d²) [log(1 + u) - u / (1 + u)]`` with ``u = d² / dof``: not negative, and 0 at a distance of 0. Its sum over all
    pairs is how fast the normaliser falls with the degrees of freedom.

    Parameters
    ----------
    dof : float
        Degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import StudentT, StudentTTail
    >>> s, h = np.array([0.5, 9.0]), 1e-5
    >>> bool(np.allclose(StudentTTail(2.0)(s), -(StudentT(2.0 + h)(s) - StudentT(2.0 - h)(s)) / (2 * h)))
    True
    """

    peak: ClassVar[float] = 0.0
    flat: ClassVar[float] = 1.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        ratio = squared_distance / self.dof
        return np.asarray(StudentT(self.dof)(squared_distance) * (np.log1p(ratio) - ratio / (1.0 + ratio)))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        ratio = squared_distance / self.dof
        rest = ratio / (1.0 + ratio)
        value = StudentT(self.dof)(squared_distance) / (1.0 + ratio)
        return np.asarray(value * (rest / self.dof - np.log1p(ratio) + rest))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.StudentTTail(float(self.dof))


@dataclass(frozen=True)
class Gaussian(Radial):
    """The kernel of SNE and elastic embedding, ``k(d²) = exp(-d²)``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Gaussian
    >>> Gaussian()(np.array([0.0, 1.0])).round(3).tolist()
    [1.0, 0.368]
    """

    width: ClassVar[float] = 1.0
    peak: ClassVar[float] = 1.0
    has_tree: ClassVar[bool] = True

    def __call__(self, squared_distance: Array) -> Array:
        """Return the kernel at squared distances of any shape."""
        return np.asarray(np.exp(-squared_distance))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(-np.exp(-squared_distance))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.Gaussian()


@dataclass(frozen=True)
class LogInverse(_OfC):
    """The repulsion of Neg-t-SNE, ``k(d²) = log(1 + 1 / (c (1 + d²)))``.

    Parameters
    ----------
    c : float
        Odds that a pair at a distance of 0 is a negative sample rather than an edge.

    References
    ----------
    Damrich, Böhm, Hamprecht & Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import LogInverse
    >>> LogInverse(c=0.1)(np.array([0.0, 9.0])).round(3).tolist()
    [2.398, 0.693]
    """

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(np.log1p(1.0 / (self.c * (1.0 + squared_distance))))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        u = 1.0 + squared_distance
        return np.asarray(-1.0 / (u * (1.0 + self.c * u)))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.LogInverse(float(self.c))


@dataclass(frozen=True)
class LogStudentT(_OfDof):
    """The attraction of t-SNE, ``dof log(1 + d² / dof)``: minus the logarithm of its kernel.

    Parameters
    ----------
    dof : float
        Degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import LogStudentT, StudentT
    >>> s = np.array([0.0, 1.0, 9.0])
    >>> bool(np.allclose(LogStudentT(0.5)(s), -np.log(StudentT(0.5)(s))))
    True
    """

    peak: ClassVar[float] = 0.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(self.dof * np.log1p(squared_distance / self.dof))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(1.0 / (1.0 + squared_distance / self.dof))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.LogStudentT(float(self.dof))


@dataclass(frozen=True)
class LogStudentTTail(_OfDof):
    """What t-SNE's attraction gains with the degrees of freedom, ``log(1 + u) - u / (1 + u)``, ``u = d² / dof``.

    Parameters
    ----------
    dof : float
        Degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import LogStudentT, LogStudentTTail
    >>> s, h = np.array([0.5, 9.0]), 1e-5
    >>> bool(np.allclose(LogStudentTTail(2.0)(s), (LogStudentT(2.0 + h)(s) - LogStudentT(2.0 - h)(s)) / (2 * h)))
    True
    """

    peak: ClassVar[float] = 0.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        ratio = squared_distance / self.dof
        return np.asarray(np.log1p(ratio) - ratio / (1.0 + ratio))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(squared_distance / (self.dof + squared_distance) ** 2)

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.LogStudentTTail(float(self.dof))


@dataclass(frozen=True)
class Square(Radial):
    """The attraction of SNE and elastic embedding, ``d²``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Square
    >>> Square()(np.array([0.0, 4.0])).tolist(), Square().slope(np.array([0.0, 4.0])).tolist()
    ([0.0, 4.0], [1.0, 1.0])
    """

    width: ClassVar[float] = 1.0
    peak: ClassVar[float] = 0.0

    def __call__(self, squared_distance: Array) -> Array:
        """Return the squared distances."""
        return np.asarray(squared_distance)

    def slope(self, squared_distance: Array) -> Array:
        """Return ones."""
        return np.ones_like(squared_distance)

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.Square()


@dataclass(frozen=True)
class LogOnePlus(_OfC):
    """The attraction of Neg-t-SNE, ``log(1 + c (1 + d²))``.

    Parameters
    ----------
    c : float
        As of `LogInverse`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import LogOnePlus
    >>> LogOnePlus(c=0.1)(np.array([0.0, 9.0])).round(3).tolist()
    [0.095, 0.693]
    """

    def __call__(self, squared_distance: Array) -> Array:
        """Return the function at squared distances of any shape."""
        return np.asarray(np.log1p(self.c * (1.0 + squared_distance)))

    def slope(self, squared_distance: Array) -> Array:
        """Return the derivative in the squared distance."""
        return np.asarray(self.c / (1.0 + self.c * (1.0 + squared_distance)))

    @property
    def form(self) -> Any:
        """What compiled loops know it by."""
        return kernels.forms.LogOnePlus(float(self.c))
