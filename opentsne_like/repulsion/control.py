"""The tolerance as a promise: when forces are compared with exact ones, and what is remembered of it.

They are compared when a map is first summed, when the method changes or the spacing of the grid by a factor of four,
and every 50 iterations, by the counter. Then the ladder is climbed from its foot, so the rung is a pure function of the
points; it stays in force until the next time, and travels with what is remembered.

What this costs: m exact forces of n points take m n pairs, where m is 80 for 16,000 points and more and 116 for 10,000.
A map that grows from 1e-4 to its full width in 750 iterations is compared 15 times by the counter and 9 times by the
spacing, every 31st iteration. A pair of t-SNE's kernel takes 0.13 ns, so that is 0.5 ns per point and iteration, of the
150 ns and more that 90 edges and a grid take: 0.3 %. Where a pair takes a power or an exponential, 5 ns, m is 48 and
66, which takes 11 ns of 550 and more: 2 %. Double precision, twice as slow, serves maps that are wider than 100; their
spacing no longer changes. Forces from the foot of the ladder that do not do are thrown away: once in 31 iterations,
3 % of the cheapest ones.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._types import Array
from ..devices import on_host, rows
from ..errors import InvalidParameterError
from ..ops import Extent, Potential
from .engine import METHODS, Plan, RepulsionEngine
from .ladder import EXACT, Sample, climb, take_sample
from .radial import StudentT

EVERY = 50  # iterations, at most, from one comparison to the next
WIDER = 4.0  # factor between spacings that asks for another
HEAVIER = 1.5  # factor between degrees of freedom that does: they change while they are learned


class Verdict(NamedTuple):
    """What a comparison found.

    Attributes
    ----------
    rung : float
        Of the ladder.
    error : float
        Of the forces at the sample; 0 where sums are exact.
    iteration : float
        Iterations done.
    method, spacing : float
        Number of the method that served; spacing of its grid, 0 for none.
    kernel, number, asked, angle, tolerance : float
        What tells the engine from others, see `RepulsionEngine.description`; of Student's t, the number is that of the
        degrees of freedom.
    """

    rung: float
    error: float
    iteration: float
    method: float
    spacing: float
    kernel: float
    number: float
    asked: float
    angle: float
    tolerance: float


class Control:
    """Evaluates potentials whose gradient keeps the engine's tolerance, and remembers how that was done.

    Parameters
    ----------
    carried : mutable mapping of str to ndarray, optional
        Holds the last verdict, ``"verdict"`` (10,) float64, while there is one: what is carried from one iteration to
        the next, stored in files, and forgotten when points are moved by hand.
    counter : ndarray of shape (1,), int64, optional
        Iterations done.

    Examples
    --------
    The grid is good to 14 % of the forces on a ring, which nearly cancel:

    >>> import numpy as np
    >>> from opentsne_like.repulsion import Control, RepulsionEngine, StudentT
    >>> angles = 2 * np.pi * np.arange(1500) / 1500
    >>> ring = 100 * np.column_stack([np.cos(angles), np.sin(angles)])
    >>> control = Control()
    >>> potential = control.evaluate(RepulsionEngine(StudentT(), method="fft"), ring)
    >>> control.error < 5e-3
    True
    """

    names: ClassVar[tuple[str, ...]] = ("verdict",)

    def __init__(self, carried: MutableMapping[str, Array] | None = None, counter: Array | None = None) -> None:
        self._carried = {} if carried is None else carried
        self._counter = np.zeros(1, np.int64) if counter is None else counter

    @property
    def verdict(self) -> Verdict | None:
        """What the last comparison found; None where none was made."""
        return Verdict(*self._carried["verdict"].tolist()) if "verdict" in self._carried else None

    @property
    def error(self) -> float:
        """The error of the forces at the last comparison; NaN where sums are exact or none was made."""
        return (self.verdict.error if self.verdict else 0.0) or float("nan")

    def evaluate(self, engine: RepulsionEngine, points: Array, extent: Extent | None = None) -> Potential:
        """Return the potential of the points at the points, see `RepulsionEngine.evaluate`.

        Parameters
        ----------
        engine : RepulsionEngine
            Trees and exact sums that were asked for by name are left as they are; of trees the error is looked at.
        points : ndarray of shape (n, d), float64
        extent : Extent, optional
        """
        extent = engine.extent(points) if extent is None else extent
        known = self.verdict
        if known is not None and _is_of(known, engine):
            plan = engine.plan(points, extent, int(known.rung))
            if not self._is_due(known, plan):
                return engine.carry_out(plan, points, extent)
        return self._compare(engine, points, extent)

    def _is_due(self, known: Verdict, plan: Plan) -> bool:
        if known.iteration // EVERY != int(self._counter[0]) // EVERY or METHODS.index(plan.method) != known.method:
            return True
        return not known.spacing / WIDER <= plan.spacing <= known.spacing * WIDER

    def _compare(self, engine: RepulsionEngine, points: Array, extent: Extent) -> Potential:

        def attempt(rung: int) -> tuple[tuple[Plan, Potential], Any]:
            plan = engine.plan(points, extent, rung)
            potential = engine.carry_out(plan, points, extent)
            is_checked = engine.is_checked(plan)
            return (plan, potential), (lambda at: on_host(rows(potential.gradient, at))) if is_checked else None

        def sample(found: tuple[Plan, Potential]) -> Sample:
            gradient, exactly = found[1].gradient, engine.exactly(found[1])
            return take_sample(points, extent, engine.radial, engine.tolerance, engine.n_jobs, gradient, exactly)

        (plan, potential), rung, error = climb(attempt, sample, engine.tolerance, engine.last_rung(len(points)))
        if rung == 0 and error == 0.0:
            self._carried.pop("verdict", None)
        else:
            where = (float(self._counter[0]), float(METHODS.index(plan.method)), plan.spacing)
            self._carried["verdict"] = np.array([rung, error, *where, *engine.description])
        return potential

    @staticmethod
    def check(carried: dict[str, Array], shape: tuple[int, ...]) -> None:
        """Refuse a verdict, as a file says, that cannot be one.

        Parameters
        ----------
        carried : dict of str to ndarray
        shape : (int, int)
            Of the map.
        """
        verdict = carried["verdict"]
        if verdict.shape != (len(Verdict._fields),) or verdict.dtype != np.float64 or not np.isfinite(verdict).all():
            raise InvalidParameterError("what is known of the error of the forces is no such thing")
        rung, error, iteration, method, spacing = verdict[:5]
        if rung not in range(EXACT + 1) or method not in range(len(METHODS)) or min(error, iteration, spacing) < 0:
            raise InvalidParameterError("what is known of the error of the forces cannot be")


def _is_of(known: Verdict, engine: RepulsionEngine) -> bool:
    """Say whether a verdict is of this engine, or of one with nearly its degrees of freedom."""
    kernel, number, *options = engine.description.tolist()
    if (known.kernel, known.asked, known.angle, known.tolerance) != (kernel, *options):
        return False
    if isinstance(engine.radial, StudentT):
        return bool(known.number / HEAVIER <= number <= known.number * HEAVIER)
    return bool(known.number == number)
