"""Penalties: distortion functions by weights, positive ones to pull ends together, negative ones to push them apart.

Each is made with the weights of all edges, in their order, or one for all of them, and is a function of their lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import distortions
from .._types import Array
from .._validation import shown
from ..errors import InvalidObjectError
from .functions import EdgeFunction

__all__ = [
    "Cubic",
    "Hinge",
    "Huber",
    "InvPower",
    "Linear",
    "Log",
    "Log1p",
    "LogRatio",
    "Logistic",
    "Penalty",
    "Power",
    "PushAndPull",
    "Quadratic",
    "Sigmoid",
]


class Penalty(EdgeFunction):
    """The base of penalties; a subclass says which formula is its own.

    Parameters
    ----------
    weights : array-like of shape (edges,), or one number
    *numbers, **named
        Of the formula, such as an exponent.

    Examples
    --------
    A formula of one's own that compiled loops know, see the guide:

    >>> from opentsne_like import distortions
    >>> class Sharp(Penalty):
    ...     kind = distortions.PowerPenalty
    >>> Sharp([1.0, 2.0], 0.5)([4.0, 9.0]).tolist()
    [2.0, 6.0]
    """

    kind: ClassVar[type[distortions.DistortionFunction]]

    def __init__(self, weights: Any, *numbers: Any, **named: Any) -> None:
        self._take(self.kind(*numbers, **named), weights)

    @property
    def weights(self) -> Array:
        """The weights."""
        return self.numbers


class Linear(Penalty):
    """``w d``.

    Examples
    --------
    >>> Linear([1.0])([1.0]).round(4).tolist()
    [1.0]
    """

    kind = distortions.LinearPenalty


class Quadratic(Penalty):
    """``w d²``.

    Examples
    --------
    >>> Quadratic([1.0])([1.0]).round(4).tolist()
    [1.0]
    """

    kind = distortions.QuadraticPenalty


class Cubic(Penalty):
    """``w d³``.

    Examples
    --------
    >>> Cubic([1.0])([1.0]).round(4).tolist()
    [1.0]
    """

    kind = distortions.CubicPenalty


class Power(Penalty):
    """``w d^exponent``, with an `exponent` that has to be given.

    Examples
    --------
    >>> Power([1.0], 1.5)([1.0]).round(4).tolist()
    [1.0]
    """

    kind = distortions.PowerPenalty


class Huber(Penalty):
    """``w d² / 2`` below the `threshold` t, 0.5, and ``w t (d - t / 2)`` above.

    Examples
    --------
    >>> Huber([1.0])([1.0]).round(4).tolist()
    [0.375]
    """

    kind = distortions.HuberPenalty


class Logistic(Penalty):
    """``w log(1 + exp(alpha (d - threshold)))``, with a `threshold` of 0 and an `alpha` of 3.

    Examples
    --------
    >>> Logistic([1.0])([1.0]).round(4).tolist()
    [3.0486]
    """

    kind = distortions.LogisticPenalty


class Sigmoid(Penalty):
    """``w / (1 + exp(-alpha (d - threshold)))``, with a `threshold` that has to be given and an `alpha` of 1.

    Examples
    --------
    >>> Sigmoid([1.0], 1.0)([1.0]).round(4).tolist()
    [0.5]
    """

    kind = distortions.SigmoidPenalty


class Hinge(Penalty):
    """``|w| max(0, sign(w) (d - threshold) + sigma)``; `threshold` has to be given, `sigma` is half of it.

    Examples
    --------
    >>> Hinge([1.0], 0.5)([1.0]).round(4).tolist()
    [0.75]
    """

    kind = distortions.HingePenalty


class Log1p(Penalty):
    """``w log(1 + d^exponent)``, with an `exponent` of 1.5.

    Examples
    --------
    >>> Log1p([1.0])([1.0]).round(4).tolist()
    [0.6931]
    """

    kind = distortions.Log1pPenalty


class Log(Penalty):
    """``w log(1 - exp(-d^exponent))``, with an `exponent` of 1, for negative weights.

    Examples
    --------
    >>> Log([-1.0])([1.0]).round(4).tolist()
    [0.4587]
    """

    kind = distortions.LogPenalty


class InvPower(Penalty):
    """``|w| / d^exponent``, with an `exponent` of 1, for negative weights alone.

    Examples
    --------
    >>> InvPower([-1.0])([1.0]).round(4).tolist()
    [1.0]
    """

    kind = distortions.InvPowerPenalty


class LogRatio(Penalty):
    """``w log(d^exponent / (1 + d^exponent))``, with an `exponent` of 2, for negative weights.

    Examples
    --------
    >>> LogRatio([-1.0])([1.0]).round(4).tolist()
    [0.6931]
    """

    kind = distortions.LogRatioPenalty


class PushAndPull(EdgeFunction):
    """One penalty for weights of 0 and more, another for negative ones.

    Parameters
    ----------
    weights : array-like of shape (edges,)
    attractive_penalty, repulsive_penalty : callable
        From weights to a penalty: a class of this module, or one with numbers of its own by `functools.partial`.

    Examples
    --------
    >>> PushAndPull([1.0, -1.0], Linear, InvPower)([3.0, 2.0]).tolist()
    [3.0, 0.5]
    """

    def __init__(
        self,
        weights: Any,
        attractive_penalty: Callable[[Any], Any] = Log1p,
        repulsive_penalty: Callable[[Any], Any] = LogRatio,
    ) -> None:
        attractive = formula(attractive_penalty, 1.0, "attractive_penalty")
        repulsive = formula(repulsive_penalty, -1.0, "repulsive_penalty")
        self._take(distortions.PushAndPull(attractive, repulsive), weights)

    @property
    def weights(self) -> Array:
        """The weights."""
        return self.numbers


def formula(make: Any, weight: float, name: str) -> distortions.DistortionFunction:
    """Return the formula of the penalties that a function makes of weights.

    Parameters
    ----------
    make : callable
    weight : float
        One that they can have.
    name : str
        How the caller calls the function.

    Examples
    --------
    >>> formula(Log1p, 1.0, "attractive_penalty")
    Log1pPenalty(exponent=1.5)
    """
    made = make(np.array([weight])) if callable(make) else None
    if not isinstance(made, Penalty):
        raise InvalidObjectError(f"`{name}` must make a penalty of weights, as penalties.Log1p does, got {shown(make)}")
    return made.function
