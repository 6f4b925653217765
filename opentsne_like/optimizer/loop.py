"""The iteration loop: gradient descent with gains and momentum, for every objective."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import _parallel, kernels
from .._validation import check_real
from ..callbacks import StopReason
from ..errors import NumericalError
from ..objectives import Objective, ShapedObjective

Array = np.ndarray[Any, Any]

GRAIN = 8192
SHAPE_EVERY = 5  # iterations between steps of what an objective learns: new kernels cost more than new forces
SHAPE_RATE = 0.3  # learning rate of such a step
SHAPE_STEP = 0.1  # and its greatest length


class Record(NamedTuple):
    """What is kept of one iteration.

    Attributes
    ----------
    iteration : int
        Iterations of this embedding so far, this one included.
    kl_divergence : float
        Before the step; NaN where nobody asked for it.
    gradient_norm : float
        Root of the summed squares of a quarter of the gradient, before clipping.
    exaggeration : float
    seconds : float
        Of this iteration up to its commit, callbacks that look at the map before the step included.
    """

    iteration: int
    kl_divergence: float
    gradient_norm: float
    exaggeration: float
    seconds: float


class DescentState:
    """What an optimization needs to go on: gains, the last step, and the number of iterations done.

    Gains and last steps have two sides. A step is made on the spare side, and made good by turning to it.

    Parameters
    ----------
    gains, update : ndarray of shape (n, d), float64
        The learning rates' gains and the last step, both per coordinate.
    counter : ndarray of shape (1,), int64
        Iterations done.
    history : list of Record
    shape : ndarray of shape (3, k), float64
        What a `ShapedObjective` learns: values, last step, gains; k is 0 before anything was learned.
    kept : dict of str to ndarray
        What an objective keeps from one iteration to the next, see `objectives.Reuse`.
    """

    def __init__(
        self,
        gains: Array,
        update: Array,
        counter: Array | None = None,
        history: list[Record] | None = None,
        shape: Array | None = None,
        kept: dict[str, Array] | None = None,
    ) -> None:
        self._sides: list[tuple[Array, Array] | None] = [(gains, update), None]
        self.side = np.zeros(1, np.int64)
        self.counter = np.zeros(1, np.int64) if counter is None else counter
        self.history: list[Record] = [] if history is None else history
        self.shape = np.empty((3, 0)) if shape is None else shape
        self.kept: dict[str, Array] = {} if kept is None else kept

    @classmethod
    def start(cls, shape: tuple[int, ...]) -> DescentState:
        """Return the state before the first iteration: gains of 1 and no step."""
        return cls(np.ones(shape), np.zeros(shape))

    @property
    def gains(self) -> Array:
        """Factors on the learning rate, one per coordinate."""
        return self._current[0]

    @gains.setter
    def gains(self, gains: Array) -> None:
        self._sides[int(self.side[0])] = gains, self.update

    @property
    def update(self) -> Array:
        """The last step, one entry per coordinate."""
        return self._current[1]

    @update.setter
    def update(self, update: Array) -> None:
        self._sides[int(self.side[0])] = self.gains, update

    @property
    def spare(self) -> tuple[Array, Array]:
        """The side on which the next step is made, its gains and its step."""
        other = 1 - int(self.side[0])
        made = self._sides[other]
        if made is None or made is self._current:
            made = np.empty_like(self.gains), np.empty_like(self.update)
            self._sides[other] = made
        return made

    def drop_spare(self) -> None:
        """Give the memory of the spare side back; Ctrl-C between any two lines leaves a good state."""
        self._sides = [self._current, self._current]
        self.side[0] = 0
        self._sides = [self._current, None]

    @property
    def _current(self) -> tuple[Array, Array]:
        return self._sides[int(self.side[0])]  # type: ignore[return-value]  # the current side is always there


@dataclass(frozen=True)
class Schedule:
    """How the points are to move.

    Attributes
    ----------
    n_iter : int
    first : int
        Iterations of these that were done before, in a run that was interrupted.
    exaggeration : float or callable
        Factor on the attraction, or a function of the iteration (from 0) within this call.
    learning_rate : callable
        From the exaggeration to the learning rate.
    momentum : float
    max_grad_norm, max_step_norm : float
        Longest row of the gradient and of the step; infinite for no bound.
    centre : bool
        Whether the map is centred after each step.
    fixed : ndarray of shape (n,), bool, or (0,)
        Points that stay where they are.
    min_gain : float
        What is added to a gain that shrinks.
    use_gains : bool
        Whether every coordinate's rate has a gain that grows and shrinks; otherwise the momentum does it all.
    """

    n_iter: int
    exaggeration: float | Callable[[int], float]
    learning_rate: Callable[[float], float]
    momentum: float
    max_grad_norm: float = np.inf
    max_step_norm: float = np.inf
    centre: bool = True
    fixed: Array = field(default_factory=lambda: np.zeros(0, bool))
    first: int = 0
    min_gain: float = 0.01
    use_gains: bool = True

    def exaggeration_at(self, iteration: int) -> float:
        """Return the exaggeration of an iteration, counted from 0 within the call; 1 after a function's last one."""
        if not callable(self.exaggeration):
            return self.exaggeration
        if iteration >= self.n_iter:
            return 1.0
        return check_real(self.exaggeration(iteration), "exaggeration", above=0)


class Watcher(Protocol):
    """Whoever follows the loop."""

    def wants_loss(self, iteration: int) -> bool:
        """Say whether the loss is wanted in the iteration about to be made (counted from 1)."""

    def before_step(self, iteration: int, loss: float) -> bool:
        """Look at the map before the step of an iteration; True stops the loop without the step."""

    def after_step(self, iteration: int, record: Record) -> StopReason | None:
        """Look at the map after an iteration was committed; a reason stops the loop."""


