"""Penalties: distortions by weights, ``w p(d)``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from .. import kernels
from .._types import Array
from .._validation import check_real
from ..errors import InvalidObjectError, StorageError
from .base import DISTORTIONS, DistortionFunction


@dataclass(frozen=True)
class LinearPenalty(DistortionFunction):
    """``w d``.

    Examples
    --------
    >>> LinearPenalty()(2.0, 3.0).tolist()
    6.0
    """


@dataclass(frozen=True)
class QuadraticPenalty(DistortionFunction):
    """``w d²``.

    Examples
    --------
    >>> QuadraticPenalty()(2.0, 3.0).tolist()
    18.0
    """


@dataclass(frozen=True)
class CubicPenalty(DistortionFunction):
    """``w d³``.

    Examples
    --------
    >>> CubicPenalty()(2.0, 3.0).tolist()
    54.0
    """


@dataclass(frozen=True)
class _WithExponent(DistortionFunction, stored=False):
    exponent: float

    def __post_init__(self) -> None:
        check_real(self.exponent, "exponent", above=0)


@dataclass(frozen=True)
class PowerPenalty(_WithExponent):
    """``w d^exponent``.

    Examples
    --------
    >>> PowerPenalty(0.5)(2.0, 9.0).tolist()
    6.0
    """


@dataclass(frozen=True)
class HuberPenalty(DistortionFunction):
    """``w d² / 2`` below the threshold t, ``w t (d - t / 2)`` above.

    Examples
    --------
    >>> HuberPenalty(1.0)(2.0, 3.0).tolist()
    5.0
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_real(self.threshold, "threshold", at_least=0)


@dataclass(frozen=True)
class LogisticPenalty(DistortionFunction):
    """``w log(1 + exp(alpha (d - threshold)))``.

    Examples
    --------
    >>> LogisticPenalty(threshold=1.0)(1.0, 1.0).round(4).tolist()
    0.6931
    """

    threshold: float = 0.0
    alpha: float = 3.0

    def __post_init__(self) -> None:
        check_real(self.threshold, "threshold", at_least=0)
        check_real(self.alpha, "alpha", above=0)


@dataclass(frozen=True)
class SigmoidPenalty(DistortionFunction):
    """``w / (1 + exp(-alpha (d - threshold)))``.

    Examples
    --------
    >>> SigmoidPenalty(threshold=1.0)(1.0, 1.0).tolist()
    0.5
    """

    threshold: float
    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_real(self.threshold, "threshold", at_least=0)
        check_real(self.alpha, "alpha", above=0)


@dataclass(frozen=True)
class HingePenalty(DistortionFunction):
    """``|w| max(0, sign(w) (d - threshold) + sigma)``; `sigma` is half of the threshold unless it is given.

    Examples
    --------
    >>> HingePenalty(2.0)([1.0, -1.0], [3.0, 2.5]).tolist()
    [2.0, 0.5]
    """

    threshold: float
    sigma: float | None = None

    def __post_init__(self) -> None:
        check_real(self.threshold, "threshold", at_least=0)
        if self.sigma is None:
            object.__setattr__(self, "sigma", 0.5 * self.threshold)
        check_real(self.sigma, "sigma")


@dataclass(frozen=True)
class Log1pPenalty(_WithExponent):
    """``w log(1 + d^exponent)``, which pulls little at long distances.

    Examples
    --------
    >>> Log1pPenalty()(1.0, 1.0).round(4).tolist()
    0.6931
    """

    exponent: float = 1.5


@dataclass(frozen=True)
class _Repulsive(_WithExponent, stored=False):
    def wrong(self, numbers: Array) -> tuple[Array, str]:
        """Return which weights are positive."""
        return np.asarray(numbers > 0), "0 or negative, since this penalty is infinite at a length of 0"


@dataclass(frozen=True)
class LogPenalty(_Repulsive):
    """``w log(1 - exp(-d^exponent))``, which pushes apart where w is negative and is felt over a distance of about 1.

    Examples
    --------
    >>> LogPenalty()(-1.0, 1.0).round(4).tolist()
    0.4587
    """

    exponent: float = 1.0


@dataclass(frozen=True)
class InvPowerPenalty(_Repulsive):
    """``|w| / d^exponent``, for negative weights alone.

    Examples
    --------
    >>> InvPowerPenalty()(-1.0, 2.0).tolist()
    0.5
    """

    exponent: float = 1.0


@dataclass(frozen=True)
class LogRatioPenalty(_Repulsive):
    """``w log(d^exponent / (1 + d^exponent))``, for negative weights.

    Examples
    --------
    >>> LogRatioPenalty()(-1.0, 1.0).round(4).tolist()
    0.6931
    """

    exponent: float = 2.0


@dataclass(frozen=True)
class PushAndPull(DistortionFunction):
    """One penalty for weights of 0 and more, another for negative ones.

    Parameters
    ----------
    attractive, repulsive : DistortionFunction
        Penalties of this module.

    Examples
    --------
    >>> PushAndPull(LinearPenalty(), InvPowerPenalty())([1.0, -1.0], [2.0, 2.0]).tolist()
    [2.0, 0.5]
    """

    attractive: Any = Log1pPenalty()
    repulsive: Any = LogRatioPenalty()

    def __post_init__(self) -> None:
        for name in ("attractive", "repulsive"):
            part = getattr(self, name)
            if type(part) not in DISTORTIONS.values() or part.takes != "weights" or isinstance(part, PushAndPull):
                raise InvalidObjectError(f"`{name}` must be a penalty such as Log1pPenalty(), got {part!r}")

    @cached_property
    def form(self) -> Any:
        """Both forms."""
        return kernels.distortions.PushAndPull(self.attractive.form, self.repulsive.form)

    def wrong(self, numbers: Array) -> tuple[Array, str]:
        """Return which weights the penalty of their sign cannot have."""
        pulled, needed = self.attractive.wrong(numbers)
        return pulled & (numbers > 0), needed

    def packed(self) -> dict[str, Any]:
        """Return the function as JSON values."""
        parts = {field.name: getattr(self, field.name).packed() for field in fields(self)}
        return {"distortion": type(self).__name__, **parts}

    @classmethod
    def unpacked(cls, parts: dict[str, Any]) -> PushAndPull:
        """Return the function that `packed` described."""
        return cls(**{name: unpack_distortion(part) for name, part in parts.items()})


def unpack_distortion(described: Any) -> DistortionFunction:
    """Return the distortion function that `DistortionFunction.packed` described.

    Parameters
    ----------
    described : dict

    Raises
    ------
    StorageError
        If it is not known.

    Examples
    --------
    >>> unpack_distortion(PowerPenalty(1.7).packed())
    PowerPenalty(exponent=1.7)
    """
    parts = dict(described) if isinstance(described, dict) else {}
    kind = DISTORTIONS.get(str(parts.pop("distortion", None)))
    if kind is None:
        raise StorageError(f"it has a distortion function {str(described)[:40]!r}, which is not known")
    return kind.unpacked(parts)
