"""Elastic embedding: springs along the edges, a Gaussian repulsion of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._validation import check_real
from ..optimizer import Objective
from ..repulsion import Gaussian, Square
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .normalizers import PlacedWeighted, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss


@dataclass(frozen=True)
class ElasticEmbedding(AllPairs):
    r"""The elastic embedding's loss, with a repulsion that is the same for all pairs.

    .. math::
        E = \sum_{ij} p_{ij} d_{ij}^2 + \lambda\, \frac{1}{n (n - 1)} \sum_{i \ne j} e^{-d_{ij}^2}

    Attributes
    ----------
    lam : float
        The weight of the repulsion: at 0 the map collapses, the larger the more it spreads.
    method, theta, tolerance
        How repulsion is summed, see `objectives.AllPairs`.

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
    label: ClassVar[str] = "elastic energy"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_real(self.lam, "lam", at_least=0)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n = check_pairs(P)
        weight = Weighted(self.lam / (n * (n - 1)))
        return PairLoss(context.edges(P), Square(), self.engine(context), weight, context.control())

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map: a row of P that sums to 1 against the mean of n pairs."""
        frozen = context.frozen(reference, self.engine(context))
        return PlacedPairLoss(context.edges(P), Square(), frozen, PlacedWeighted(self.lam / P.shape[1]), context.n_jobs)

    @property
    def kernel(self) -> Gaussian:
        """``exp(-d²)``."""
        return Gaussian()

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``: half of the inverse of the stiffness of a point's springs."""
        return 0.5 * n / exaggeration
