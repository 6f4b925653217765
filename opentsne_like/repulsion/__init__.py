"""All-pairs repulsion by exact sums, by Barnes-Hut or by an FFT grid, for any radial kernel."""

from __future__ import annotations

from .barnes_hut import morton_order
from .engine import DEFAULT_TOLERANCE, FrozenReference, Method, RepulsionEngine
from .exact import exact_sums
from .extent import Extent, spans_of
from .potential import Potential
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
    "morton_order",
    "spans_of",
]
