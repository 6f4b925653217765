r"""One objective behind many losses: attraction along edges, a radial repulsion of all pairs, a normalizer.

Every method of the family is

.. math::
    L(Y) = \sum_{ij} w_{ij} A(d_{ij}^2) + N(\varphi), \qquad \varphi_i = \sum_{j \ne i} k(d_{ij}^2)

with edges w, a function A of attraction, a radial function k of repulsion, whose *potential* at point i is
:math:`\varphi_i`, and a *normalizer* N that says what the loss makes of the potentials: their weighted sum (Neg-t-SNE,
elastic embedding) or the logarithm of their sum Z, the partition function (t-SNE). Since k depends on distances alone,
the repulsive part of a quarter of the gradient is a multiple of :math:`\nabla \varphi_i`, and the engine gives value
and gradient of the potential together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..errors import UnavailableError
from ..repulsion import Control, Extent, Potential, Radial, RepulsionEngine, exact_sums
from .edges import Edges
from .normalizers import Normalizer
from .sampled import SampledForces
from .stale import StaleForces


class PairLoss:
    """The objective of a map whose points attract each other along edges and repel each other in all pairs.

    Parameters
    ----------
    edges : Edges
    attraction : Radial
        A, a function of the squared distance.
    engine : RepulsionEngine
        Of the radial function of repulsion.
    normalizer : Normalizer
    control : Control, optional
        Keeps forces to the tolerance of the engine; without it they are as good as the engine's first choice.
    stale : StaleForces or SampledForces, optional
        Keeps repulsion for several iterations, or estimates it. The value is that of all pairs, as they are.

    Examples
    --------
    t-SNE's attraction with the repulsion of elastic embedding:

    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PairLoss, Weighted
    >>> from opentsne_like.repulsion import Gaussian, LogStudentT, RepulsionEngine
    >>> edges = Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]])))
    >>> mixed = PairLoss(edges, LogStudentT(), RepulsionEngine(Gaussian()), Weighted(0.5))
    >>> loss, _ = mixed.evaluate(np.array([[0.0, 0.0], [1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> bool(np.isclose(loss, np.log(2) + np.exp(-1)))
    True
    """

    def __init__(
        self,
        edges: Edges,
        attraction: Radial,
        engine: RepulsionEngine,
        normalizer: Normalizer,
        control: Control | None = None,
        stale: StaleForces | SampledForces | None = None,
    ) -> None:
        self.edges, self.attraction, self.engine = edges, attraction, engine
        self.normalizer, self.control, self.stale = normalizer, control, stale

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the loss (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        total, gradient = self._forces(points, exaggeration)
        if not with_loss:
            return float("nan"), gradient
        if self.stale is not None and not self.stale.fresh:
            total = self.engine.evaluate(points).total
        return self._value(total, self._pull(points)), gradient

    def evaluate_exaggerated(self, points: Array, *, exaggeration: float) -> tuple[float, float, Array]:
        """Return the loss without exaggeration, the loss with it, and a quarter of the gradient of the latter.

        For optimizers that compare values: where attraction is exaggerated, the gradient is not that of the loss.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64
        exaggeration : float
        """
        if self._exact:
            total, gradient = self._forces(points, exaggeration)
            pull = self._pull(points)
        else:
            potential, extent = self._repelled(points)
            total, numbers = potential.total, self._numbers(potential, exaggeration)
            gradient, pull = self.edges.mutual.add_mutual_attraction_with_loss(points, extent.mean, *numbers)
        loss = self._value(total, pull)
        return loss, loss + (exaggeration - 1.0) * pull, gradient

    def attractive_laplacian(self) -> Any:
        """Return the graph Laplacian L of attraction at distance 0: a quarter of its gradient is ``L Y`` on small maps.

        Its weights are ``p A'(0)``, for a P that is not symmetric those of its symmetric part.

        Returns
        -------
        csr_matrix of shape (n, n)

        Raises
        ------
        UnavailableError
            If the attraction has no slope at 0 that is positive and finite.
        """
        slope = float(self.attraction.slope(np.zeros(1))[0])
        if not 0.0 < slope < np.inf:
            raise UnavailableError(
                f"the attraction {type(self.attraction).__name__} has the slope {slope:g} at distance 0, from which no "
                "spectral direction can be made; take another optimizer, such as Momentum()"
            )
        return self.edges.laplacian(slope)

    def _pull(self, points: Array) -> float:
        return self.edges.loss(points, points, self.attraction, self.engine.n_jobs)

    def _value(self, total: float, pull: float) -> float:
        return self.normalizer.constant + pull + self.normalizer.value(total)

    def _forces(self, points: Array, exaggeration: float) -> tuple[float, Array]:
        """Return the sum of all potentials and a quarter of the gradient."""
        potential, extent = self._repelled(points)
        numbers = self._numbers(potential, exaggeration)
        if self._exact:
            return potential.total, self.edges.mutual.add_attraction(points, points, *numbers)
        return potential.total, self.edges.mutual.add_mutual_attraction(points, extent.mean, *numbers)

    def _repelled(self, points: Array) -> tuple[Potential, Extent]:
        """Return the potential by which points repel each other, as it is, kept or estimated, and their extent."""
        self.edges.check(points)
        extent = self.engine.extent(points)
        if self.stale is not None and not self._exact:
            return self.stale.evaluate(self.engine, points, extent), extent
        return self._potential(points, extent), extent

    def _numbers(self, potential: Potential, exaggeration: float) -> tuple[Radial, float, Array, float, int]:
        """Return what attraction is added up by, after the points."""
        factor = self.normalizer.factor(potential.total)
        return self.attraction, exaggeration, potential.gradient, factor, self.engine.n_jobs

    def edge_losses(self, points: Array) -> Array:
        """Return ``p_ij A(d_ij²)`` of every edge, shape (edges,), in the order of P."""
        return self.edges.losses(points, points, self.attraction, self.engine.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes to the loss, shape (n,): its edges, and its share of the normalizer."""
        potential = self._potential(points, self.engine.extent(points))
        return self.edges.row_sums(self.edge_losses(points)) + self.normalizer.shares(potential)

    @property
    def _exact(self) -> bool:
        return self.edges.dtype is np.float64

    def _potential(self, points: Array, extent: Extent) -> Potential:
        """Return the potential of the points as they are."""
        if self._exact:
            return exact_sums(points, None, self.engine.radial, n_jobs=self.engine.n_jobs)
        if self.control is not None:
            return self.control.evaluate(self.engine, points, extent)
        return self.engine.evaluate(points, extent)
