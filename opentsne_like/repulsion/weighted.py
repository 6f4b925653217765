r"""Potentials whose pairs are weighted by squared distances of the data.

A weight that is a squared distance is a product of few numbers of each point: about the mean of the data

.. math::
    |x_i - x_j|^2 = |x_i|^2 \cdot 1 + 1 \cdot |x_j|^2 - 2 \sum_k x_{ik}\, x_{jk}

so :math:`\sum_j |x_i - x_j|^2 k(d_{ij}^2)` is made of the potentials of D + 2 columns of charges, 1,
:math:`|x_j|^2` and :math:`x_{jk}`, which are summed together, and takes no more memory than these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import ops
from .._parallel import chunk_bounds, run_tasks
from .._types import Array
from ..errors import InvalidParameterError
from ..ops import Extent, Potential
from .engine import FIELD_NOISE, FrozenReference, Plan, RepulsionEngine
from .exact import exact_sums
from .fft import COLUMNS, Field

ROWS = 4096  # points of a chunk


@dataclass(frozen=True, eq=False)
class SquaredDistances:
    """Weights of pairs of points: squared distances of their data, 1 on average over all pairs.

    Two of them are equal where their data are.

    Parameters
    ----------
    data : ndarray of shape (n, D)
        Not all rows equal.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import SquaredDistances
    >>> weights = SquaredDistances(np.array([[0.0], [1.0], [3.0]]))
    >>> (weights.rows @ weights.columns.T)[0, 1:].round(3).tolist()
    [0.214, 1.929]
    """

    data: Array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SquaredDistances) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What tells the data from others, the same in every process."""
        return (self.data.shape, ops.checksum(self.data, -1))

    @cached_property
    def _unit(self) -> tuple[Array, float]:
        """The mean of the data, and the length in which squared distances are 1 on average."""
        centre = self.data.mean(axis=0, dtype=np.float64)
        length = float(np.sqrt(2.0 * np.square(self.data - centre).sum() / (len(self.data) - 1)))
        if not length > 0.0:
            raise InvalidParameterError(
                "`data` must have rows that differ, where pairs are weighted by their distances, got equal ones"
            )
        return centre, length

    @cached_property
    def columns(self) -> Array:
        """The charges of a point, ``1, |x|², x`` about the mean, shape (n, D + 2), float64."""
        near, squares = self._near(self.data)
        return np.column_stack([np.ones(len(near)), squares, near])

    @cached_property
    def single(self) -> Array:
        """The charges in single precision, as the grid takes them: they are of the size of 1."""
        return np.asarray(self.columns, np.float32)

    @cached_property
    def rows(self) -> Array:
        """What the potentials of the charges are multiplied by, ``|x|², 1, -2 x``, shape (n, D + 2), float64."""
        return self.rows_of(self.data)

    def rows_of(self, data: Array) -> Array:
        """Return what `rows` holds, for other points (m, D), which have weights to those of the data."""
        near, squares = self._near(data)
        return np.column_stack([squares, np.ones(len(near)), -2.0 * near])

    def _near(self, data: Array) -> tuple[Array, Array]:
        centre, length = self._unit
        near = (data - centre) / length
        return near, np.einsum("ij,ij->i", near, near)


class WeightedEngine(RepulsionEngine):
    r"""Evaluates potentials with a weight for each pair, :math:`\varphi_i = \sum_{j \ne i} w_{ij} k(d_{ij}^2)`.

    Parameters
    ----------
    radial, method, theta, tolerance, n_jobs
        As of `RepulsionEngine`.
    weights : SquaredDistances

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Gaussian, SquaredDistances, WeightedEngine
    >>> weights = SquaredDistances(np.array([[0.0], [1.0], [3.0]]))
    >>> WeightedEngine(Gaussian(), weights=weights).evaluate(np.array([[0.0], [1.0], [1.0]])).values.round(3).tolist()
    [0.788, 0.936, 1.567]
    """

    def __init__(self, radial: Any, *, weights: SquaredDistances, **options: Any) -> None:
        super().__init__(radial, **options)
        self.weights = weights

    @property
    def description(self) -> Array:
        """Numbers that differ where what is evaluated differs, shape (5,) float64."""
        description = super().description
        description[1] = float(hash((description[1], self.weights.key)) % 2**48)
        return description

    def carry_out(self, plan: Plan, points: Array, extent: Extent, charges: Array | None = None) -> Potential:
        """Return the weighted potentials (n,), their gradient (n, d), and their sum.

        With charges (n, q), return what `RepulsionEngine` does.
        """
        columns = self.weights.columns
        if charges is not None:
            return super().carry_out(plan, points, extent, charges)
        if plan.grid is not None:
            return self._by_columns(plan, points, extent)
        if plan.method == "exact":  # in double precision: products of single ones would not cancel for what is near
            near = points - extent.mean
            found = exact_sums(near, None, self.radial, n_jobs=self.n_jobs, charges=columns)
        else:
            found = super().carry_out(plan, points, extent, columns)
        return _weighted(self.weights.rows, found)

    def _by_columns(self, plan: Plan, points: Array, extent: Extent) -> Potential:
        """Return the weighted potentials from the grid, put together while a few columns of them are at hand."""
        values, gradient = np.zeros(len(points)), np.zeros(points.shape)
        for first in range(0, self.weights.rows.shape[1], COLUMNS):
            columns = slice(first, first + COLUMNS)
            found = self._sum(plan, points, extent, self.weights.single[:, columns])
            rows = self.weights.rows[:, columns]
            tasks = [(_add, (*chunk, rows, found, values, gradient)) for chunk in chunk_bounds(len(points), ROWS)]
            run_tasks(tasks, n_jobs=self.n_jobs)
        return Potential(values, gradient, float(values.sum()))

    def exactly(self, found: Potential) -> Callable[[Array, Array], Potential]:
        """Return what gives the same by exact sums at a few places."""

        def at(places: Array, points: Array) -> Potential:
            charges, points = self.weights.columns, points.astype(np.float64)
            summed = exact_sums(points[places], points, self.radial, n_jobs=self.n_jobs, charges=charges)
            return _weighted(self.weights.rows[places], summed)  # of which a point's own share is 0

        return at

    def freeze(self, sources: Array, padding: float = 0.25) -> WeightedReference:
        """Return the potentials of `sources` (n, d) float64 as something that can be evaluated anywhere.

        `padding` is as of `RepulsionEngine.freeze`.
        """
        options: dict[str, Any] = {"method": self.method, "theta": self.theta, "tolerance": self.tolerance}
        plain = RepulsionEngine(self.radial, n_jobs=self.n_jobs, **options).freeze(sources, padding)
        return WeightedReference(plain, self)