def minimize(
    points: Array,
    state: DescentState,
    objective: Objective,
    schedule: Schedule,
    watchers: Sequence[Watcher],
    n_jobs: int,
) -> tuple[StopReason, float]:
    """Move `points` down the objective, in place; an iteration is committed whole or not at all.

    Whatever ends the loop, `state.history` has a record of every committed iteration and of no other.

    One iteration: gradient; its rows clipped; watchers, which see the map before the step; gains; momentum; rows of
    the step clipped; move; centre.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64, C-contiguous, changed
    state : DescentState, changed
    objective : Objective
    schedule : Schedule
    watchers : sequence of Watcher
    n_jobs : int

    Returns
    -------
    reason : StopReason
    loss : float
        The last loss that was evaluated; NaN if none was.

    Raises
    ------
    NumericalError
        If a step leaves the finite numbers. Points and state are then those of the last good iteration.
    """
    kept = len(state.history) - int(state.counter[0])
    try:
        return _descend(points, state, objective, schedule, watchers, _Stepper(points, state, schedule, n_jobs))
    finally:
        del state.history[kept + int(state.counter[0]) :]
        state.drop_spare()


def _descend(
    points: Array,
    state: DescentState,
    objective: Objective,
    schedule: Schedule,
    watchers: Sequence[Watcher],
    stepper: _Stepper,
) -> tuple[StopReason, float]:
    """Do what `minimize` says; the record of an iteration is there before the iteration is committed."""
    shaped = objective if isinstance(objective, ShapedObjective) else None
    loss = float("nan")
    for i in range(schedule.first, schedule.n_iter):
        started = time.perf_counter()
        exaggeration = schedule.exaggeration_at(i)
        wanted = any(watcher.wants_loss(i + 1) for watcher in watchers)
        value, gradient = objective.evaluate(points, exaggeration=exaggeration, with_loss=wanted)
        loss = value if wanted else loss
        stops = [watcher.before_step(i + 1, value) for watcher in watchers]  # each looks, whatever the others say
        if any(stops):
            return StopReason.CALLBACK, loss
        new_shape = state.shape
        if shaped is not None and exaggeration == 1.0 and state.counter[0] % SHAPE_EVERY == 0:
            new_shape = _next_shape(shaped, points, schedule)  # by the loss itself, so not while it is exaggerated
        norm, offset = stepper.step(gradient, schedule.learning_rate(exaggeration), i + 1)
        record = Record(int(state.counter[0]) + 1, value, norm, exaggeration, time.perf_counter() - started)
        state.history.append(record)
        stepper.commit(new_shape, offset)
        reasons = [reason for watcher in watchers if (reason := watcher.after_step(i + 1, record))]
        if reasons:
            return reasons[0], loss
    return StopReason.FINISHED, loss


def _next_shape(objective: ShapedObjective, points: Array, schedule: Schedule) -> Array:
    """Return values, steps and gains of what an objective learns, one step further by the rule for coordinates."""
    values, update, gains = objective.shape
    slopes = objective.shape_gradient(points)
    same = np.sign(update) == np.sign(slopes)
    gains = np.where(same, 0.8 * gains + schedule.min_gain, gains + 0.2)
    update = np.clip(schedule.momentum * update - SHAPE_RATE * gains * slopes, -SHAPE_STEP, SHAPE_STEP)
    return np.array([np.clip(values + update, *objective.bounds), update, gains])


class _Stepper:
    """Makes steps into work memory and commits them when they are good."""

    def __init__(self, points: Array, state: DescentState, schedule: Schedule, n_jobs: int) -> None:
        self.points, self.state, self.schedule, self.n_jobs = points, state, schedule, n_jobs
        self.new_points = np.empty_like(points)
        self.chunks = _parallel.chunk_bounds(len(points), GRAIN)
        self.sums = np.empty((len(self.chunks), points.shape[1] + 1))

    def step(self, gradient: Array, learning_rate: float, iteration: int) -> tuple[float, Array]:
        """Make one step in work memory; return the norm of the gradient, and how far the points drift in the mean."""
        schedule, state, d = self.schedule, self.state, self.points.shape[1]
        arrays = (self.points, state.update, state.gains, gradient, schedule.fixed)
        numbers = (learning_rate, schedule.momentum, schedule.max_grad_norm, schedule.max_step_norm, schedule.min_gain)
        new_gains, new_update = state.spare
        scalars = (*(float(number) for number in numbers), schedule.use_gains)
        args = (*arrays, *scalars, self.new_points, new_update, new_gains, self.sums)
        kernel = kernels.update.step
        tasks = [(kernel, (low, high, c, *args)) for c, (low, high) in enumerate(self.chunks)]
        _parallel.run_tasks(tasks, n_jobs=self.n_jobs)
        sums = self.sums.sum(axis=0)
        if not np.isfinite(sums).all():
            raise NumericalError(
                f"iteration {iteration} left the finite numbers with a learning rate of {learning_rate:g}; the last "
                "good coordinates were kept. Use a smaller `learning_rate` ('auto' is N / exaggeration) or "
                "bound the steps with `max_step_norm`"
            )
        centred = schedule.centre and not len(schedule.fixed)
        return float(np.sqrt(sums[d])), sums[:d] / len(self.points) if centred else np.zeros(d)

    def commit(self, new_shape: Array, offset: Array) -> None:
        """Make the step good, in one call that Ctrl-C cannot enter."""
        state = self.state
        changed = (self.points, state.counter, state.side, state.shape)
        kernels.update.commit(*changed, self.new_points, new_shape, offset)
