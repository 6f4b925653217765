"""What optimizers share that look at the loss elsewhere before they step."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from .._types import Array
from .base import Objective, Proposal, Step
from .constraints import began
from .learning import MIN_GAIN, move_parameters
from .state import State
from .trials import Evaluated, evaluate_at, inner, place_of


class Known(NamedTuple):
    """What stands in the array ``"known"`` of the state: numbers about the map where the last step ended.

    Attributes
    ----------
    loss, value : float
        As of `Evaluated`; the gradient is ``state["gradient"]``.
    place, subject, exaggeration : float
        What tells that map, what was descended and by which optimizer, from others.
    current : float
        Whether all that is of the loss as it is now; it is not once learnable parameters have moved.
    stands : float
        Whether nothing lower was found from there.

    Examples
    --------
    >>> from opentsne_like.optimizer import Known
    >>> Known().current
    0.0
    """

    loss: float = 0.0
    value: float = 0.0
    place: float = -1.0
    subject: float = 0.0
    exaggeration: float = 0.0
    current: float = 0.0
    stands: float = 0.0


class Searching(ABC):
    """An optimizer that keeps loss and gradient of where its last step ended, and searches from there for the next.

    What is kept is forgotten where loss, affinities, exaggeration or coordinates are others than the last step left.

    Attributes
    ----------
    own : tuple of str
        Arrays of the state, other than rings, that the search itself writes.

    Examples
    --------
    >>> from opentsne_like.optimizer import LBFGS, Searching
    >>> isinstance(LBFGS(), Searching), LBFGS.searches
    (True, True)
    """

    keeps: ClassVar[tuple[str, ...]] = ("gradient", "known")
    own: ClassVar[tuple[str, ...]] = ()
    searches: ClassVar[bool] = True

    @staticmethod
    def began(points: Array) -> dict[str, Array]:
        """Return the arrays of the state that know of no step yet.

        Parameters
        ----------
        points : ndarray of shape (n, d)
        """
        return {"gradient": np.zeros(points.shape), "known": np.array(Known())}

    @abstractmethod
    def search(
        self, objective: Objective, state: State, step: Step, here: Evaluated, gradient: Array, goes_on: bool
    ) -> Evaluated:
        """Return where the step ends, `here` if nothing lower was found, and write its own arrays.

        Parameters
        ----------
        objective : Objective
        state : State
            Its spare buffers hold copies of `own`.
        step : Step
        here : Evaluated
        gradient : ndarray of shape (n, d)
            Along the constraint.
        goes_on : bool
            Whether the last step was made by this optimizer, on this loss, to these points.
        """

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step in the spare buffers of `state`."""
        known = self._recall(points, state, step)
        for name in self.own:
            state.spare[name][:] = state[name]
        with state.trying():
            if known.current:
                here = Evaluated(points, known.loss, known.value, state["gradient"])
            else:
                here = evaluate_at(objective, began(step.constraint, points), step.exaggeration)
            gradient = step.constraint.tangent(here.points, here.gradient)
            norm = float(np.sqrt(inner(gradient, gradient)))
            nowhere, loss = np.zeros(points.shape[1]), here.loss if with_loss else float("nan")
            if not np.isfinite(norm + here.value):
                return Proposal(points, nowhere, nowhere, loss, float("nan"))
            there = here  # where it would look at the same points again
            if not (known.current and known.stands):
                there = self.search(objective, state, step, here, gradient, known.place >= 0.0)
            moved = move_parameters(objective, points, state, step, MIN_GAIN)
        state.spare["gradient"][:] = there.gradient
        state.spare["known"][:] = Known(
            there.loss,
            there.value,
            place_of(there.points, step.n_jobs),
            self._subject(step),
            step.exaggeration,
            current=float(not moved),
            stands=float(there is here),
        )
        return Proposal(there.points, there.points.mean(axis=0), nowhere, loss, norm)

    def _recall(self, points: Array, state: State, step: Step) -> Known:
        """Return what is known of the loss here, which is nothing where the last step ended elsewhere."""
        known = Known(*state["known"].tolist())
        if (known.subject, known.exaggeration) != (self._subject(step), step.exaggeration):
            return Known()
        return known if known.place == place_of(points, step.n_jobs) else Known()

    def _subject(self, step: Step) -> float:
        return step.subject + zlib.crc32(type(self).__name__.encode())
