"""Distortion functions: what an edge costs by its length in a map, and by its weight or its target.

A *penalty* knows the weight w of an edge and grows or falls with the length d, ``w p(d)``: a positive weight pulls the
ends together, a negative one pushes them apart. A *deviation* knows the length t that an edge should have. Both are
frozen dataclasses, as radial functions are, so a loss that holds one can be compared, printed and stored.

Names and formulas are those of Agrawal, Ali and Boyd, *Minimum-distortion embedding* (2021).
"""

from __future__ import annotations

from .base import DISTORTIONS, DistortionFunction
from .deviations import (
    AbsoluteDeviation,
    CubicDeviation,
    FractionalDeviation,
    HuberDeviation,
    LogisticDeviation,
    PowerDeviation,
    QuadraticDeviation,
    SoftFractionalDeviation,
)
from .functions import OwnDistortion
from .penalties import (
    CubicPenalty,
    HingePenalty,
    HuberPenalty,
    InvPowerPenalty,
    LinearPenalty,
    Log1pPenalty,
    LogisticPenalty,
    LogPenalty,
    LogRatioPenalty,
    PowerPenalty,
    PushAndPull,
    QuadraticPenalty,
    SigmoidPenalty,
    unpack_distortion,
)

__all__ = [
    "DISTORTIONS",
    "AbsoluteDeviation",
    "CubicDeviation",
    "CubicPenalty",
    "DistortionFunction",
    "FractionalDeviation",
    "HingePenalty",
    "HuberDeviation",
    "HuberPenalty",
    "InvPowerPenalty",
    "LinearPenalty",
    "Log1pPenalty",
    "LogPenalty",
    "LogRatioPenalty",
    "LogisticDeviation",
    "LogisticPenalty",
    "OwnDistortion",
    "PowerDeviation",
    "PowerPenalty",
    "PushAndPull",
    "QuadraticDeviation",
    "QuadraticPenalty",
    "SigmoidPenalty",
    "SoftFractionalDeviation",
    "unpack_distortion",
]
