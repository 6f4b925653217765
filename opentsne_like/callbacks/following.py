"""One call of the loop as callbacks see it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from .._validation import check_flag, check_integer, check_verbose
from ..errors import InvalidObjectError, InvalidTypeError
from ..optimizer import Plan, Record, State, StopReason
from ..utils import Timer
from .base import Hook, Progress, loss_every
from .display import ErrorLogger

log = logging.getLogger(__package__)

VERBOSE_EVERY = 50  # iterations between printed lines


def as_list(callbacks: Any) -> list[Any]:
    """Return callbacks as a list, whether none, one or several were given.

    Parameters
    ----------
    callbacks : callable, Hook, several of them, or None

    Raises
    ------
    InvalidObjectError
        If one of them is neither, or they come from an iterator, which gives them once only.

    Examples
    --------
    >>> from opentsne_like.callbacks import TimeLimit, as_list
    >>> len(as_list(None)), len(as_list(TimeLimit(1.0)))
    (0, 1)
    """
    if callbacks is None:
        return []
    single = callable(callbacks) or isinstance(callbacks, Hook) or not isinstance(callbacks, Iterable)
    if not single and isinstance(callbacks, Iterator):
        raise InvalidObjectError(f"`callbacks` must be a list, got {type(callbacks).__name__}; use list(callbacks)")
    found = [callbacks] if single else list(callbacks)
    for callback in found:
        if isinstance(callback, type):
            name = callback.__name__
            raise InvalidObjectError(f"`callbacks` must be objects, got the class {name}; call it: {name}()")
        if not (isinstance(callback, Hook) or callable(callback)):
            raise InvalidObjectError(f"`callbacks` must be callables or Hooks, got {type(callback).__name__}")
    return found


@dataclass(frozen=True)
class Following:
    """What a call of `optimize` may say of those who follow it.

    Attributes
    ----------
    use_callbacks : bool or None
        None for whether there are any.
    callbacks : callable, Hook, several of them, or None
    callbacks_every_iters : int
        Iterations between calls of the callables.
    verbose : bool
        Whether to print the lines that openTSNE prints.

    Examples
    --------
    >>> from opentsne_like.callbacks import Following, TimeLimit
    >>> len(Following(callbacks=TimeLimit(1.0)).heard), Following(use_callbacks=False, callbacks=TimeLimit(1.0)).heard
    (1, [])
    """

    use_callbacks: bool | None = None
    callbacks: Any = field(default=None, compare=False)
    callbacks_every_iters: int = 50
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.use_callbacks is not None:
            check_flag(self.use_callbacks, "use_callbacks")
        as_list(self.callbacks)
        check_verbose(self.verbose)
        check_integer(self.callbacks_every_iters, "callbacks_every_iters", at_least=1)

    @property
    def heard(self) -> list[Any]:
        """The callbacks that take part."""
        return [] if self.use_callbacks is False else as_list(self.callbacks)


class Follower:
    """Tells callbacks and hooks what the loop does: one object between the two kinds of them and the loop.

    Parameters
    ----------
    embedding : ndarray of shape (n, d)
        What callbacks are shown.
    state : State
    plan : Plan
    following : Following
    label : str
        What the loss is called.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.callbacks import Follower, Following, History
    >>> from opentsne_like.optimizer import Momentum, Schedule
    >>> points = np.zeros((3, 2))
    >>> plan = Schedule(10).plan(3, lambda rho: 1.0, None, n_jobs=1)
    >>> follower = Follower(points, Momentum().start(points), plan, Following(callbacks=History(loss_every=5)), "loss")
    >>> [i for i in range(1, 11) if follower.wants_loss(i)]
    [5, 10]
    """

    def __init__(self, embedding: Any, state: State, plan: Plan, following: Following, label: str) -> None:
        callbacks, every = following.heard, int(following.callbacks_every_iters)
        self.callbacks = tuple(callbacks)
        self.hooks = [c for c in callbacks if isinstance(c, Hook)]
        self.plain = [(c, every) for c in callbacks if not isinstance(c, Hook)]
        if following.verbose:
            self.plain.append((ErrorLogger(print), VERBOSE_EVERY))
        self.embedding, self.state, self.plan, self.label = embedding, state, plan, label
        self._before = int(state.counter[0]) - plan.first
        self._open = ExitStack()
        self.loss = _last_loss(state.history[len(state.history) - plan.first :])
        self.started = time.perf_counter()
        rho, rate = plan.exaggeration_at(plan.first), plan.rate_at(min(plan.first, max(plan.n_iter - 1, 0)))
        self.announced = f"exaggeration={rho:.2f}, lr={rate:.2f} for {plan.n_iter} iterations..."
        self.verbose = following.verbose

    def __enter__(self) -> Follower:
        with ExitStack() as started:  # whatever was started is ended, also when another start or end fails
            if self.verbose:
                started.enter_context(Timer(f"Running optimization with {self.announced}", verbose=True))
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
        wanted = [*(every for _, every in self.plain), *(loss_every(hook) for hook in self.hooks)]
        return any(every and iteration % every == 0 for every in wanted)

    def looks(self, iteration: int) -> bool:
        """Say whether a callback is shown the map before this step."""
        return any(iteration % every == 0 for _, every in self.plain)

    def before_step(self, iteration: int, loss: float) -> bool:
        """Show the map before its step to the callbacks that are due."""
        if loss == loss:
            self.loss = loss
        due = [callback for callback, every in self.plain if iteration % every == 0]
        answers = [callback(iteration, loss, self.embedding) for callback in due]  # each looks, whoever stops
        stops = [_is_yes(answer, callback) for answer, callback in zip(answers, due, strict=True)]
        if any(stops):
            log.info("The optimization was stopped by a callback in iteration %d.", iteration)
        return any(stops)

    def after_step(self, iteration: int, record: Record) -> StopReason | None:
        """Tell the hooks of a committed iteration."""
        if not self.hooks:
            return None
        progress = self._progress(record)
        answers = [answer for hook in self.hooks if _is_yes(answer := hook.iteration(progress), hook)]
        if not answers:
            return None
        return next((answer for answer in answers if isinstance(answer, StopReason)), StopReason.CALLBACK)

    def looks_after(self, record: Record) -> bool:
        """Say whether a hook looks at the map after this step."""
        progress = self._progress(record)
        return any(hook.looks(progress) for hook in self.hooks)

    def _end(self, hook: Hook) -> None:
        hook.end(self._progress(None))

    def _progress(self, record: Record | None) -> Progress:
        return Progress(
            embedding=self.embedding,
            iteration=self.done,
            n_iter=self.plan.n_iter,
            total=int(self.state.counter[0]),
            loss=self.loss,
            gradient_norm=float("nan") if record is None else record.gradient_norm,
            exaggeration=self.plan.exaggeration_at(max(self.done - 1, 0)),
            seconds=time.perf_counter() - self.started,
            callbacks=self.callbacks,
            label=self.label,
        )


def _is_yes(answer: Any, callback: Any) -> bool:
    """Say whether a callback asks to stop, or refuse an answer that is neither yes nor no."""
    try:
        return bool(answer)
    except Exception as error:
        name = getattr(callback, "__name__", type(callback).__name__)
        raise InvalidTypeError(
            f"`callbacks` must return True to stop, else False or None, got {type(answer).__name__} from {name}"
        ) from error


def _last_loss(records: list[Record]) -> float:
    """Return the last loss that was computed, NaN if none was."""
    known = (record.loss for record in reversed(records) if record.loss == record.loss)
    return next(known, float("nan"))
