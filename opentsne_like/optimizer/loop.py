"""The iteration loop, the only one: for every objective, every optimizer and every follower."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from .._types import Array
from ..devices import is_on_gpu, on_host
from ..errors import InvalidTypeError, NumericalError
from .base import Objective, Proposal, Record, Step, StopReason
from .protocols import Follower, Optimizer
from .schedule import Plan
from .state import State

SHARE = 0.25  # of the derivative of a loss, which objectives give unless they say otherwise


def run(
    points: Array, state: State, objective: Objective, optimizer: Optimizer, plan: Plan, follower: Follower
) -> Outcome:
    """Move `points` down the objective, in place; an iteration is committed whole or not at all.

    Whatever ends the loop, `state.history` has a record of every committed iteration and of no other.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64, C-contiguous, changed
    state : State, changed
    objective : Objective
    optimizer : Optimizer
    plan : Plan
    follower : Follower

    Returns
    -------
    Outcome
        Why it ended, and the last loss that was evaluated; NaN if none was.

    Raises
    ------
    NumericalError
        If a step leaves the finite numbers. Points and state are then those of the last good iteration.

    Examples
    --------
    Down ``|y|² / 2`` by an objective of one's own, with nobody looking:

    >>> from opentsne_like.optimizer import Momentum, Schedule, Silent, run
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> points = np.array([[3.0, 4.0], [-3.0, -4.0]])
    >>> plan = Schedule(100, learning_rate=0.5, momentum=0.5).plan(2, lambda rho: 1.0, None, n_jobs=1)
    >>> reason, _ = run(points, Momentum().start(points), Bowl(), Momentum(), plan, Silent())
    >>> print(reason, bool(abs(points).max() < 1e-3))
    all iterations were done True
    """
    ahead = len(state.history) - int(state.counter[0])  # a history may have been cut
    try:
        return _descend(points, state, objective, optimizer, plan, follower)
    finally:
        del state.history[ahead + int(state.counter[0]) :]
        state.drop_spare()


def _descend(
    points: Array, state: State, objective: Objective, optimizer: Optimizer, plan: Plan, follower: Follower
) -> Outcome:
    loss = float("nan")
    for i in range(plan.first, plan.n_iter):
        started = time.perf_counter()
        step, wanted = plan.at(i), follower.wants_loss(i + 1)
        made = optimizer.propose(objective, points, state, step, wanted)
        loss = made.loss if wanted else loss
        seen = points.copy() if follower.looks(i + 1) else points
        if follower.before_step(i + 1, made.loss):
            return Outcome(StopReason.CALLBACK, loss)
        if plan.is_flat(made.gradient_norm / getattr(objective, "share", SHARE)):
            return Outcome(StopReason.FLAT, loss)
        if seen is not points and not np.array_equal(
            on_host(seen), on_host(points)
        ):  # a callback has moved the map: step from there
            made = optimizer.propose(objective, points, state, step, False)._replace(loss=made.loss)
        _check_shape(made, points)
        _check_finite(made, step, i + 1)
        done, seconds = int(state.counter[0]) + 1, time.perf_counter() - started
        record = Record(done, made.loss, made.gradient_norm, step.exaggeration, seconds)
        state.commit(points, made, record)
        reason = follower.after_step(i + 1, record)
        if reason is not None:
            return Outcome(reason, loss)
    return Outcome(StopReason.FINISHED, loss)


def _check_shape(made: Proposal, points: Array) -> None:
    """Refuse what a commit would read beyond the end of."""
    new = made.points
    if not (type(new) is np.ndarray or is_on_gpu(new)) or new.dtype != np.float64 or new.shape != points.shape:
        what = f"{new.dtype} of shape {new.shape}" if hasattr(new, "dtype") else type(new).__name__
        raise InvalidTypeError(
            f"`propose` must return new points that are a float64 array of shape {points.shape}, got {what}"
        )
    if np.shape(made.offset) != points.shape[1:] or np.asarray(made.offset).dtype != np.float64:
        raise InvalidTypeError(
            f"`propose` must return an offset of {points.shape[1]} float64, got shape {np.shape(made.offset)}"
        )


def _check_finite(made: Proposal, step: Step, iteration: int) -> None:
    """Refuse a step to where there are no numbers; a NaN or infinity anywhere shows in the sums over all points."""
    if not (np.isfinite(made.mean).all() and np.isfinite(made.gradient_norm)):
        raise NumericalError(
            f"iteration {iteration} left the finite numbers with a learning rate of {step.learning_rate:g}; the last "
            "good coordinates were kept. Use a smaller `learning_rate`, or 'auto', or bound the steps with "
            "`max_step_norm`"
        )


class Outcome(NamedTuple):
    """How a descent ended.

    Attributes
    ----------
    reason : StopReason
    loss : float
        The last one that was evaluated; NaN if none was.

    Examples
    --------
    >>> from opentsne_like.optimizer import Outcome
    >>> print(Outcome(StopReason.FINISHED, 2.5).reason)
    all iterations were done
    """

    reason: StopReason
    loss: float


class Silent:
    """A follower that looks at nothing and stops nothing.

    Examples
    --------
    >>> Silent().wants_loss(1)
    False
    """

    def wants_loss(self, iteration: int) -> bool:
        """Return False."""
        return False

    def looks(self, iteration: int) -> bool:
        """Return False."""
        return False

    def before_step(self, iteration: int, loss: float) -> bool:
        """Return False."""
        return False

    def after_step(self, iteration: int, record: Record) -> None:
        """Let it go on."""
