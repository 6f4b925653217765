"""An optimization that can be gone on with: the state of the optimizer, and what was bound for it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np

from .._types import Array
from ..callbacks import Follower
from ..devices import card
from ..errors import InvalidParameterError, OptimizationInterrupt, UnavailableError
from ..objectives import Context, Loss, Parts, check_shapes, checksum
from ..optimizer import OPTIMIZERS, Objective, Outcome, Plan, State, StopReason, run
from ..repulsion import Control
from .on_gpu import FollowerOnGPU, OnGPU
from .settings import Settings


class Descent:
    """Where the optimization of one map stands.

    Attributes
    ----------
    state : State or None
        None before the first call.
    stop_reason : StopReason or None
        Why the last call ended.
    parts : Parts
        What was bound, for the next call and for copies.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Descent, Settings
    >>> points, P = np.random.default_rng(0).normal(size=(5, 2)), affinity.Uniform(np.eye(5), k_neighbors=2).P
    >>> descent, settings = Descent(), Settings().changed(n_iter=10, learning_rate=1.0)
    >>> before = descent.value(points, P, settings)
    >>> _ = descent.run(points, P, settings)
    >>> descent.value(points, P, settings) < before, int(descent.state.counter[0])
    (True, 10)
    """

    def __init__(self) -> None:
        self.state: State | None = None
        self.stop_reason: StopReason | None = None
        self.parts = Parts()
        self._carried_at: int | None = None  # where the points were left, as a checksum; None while they move
        self._away: OnGPU | None = None  # while the points lie on a GPU
        self._running = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"state": self.state, "stop_reason": self.stop_reason, "_carried_at": self._carried_at}

    def __setstate__(self, parts: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        vars(self).update(parts)

    def copy(self) -> Self:
        """Return an independent optimization in the same state, with the same bound parts."""
        other = type(self)()
        other.stop_reason, other.parts, other._carried_at = self.stop_reason, self.parts, self._carried_at
        if self.state is not None:
            other.state = self.state.copy()
        return other

    def bind(
        self, points: Array, P: Any, settings: Settings, reference: Any = None, affinities: Any = None
    ) -> Objective:
        """Return the objective that a call with these settings would go down.

        Parameters
        ----------
        points : ndarray of shape (n, d)
        P : sparse matrix
        settings : Settings
        reference : Embedding or ndarray, optional
            The map that the points are placed on.
        affinities : Affinities, optional
            Those of a map, for losses that take more of them than P.
        """
        return self._bind(points, P, settings, reference, affinities, self.state)

    def value(self, points: Array, P: Any, settings: Settings, reference: Any = None, affinities: Any = None) -> float:
        """Return the loss at some points, without exaggeration, and leave everything as it is.

        Parameters
        ----------
        points, P, settings, reference, affinities
            As of `bind`.
        """
        objective = self.resting(points, P, settings, reference, affinities)
        return float(objective.evaluate(np.asarray(points), exaggeration=1.0, with_loss=True)[0])

    def resting(
        self, points: Array, P: Any, settings: Settings, reference: Any = None, affinities: Any = None
    ) -> Objective:
        """Return the objective by which a value is read: it finds nothing that was carried, and leaves nothing.

        Parameters
        ----------
        points, P, settings, reference, affinities
            As of `bind`.
        """
        state = self.state and State({name: self.state[name] for name in self.state})
        return self._bind(points, P, settings, reference, affinities, state)

    def _bind(
        self, points: Array, P: Any, settings: Settings, reference: Any, affinities: Any, state: State | None
    ) -> Objective:
        loss, source = settings.loss, affinities if reference is None else getattr(reference, "affinities", None)
        context = Context(settings.resources.n_jobs, state, self.parts, loss.takes(source))
        loss.check_dimension(points.shape[1])
        check_shapes(P, points.shape, None if reference is None else np.shape(reference))
        if reference is None:
            return loss.bind(P, context)
        return self.settled(loss, reference).place(P, reference, context)

    def settled(self, loss: Loss, reference: Any) -> Loss:
        """Return a loss with what the map of `reference`, or else this one, has learned."""
        return loss.settled(getattr(reference, "optimizer", self).state)

    def run(self, embedding: Any, P: Any, settings: Settings, reference: Any = None, affinities: Any = None) -> float:
        """Move `embedding` in place, and return the last loss that was computed.

        Parameters
        ----------
        embedding : ndarray of shape (n, d), float64, C-contiguous, changed
        P : sparse matrix
        settings : Settings
        reference : Embedding or ndarray, optional
        affinities : Affinities, optional

        Raises
        ------
        InvalidParameterError
            If P or the state does not fit the map.
        OptimizationInterrupt
            If a callback asks to stop.
        """
        with self._alone():
            return self._run(embedding, P, settings, reference, affinities)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Move a map where nobody else does, or refuse to."""
        if not self._running.acquire(blocking=False):
            raise UnavailableError(
                "this embedding is being optimized already, by a callback's caller or by another thread; optimize a "
                "copy of it"
            )
        try:
            yield
        finally:
            self._running.release()

    def _run(self, embedding: Any, P: Any, settings: Settings, reference: Any, affinities: Any) -> float:
        points = in_place(embedding)
        on_gpu = settings.on_gpu(points.shape, reference is not None)
        plan = settings.plan(len(points), reference is not None)
        state = self._begin(points, settings, reference)
        objective = self.bind(points, P, settings, reference, affinities)
        _check_methods(objective, settings)
        if settings.searches:
            _check_search(settings, reference)
            plan = replace(plan, subject=self._subject(P, settings))
        self._forget(state, points, settings)
        self.stop_reason = StopReason.INTERRUPTED
        try:
            with Follower(embedding, state, plan, settings.following, settings.loss.label) as follower:
                descend = self._run_on_gpu if on_gpu else run
                self.stop_reason, loss = descend(points, state, objective, settings.optimizer, plan, follower)
        finally:
            self._carried_at = checksum(points, plan.n_jobs) if state.carried else None
        if self.stop_reason in (StopReason.CALLBACK, StopReason.TIME):
            raise OptimizationInterrupt(loss, embedding)
        return loss

    def _run_on_gpu(
        self, points: Array, state: State, objective: Objective, optimizer: Any, plan: Plan, follower: Follower
    ) -> Outcome:
        """Do what `optimizer.run` does with all that has a row for each point on a GPU, and give its memory back."""
        try:
            with OnGPU(points, state, optimizer.keeps) as away:
                self._away = away
                return run(away.points, state, objective, optimizer, plan, FollowerOnGPU(follower, away))
        finally:
            self._away = None
            self.parts.leave_gpu()
            card().give_back()

    def _begin(self, points: Array, settings: Settings, reference: Any) -> State:
        """Return the state, with all that optimizer and loss want to find in it."""
        state = self.start(points, settings)
        if reference is None:
            for name, values in settings.loss.parameters().items():
                if name not in state:
                    state[name] = values
        return state

    def _forget(self, state: State, points: Array, settings: Settings) -> None:
        """Drop what was carried for another loss, or for points that were moved since."""
        carries = settings.loss.carries if self.carried(points) else ()
        for name in set(state.carried) - set(carries):
            del state.carried[name]
        self._carried_at = None

    def start(self, points: Array, settings: Settings) -> State:
        """Return the state, made anew if there is none of this optimizer."""
        keeps, state = settings.optimizer.keeps, self.state
        if state is not None and all(name in state and state[name].shape == points.shape for name in keeps):
            return state
        fresh = settings.optimizer.start(points)
        state = self.state = fresh if state is None else state
        for name in keeps:
            if name in state and fresh[name].shape == points.shape != state[name].shape:
                raise InvalidParameterError(
                    f"`optimizer` holds the state of a map of shape {state[name].shape}, got one of shape "
                    f"{points.shape}; give every embedding an optimizer of its own"
                )
        if any(name not in state or state[name].shape != fresh[name].shape for name in keeps):
            for name in keeps:  # they belong together: slots of a ring and the numbers that name them
                state[name] = fresh[name]
        return state

    def rest(self, points: Array, settings: Settings) -> None:
        """Let the optimizer begin anew from points that were turned: steps and gains are of the old directions.

        What was counted and recorded stays, and so does what is learned.

        Parameters
        ----------
        points : ndarray of shape (n, d)
        settings : Settings
        """
        if self.state is not None:
            fresh = settings.optimizer.start(points)
            for name in settings.optimizer.keeps:
                self.state[name] = fresh[name]

    def scale(self, embedding: Any, factor: float, settings: Settings) -> None:
        """Multiply a map and, in the state of its optimizer, what has its scale; both or neither.

        Parameters
        ----------
        embedding : ndarray of shape (n, d), float64, C-contiguous, changed
        factor : float
        settings : Settings

        Raises
        ------
        InvalidParameterError
            If coordinates would leave the finite numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like.embedding import Descent, Settings
        >>> points = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> Descent().scale(points, 0.5, Settings())
        >>> points.tolist()
        [[0.5, 1.0], [1.5, 2.0]]
        """
        with self._alone():
            points = in_place(embedding)
            state = self.start(points, settings)
            with np.errstate(over="ignore"):
                made = points * factor
            if not np.isfinite(made).all():
                raise InvalidParameterError(
                    f"`factor` must leave coordinates finite, got {factor:g}; take a smaller one"
                )
            kinds: list[Any] = [*OPTIMIZERS.values(), settings.optimizer]  # the last word has the one at work
            powers: dict[str, int | None] = {}
            for kind in kinds:
                powers.update(dict.fromkeys(kind.keeps) | dict(getattr(kind, "scales", {})))
            found = {name: powers.get(name, 0) for name in state}
            kept = {name: state[name] * factor**power for name, power in found.items() if power is not None}
            state.turn_to(points, made, kept)

    def _subject(self, P: Any, settings: Settings) -> float:
        """Return a number that tells loss and P from others, the same in every process."""
        loss, n_jobs = settings.loss, settings.resources.n_jobs
        options = [(option.name, getattr(loss, option.name)) for option in fields(loss)]
        text = f"{type(loss).__name__} {options!r} {self.parts.key(P, n_jobs)!r}"
        return float(int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Return a context in which no iteration is committed, should another thread be optimizing.

        The map on the host is then that of the last iteration, wherever it is optimized.
        """
        with nullcontext() if self.state is None else self.state.lock:
            if (away := self._away) is not None:
                away.bring_home()
            yield

    def carried(self, points: Array) -> bool:
        """Say whether what the state carries is of these points, which may have been moved since."""
        return self._carried_at is None or self._carried_at == checksum(points, n_jobs=-1)

    def force_error(self, points: Array) -> float:
        """Return the relative error of the repulsive forces, as last estimated for these points; NaN where unknown."""
        if self.state is None or not self.carried(points):
            return float("nan")
        return Control(self.state.carried, self.state.counter).error

    def note_place(self, points: Array) -> None:
        """Note that what the state carries is of these points."""
        self._carried_at = checksum(points, n_jobs=-1)


def _check_methods(objective: Objective, settings: Settings) -> None:
    """Refuse an optimizer that would call what the objective does not have."""
    mine, its = type(settings.optimizer).__name__, type(settings.loss).__name__
    for name in settings.optimizer.requires:
        if not callable(getattr(objective, name, None)):
            raise UnavailableError(
                f"`optimizer` {mine} takes an objective with a method `{name}`, which that of {its} does not have; "
                "take another optimizer, such as Momentum()"
            )


def _check_search(settings: Settings, reference: Any) -> None:
    """Refuse an optimizer that searches where points go each by itself, or where forces are those of other points."""
    mine, its = type(settings.optimizer).__name__, type(settings.loss).__name__
    if reference is not None:
        raise UnavailableError(
            f"`optimizer` {mine} moves all points together, and new points are placed each by itself; place them with "
            "another, such as Momentum()"
        )
    if not settings.loss.steady:
        raise UnavailableError(
            f"`optimizer` {mine} takes forces of the points as they are, which {its} with these options does not give "
            "in every iteration; set repulsion_every=1 or repulsion='all', or take another optimizer, such as "
            "Momentum()"
        )


def in_place(embedding: Any) -> Array:
    """Return the coordinates as an array that can be changed in place by compiled loops.

    Parameters
    ----------
    embedding : ndarray of shape (n, d)

    Raises
    ------
    InvalidParameterError
        If it is not a C-contiguous matrix of float64.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.embedding import in_place
    >>> points = np.zeros((3, 2))
    >>> in_place(points) is points
    True
    """
    points = np.asarray(embedding)
    if points.dtype != np.float64 or points.ndim != 2 or not points.flags.c_contiguous:
        raise InvalidParameterError(
            f"`embedding` must be a C-contiguous matrix of float64, which is changed in place, got {points.dtype} of "
            f"shape {points.shape}; use np.ascontiguousarray(embedding, dtype=float)"
        )
    if not points.flags.writeable:
        raise InvalidParameterError("`embedding` must be writeable to be changed in place, got one that is read-only")
    return points
