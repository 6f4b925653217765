"""One call of the optimizer as callbacks see it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from ..callbacks import ErrorLogger, Hook, Progress, StopReason
from ..errors import InvalidObjectError
from ..utils import Timer
from .loop import DescentState, Record, Schedule

log = logging.getLogger(__name__)

VERBOSE_EVERY = 50  # iterations between printed lines


def as_list(callbacks: Any) -> list[Any]:
    """Return callbacks as a list, whether none, one or several were given."""
    if callbacks is None:
        return []
    single = callable(callbacks) or isinstance(callbacks, Hook) or not isinstance(callbacks, Iterable)
    found = [callbacks] if single else list(callbacks)
    for callback in found:
        if isinstance(callback, type):
            name = callback.__name__
            raise InvalidObjectError(f"`callbacks` must be objects, got the class {name}; call it: {name}()")
        if not (isinstance(callback, Hook) or callable(callback)):
            raise InvalidObjectError(f"`callbacks` must be callables or Hooks, got {type(callback).__name__}")
    return found


class Run:
    """Tells callbacks and hooks what the loop does: one object between the two protocols and the loop.

    Parameters
    ----------
    embedding : ndarray of shape (n, d)
        What callbacks are shown.
    state : DescentState
    schedule : Schedule
    callbacks : list of callables and Hooks
    every : int
        Iterations between calls of the callables.
    verbose : bool
        Whether to print the lines that openTSNE prints.
    """

    def __init__(
        self, embedding: Any, state: DescentState, schedule: Schedule, callbacks: list[Any], every: int, verbose: bool
    ) -> None:
        self.callbacks = tuple(callbacks)
        self.hooks = [c for c in callbacks if isinstance(c, Hook)]
        self.plain = [(c, every) for c in callbacks if not isinstance(c, Hook)]
        if verbose:
            self.plain.append((ErrorLogger(print), VERBOSE_EVERY))
        self.embedding, self.state, self.schedule = embedding, state, schedule
        self._before = int(state.counter[0]) - schedule.first
        self._open = ExitStack()
        self.loss = _last_loss(state.history[len(state.history) - schedule.first :])
        self.started = time.perf_counter()
        rho = schedule.exaggeration_at(schedule.first)
        rate = schedule.learning_rate(rho)
        self.timer = Timer(
            f"Running optimization with exaggeration={rho:.2f}, lr={rate:.2f} for {schedule.n_iter} iterations...",
            verbose,
        )

    def __enter__(self) -> Run:
        with ExitStack() as started:  # whatever was started is ended, also when another start or end fails
            started.enter_context(self.timer)
            for callback, _ in self.plain:
                getattr(callback, "optimization_about_to_start", lambda: None)()
            for hook in self.hooks:
                hook.start(self._progress(None))
                started.callback(self._end, hook)
            self._open = started.pop_all()
        return self

    def __exit__(self, *details: Any) -> None:
        self._open.__exit__(*details)

    @property
    def done(self) -> int:
        """Iterations of this call that were committed."""
        return int(self.state.counter[0]) - self._before

    def wants_loss(self, iteration: int) -> bool:
        """Say whether a callback or a hook wants the loss of this iteration."""
        wanted = [*(every for _, every in self.plain), *(hook.kl_every for hook in self.hooks)]
        return any(every and iteration % every == 0 for every in wanted)

    def before_step(self, iteration: int, loss: float) -> bool:
        """Show the map before its step to the callbacks that are due."""
        if loss == loss:
            self.loss = loss
        due = [callback for callback, every in self.plain if iteration % every == 0]
        stops = [bool(callback(iteration, loss, self.embedding)) for callback in due]  # each looks, whoever stops
        if any(stops):
            log.info("The optimization was stopped by a callback in iteration %d.", iteration)
        return any(stops)

    def after_step(self, iteration: int, record: Record) -> StopReason | None:
        """Tell the hooks of a committed iteration."""
        progress = self._progress(record)
        answers = [answer for hook in self.hooks if (answer := hook.iteration(progress))]
        if not answers:
            return None
        return next((answer for answer in answers if isinstance(answer, StopReason)), StopReason.CALLBACK)

    def _end(self, hook: Hook) -> None:
        hook.end(self._progress(None))

    def _progress(self, record: Record | None) -> Progress:
        return Progress(
            embedding=self.embedding,
            iteration=self.done,
            n_iter=self.schedule.n_iter,
            total=int(self.state.counter[0]),
            kl_divergence=self.loss,
            gradient_norm=float("nan") if record is None else record.gradient_norm,
            exaggeration=self.schedule.exaggeration_at(max(self.done - 1, 0)),
            seconds=time.perf_counter() - self.started,
            callbacks=self.callbacks,
        )


def _last_loss(records: list[Record]) -> float:
    """Return the last loss that was computed, NaN if none was."""
    known = (record.kl_divergence for record in reversed(records) if record.kl_divergence == record.kl_divergence)
    return next(known, float("nan"))
