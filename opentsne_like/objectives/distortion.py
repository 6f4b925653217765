r"""The loss of minimum-distortion embedding: the average distortion of edges, and a repulsion of all pairs if wanted.

The numbers of P are weights of either sign, or targets, as the distortion function takes them; complex ones are a
factor (real part) on the distortion by a target (imaginary part). An edge may stand in P once or in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .. import ops
from .._types import Array
from .._validation import check_choice, check_real
from ..distortions import DistortionFunction, Log1pPenalty
from ..errors import InvalidObjectError, UnavailableError
from ..optimizer import Objective
from ..repulsion import Control, Potential, RepulsionEngine, SoftenedLog
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .edge_sums import edge_distortions, pairs_of, sum_distortions
from .edges import Edges
from .placed_distortion import PlacedDistortion
from .positions import PositionPenalty

AVERAGES = ("edges", "weights")


@dataclass(frozen=True)
class Distortion(AllPairs):
    r"""The average distortion of the edges of P, and a repulsion of all pairs if it is asked for.

    .. math::
        L = \frac{1}{W (1 + \rho)} \Big( \sum_{(i, j)} f_{ij}(d_{ij})
        + \frac{\rho W}{n (n - 1)} \sum_{i \ne j} k(d_{ij}^2) \Big)

    with f the distortion of an edge by its length and its number in P, W the number of edges, and k the penalty
    ``-log(1 - exp(-d))``, softened at short distances, see `repulsion.SoftenedLog`. Without repulsion :math:`\rho` is 0
    and L is the mean that PyMDE descends; with it, L is the expectation of PyMDE's for :math:`\rho W` sampled pairs of
    a weight of -1.

    Attributes
    ----------
    function : DistortionFunction
        See `distortions`.
    repulsion : {None, "all"}
    repulsive_fraction : float
        The factor :math:`\rho`: pairs of weight -1 that the repulsion stands for, per edge.
    average : {"edges", "weights"}
        W: the number of edges, or the sum of the magnitudes of their weights, for affinities that sum to 1. Edges with
        targets weigh what their factors say, or 1 each.
    positions : PositionPenalty, optional
        What points cost by where they lie, added to L; a map with one is not stored.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    Agrawal, Ali & Boyd, *Minimum-distortion embedding* (2021).

    Examples
    --------
    >>> from opentsne_like.affinity import GivenEdges
    >>> from opentsne_like.distortions import QuadraticDeviation
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import Distortion
    >>> from opentsne_like.optimizer import LBFGS
    >>> square = GivenEdges([[0, 1], [1, 2], [2, 3], [0, 3], [0, 2], [1, 3]], [1, 1, 1, 1, 2**0.5, 2**0.5], n_samples=4)
    >>> start = [[0.0, 0.0], [1.5, 0.1], [1.0, 1.0], [0.0, 0.5]]
    >>> Y = Embedding(start, square, loss=Distortion(QuadraticDeviation()), optimizer=LBFGS()).optimize(50)
    >>> round(Y.loss_value, 6)
    0.0
    """

    function: DistortionFunction = field(default_factory=Log1pPenalty)
    repulsion: str | None = None
    repulsive_fraction: float = 1.0
    average: str = "edges"
    positions: PositionPenalty | None = None
    label: ClassVar[str] = "average distortion"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0, apart=1e-4)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.function, DistortionFunction):
            raise InvalidObjectError(
                f"`function` must be a DistortionFunction such as Log1pPenalty(), got {self.function!r}"
            )
        check_choice(self.repulsion, "repulsion", (None, "all"))
        check_real(self.repulsive_fraction, "repulsive_fraction", at_least=0)
        check_choice(self.average, "average", AVERAGES)
        if not (self.positions is None or isinstance(self.positions, PositionPenalty)):
            raise InvalidObjectError(f"`positions` must be a PositionPenalty or None, got {self.positions!r}")

    @property
    def kernel(self) -> SoftenedLog:
        """The penalty by which all pairs repel each other."""
        return SoftenedLog()

    @property
    def _fraction(self) -> float:
        """Pairs of weight -1 for each edge; 0 without repulsion."""
        return self.repulsive_fraction if self.repulsion == "all" else 0.0

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n, edges = check_pairs(P), context.edges(P)
        pairs, all_pairs = pairs_of(edges, self.function), None
        whole = len(pairs.rows) if self.average == "edges" else _mass(pairs, self.function)
        weight = self._fraction
        if weight:
            strength = self.repulsion_strength * weight * whole / (n * (n - 1))
            all_pairs = _AllPairs(self.engine(context), context.control(), strength)
        scale = 1.0 / (whole * (1.0 + weight)) if whole else 0.0
        return DistortionObjective(edges, pairs, self.function, scale, all_pairs, context.n_jobs, self.positions)

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points, whose edges lead to points that do not move."""
        if self.function.takes != "weights":
            raise UnavailableError(
                f"`loss` {type(self).__name__} with {type(self.function).__name__} cannot place new points by weights: "
                "state their distances to points that are anchored as a problem of its own, see `mde.Anchored`"
            )
        if self.positions is not None:
            raise UnavailableError(
                f"`loss` {type(self).__name__} with a penalty on positions cannot place new points, which the penalty "
                "does not know; set positions=None"
            )
        edges, frozen, weight = context.edges(P), None, self._fraction
        if weight:
            frozen = context.frozen(reference, self.engine(context))
            weight *= self.repulsion_strength
        pairs = pairs_of(edges, self.function)
        return PlacedDistortion(edges, pairs, self.function, np.asarray(reference), frozen, weight, context.n_jobs)

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``."""
        return 0.5 * n / exaggeration


def _mass(pairs: ops.Pairs, function: DistortionFunction) -> float:
    """Return what edges weigh together: targets, and places in a list of edges, are no weights."""
    weights = pairs.numbers if function.takes == "weights" else pairs.factors
    return float(len(pairs.rows) if weights is None else np.abs(weights).sum())


class _AllPairs(NamedTuple):
    """What sums repulsion over all pairs, and the weight of an ordered pair."""

    engine: RepulsionEngine
    control: Control
    weight: float

    def potential(self, points: Array) -> Potential:
        return self.control.evaluate(self.engine, points, self.engine.extent(points))


class DistortionObjective:
    """The average distortion of a map.

    Parameters
    ----------
    edges : Edges
    pairs : ops.Pairs
        The same, with their numbers.
    function : DistortionFunction
    scale : float
        By which the sum of all distortions is multiplied.
    all_pairs : _AllPairs or None
        Repulsion of all pairs.
    n_jobs : int
    positions : PositionPenalty, optional

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.distortions import QuadraticPenalty
    >>> from opentsne_like.objectives import Context, Distortion, Parts
    >>> P = csr_matrix(np.array([[0.0, 2.0], [0.0, 0.0]]))
    >>> objective = Distortion(QuadraticPenalty()).bind(P, Context(n_jobs=1, state=None, parts=Parts()))
    >>> objective.evaluate(np.array([[0.0, 0.0], [3.0, 4.0]]), exaggeration=1.0, with_loss=True)[0]
    50.0
    """

    def __init__(
        self,
        edges: Edges,
        pairs: ops.Pairs,
        function: DistortionFunction,
        scale: float,
        all_pairs: _AllPairs | None,
        n_jobs: int,
        positions: PositionPenalty | None = None,
    ) -> None:
        self.edges, self.pairs, self.function = edges, pairs, function
        self.scale, self.all_pairs, self.n_jobs, self.positions = scale, all_pairs, n_jobs, positions

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the loss (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        loss, _, gradient = self.evaluate_exaggerated(points, exaggeration=exaggeration)
        return loss if with_loss else float("nan"), gradient

    def evaluate_exaggerated(self, points: Array, *, exaggeration: float) -> tuple[float, float, Array]:
        """Return the loss without exaggeration, the loss with it, and a quarter of the gradient of the latter."""
        self.edges.check(points)
        points = np.asarray(points)
        found = sum_distortions(self.pairs, points, points, self.function, self.n_jobs)
        value, gradient = self.scale * found.total, (0.25 * self.scale * exaggeration) * found.gradient
        rest = 0.0
        if self.all_pairs is not None:
            potential = self.all_pairs.potential(points)
            rest = self.scale * self.all_pairs.weight * potential.total
            gradient += (0.5 * self.scale * self.all_pairs.weight) * potential.gradient
        if self.positions is not None:
            values, slopes = self.positions.evaluate(points)
            rest += float(values.sum())
            gradient += 0.25 * slopes
        return value + rest, exaggeration * value + rest, gradient

    def edge_losses(self, points: Array) -> Array:
        """Return what each edge adds to the loss, shape (edges,), in the order of P."""
        points = np.asarray(points)
        return self.scale * edge_distortions(self.pairs, points, points, self.function, self.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes, shape (n,): half of each of its edges, and its own repulsion."""
        halves, n = 0.5 * self.edge_losses(points), len(points)
        first, second = (np.bincount(ends, halves, minlength=n) for ends in (self.pairs.rows, self.pairs.columns))
        parts: Array = first + second
        if self.all_pairs is not None:
            parts = parts + self.scale * self.all_pairs.weight * self.all_pairs.potential(np.asarray(points)).values
        if self.positions is not None:
            parts = parts + self.positions.evaluate(np.asarray(points))[0]
        return np.asarray(parts, np.float64)
