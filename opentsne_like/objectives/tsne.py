"""The KL divergence of t-SNE, for maps that move as a whole and for points that are added to a frozen one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..repulsion import FrozenReference, LogStudentT, RepulsionEngine, exact_sums
from .edges import Edges
from .reuse import Reuse

Array = np.ndarray[Any, Any]

FAINTEST = np.float32(1e-30)  # potential that float32 can divide by


class TSNEObjective:
    r"""The KL divergence between P and the map's heavy-tailed similarities, and a quarter of its gradient.

    .. math::
        KL = \sum_{ij} p_{ij} [\log p_{ij} + a \log(1 + d_{ij}^2 / a)] + (\sum_{ij} p_{ij}) \log Z,
        \qquad Z = \sum_{i \ne j} (1 + d_{ij}^2 / a)^{-a}

    with `a` the degrees of freedom. With exaggeration :math:`\rho` and the potential :math:`\varphi` of the map,

    .. math::
        \frac{1}{4} \frac{\partial KL}{\partial y_i} = \rho \sum_j \frac{p_{ij} (y_i - y_j)}{1 + d_{ij}^2 / a}
        + \frac{\nabla \varphi(y_i)}{2 Z}.

    Parameters
    ----------
    edges : Edges
        Of P, whose entries sum to 1. Where they sum to M, the loss is that of the formula, but repulsion is not
        weighed by M in the gradient: so M acts like an exaggeration, as it does in openTSNE, whose objective functions
        get it inside P.
    dof : float
        Degrees of freedom.
    engine : RepulsionEngine
        With the kernel of the same degrees of freedom.
    reuse : Reuse, optional
        Keeps repulsion for several iterations. The loss is that of the points as they are.

    References
    ----------
    van der Maaten & Hinton, *Visualizing data using t-SNE* (2008); Kobak et al., *Heavy-tailed kernels* (2019).
    """

    def __init__(self, edges: Edges, dof: float, engine: RepulsionEngine, reuse: Reuse | None = None) -> None:
        self.edges = edges
        self.dof = dof
        self.attraction = LogStudentT(dof)
        self.engine = engine
        self.reuse = reuse

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the KL divergence (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        n_jobs, exact = self.engine.n_jobs, self.edges.values.dtype == np.float64
        extent = self.engine.extent(points)
        if exact:
            potential = exact_sums(points, None, self.engine.radial, n_jobs=n_jobs)
        elif self.reuse is not None:
            potential = self.reuse.evaluate(self.engine, points, extent)
        else:
            potential = self.engine.evaluate(points, extent)
        z = potential.total
        numbers = (self.attraction, exaggeration, potential.gradient, 0.5 / z if z > 0.0 else np.inf, n_jobs)
        if exact:
            gradient = self.edges.add_attraction(points, points, *numbers)
        else:
            gradient = self.edges.add_mutual_attraction(points, extent.mean, *numbers)
        if not with_loss:
            return float("nan"), gradient
        if self.reuse is not None and not self.reuse.fresh:
            z = self.engine.evaluate(points, extent).total
        return self.edges.loss(points, points, self.attraction, n_jobs) + self.edges.mass * float(np.log(z)), gradient


class PartialTSNEObjective:
    r"""The KL divergences of points that are placed on a frozen reference, each its own.

    .. math::
        KL = \sum_i \Big( \sum_j p_{ij} [\log p_{ij} + a \log(1 + d_{ij}^2 / a)] + (\sum_j p_{ij}) \log Z_i \Big),
        \qquad Z_i = \sum_j (1 + d_{ij}^2 / a)^{-a}

    where j runs over the reference. Rows of P sum to 1. A point so far away that the reference's potential there is
    below 1e-30 is attracted only.
    """

    def __init__(self, edges: Edges, dof: float, reference: FrozenReference, n_jobs: int) -> None:
        self.edges = edges
        self.dof = dof
        self.attraction = LogStudentT(dof)
        self.reference = reference
        self.n_jobs = n_jobs
        self._offset = reference.sources.mean(axis=0)
        with np.errstate(over="ignore"):
            self._near = np.asarray(reference.sources - self._offset, dtype=np.float32)
        self._mass = np.add.reduceat(np.append(edges.weights, 0.0), edges.indptr[:-1]) * (np.diff(edges.indptr) > 0)

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the summed KL divergence (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        potential = self.reference.evaluate(points)
        values = np.maximum(potential.values, FAINTEST)
        repulsion = potential.gradient * (0.5 / values)[:, None]
        near = self.edges.near(points, self._offset, self.n_jobs)
        gradient = self.edges.add_attraction(
            near, self._near, self.attraction, exaggeration, repulsion, 1.0, self.n_jobs
        )
        if not with_loss:
            return float("nan"), gradient
        attraction = self.edges.loss(points, self.reference.sources, self.attraction, self.n_jobs)
        return attraction + float((self._mass * np.log(values.astype(np.float64))).sum()), gradient
