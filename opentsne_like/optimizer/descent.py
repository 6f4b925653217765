"""openTSNE's optimizer object, a thin adapter over the iteration loop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import check_choice, check_flag, check_integer, check_n_jobs, check_real
from ..callbacks import StopReason
from ..errors import InvalidParameterError, InvalidTypeError, OptimizationInterrupt
from ..objectives import (
    CallableObjective,
    Edges,
    LearnedTSNEObjective,
    Objective,
    PartialTSNEObjective,
    Reuse,
    TSNEObjective,
    check_dimension,
    check_shapes,
    checksum,
    method_of,
    tolerance_of,
)
from ..repulsion import RepulsionEngine, StudentT
from .loop import DescentState, Schedule, minimize
from .run import Run, as_list

Array = np.ndarray[Any, Any]

PARTIAL_LEARNING_RATE = 0.1


@dataclass(frozen=True)
class DescentOptions:
    """What may be said of a descent beside its length, its rate and its exaggeration; openTSNE's names and defaults.

    Attributes
    ----------
    dof : float or "learn"
        Degrees of freedom; "learn" goes down the gradient in them too, every fifth iteration without exaggeration,
        from where the optimizer stands or from 1.
    min_gain : float
        What is added to a gain that shrinks.
    max_grad_norm, max_step_norm : float or None
        Longest row of the gradient and of the step.
    theta : float
        Opening angle of Barnes-Hut.
    n_interpolation_points, min_num_intervals : int
    ints_in_interval : float
        The grid parameters of openTSNE, which are mapped onto an accuracy; 3, 50, 1 mean the default one.
    reference_embedding : TSNEEmbedding or None
        The frozen map that a partial embedding is placed on.
    n_jobs : int
    use_callbacks : bool
    callbacks : callable, Hook, several of them, or None
    callbacks_every_iters : int
    verbose : bool
    grid_tolerance : float or None
        Relative error that the grid may add to the forces; wins over openTSNE's three parameters.
    use_gains : bool
        Whether every coordinate has a gain on the learning rate, which grows while the gradient keeps its sign and
        shrinks when it does not. Without gains, high momentum goes further in fewer iterations, see
        `TSNE(schedule="accelerated")`.
    repulsion_every : int
        Iterations that share one evaluation of repulsion, for maps that move as a whole: faster and less exact.
    fixed : array of bool of shape (n,), or None
        Points that stay where they are; nothing is centred then.
    first_iteration : int
        Iterations of this call that were done before it was interrupted; they are counted and not made again.
    """

    dof: float | str = 1
    min_gain: float = 0.01
    max_grad_norm: float | None = None
    max_step_norm: float | None = 5
    theta: float = 0.5
    n_interpolation_points: int = 3
    min_num_intervals: int = 50
    ints_in_interval: float = 1
    reference_embedding: Any = None
    n_jobs: int = -1
    use_callbacks: bool = False
    callbacks: Any = None
    callbacks_every_iters: int = 50
    verbose: bool = False
    grid_tolerance: float | None = None
    use_gains: bool = True
    repulsion_every: int = 1
    fixed: Any = None
    first_iteration: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.dof, str):
            check_choice(self.dof, "dof", ("learn",))
        else:
            check_real(self.dof, "dof", above=0)
        check_real(self.min_gain, "min_gain", at_least=0)
        check_real(self.theta, "theta", at_least=0)
        tolerance_of(**self.grid)
        check_n_jobs(self.n_jobs)
        check_flag(self.use_gains, "use_gains")
        check_integer(self.repulsion_every, "repulsion_every", at_least=1)
        check_integer(self.first_iteration, "first_iteration", at_least=0)
        check_integer(self.callbacks_every_iters, "callbacks_every_iters", at_least=1)
        for name in ("max_grad_norm", "max_step_norm", "grid_tolerance"):
            if getattr(self, name) is not None:
                check_real(getattr(self, name), name, above=0)

    @property
    def grid(self) -> dict[str, Any]:
        """Grid parameters by openTSNE's names."""
        return {
            "n_interpolation_points": self.n_interpolation_points,
            "min_num_intervals": self.min_num_intervals,
            "ints_in_interval": self.ints_in_interval,
        }

    @property
    def tolerance(self) -> float:
        """Relative error that the grid may add to the forces."""
        return tolerance_of(**self.grid) if self.grid_tolerance is None else float(self.grid_tolerance)

    def engine(self, method: Any, dof: float) -> RepulsionEngine:
        """Return the repulsion engine that these options ask for, with a number for the degrees of freedom."""
        radial = StudentT(float(dof))
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
        self.stop_reason: StopReason | None = None
        self._edges: tuple[Any, Edges] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_edges": None}

    @property
    def gains(self) -> Array | None:
        """Factors on the learning rate, one per coordinate."""
        return None if self.state is None else self.state.gains

    @gains.setter
    def gains(self, value: Any) -> None:
        gains = np.array(value, dtype=np.float64, order="C")
        self.start(gains.shape).gains = gains

    @property
    def update(self) -> Array | None:
        """The last step, one entry per coordinate."""
        return None if self.state is None else self.state.update

    @update.setter
    def update(self, value: Any) -> None:
        update = np.array(value, dtype=np.float64, order="C")
        self.start(update.shape).update = update

    @property
    def dof(self) -> float:
        """The degrees of freedom that were learned; 1 before."""
        known = self.state is not None and self.state.shape.shape[1] > 0
        return float(np.exp(self.state.shape[0, 0])) if known else 1.0  # type: ignore[union-attr]

    def copy(self) -> gradient_descent:
        """Return an independent optimizer in the same state."""
        other = type(self)()
        other._edges, other.stop_reason = self._edges, self.stop_reason
        if self.state is not None:
            s = self.state
            arrays = (s.gains.copy(), s.update.copy(), s.counter.copy())
            other.state = DescentState(*arrays, list(s.history), s.shape.copy(), dict(s.kept))
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

    def objective(self, embedding: Any, P: Any, objective_function: Any = "auto", **options: Any) -> Objective:
        """Return the objective that a call with these arguments would go down."""
        for name in ("learning_rate", "momentum", "exaggeration"):
            options.pop(name, None)
        return self._objective(embedding, P, objective_function, _options(options))

    def _objective(
        self, embedding: Any, P: Any, objective_function: Any, options: DescentOptions, reuse: Reuse | None = None
    ) -> Objective:
        reference = options.reference_embedding
        method = method_of(objective_function)
        if method is None:
            context = {
                "dof": self.dof_of(options),
                "bh_params": {"theta": options.theta},
                "fft_params": options.grid,
                "reference_embedding": reference,
                "n_jobs": options.n_jobs,
            }
            return CallableObjective(objective_function, P, context)
        check_dimension(method, embedding.shape[1])
        check_shapes(P, embedding.shape, None if reference is None else np.shape(reference))
        edges = self._edges_of(P, options.n_jobs)
        if reference is None and options.dof == "learn":
            known = self.state is not None and self.state.shape.size
            shape = self.state.shape if known else _first_shape()  # type: ignore[union-attr]
            return LearnedTSNEObjective(edges, shape, functools.partial(options.engine, method), reuse)
        dof = self.dof_of(options)
        engine = options.engine(method, dof)
        if reference is None:
            return TSNEObjective(edges, dof, engine, reuse)
        frozen = reference.frozen(engine) if hasattr(reference, "frozen") else engine.freeze(np.array(reference))
        return PartialTSNEObjective(edges, dof, frozen, options.n_jobs)

    def dof_of(self, options: DescentOptions) -> float:
        """Return the degrees of freedom as a number: the option, or what this map or its reference has learned."""
        if options.dof != "learn":
            return float(options.dof)
        return float(getattr(options.reference_embedding, "optimizer", self).dof)

    def _edges_of(self, P: Any, n_jobs: int) -> Edges:
        """Return the edges of P, made anew only when somebody has written into it."""
        P = P.tocsr()
        key = (P.shape, *(checksum(part, n_jobs) for part in (P.data, P.indices, P.indptr)))
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
            "auto" is ``n / exaggeration``, without gains ``2 n / exaggeration ** 1.5``; 0.1 for a partial embedding.
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
        InvalidParameterError
            If P does not fit the map, or an index of it lies outside of it.
        OptimizationInterrupt
            If a callback asks to stop.
        """
        points = _in_place(embedding)
        call = {"learning_rate": learning_rate, "momentum": momentum, "exaggeration": exaggeration, **options}
        chosen, schedule, callbacks = check_descent(points.shape, n_iter, objective_function, **call)
        state = self.start(points.shape)
        learns = chosen.dof == "learn" and chosen.reference_embedding is None
        if learns and method_of(objective_function) is not None and not state.shape.size:
            state.shape = _first_shape()
        reuse = None
        if chosen.repulsion_every > 1 and method_of(objective_function) is not None:
            Reuse.forget_if_moved(state.kept, points, chosen.n_jobs)
            reuse = Reuse(chosen.repulsion_every, state.counter, state.kept)
        else:
            state.kept.clear()
        objective = self._objective(embedding, P, objective_function, chosen, reuse)
        self.stop_reason = StopReason.INTERRUPTED
        try:
            with Run(embedding, state, schedule, callbacks, chosen.callbacks_every_iters, chosen.verbose) as run:
                self.stop_reason, error = minimize(points, state, objective, schedule, [run], chosen.n_jobs)
        finally:
            Reuse.note_place(state.kept, points, chosen.n_jobs)
        if self.stop_reason in (StopReason.CALLBACK, StopReason.TIME):
            raise OptimizationInterrupt(error, embedding)
        return error, embedding


def accelerated_momentum(n: int) -> float:
    """Return the momentum, from 0.95 to 0.98, that carries `n` points far without gains.

    Found by trials: beyond, small maps overshoot their size, and large ones grow wider than they can be looked at.

    Examples
    --------
    >>> from opentsne_like.optimizer import accelerated_momentum
    >>> [round(accelerated_momentum(n), 3) for n in (100, 1000, 10_000, 1_000_000)]
    [0.95, 0.96, 0.98, 0.98]
    """
    n = check_integer(n, "n", at_least=1)
    return max(0.95, 1.0 - 0.02 * float(max(1.0, 1e4 / n) ** 0.3))


def _in_place(embedding: Any) -> Array:
    """Return the coordinates as an array that can be changed in place by compiled loops."""
    points = np.asarray(embedding)
    if points.dtype != np.float64 or points.ndim != 2 or not points.flags.c_contiguous:
        raise InvalidParameterError(
            f"`embedding` must be a C-contiguous matrix of float64, which is changed in place, got {points.dtype} of "
            f"shape {points.shape}; use np.ascontiguousarray(embedding, dtype=float)"
        )
    return points


def _first_shape() -> Array:
    """Return degrees of freedom before they were learned: the logarithm of 1, no step, a gain of 1."""
    return np.array([[0.0], [0.0], [1.0]])


def check_descent(
    shape: tuple[int, ...],
    n_iter: int,
    objective_function: Any,
    learning_rate: float | str = "auto",
    momentum: float = 0.8,
    exaggeration: float | Callable[[int], float] | None = None,
    **options: Any,
) -> tuple[DescentOptions, Schedule, list[Any]]:
    """Return what a call with these arguments would do to a map of `shape`, or refuse it before any work.

    Parameters
    ----------
    shape : (int, int)
    n_iter, objective_function, learning_rate, momentum, exaggeration, **options
        As of `gradient_descent.__call__`.

    Returns
    -------
    options : DescentOptions
    schedule : Schedule
    callbacks : list
    """
    chosen = _options(options)
    method = method_of(objective_function)
    if method is not None:
        check_dimension(method, shape[1])
    schedule = _schedule(shape[0], n_iter, learning_rate, momentum, exaggeration, chosen)
    callbacks = as_list(chosen.callbacks)
    return chosen, schedule, callbacks if chosen.use_callbacks else []


def _schedule(
    n: int, n_iter: int, learning_rate: Any, momentum: float, exaggeration: Any, options: DescentOptions
) -> Schedule:
    partial = options.reference_embedding is not None
    if isinstance(learning_rate, str):
        check_choice(learning_rate, "learning_rate", ("auto",))

        def rate(rho: float) -> float:
            if partial:
                return PARTIAL_LEARNING_RATE
            return n / rho if options.use_gains else 2.0 * n / rho**1.5

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
        first=options.first_iteration,
        min_gain=options.min_gain,
        use_gains=bool(options.use_gains),
    )


def _described(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of the call with the options that it hands on spelled out."""
    own = [p for p in inspect.signature(call).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    options = inspect.signature(DescentOptions).parameters.values()
    return inspect.Signature([*own, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in options)])


gradient_descent.__call__.__signature__ = _described(gradient_descent.__call__)  # type: ignore[attr-defined]


def _options(options: dict[str, Any]) -> DescentOptions:
    known = inspect.signature(DescentOptions).parameters
    if unknown := sorted(set(options) - set(known)):
        raise InvalidTypeError(f"`optimize` does not know `{unknown[0]}`; it takes {', '.join(known)}")
    return DescentOptions(**options)
