"""Repulsion that serves several iterations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..repulsion import Extent, Potential, RepulsionEngine
from .edges import checksum

Array = np.ndarray[Any, Any]


class Reuse:
    """Evaluates repulsion every few iterations and answers with the last one in between.

    Which iterations these are depends on the counter alone, and what is kept travels with the optimizer's state, so a
    run that is stopped, stored or split into several calls takes the same steps.

    Parameters
    ----------
    every : int
        Iterations that share one evaluation.
    counter : ndarray of shape (1,), int64
        Iterations done.
    kept : dict of str to ndarray
        Changed: ``gradient`` (n, d) float32 and ``total`` (1,) of the last evaluation; ``engine``, which tells what it
        was made by, and after a call ``place``, which tells where the points were left.
    """

    def __init__(self, every: int, counter: Array, kept: dict[str, Array]) -> None:
        self.every, self.counter, self.kept = every, counter, kept

    @staticmethod
    def note_place(kept: dict[str, Array], points: Array, n_jobs: int) -> None:
        """Write down where the points are, if anything is kept."""
        if kept:
            kept["place"] = np.array([checksum(points, n_jobs)])

    @staticmethod
    def forget_if_moved(kept: dict[str, Array], points: Array, n_jobs: int) -> None:
        """Drop what is kept unless the points are where they were left."""
        if kept and ("place" not in kept or kept["place"][0] != checksum(points, n_jobs)):
            kept.clear()

    def evaluate(self, engine: RepulsionEngine, points: Array, extent: Extent) -> Potential:
        """Return the potential of the points at the points, or at where they were a few iterations ago."""
        maker = engine.description
        known = "engine" in self.kept and np.array_equal(self.kept["engine"], maker)
        if self.counter[0] % self.every == 0 or not known:
            potential = engine.evaluate(points, extent)
            total = np.array([potential.total])
            self.kept.update(gradient=np.asarray(potential.gradient, np.float32), total=total, engine=maker)
        gradient = self.kept["gradient"]
        return Potential(np.empty(0, np.float32), gradient, float(self.kept["total"][0]))
