r"""Potentials that are normalised row by row: every point has a partition function of its own.

A loss with :math:`\sum_i \log \varphi_i` has the gradient

.. math::
    \frac{\partial}{\partial y_i} \sum_j \log \varphi_j = \frac{\nabla\varphi_i}{\varphi_i} + \nabla\psi_i,
    \qquad \psi_i = \sum_{j \ne i} \frac{k(d_{ij}^2)}{\varphi_j}

so it takes two sums over all pairs, the second with charges :math:`1 / \varphi_j`, which the first gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._types import Array
from ..devices import beside, on_host, operations, rows
from ..ops import Extent, Potential
from .engine import Plan, RepulsionEngine
from .exact import exact_sums

FAINT_ROW = 1e-4  # of the highest potential: what is below is summed exactly, since the whole of a row counts
FAINTEST = 1e-290  # potential that a point is held to feel at least; below it is not repelled


class RowEngine(RepulsionEngine):
    r"""Evaluates half of the gradient of :math:`\sum_i \log \varphi_i`, and that sum, as if they were a potential's.

    The half is there because a pair counts twice in a sum of potentials; so a `Weighted` normalizer serves both.
    Points far away from all others, whose potential is small beside the highest but whose logarithm counts like any
    other, are summed exactly: a grid or a tree gives them the error of the others. One whose potential is below
    1e-290 is not repelled. The host normalises rows, wherever the points lie.

    Parameters
    ----------
    radial, method, theta, tolerance, n_jobs
        As of `RepulsionEngine`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Gaussian, RowEngine
    >>> found = RowEngine(Gaussian()).evaluate(np.array([[0.0], [1.0], [3.0]]))
    >>> found.values.round(3).tolist(), round(found.total, 3)
    ([-1.0, -0.951, -3.993], -5.944)
    """

    @property
    def description(self) -> Array:
        """Numbers that differ where what is evaluated differs, shape (5,) float64."""
        description = super().description
        description[0] = -1.0 - description[0]
        return description

    def carry_out(self, plan: Plan, points: Array, extent: Extent, charges: Array | None = None) -> Potential:
        """Return the logarithms (n,) of potentials, half of the gradient (n, d) of their sum, and that sum.

        With charges (n, q), return what `RepulsionEngine` does.
        """
        found = super().carry_out(plan, points, extent, charges)
        if charges is not None:
            return found
        phi, gradient = (on_host(part).astype(np.float64) for part in found[:2])
        faint = np.flatnonzero(phi < FAINT_ROW * phi.max())
        if len(faint):
            near = operations(points).around(points, extent.mean, np.float64)
            alone = self._at(faint, near)
            phi[faint], gradient[faint] = alone.values, alone.gradient
        shares = _shares(phi)
        rest = shares.copy()
        rest[faint] = 0.0
        pushed = super().carry_out(plan, points, extent, rest[:, None]).gradient[:, 0]
        if len(faint):
            pushed = pushed + self._of(faint, near, shares, near)
        half = 0.5 * (gradient * shares[:, None] + pushed)
        logs = np.log(np.maximum(phi, FAINTEST))
        return Potential(beside(points, logs), beside(points, half), float(logs.sum()))

    def exactly(self, found: Potential) -> Callable[[Array, Array], Potential]:
        """Return what gives the same by exact sums at a few places; charges of the second sum are those of `found`.

        Their error shows in the first one.
        """
        shares = _shares(np.exp(on_host(found.values)))

        def at(places: Array, points: Array) -> Potential:
            points = points.astype(np.float64)  # single precision holds no charge of a point that is far away
            own = self._at(places, points)
            pushed = self._pushed(rows(points, places), points, shares)
            half = 0.5 * (own.gradient * _shares(own.values)[:, None] + pushed)
            return Potential(np.ones(len(places)), half, float(len(places)))  # a row over its own potential

        return at

    def _at(self, places: Array, points: Array) -> Potential:
        """Return the potential at a few places by sums that leave their own charge out, however small they are.

        It is the host's.
        """
        few, back = np.unique(places, return_inverse=True)  # a sample may hold a point twice
        others = np.ones(len(points), bool)
        others[few] = False
        here = rows(points, few)
        far = exact_sums(here, rows(points, np.flatnonzero(others)), self.radial, n_jobs=self.n_jobs)
        near = exact_sums(here, None, self.radial, n_jobs=self.n_jobs)
        values, gradient = (on_host(far[k]) + on_host(near[k]) for k in (0, 1))
        return Potential(values[back], gradient[back], far.total + near.total)

    def _of(self, places: Array, points: Array, charges: Array, targets: Array) -> Array:
        """Return the gradient (m, d) of the potential that the charges at a few places have at the targets."""
        return self._pushed(targets, rows(points, places), charges[places])

    def _pushed(self, targets: Array, sources: Array, charges: Array) -> Array:
        """Return the gradient (m, d) of the potential of charges (n,) of the host, on the host."""
        columns = beside(targets, charges[:, None])
        found = exact_sums(targets, sources, self.radial, n_jobs=self.n_jobs, charges=columns)
        return on_host(found.gradient)[:, 0]


def _shares(phi: Array) -> Array:
    """Return the inverse of potentials, 0 for those that are too faint."""
    return np.where(phi > FAINTEST, 1.0 / np.maximum(phi, FAINTEST), 0.0)
