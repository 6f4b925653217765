"""All-pairs repulsion by exact sums, by Barnes-Hut or by an FFT grid, for any radial kernel."""

from __future__ import annotations

from ..ops import Extent, Potential
from .engine import DEFAULT_TOLERANCE, FrozenReference, Method, RepulsionEngine
from .exact import exact_sums
from .radial import (
    Gaussian,
    LogInverse,
    LogOnePlus,
    LogStudentT,
    LogStudentTTail,
    Radial,
    Square,
    StudentT,
    StudentTTail,
)

__all__ = [
    "DEFAULT_TOLERANCE",
    "Extent",
    "FrozenReference",
    "Gaussian",
    "LogInverse",
    "LogOnePlus",
    "LogStudentT",
    "LogStudentTTail",
    "Method",
    "Potential",
    "Radial",
    "RepulsionEngine",
    "Square",
    "StudentT",
    "StudentTTail",
    "exact_sums",
]
