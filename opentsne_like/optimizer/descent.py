"""openTSNE's optimizer object, a thin adapter over the iteration loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .._validation import check_choice, check_integer, check_n_jobs, check_real
from ..callbacks import ErrorLogger, Hook, Progress
from ..errors import InvalidParameterError, InvalidTypeError, OptimizationInterrupt
from ..objectives import CallableObjective, Edges, Objective, PartialTSNEObjective, TSNEObjective, checksum, method_of
from ..repulsion import DEFAULT_TOLERANCE, RepulsionEngine, StudentT
from .loop import DescentState, Record, Schedule, StopReason, minimize

Array = np.ndarray[Any, Any]

PARTIAL_LEARNING_RATE = 0.1


@dataclass(frozen=True)
class DescentOptions:
    """What may be said of a descent beside the schedule; openTSNE's names and defaults.

    Attributes
    ----------
    dof : float
        Degrees of freedom.
    max_grad_norm, max_step_norm : float or None
        Longest row of the gradient and of the step.
    theta : float
        Opening angle of Barnes-Hut.
    n_interpolation_points, min_num_intervals, ints_in_interval : int
        The grid parameters of openTSNE, which are mapped onto an accuracy; 3, 50, 1 mean the default one.
    grid_tolerance : float or None
        Relative error that the grid may add to the forces; wins over the three above.
    reference_embedding : TSNEEmbedding or None
        The frozen map that a partial embedding is placed on.
    fixed : array of bool of shape (n,), or None
        Points that stay where they are; nothing is centred then.
    n_jobs : int
    use_callbacks : bool
    callbacks : callable, Hook, list of them, or None
    callbacks_every_iters : int
    verbose : bool
    """

    dof: float = 1.0
    max_grad_norm: float | None = None
    max_step_norm: float | None = 5.0
    theta: float = 0.5
    n_interpolation_points: int = 3
    min_num_intervals: int = 50
    ints_in_interval: int = 1
    grid_tolerance: float | None = None
    reference_embedding: Any = None
    fixed: Any = None
    n_jobs: int = -1
    use_callbacks: bool = False
    callbacks: Any = None
    callbacks_every_iters: int = 50
    verbose: bool = False

    def __post_init__(self) -> None:
        check_real(self.dof, "dof", above=0)
        check_real(self.theta, "theta", at_least=0)
        check_integer(self.n_interpolation_points, "n_interpolation_points", at_least=1)
        check_integer(self.min_num_intervals, "min_num_intervals", at_least=1)
        check_integer(self.ints_in_interval, "ints_in_interval", at_least=1)
        check_n_jobs(self.n_jobs)
        check_integer(self.callbacks_every_iters, "callbacks_every_iters", at_least=1)
        for name in ("max_grad_norm", "max_step_norm", "grid_tolerance"):
            if getattr(self, name) is not None:
                check_real(getattr(self, name), name, above=0)

    @property
    def tolerance(self) -> float:
        """Relative error that the grid may add to the forces.

        openTSNE's error falls about with the square of the nodes per unit of length, which is what its parameters set.
        """
        if self.grid_tolerance is not None:
            return float(self.grid_tolerance)
        nodes = self.n_interpolation_points * self.ints_in_interval * max(1.0, self.min_num_intervals / 50)
        return float(np.clip(DEFAULT_TOLERANCE * (3 / nodes) ** 2, 1e-5, 5e-2))

    def engine(self, method: Any) -> RepulsionEngine:
        """Return the repulsion engine that these options ask for."""
        radial = StudentT(float(self.dof))
        return RepulsionEngine(radial, method=method, theta=self.theta, tolerance=self.tolerance, n_jobs=self.n_jobs)


class gradient_descent:  # noqa: N801 (openTSNE's name)
    """Gradient descent with momentum and gains that remembers where it stands.

    Attributes
    ----------
    gains, update : ndarray of shape (n, d) or None
        Per-coordinate gains and the last step; None before the first call.
    """

    def __init__(self) -> None:
        self.state: DescentState | None = None
        self._edges: tuple[Any, Edges] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"state": self.state, "_edges": None}

    @property
    def gains(self) -> Array | None:
        """Factors on the learning rate, one per coordinate."""
        return None if self.state is None else self.state.gains

    @property
    def update(self) -> Array | None:
        """The last step, one entry per coordinate."""
        return None if self.state is None else self.state.update

    def copy(self) -> gradient_descent:
        """Return an independent optimizer in the same state."""
        other = type(self)()
        other._edges = self._edges
        if self.state is not None:
            s = self.state
            other.state = DescentState(s.gains.copy(), s.update.copy(), s.counter.copy(), list(s.history))
        return other

    def start(self, shape: tuple[int, ...]) -> DescentState:
        """Return the state, made anew for a map of `shape` if there is none."""
        if self.state is None:
            self.state = DescentState.start(shape)
        if self.state.gains.shape != shape:
            raise InvalidParameterError(
                f"`optimizer` holds the state of a map of shape {self.state.gains.shape}, got one of shape {shape}; "
                "give every embedding an optimizer of its own"
            )
        return self.state

    def objective(
        self, embedding: Any, P: Any, objective_function: Any = "auto", exaggeration: Any = None, **options: Any
    ) -> Objective:
        """Return the objective that a call with these arguments would go down."""
        for name in ("learning_rate", "momentum"):
            options.pop(name, None)
        return self._objective(embedding, P, objective_function, _options(options))

    def _objective(self, embedding: Any, P: Any, objective_function: Any, options: DescentOptions) -> Objective:
        reference = options.reference_embedding
        method = method_of(objective_function)
        if method is None:
            context = {
                "dof": options.dof,
                "bh_params": {"theta": options.theta},
                "fft_params": {
                    "n_interpolation_points": options.n_interpolation_points,
                    "min_num_intervals": options.min_num_intervals,
                    "ints_in_interval": options.ints_in_interval,
                },
                "reference_embedding": reference,
                "n_jobs": options.n_jobs,
            }
            return CallableObjective(objective_function, P, context)
        edges = self._edges_of(P, options.n_jobs)
        engine = options.engine(check_choice(method, "negative_gradient_method", ("auto", "exact", "bh", "fft")))
        if reference is None:
            return TSNEObjective(edges, options.dof, engine)
        frozen = reference.frozen(engine) if hasattr(reference, "frozen") else engine.freeze(np.array(reference))
        return PartialTSNEObjective(edges, options.dof, frozen, options.n_jobs)

    def _edges_of(self, P: Any, n_jobs: int) -> Edges:
        """Return the edges of P, made anew only when somebody has written into it."""
        key = (P.shape, checksum(P.data, n_jobs))
        if self._edges is None or self._edges[0] != key:
            self._edges = (key, Edges.of(P, n_jobs=n_jobs))
        return self._edges[1]

    def __call__(
        self,
        embedding: Any,
        P: Any,
        n_iter: int,
        objective_function: Any,
        learning_rate: float | str = "auto",
        momentum: float = 0.8,
        exaggeration: float | Callable[[int], float] | None = None,
        **options: Any,
    ) -> tuple[float, Any]:
        """Move `embedding` for `n_iter` iterations, in place.

        Parameters
        ----------
        embedding : ndarray of shape (n, d), float64, changed
        P : sparse matrix
            Joint probabilities, or those of new points given the reference.
        n_iter : int
        objective_function : {"auto", "exact", "bh", "fft"} or callable
        learning_rate : float or "auto"
            "auto" is ``n / exaggeration``, 0.1 for a partial embedding.
        momentum : float
        exaggeration : float, callable or None
            None is 1.
        **options
            See `DescentOptions`.

        Returns
        -------
        error : float
            The last KL divergence that was computed; NaN if none was.
        embedding : the same object

        Raises
        ------
        OptimizationInterrupt
            If a callback asks to stop.
        """
        chosen = _options(options)
        points = np.asarray(embedding)
        schedule = _schedule(len(points), n_iter, learning_rate, momentum, exaggeration, chosen)
        state = self.start(points.shape)
        objective = self._objective(embedding, P, objective_function, chosen)
        run = _Run(embedding, state, schedule, chosen)
        with run:
            reason, error = minimize(points, state, objective, schedule, [run], chosen.n_jobs)
        if reason is StopReason.CALLBACK:
            raise OptimizationInterrupt(error, embedding)
        return error, embedding


def _schedule(
    n: int, n_iter: int, learning_rate: Any, momentum: float, exaggeration: Any, options: DescentOptions
) -> Schedule:
    partial = options.reference_embedding is not None
    if learning_rate == "auto":

        def rate(rho: float) -> float:
            return PARTIAL_LEARNING_RATE if partial else n / rho

    else:
        chosen = check_real(learning_rate, "learning_rate", above=0)

        def rate(rho: float) -> float:
            return chosen

    factor = 1.0 if exaggeration is None else exaggeration
    if not callable(factor):
        factor = check_real(factor, "exaggeration", above=0)
    fixed = np.zeros(0, bool) if options.fixed is None else np.asarray(options.fixed)
    if options.fixed is not None and (fixed.dtype != bool or fixed.shape != (n,)):
        raise InvalidParameterError(f"`fixed` must be {n} booleans, got {fixed.dtype} of shape {fixed.shape}")
    return Schedule(
        n_iter=check_integer(n_iter, "n_iter", at_least=0),
        exaggeration=factor,
        learning_rate=rate,
        momentum=check_real(momentum, "momentum", at_least=0, below=1),
        max_grad_norm=options.max_grad_norm or np.inf,
        max_step_norm=options.max_step_norm or np.inf,
        centre=not partial,
        fixed=fixed,
    )


def _options(options: dict[str, Any]) -> DescentOptions:
    known = {field.name for field in fields(DescentOptions)}
    if unknown := sorted(set(options) - known):
        raise InvalidTypeError(f"`optimize` does not know `{unknown[0]}`; it takes {', '.join(sorted(known))}")
    return DescentOptions(**options)


def as_list(callbacks: Any) -> list[Any]:
    """Return callbacks as a list, whether none, one or several were given."""
    if callbacks is None:
        return []
    found = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
    for callback in found:
        if not (isinstance(callback, Hook) or callable(callback)):
            raise InvalidTypeError(f"`callbacks` must be callables or Hooks, got {type(callback).__name__}")
    return found


class _Run:
    """Tells callbacks and hooks what the loop does: one object between the two protocols and the loop."""

    def __init__(self, embedding: Any, state: DescentState, schedule: Schedule, options: DescentOptions) -> None:
        active = as_list(options.callbacks) if options.use_callbacks else []
        self.hooks = [c for c in active if isinstance(c, Hook)]
        self.plain = [c for c in active if not isinstance(c, Hook)]
        if options.verbose:
            self.plain.append(ErrorLogger(print))
        self.embedding, self.state, self.schedule = embedding, state, schedule
        self.every = options.callbacks_every_iters
        self.done = 0
        self.loss = float("nan")
        self.started = time.perf_counter()

    def __enter__(self) -> _Run:
        for callback in self.plain:
            if hasattr(callback, "optimization_about_to_start"):
                callback.optimization_about_to_start()
        for hook in self.hooks:
            hook.start(self._progress(None))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.end(self._progress(None))

    def wants_loss(self, iteration: int) -> bool:
        if self.plain and iteration % self.every == 0:
            return True
        return any(hook.kl_every and iteration % hook.kl_every == 0 for hook in self.hooks)

    def before_step(self, iteration: int, loss: float) -> bool:
        if loss == loss:
            self.loss = loss
        if not self.plain or iteration % self.every:
            return False
        stops = [bool(callback(iteration, loss, self.embedding)) for callback in self.plain]  # all of them look
        return any(stops)

    def after_step(self, iteration: int, record: Record) -> bool:
        self.done = iteration
        progress = self._progress(record)
        stops = [bool(hook.iteration(progress)) for hook in self.hooks]
        return any(stops)

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
        )
