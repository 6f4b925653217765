"""Gradient descent with gains and momentum: one loop for every objective."""

from __future__ import annotations

from .loop import DescentState, Record, Schedule, StopReason, Watcher, minimize

__all__ = ["DescentState", "Record", "Schedule", "StopReason", "Watcher", "minimize"]
