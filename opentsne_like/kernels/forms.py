"""Radial functions of a squared distance as compiled loops take them: named tuples, whose types choose machine code.

A loop calls ``value_and_slope(form, s)``, and the compiler puts the formula of the form's type in its place. Numbers
are float64 in a form; formulas work in the precision of `s`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from numba.extending import overload

from .elementary import INLINED, log_one_plus, power

F = TypeVar("F", bound=Callable[..., Any])


class Cauchy(NamedTuple):
    """``1 / (1 + s)``, the kernel of t-SNE."""


class StudentT(NamedTuple):
    """``(1 + s / dof)^(-dof)``."""

    dof: float


class StudentTTail(NamedTuple):
    """``(1 + u)^(-dof) [log(1 + u) - u / (1 + u)]``, ``u = s / dof``: minus the derivative of the last in `dof`."""

    dof: float


class Gaussian(NamedTuple):
    """``exp(-s)``."""


class LogInverse(NamedTuple):
    """``log(1 + 1 / (c (1 + s)))``."""

    c: float


class LogStudentT(NamedTuple):
    """``dof log(1 + s / dof)``."""

    dof: float


class LogStudentTTail(NamedTuple):
    """``log(1 + u) - u / (1 + u)``, ``u = s / dof``: the derivative of the last in `dof`."""

    dof: float


class Square(NamedTuple):
    """``s``."""


class LogOnePlus(NamedTuple):
    """``log(1 + c (1 + s))``."""

    c: float


class LogOnePlusPower(NamedTuple):
    """``log(1 + a (s + core)^b)``."""

    a: float
    b: float
    core: float


class SoftenedLog(NamedTuple):
    """``-log(1 - exp(-sqrt(s + core)))``."""

    core: float


class ByType(Protocol):
    """A function of a form, with a formula for each type of form."""

    table: dict[type, Callable[..., Any]]

    def __call__(self, form: Any, *rest: Any) -> Any:
        """Return what the formula of the form's type says."""

    def of(self, kind: type) -> Callable[[F], F]:
        """Return a decorator that makes a function the formula for a type."""


def by_type(default: Callable[..., Any]) -> ByType:
    """Turn a function of a form into one that each type of form may have its own of, compiled or not.

    ``function.of(Type)`` registers one; ``function.table`` holds them. Where a type has none, `default` serves.
    """
    table: dict[type, Callable[..., Any]] = {}

    def chosen(form: Any, *rest: Any) -> Any:
        return table.get(type(form), default)(form, *rest)

    def of(kind: type) -> Callable[[F], F]:
        def register(function: F) -> F:
            table[kind] = function
            return function

        return register

    @overload(chosen, strict=False, jit_options=INLINED)
    def compiled(form: Any, *rest: Any) -> Any:
        return table.get(getattr(form, "instance_class", type(None)), default)

    chosen.__name__, chosen.__doc__ = default.__name__, default.__doc__
    chosen.of, chosen.table = of, table  # type: ignore[attr-defined]
    return cast(ByType, chosen)


@by_type
def value_and_slope(form: Any, s: Any) -> Any:
    """Return the radial function and its derivative at the squared distance `s`, in the precision of that."""


@by_type
def weighted_slope(form: Any, weight: Any, s: Any) -> Any:
    """Return `weight` times the derivative at `s`."""
    return weight * value_and_slope(form, s)[1]


@by_type
def height(form: Any) -> Any:
    """Return a constant factor of the function, which sums of `shape` are multiplied by once."""
    return 1.0


@by_type
def shape(form: Any, s: Any) -> Any:
    """Return the function at `s` without the factor `height`."""
    return value_and_slope(form, s)[0]


@value_and_slope.of(Cauchy)
def _cauchy(form: Any, s: Any) -> Any:
    one = type(s)(1)
    w = one / (one + s)
    return w, -w * w


@value_and_slope.of(StudentT)
def _student_t(form: Any, s: Any) -> Any:
    one, dof = type(s)(1), type(s)(form.dof)
    base = one + s * (one / dof)
    w = base**-dof
    return w, -w / base


@value_and_slope.of(StudentTTail)
def _student_t_tail(form: Any, s: Any) -> Any:
    one, dof = type(s)(1), type(s)(form.dof)
    inverse = one / dof
    base = one + s * inverse
    w = base**-dof
    rest = (base - one) / base
    lift = math.log(base) - rest
    return w * lift, w / base * (rest * inverse - lift)


@value_and_slope.of(Gaussian)
def _gaussian(form: Any, s: Any) -> Any:
    w = math.exp(-s)
    return w, -w


@value_and_slope.of(LogInverse)
def _log_inverse(form: Any, s: Any) -> Any:
    one, c = type(s)(1), type(s)(form.c)
    u = one + s
    return log_one_plus(one / (c * u)), -one / (u * (one + c * u))


@value_and_slope.of(LogStudentT)
def _log_student_t(form: Any, s: Any) -> Any:
    one, dof = type(s)(1), type(s)(form.dof)
    return dof * log_one_plus(s / dof), one / (one + s * (one / dof))


@weighted_slope.of(LogStudentT)
def _weighted_student_t(form: Any, weight: Any, s: Any) -> Any:
    return weight / (type(s)(1) + s * type(s)(1.0 / form.dof))


@height.of(LogStudentT)
def _dof(form: Any) -> Any:
    return form.dof


@shape.of(LogStudentT)
def _log_ratio(form: Any, s: Any) -> Any:
    return log_one_plus(s / type(s)(form.dof))


@value_and_slope.of(LogStudentTTail)
def _log_student_t_tail(form: Any, s: Any) -> Any:
    one, dof = type(s)(1), type(s)(form.dof)
    ratio = s / dof
    rest = ratio / (one + ratio)
    return math.log1p(ratio) - rest, rest / (dof + s)


@value_and_slope.of(Square)
def _square(form: Any, s: Any) -> Any:
    return s, type(s)(1)


@value_and_slope.of(LogOnePlus)
def _log_one_plus(form: Any, s: Any) -> Any:
    one, c = type(s)(1), type(s)(form.c)
    u = one + s
    return log_one_plus(c * u), c / (one + c * u)


@value_and_slope.of(LogOnePlusPower)
def _log_one_plus_power(form: Any, s: Any) -> Any:
    one, a, b = type(s)(1), type(s)(form.a), type(s)(form.b)
    t = s + type(s)(form.core)
    apart = a * power(t, b)  # one power serves both, and is most of what an edge costs
    return log_one_plus(apart), b * apart / (t * (one + apart))


@value_and_slope.of(SoftenedLog)
def _softened_log(form: Any, s: Any) -> Any:
    half = type(s)(0.5)
    root = math.sqrt(s + type(s)(form.core))
    return -math.log(-math.expm1(-root)), -half / (root * math.expm1(root))
