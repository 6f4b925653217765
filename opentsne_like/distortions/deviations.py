"""Deviations: how far an edge of length d is from its target t, all 0 or least where they are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._types import Array
from .._validation import check_real
from .base import DistortionFunction


@dataclass(frozen=True)
class _Deviation(DistortionFunction, stored=False):
    takes: ClassVar[str] = "targets"

    def wrong(self, numbers: Array) -> tuple[Array, str]:
        """Return which targets are negative."""
        return np.asarray(numbers < 0), "0 or more"


@dataclass(frozen=True)
class AbsoluteDeviation(_Deviation):
    """``|d - t|``.

    Examples
    --------
    >>> AbsoluteDeviation()(2.0, 3.0).tolist()
    1.0
    """


@dataclass(frozen=True)
class QuadraticDeviation(_Deviation):
    """``(d - t)²``.

    Examples
    --------
    >>> QuadraticDeviation()(1.0, 3.0).tolist()
    4.0
    """


@dataclass(frozen=True)
class CubicDeviation(_Deviation):
    """``|d - t|³``.

    Examples
    --------
    >>> CubicDeviation()(5.0, 3.0).tolist()
    8.0
    """


@dataclass(frozen=True)
class PowerDeviation(_Deviation):
    """``|d - t|^exponent``.

    Examples
    --------
    >>> PowerDeviation(1.5)(7.0, 3.0).tolist()
    8.0
    """

    exponent: float

    def __post_init__(self) -> None:
        check_real(self.exponent, "exponent", above=0)


@dataclass(frozen=True)
class HuberDeviation(_Deviation):
    """``(d - t)²`` where ``|d - t|`` is below the threshold h, ``h (2 |d - t| - h)`` beyond.

    Examples
    --------
    >>> HuberDeviation(0.5)([1.0, 1.0], [1.25, 3.0]).tolist()
    [0.0625, 1.75]
    """

    threshold: float

    def __post_init__(self) -> None:
        check_real(self.threshold, "threshold", at_least=0)


@dataclass(frozen=True)
class LogisticDeviation(_Deviation):
    """``log(1 + exp(|d - t|))``.

    Examples
    --------
    >>> LogisticDeviation()(3.0, 3.0).round(4).tolist()
    0.6931
    """


@dataclass(frozen=True)
class _Quotient(_Deviation, stored=False):
    def wrong(self, numbers: Array) -> tuple[Array, str]:
        """Return which targets are not positive."""
        return np.asarray(~(numbers > 0)), "positive, since lengths are divided by them"


@dataclass(frozen=True)
class FractionalDeviation(_Quotient):
    """``max(t / d, d / t) - 1``.

    Examples
    --------
    >>> FractionalDeviation()([1.0, 2.0], [2.0, 1.0]).tolist()
    [1.0, 1.0]
    """


@dataclass(frozen=True)
class SoftFractionalDeviation(_Quotient):
    """``log((exp(gamma t / d) + exp(gamma d / t)) / (2 exp(gamma))) / gamma``.

    Examples
    --------
    >>> SoftFractionalDeviation()(1.0, 1.0).round(9).tolist()
    0.0
    """

    gamma: float = 10.0

    def __post_init__(self) -> None:
        check_real(self.gamma, "gamma", above=0)
