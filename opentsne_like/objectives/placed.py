"""The objective of points that are placed on a map which does not move."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._types import Array
from ..repulsion import FrozenReference, Radial
from .edges import Edges
from .normalizers import PlacedNormalizer


class PlacedPairLoss:
    r"""The objective of points that are placed on a map which does not move, each with a loss of its own.

    .. math::
        L = \sum_i \Big( \sum_j p_{ij} A(d_{ij}^2) + N(\varphi_i) \Big), \qquad \varphi_i = \sum_j k(d_{ij}^2)

    where j runs over the map. Its gradient is half of the derivative, as openTSNE has it: each edge is here once, where
    in a map, whose gradient is a quarter, it pulls at both of its ends.

    Parameters
    ----------
    edges : Edges
        Of P, (m, n), whose rows sum to 1.
    attraction : Radial
    reference : FrozenReference
        The potential of the map.
    normalizer : PlacedNormalizer
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PlacedPairLoss, PlacedWeighted
    >>> from opentsne_like.repulsion import Gaussian, RepulsionEngine, Square
    >>> engine, map_ = RepulsionEngine(Gaussian(), n_jobs=1), np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> edges = Edges.of(csr_matrix(np.array([[0.5, 0.5]])))
    >>> objective = PlacedPairLoss(edges, Square(), engine.freeze(map_), PlacedWeighted(1.0), n_jobs=1)
    >>> loss, gradient = objective.evaluate(np.array([[1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> bool(np.isclose(loss, 1 + 2 * np.exp(-1))), gradient.round(5).tolist()
    (True, [[0.0, 0.0]])
    """

    share: ClassVar[float] = 0.5

    def __init__(
        self,
        edges: Edges,
        attraction: Radial,
        reference: FrozenReference,
        normalizer: PlacedNormalizer,
        n_jobs: int,
    ) -> None:
        self.edges, self.attraction, self.reference = edges, attraction, reference
        self.normalizer, self.n_jobs = normalizer, n_jobs
        self._centre = reference.sources.mean(axis=0)
        with np.errstate(over="ignore"):
            self._near = np.asarray(reference.sources - self._centre, dtype=np.float32)

    @property
    def force_error(self) -> float:
        """The relative error of the map's repulsive forces at a sample of its own points; NaN where sums are exact."""
        return self.reference.error

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the summed loss (NaN unless asked for) and half of its gradient, shape (m, d)."""
        self.edges.check(points)
        potential = self.reference.evaluate(points)
        repulsion = potential.gradient * self.normalizer.factors(potential.values)[:, None]
        near = self.edges.near(points, self._centre, self.n_jobs)
        numbers = (self.attraction, exaggeration, repulsion, 1.0, self.n_jobs)
        gradient = self.edges.add_attraction(near, self._near, *numbers)
        if not with_loss:
            return float("nan"), gradient
        attraction = self.edges.loss(points, self.reference.sources, self.attraction, self.n_jobs)
        return self.normalizer.constant + attraction + self.normalizer.value(potential.values), gradient

    def edge_losses(self, points: Array) -> Array:
        """Return ``p_ij A(d_ij²)`` of every edge to the map, shape (edges,), in the order of P."""
        return self.edges.losses(points, self.reference.sources, self.attraction, self.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return the loss of each point, shape (m,)."""
        shares = self.normalizer.shares(self.reference.evaluate(points).values)
        return self.edges.row_sums(self.edge_losses(points)) + shares
