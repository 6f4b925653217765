"""How long, how fast and how much exaggerated a map goes down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._validation import check_choice, check_integer, check_real
from ..errors import InvalidParameterError, InvalidTypeError
from .base import Step
from .constraints import Anchored, Centered, Constraint, Standardized

CONSTRAINTS: dict[str, type[Centered] | type[Standardized]] = {"centered": Centered, "standardized": Standardized}


Course = float | Sequence[float] | Callable[[int], float]  # of a call: one number, or how it changes


@dataclass(frozen=True)
class Schedule:
    """What a call of `optimize` may say of its iterations.

    Attributes
    ----------
    n_iter : int
    learning_rate : float, sequence of float, callable or "auto"
        Several, or a function, as of `momentum`; "auto" is what the optimizer makes of the loss's own unit, such as
        ``n / exaggeration`` for t-SNE with gains.
    momentum : float, sequence of float, or callable
        Several hold for equal parts of the call, in their order: ``[0.95, 0.9]`` for a half each. A callable is told
        the iteration (from 0) within the call. Sequences are stored, functions are not.
    exaggeration : float, sequence of float, callable or None
        Factor on the attraction; several, or a function, as of `momentum`; None is 1.
    fixed : array of bool of shape (n,), or None
        Points that stay where they are; nothing is centred then.
    constraint : {"centered", "standardized"} or Constraint
        What a map of its own keeps to: its mean is the origin, or its covariance is the identity as well. Other
        constraints are objects, such as `Sphere`; a map under one of these is not stored.
    first_iteration : int
        Iterations of this call that were done before it was interrupted; they are counted and not made again.
    min_grad_norm : float, optional
        The call ends, without another step, where the gradient of what is descended, exaggeration included, has a norm
        (the root of the sum of all squares, of points that move) below this; by default it never does. `history` has
        a quarter of the norm.

    Examples
    --------
    >>> from opentsne_like.optimizer import Schedule
    >>> Schedule(250, exaggeration=12.0).momentum
    0.8
    >>> plan = Schedule(30, momentum=[0.94, 0.91, 0.87]).plan(50, lambda rho: 50 / rho, None, n_jobs=1)
    >>> [plan.at(i).momentum for i in (0, 9, 10, 20, 29)]
    [0.94, 0.94, 0.91, 0.87, 0.87]
    """

    n_iter: int = 0
    learning_rate: Course | str = "auto"
    momentum: Course = 0.8
    exaggeration: Course | None = None
    fixed: Any = field(default=None, compare=False)
    first_iteration: int = 0
    constraint: Any = "centered"
    min_grad_norm: float | None = None

    def __post_init__(self) -> None:
        check_integer(self.n_iter, "n_iter", at_least=0)
        if isinstance(self.learning_rate, str):
            check_choice(self.learning_rate, "learning_rate", ("auto",))
        else:
            object.__setattr__(self, "learning_rate", _checked(self.learning_rate, "learning_rate", above=0))
        object.__setattr__(self, "momentum", _checked(self.momentum, "momentum", at_least=0, below=1))
        if self.exaggeration is not None:
            object.__setattr__(self, "exaggeration", _checked(self.exaggeration, "exaggeration", above=0))
        check_integer(self.first_iteration, "first_iteration", at_least=0)
        if self.min_grad_norm is not None:
            check_real(self.min_grad_norm, "min_grad_norm", at_least=0)
        if isinstance(self.constraint, type):
            name = self.constraint.__name__
            raise InvalidTypeError(f"`constraint` must be an object, got the class {name}; call it: {name}()")
        if not all(callable(getattr(self.constraint, name, None)) for name in ("offset", "tangent", "project")):
            check_choice(self.constraint, "constraint", tuple(CONSTRAINTS))

    def _chosen(self) -> Constraint:
        return CONSTRAINTS[self.constraint]() if isinstance(self.constraint, str) else self.constraint

    def plan(self, n: int, auto_rate: Callable[[float], float], rest: Constraint | None, n_jobs: int) -> Plan:
        """Return the iterations of a call on `n` points.

        Parameters
        ----------
        n : int
        auto_rate : callable
            From the exaggeration to the learning rate "auto".
        rest : Constraint or None
            What the map keeps to unless points are fixed; None is what `constraint` says.
        n_jobs : int

        Raises
        ------
        InvalidParameterError
            If `fixed` does not belong to `n` points, or a constraint says that they move.
        """
        constraint: Constraint = self._chosen() if rest is None else rest
        if self.constraint != "centered" and (rest is not None or self.fixed is not None):
            those = "fixed points" if rest is None else "points that are placed on a map"
            raise InvalidParameterError(f"`constraint` must be 'centered' with {those}, got {self.constraint!r}")
        if self.fixed is not None:
            constraint = Anchored(self.fixed)
        if isinstance(constraint, Anchored):
            fixed = constraint.fixed
            if fixed.dtype != bool or fixed.shape != (n,):
                raise InvalidParameterError(f"`fixed` must be {n} booleans, got {fixed.dtype} of shape {fixed.shape}")
        return Plan(self, auto_rate, constraint, n_jobs)


@dataclass(frozen=True)
class Plan:
    """A schedule for a map of known size: `at` says what holds in each iteration.

    Attributes
    ----------
    schedule : Schedule
    auto_rate : callable
        From the exaggeration to the learning rate "auto".
    constraint : Constraint
    n_jobs : int
    subject : float
        What is descended, see `Step`.

    Examples
    --------
    >>> from opentsne_like.optimizer import Schedule
    >>> plan = Schedule(100, exaggeration=lambda i: max(1.0, 12.0 - i)).plan(50, lambda rho: 50 / rho, None, n_jobs=1)
    >>> plan.n_iter, plan.at(0).exaggeration, plan.at(20).exaggeration, plan.at(20).learning_rate
    (100, 12.0, 1.0, 50.0)
    """

    schedule: Schedule
    auto_rate: Callable[[float], float]
    constraint: Constraint
    n_jobs: int
    subject: float = 0.0

    @property
    def first(self) -> int:
        """The iteration that the call begins with, counted from 0."""
        return int(self.schedule.first_iteration)

    @property
    def n_iter(self) -> int:
        """How many iterations the call has."""
        return int(self.schedule.n_iter)

    def exaggeration_at(self, iteration: int) -> float:
        """Return the exaggeration of an iteration, counted from 0 within the call; 1 after a function's last one."""
        factor = self.schedule.exaggeration
        if factor is None or (callable(factor) and iteration >= self.n_iter):
            return 1.0
        return check_real(value_at(factor, iteration, self.n_iter), "exaggeration", above=0)

    def momentum_at(self, iteration: int) -> float:
        """Return the momentum of an iteration, counted from 0 within the call."""
        momentum = value_at(self.schedule.momentum, iteration, self.n_iter)
        return check_real(momentum, "momentum", at_least=0, below=1)

    def rate_at(self, iteration: int) -> float:
        """Return the learning rate of an iteration, counted from 0 within the call."""
        return self._rate(iteration, self.exaggeration_at(iteration))

    def _rate(self, iteration: int, exaggeration: float) -> float:
        rate = self.schedule.learning_rate
        if isinstance(rate, str):
            return self.auto_rate(exaggeration)
        return check_real(value_at(rate, iteration, self.n_iter), "learning_rate", above=0)

    def is_flat(self, gradient_norm: float) -> bool:
        """Say whether a gradient of this norm is that of a map which has nowhere left to go."""
        least = self.schedule.min_grad_norm
        return least is not None and gradient_norm < least

    def at(self, iteration: int) -> Step:
        """Return what holds in an iteration, counted from 0 within the call."""
        exaggeration = self.exaggeration_at(iteration)
        rate, momentum = self._rate(iteration, exaggeration), self.momentum_at(iteration)
        left = 1.0 - iteration / self.n_iter
        return Step(exaggeration, rate, momentum, self.constraint, self.n_jobs, self.subject, left)


