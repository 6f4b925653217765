"""Losses: distortion functions by deviations, the lengths that edges should have.

Each is made with the deviations of all edges, in their order, and is a function of their lengths. All take
``weights=``, a factor for each edge.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import distortions
from .._types import Array
from .._validation import as_array
from ..affinity import check_numbers
from ..errors import InvalidParameterError
from .functions import EdgeFunction

__all__ = [
    "Absolute",
    "Cubic",
    "Fractional",
    "Huber",
    "Logistic",
    "Loss",
    "Power",
    "Quadratic",
    "SoftFractional",
    "WeightedQuadratic",
]


class Loss(EdgeFunction):
    """The base of losses; a subclass says which formula is its own.

    Parameters
    ----------
    deviations : array-like of shape (edges,), or one number
    *numbers, **named
        Of the formula, such as a threshold.
    weights : array-like of shape (edges,), keyword only, optional
        Not negative.

    Examples
    --------
    >>> isinstance(Absolute([1.0]), Loss), Absolute([1.0, 1.0], weights=[1.0, 3.0])([2.0, 2.0]).tolist()
    (True, [1.0, 3.0])
    """

    numbers_name = "deviations"
    kind: ClassVar[type[distortions.DistortionFunction]]

    def __init__(self, deviations: Any, *numbers: Any, weights: Any = None, **named: Any) -> None:
        self._take(self.kind(*numbers, **named), deviations)
        if weights is not None:
            array = as_array(weights, "weights")
            self.factors = np.atleast_1d(check_numbers(array, array.size, "weights"))
            if (wrong := self.factors < 0).any():
                k = int(np.argmax(wrong))
                raise InvalidParameterError(f"`weights` must be 0 or more, got {self.factors[k]:g} for edge {k}")

    @property
    def deviations(self) -> Array:
        """The lengths that edges should have."""
        return self.numbers

    @property
    def weights(self) -> Array | None:
        """Factors, or None."""
        return self.factors


class Absolute(Loss):
    """``|d - t|``.

    Examples
    --------
    >>> Absolute([1.0])([3.0]).round(4).tolist()
    [2.0]
    """

    kind = distortions.AbsoluteDeviation


class Quadratic(Loss):
    """``(d - t)²``.

    Examples
    --------
    >>> Quadratic([1.0])([3.0]).round(4).tolist()
    [4.0]
    """

    kind = distortions.QuadraticDeviation


class Cubic(Loss):
    """``|d - t|³``.

    Examples
    --------
    >>> Cubic([1.0])([3.0]).round(4).tolist()
    [8.0]
    """

    kind = distortions.CubicDeviation


class Power(Loss):
    """``|d - t|^exponent``, with an `exponent` that has to be given.

    Examples
    --------
    >>> Power([1.0], 1.5)([3.0]).round(4).tolist()
    [2.8284]
    """

    kind = distortions.PowerDeviation


class Huber(Loss):
    """``(d - t)²`` where ``|d - t|`` is below the `threshold` h, and ``h (2 |d - t| - h)`` beyond.

    Examples
    --------
    >>> Huber([1.0], 0.5)([3.0]).round(4).tolist()
    [1.75]
    """

    kind = distortions.HuberDeviation


class Logistic(Loss):
    """``log(1 + exp(|d - t|))``.

    Examples
    --------
    >>> Logistic([1.0])([3.0]).round(4).tolist()
    [2.1269]
    """

    kind = distortions.LogisticDeviation


class Fractional(Loss):
    """``max(t / d, d / t) - 1``, for positive deviations.

    Examples
    --------
    >>> Fractional([1.0])([3.0]).round(4).tolist()
    [2.0]
    """

    kind = distortions.FractionalDeviation


class SoftFractional(Loss):
    """``log((exp(gamma t / d) + exp(gamma d / t)) / (2 exp(gamma))) / gamma``, with a `gamma` of 10.

    Examples
    --------
    >>> SoftFractional([1.0])([3.0]).round(4).tolist()
    [1.9307]
    """

    kind = distortions.SoftFractionalDeviation


class WeightedQuadratic(Loss):
    """``w (d - t)²``, with weights of ``1 / t²`` unless others are given.

    Parameters
    ----------
    deviations : array-like of shape (edges,)
    weights : array-like of shape (edges,), optional

    Examples
    --------
    >>> WeightedQuadratic([2.0])([3.0]).tolist()
    [0.25]
    """

    kind = distortions.QuadraticDeviation

    def __init__(self, deviations: Any, weights: Any = None) -> None:
        super().__init__(deviations, weights=weights)
        if weights is None:
            if not self.numbers.all():
                k = int(np.argmin(self.numbers != 0))
                raise InvalidParameterError(
                    f"`deviations` must be positive to be weighted by their inverse squares, got 0 for edge {k}; "
                    "give `weights`"
                )
            self.factors = 1.0 / self.numbers**2
