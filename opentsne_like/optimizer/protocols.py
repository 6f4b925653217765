"""What the loop asks of an optimizer and of whoever follows it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from .._types import Array
from .base import Objective, Proposal, Record, Step, StopReason
from .state import State


class Optimizer(Protocol):
    """A rule that makes steps: a frozen dataclass, whose fields are its options.

    Attributes
    ----------
    requires : tuple of str
        The methods of an objective that it calls.
    keeps : tuple of str
        The names of the arrays of the state that `start` makes: one row for each point, a ring of such (see `State`),
        or numbers of its own, one-dimensional.
    searches : bool, optional
        Whether it looks at the loss elsewhere before it steps; False if there is no such attribute. Such an optimizer
        moves all points together, so none is placed by it, it takes the gradient of the points as they are, and each
        of its steps says what is descended.
    scales : dict of str to int, optional
        Arrays that stay good when the map is multiplied by a factor, each with the power of the factor that it has to
        be multiplied by; others begin anew then.

    Examples
    --------
    >>> from opentsne_like.optimizer import Momentum
    >>> Momentum.requires, Momentum.keeps
    (('evaluate',), ('gains', 'update'))
    """

    requires: ClassVar[tuple[str, ...]]
    keeps: ClassVar[tuple[str, ...]]

    def start(self, points: Array) -> State:
        """Return the state before the first step of a map (n, d)."""

    def auto_rate(self, unit: Any, exaggeration: float) -> float:
        """Return the learning rate "auto" from the loss's own unit of it, a function of the exaggeration."""

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make a step in the spare buffers of `state`; touch nothing that is current."""


class Follower(Protocol):
    """Whoever follows the loop.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Momentum, Schedule, Silent, StopReason, run
    >>> class Few(Silent):
    ...     def after_step(self, iteration, record):
    ...         return StopReason.CALLBACK if iteration == 3 else None
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> points = np.ones((2, 2))
    >>> state, plan = Momentum().start(points), Schedule(100).plan(2, lambda rho: 0.1, None, n_jobs=1)
    >>> print(run(points, state, Bowl(), Momentum(), plan, Few())[0], len(state.history))
    a callback asked to stop 3
    """

    def wants_loss(self, iteration: int) -> bool:
        """Say whether the loss is wanted in the iteration about to be made (counted from 1)."""

    def looks(self, iteration: int) -> bool:
        """Say whether anybody looks at the map, and so may write to it, before the step of this iteration."""

    def before_step(self, iteration: int, loss: float) -> bool:
        """Look at the map before the step of an iteration; True stops the loop without the step."""

    def after_step(self, iteration: int, record: Record) -> StopReason | None:
        """Look at the map after an iteration was committed; a reason stops the loop."""