def value_at(course: Course, iteration: int, n_iter: int) -> float:
    """Return what holds in an iteration: of several numbers the one whose part of the call it lies in.

    Parameters
    ----------
    course : float, sequence of float, or callable
    iteration : int
        From 0.
    n_iter : int
        Iterations of the call.

    Examples
    --------
    >>> from opentsne_like.optimizer import value_at
    >>> [value_at([12.0, 4.0], i, n_iter=5) for i in range(5)], value_at(lambda i: 0.5 / (i + 1), 1, n_iter=5)
    ([12.0, 12.0, 12.0, 4.0, 4.0], 0.25)
    """
    if callable(course):
        return course(iteration)
    if not isinstance(course, Sequence):
        return course
    return course[min(iteration * len(course) // max(n_iter, 1), len(course) - 1)]


def _checked(course: Any, name: str, **bounds: float) -> Any:
    """Return one number or a function as it is and several numbers as a tuple, or refuse what is none of these."""
    if callable(course):
        return course
    if not isinstance(course, (list, tuple)) and np.ndim(course) != 1:
        check_real(course, name, **bounds)
        return course
    if not len(course):
        raise InvalidParameterError(f"`{name}` must be one number or more, each for an equal part of a call, got none")
    return tuple(check_real(value, name, **bounds) for value in course)


def accelerated_momentum(n: int) -> float:
    """Return the momentum, from 0.95 to 0.98, that carries `n` points far without gains.

    Found by trials: beyond, small maps overshoot their size, and large ones grow wider than they can be looked at.

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> from opentsne_like.optimizer import accelerated_momentum
    >>> [round(accelerated_momentum(n), 3) for n in (100, 1000, 10_000, 1_000_000)]
    [0.95, 0.96, 0.98, 0.98]
    """
    n = check_integer(n, "n", at_least=1)
    return max(0.95, 1.0 - 0.02 * float(max(1.0, 1e4 / n) ** 0.3))