class WeightedReference(FrozenReference):
    """The potentials of points that do not move, with weights for points that say what they are in the data.

    Parameters
    ----------
    plain : FrozenReference
        The same without weights, which decides how it is summed.
    engine : WeightedEngine
    rows : ndarray of shape (m, D + 2), optional
        Of the targets, see `SquaredDistances.rows_of`.

    Attributes
    ----------
    sources : ndarray of shape (n, d)
    error : float
        Of the forces without weights, as of `FrozenReference`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Gaussian, SquaredDistances, WeightedEngine
    >>> engine = WeightedEngine(Gaussian(), weights=SquaredDistances(np.array([[0.0], [1.0], [3.0]])))
    >>> reference = engine.freeze(np.array([[0.0], [1.0], [1.0]]))
    >>> reference.of(np.array([[0.0]])).evaluate(np.array([[1.0]])).values.round(3).tolist()
    [2.143]
    """

    def __init__(self, plain: FrozenReference, engine: WeightedEngine, rows: Array | None = None) -> None:
        super().__init__(plain.sources, engine, plain.method, plain._extent, plain._field, plain._rung)
        self.engine, self.rows, self.error = engine, rows, plain.error

    def of(self, data: Array) -> WeightedReference:
        """Return the same for targets whose data (m, D) are these; fields are made once.

        Parameters
        ----------
        data : ndarray of shape (m, D)
        """
        other = WeightedReference(self, self.engine, self.engine.weights.rows_of(data))
        other.__dict__["_fields"] = self._fields
        return other

    def evaluate(self, targets: Array) -> Potential:
        """Return the weighted potential at `targets` (m, d) float64."""
        assert self.rows is not None
        if not self._fields:
            return self._exactly(targets, self.rows)
        unit, missing = self._fields[0].evaluate(targets, FIELD_NOISE)
        found = [unit, *(field.evaluate(targets, -np.inf)[0] for field in self._fields[1:])]
        values, gradient = (np.stack([part[k] for part in found], axis=1) for k in (0, 1))
        potential = _weighted(self.rows, Potential(values, gradient, 0.0))
        if missing:
            faint = unit.values == 0.0
            alone = self._exactly(targets[faint], self.rows[faint])
            potential.values[faint], potential.gradient[faint] = alone.values, alone.gradient
        return potential._replace(total=float(potential.values.sum()))

    @cached_property
    def _fields(self) -> list[Field]:
        """A field for each column of charges, that of ones first; none where the map is summed without a grid."""
        return self.fields_of(self.engine.weights.columns)

    def _exactly(self, targets: Array, rows: Array) -> Potential:
        charges = self.engine.weights.columns
        return _weighted(
            rows, exact_sums(targets, self.sources, self.engine.radial, n_jobs=self.engine.n_jobs, charges=charges)
        )


def _weighted(rows: Array, found: Potential) -> Potential:
    """Return the potentials of columns (m, q) put together by the numbers of each row (m, q)."""
    values = np.einsum("ij,ij->i", rows, found.values)
    gradient = np.einsum("ij,ijk->ik", rows, found.gradient)
    return Potential(values, gradient, float(values.sum()))


def _add(low: int, high: int, rows: Array, found: Potential, values: Array, gradient: Array) -> None:
    """Add what some columns make of the potentials and their gradient of the points [low, high)."""
    part = slice(low, high)
    values[part] += np.einsum("ij,ij->i", rows[part], found.values[part])
    gradient[part] += np.matmul(rows[part, np.newaxis], found.gradient[part])[:, 0]  # a third of einsum's time
