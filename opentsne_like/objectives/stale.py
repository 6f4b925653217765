"""Stale forces: repulsion that serves several iterations."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError
from ..optimizer import State
from ..repulsion import Control, Extent, Potential, RepulsionEngine


class StaleForces:
    """Evaluates repulsion every few iterations and answers with the last one in between.

    Which iterations these are depends on the counter alone, and what is kept travels in ``state.carried``, so a run
    that is stopped, stored or split into several calls takes the same steps. Kept are ``gradient`` (n, d) float32 and
    ``total`` (1,) of the last evaluation, ``made`` (1,), the iterations done then, and ``engine`` (5,), which tells
    what it was made by.

    Parameters
    ----------
    every : int
        Iterations that share one evaluation.
    state : State
        Its `carried` is changed.
    control : Control
        Evaluates.

    Attributes
    ----------
    fresh : bool
        Whether the last answer is of the points as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import StaleForces
    >>> from opentsne_like.optimizer import Momentum
    >>> from opentsne_like.repulsion import Control, RepulsionEngine, StudentT
    >>> points, engine = np.array([[0.0, 0.0], [1.0, 0.0]]), RepulsionEngine(StudentT(), n_jobs=1)
    >>> state = Momentum().start(points)
    >>> stale = StaleForces(2, state, Control(state.carried, state.counter))
    >>> before = stale.evaluate(engine, points, engine.extent(points)).total
    >>> after = stale.evaluate(engine, 2 * points, engine.extent(2 * points)).total
    >>> after == before, bool(stale.fresh)
    (True, False)
    """

    names: ClassVar[tuple[str, ...]] = ("gradient", "total", "made", "engine")

    def __init__(self, every: int, state: State, control: Control) -> None:
        self.every, self.state, self.control = every, state, control
        self.fresh = False

    def evaluate(self, engine: RepulsionEngine, points: Array, extent: Extent) -> Potential:
        """Return the potential of the points at the points, or at where they were a few iterations ago."""
        maker, carried, counter = engine.description, self.state.carried, self.state.counter
        known = "engine" in carried and np.array_equal(carried["engine"], maker)
        self.fresh = not known or carried["made"][0] // self.every != counter[0] // self.every
        if self.fresh:
            potential = self.control.evaluate(engine, points, extent)
            force, total = np.asarray(potential.gradient, np.float32), np.array([potential.total])
            carried.update(gradient=force, total=total, made=counter.copy(), engine=maker)
        gradient = carried["gradient"]
        return Potential(np.empty(0, np.float32), gradient, float(carried["total"][0]))

    @staticmethod
    def check(carried: dict[str, Array], shape: tuple[int, ...]) -> None:
        """Refuse what was carried, as a file says, by a map of another shape.

        Parameters
        ----------
        carried : dict of str to ndarray
        shape : (int, int)
        """
        expected = {"gradient": (shape, "f4"), "total": ((1,), "f8"), "made": ((1,), "i8"), "engine": ((5,), "f8")}
        if any(carried[name].shape != size or carried[name].dtype != dtype for name, (size, dtype) in expected.items()):
            raise InvalidParameterError("the repulsion that is kept does not belong to the coordinates")
        if not all(np.isfinite(part).all() for part in carried.values()):
            raise InvalidParameterError("the repulsion that is kept is not finite")
