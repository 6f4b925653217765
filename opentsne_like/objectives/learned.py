"""t-SNE's objective with the degrees of freedom of its kernel as a variable beside the coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..repulsion import LogStudentTTail, RepulsionEngine, StudentTTail
from .edges import Edges
from .reuse import Reuse
from .tsne import TSNEObjective

Array = np.ndarray[Any, Any]

EXACT_TAIL_BELOW = 700  # points; above, the second radial sum is faster on the grid


def dof_gradient(objective: TSNEObjective, points: Array) -> float:
    r"""Return the derivative of the KL divergence, without exaggeration, in the degrees of freedom.

    .. math::
        \frac{\partial KL}{\partial a} = \sum_{ij} p_{ij} \ell_{ij}
        - \frac{\sum_{ij} p_{ij}}{Z} \sum_{i \ne j} w_{ij} \ell_{ij},
        \qquad \ell = \log(1 + u) - \frac{u}{1 + u}, \quad u = \frac{d^2}{a}

    with :math:`w = (1 + u)^{-a}`. The second sum is radial like Z, and taken in the same way.

    Parameters
    ----------
    objective : TSNEObjective
    points : ndarray of shape (n, d), float64

    References
    ----------
    Kobak, Linderman, Steinerberger, Kluger & Berens, *Heavy-tailed kernels reveal a finer cluster structure in t-SNE
    visualisations* (2019), for the kernel.
    """
    engine, edges, dof = objective.engine, objective.edges, objective.dof
    tails = RepulsionEngine(
        StudentTTail(dof),
        method="exact" if engine.method == "exact" or len(points) < EXACT_TAIL_BELOW else "fft",
        tolerance=engine.tolerance,
        n_jobs=engine.n_jobs,
    )
    z = engine.evaluate(points).total
    pulled = edges.sum(points, points, LogStudentTTail(dof), engine.n_jobs)
    return pulled - edges.mass * tails.evaluate(points).total / z if z > 0 else pulled


class LearnedTSNEObjective:
    """The KL divergence of t-SNE, whose degrees of freedom are learned with the map.

    Parameters
    ----------
    edges : Edges
    shape : ndarray of shape (3, 1), float64
        The first number is the logarithm of the degrees of freedom; it is changed from outside.
    engine_of : callable
        From degrees of freedom to a RepulsionEngine.
    reuse : Reuse, optional
        As of `TSNEObjective`.
    """

    bounds = (np.log(0.1), np.log(100.0))

    def __init__(
        self,
        edges: Edges,
        shape: Array,
        engine_of: Callable[[float], RepulsionEngine],
        reuse: Reuse | None = None,
    ) -> None:
        self.edges = edges
        self.reuse = reuse
        self.shape = shape
        self.engine_of = engine_of
        self._built: TSNEObjective | None = None

    @property
    def now(self) -> TSNEObjective:
        """The objective with the degrees of freedom as they are now."""
        dof = float(np.exp(self.shape[0, 0]))
        if self._built is None or self._built.dof != dof:
            self._built = TSNEObjective(self.edges, dof, self.engine_of(dof), self.reuse)
        return self._built

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the KL divergence (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        return self.now.evaluate(points, exaggeration=exaggeration, with_loss=with_loss)

    def shape_gradient(self, points: Array) -> Array:
        """Return the derivative of the KL divergence in the logarithm of the degrees of freedom, shape (1,)."""
        return np.array([self.now.dof * dof_gradient(self.now, points)])
