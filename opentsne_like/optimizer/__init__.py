"""Gradient descent with gains and momentum: one loop for every objective."""

from __future__ import annotations

from ..callbacks import StopReason
from .descent import DescentOptions, accelerated_momentum, check_descent, gradient_descent
from .loop import DescentState, Record, Schedule, Watcher, minimize
from .run import as_list

__all__ = [
    "DescentOptions",
    "DescentState",
    "Record",
    "Schedule",
    "StopReason",
    "Watcher",
    "accelerated_momentum",
    "as_list",
    "check_descent",
    "gradient_descent",
    "minimize",
]
