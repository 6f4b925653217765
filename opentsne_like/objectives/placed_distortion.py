"""The distortion of new points on a map that does not move."""

from __future__ import annotations

import numpy as np

from .. import ops
from .._types import Array
from ..distortions import DistortionFunction
from ..repulsion import FrozenReference
from .edge_sums import edge_distortions, sum_distortions
from .edges import Edges


class PlacedDistortion:
    r"""The distortion of new points, each by itself, on a map that does not move.

    .. math::
        L = \sum_i \Big( \sum_j f_{ij}(d_{ij}) + \frac{\rho}{n} \sum_j k(d_{ij}^2) \Big)

    Parameters
    ----------
    edges : Edges
        Of P, (m, n).
    pairs : ops.Pairs
    function : DistortionFunction
    sources : ndarray of shape (n, d)
        The map.
    frozen : FrozenReference or None
        Its potential, where there is repulsion.
    weight : float
        The factor of repulsion.
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.distortions import QuadraticPenalty
    >>> from opentsne_like.objectives import Context, Distortion, Parts
    >>> P, context = csr_matrix(np.array([[0.5, 0.5]])), Context(n_jobs=1, state=None, parts=Parts())
    >>> placed = Distortion(QuadraticPenalty()).place(P, np.array([[0.0, 0.0], [2.0, 0.0]]), context)
    >>> loss, gradient = placed.evaluate(np.array([[1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> loss, gradient.tolist()
    (1.0, [[0.0, 0.0]])
    """

    def __init__(
        self,
        edges: Edges,
        pairs: ops.Pairs,
        function: DistortionFunction,
        sources: Array,
        frozen: FrozenReference | None,
        weight: float,
        n_jobs: int,
    ) -> None:
        self.edges, self.pairs, self.function, self.sources = edges, pairs, function, sources
        self.frozen, self.weight, self.n_jobs = frozen, weight, n_jobs

    @property
    def force_error(self) -> float:
        """The relative error of the map's repulsive forces at a sample of its own points; NaN where sums are exact."""
        return float("nan") if self.frozen is None else self.frozen.error

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the summed loss (NaN unless asked for) and a quarter of its gradient, shape (m, d)."""
        self.edges.check(points)
        points = np.asarray(points)
        found = sum_distortions(self.pairs, points, self.sources, self.function, self.n_jobs)
        loss, gradient = found.total, 0.25 * exaggeration * found.gradient
        if self.frozen is not None:
            potential, weight = self.frozen.evaluate(points), self.weight / len(self.sources)
            loss += weight * float(potential.values.sum(dtype=np.float64))
            gradient += 0.25 * weight * potential.gradient
        return loss if with_loss else float("nan"), gradient

    def edge_losses(self, points: Array) -> Array:
        """Return the distortion of every edge to the map, shape (edges,), in the order of P."""
        return edge_distortions(self.pairs, np.asarray(points), self.sources, self.function, self.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return the loss of each point, shape (m,)."""
        parts = self.edges.row_sums(self.edge_losses(points))
        if self.frozen is not None:
            parts = parts + self.weight / len(self.sources) * self.frozen.evaluate(np.asarray(points)).values
        return np.asarray(parts, np.float64)
