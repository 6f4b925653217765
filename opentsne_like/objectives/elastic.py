"""Elastic embedding: springs along the edges, a Gaussian repulsion of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_choice, check_real
from ..affinity import table_of
from ..optimizer import Objective
from ..repulsion import Gaussian, RepulsionEngine, Square, SquaredDistances, WeightedEngine
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .normalizers import PlacedWeighted, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss

REPULSIONS = ("uniform", "distance")


@dataclass(frozen=True)
class ElasticEmbedding(AllPairs):
    r"""The elastic embedding's loss.

    .. math::
        E = \sum_{ij} p_{ij} d_{ij}^2 + \lambda \sum_{i \ne j} w_{ij} e^{-d_{ij}^2}

    with weights that sum to 1 and are the same for all pairs, :math:`1 / (n (n - 1))`, or grow with the squared
    distance of two points in the data, :math:`w_{ij} \propto |x_i - x_j|^2`. For the latter D + 2 columns of charges
    are summed, with D the columns of the data. A new point that is placed on a map counts, for its weights, as the mean
    of its neighbours in the data, by the weights in P.

    Attributes
    ----------
    lam : float
        The weight of the repulsion: at 0 the map collapses, the larger the more it spreads.
    repulsion : {"uniform", "distance"}
        Weights of the pairs. "distance" takes affinities that know their data, a dense table; whatever the metric of
        the neighbours, these are Euclidean distances.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    Carreira-Perpiñán, *The elastic embedding algorithm for dimensionality reduction* (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import ElasticEmbedding
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=0.1)
    >>> Y = Embedding(start, affinity.PerplexityBasedNN(X, perplexity=10), loss=ElasticEmbedding(lam=10))
    >>> Y.optimize(100).loss_value < Y.loss_value
    True
    """

    lam: float = 1.0
    repulsion: str = "uniform"
    label: ClassVar[str] = "elastic energy"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_real(self.lam, "lam", at_least=0)
        check_choice(self.repulsion, "repulsion", REPULSIONS)

    def takes(self, affinities: Any) -> tuple[Array, ...]:
        """Return the data, where pairs are weighted by their distances."""
        if self.repulsion == "uniform":
            return ()
        return (table_of(affinities, "`repulsion` 'distance' weighs pairs by their distances in the data"),)

    def engine(self, context: Context) -> RepulsionEngine:
        """Return what sums the kernel over all pairs, with their weights."""
        if self.repulsion == "uniform":
            return super().engine(context)
        (data,) = context.taken
        options: dict[str, Any] = {"method": self.method, "theta": self.theta, "tolerance": self.tolerance}
        return context.engine(self.kernel, WeightedEngine, weights=SquaredDistances(data), **options)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n = check_pairs(P)
        weight = Weighted(self.repulsion_strength * self.lam / (n * (n - 1)))
        return PairLoss(context.edges(P), Square(), self.engine(context), weight, context.control())

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map: a row of P that sums to 1 against the mean of n pairs."""
        frozen: Any = context.frozen(reference, self.engine(context))
        if self.repulsion == "distance":
            sums = np.asarray(P.sum(axis=1)).reshape(-1, 1)
            frozen = frozen.of((P @ context.taken[0]) / np.where(sums > 0.0, sums, 1.0))
        weight = PlacedWeighted(self.repulsion_strength * self.lam / P.shape[1])
        return PlacedPairLoss(context.edges(P), Square(), frozen, weight, context.n_jobs)

    @property
    def kernel(self) -> Gaussian:
        """``exp(-d²)``."""
        return Gaussian()

    @property
    def on_gpu(self) -> bool:
        """Whether all pairs weigh the same, and repulsion is not summed by a tree."""
        return self.steady and self.repulsion == "uniform" and self.method != "bh"

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``: half of the inverse of the stiffness of a point's springs."""
        return 0.5 * n / exaggeration
