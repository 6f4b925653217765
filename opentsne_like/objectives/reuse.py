"""Repulsion that serves several iterations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checksum
from ..repulsion import Extent, Potential, RepulsionEngine

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
        Changed: ``gradient`` (n, d) float32 and ``total`` (1,) of the last evaluation, ``made`` (1,), the iterations
        done then, and ``engine`` (5,), which tells what it was made by; between calls also ``place`` (1,), which tells
        where the points were left.

    Attributes
    ----------
    fresh : bool
        Whether the last answer is of the points as they are.
    """

    NAMES = ("gradient", "total", "made", "engine")

    def __init__(self, every: int, counter: Array, kept: dict[str, Array]) -> None:
        self.every, self.counter, self.kept = every, counter, kept
        self.fresh = False

    @staticmethod
    def note_place(kept: dict[str, Array], points: Array, n_jobs: int) -> None:
        """Write down where the points are, if anything is kept."""
        if kept:
            kept["place"] = np.array([checksum(points, n_jobs)])

    @staticmethod
    def parts(kept: dict[str, Array], points: Array) -> dict[str, Array]:
        """Return what has to be stored with the points: nothing, if they were moved since the last call."""
        moved = "place" in kept and kept["place"][0] != checksum(points, n_jobs=-1)
        return {} if moved or not kept else {name: kept[name] for name in Reuse.NAMES}

    @staticmethod
    def forget_if_moved(kept: dict[str, Array], points: Array, n_jobs: int) -> None:
        """Drop what is kept unless the points are where they were left; a call begins, which will move them."""
        if kept and ("place" not in kept or kept["place"][0] != checksum(points, n_jobs)):
            kept.clear()
        kept.pop("place", None)

    def evaluate(self, engine: RepulsionEngine, points: Array, extent: Extent) -> Potential:
        """Return the potential of the points at the points, or at where they were a few iterations ago."""
        maker = engine.description
        known = "engine" in self.kept and np.array_equal(self.kept["engine"], maker)
        self.fresh = not known or self.kept["made"][0] // self.every != self.counter[0] // self.every
        if self.fresh:
            potential = engine.evaluate(points, extent)
            force, total = np.asarray(potential.gradient, np.float32), np.array([potential.total])
            self.kept.update(gradient=force, total=total, made=self.counter.copy(), engine=maker)
        gradient = self.kept["gradient"]
        return Potential(np.empty(0, np.float32), gradient, float(self.kept["total"][0]))
