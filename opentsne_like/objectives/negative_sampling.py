"""Neg-t-SNE: contrastive embedding by negative sampling, with all pairs in the place of sampled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._validation import check_integer, check_real
from ..optimizer import Objective
from ..repulsion import LogInverse, LogOnePlus
from .all_pairs import check_pairs
from .base import Context, Placing
from .normalizers import PlacedWeighted, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss
from .sampled import Samplable


@dataclass(frozen=True)
class NegativeSampling(Samplable):
    r"""The loss of Neg-t-SNE, with the mean over all negative pairs in the place of a sample of them, unless asked for.

    .. math::
        L = \sum_{ij} p_{ij} \log(1 + c\,(1 + d_{ij}^2))
        + \nu \sum_{i \ne j} \log\Big(1 + \frac{1}{c\,(1 + d_{ij}^2)}\Big),
        \qquad \nu = \frac{m}{n (n - 1)}, \quad c = m \frac{\bar Z}{n (n - 1)}

    which is the expected loss of telling an edge from one of `m` random pairs by the odds ``q : (m xi)`` for
    ``q = 1 / (1 + d²)``, when the map's partition function is taken to be :math:`\bar Z`. Negative sampling proper has
    c = 1; the smaller c, the nearer the map comes to t-SNE's.

    Attributes
    ----------
    n_negatives : int
        m, the negative samples that go with an edge.
    c : float
        Odds of a negative sample at a distance of 0.
    repulsion, seed
        All pairs, or ``4 n_negatives`` points that are drawn for each point in every iteration, see
        `objectives.Samplable`.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    Damrich, Böhm, Hamprecht & Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import NegativeSampling
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=1)
    >>> Y = Embedding(start, affinity.Uniform(X, k_neighbors=15), loss=NegativeSampling(c=0.1))
    >>> Y.optimize(100).loss_value < Y.loss_value
    True
    """

    n_negatives: int = 5
    c: float = 1.0
    label: ClassVar[str] = "Neg-t-SNE loss"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.n_negatives, "n_negatives", at_least=1)
        check_real(self.c, "c", above=0)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        return self.of_map(P, context)

    def of_map(self, P: Any, context: Context) -> PairLoss:
        """Return the objective of a map, with c as it is.

        Parameters
        ----------
        P : csr_matrix of shape (n, n)
        context : Context
        """
        n = check_pairs(P)
        weight = Weighted(self.repulsion_strength * self.n_negatives / (n * (n - 1)))
        attraction = LogOnePlus(float(self.c))
        forces = self.forces(context, self.n_negatives)
        return PairLoss(context.edges(P), attraction, self.engine(context), weight, **forces)

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map of n points: a row of P that sums to 1 goes with m negatives."""
        frozen = context.frozen(reference, self.engine(context))
        weight = PlacedWeighted(self.repulsion_strength * self.n_negatives / P.shape[1])
        return PlacedPairLoss(context.edges(P), LogOnePlus(float(self.c)), frozen, weight, context.n_jobs)

    @property
    def kernel(self) -> LogInverse:
        """``log(1 + 1 / (c (1 + d²)))``."""
        return LogInverse(float(self.c))

    @property
    def on_gpu(self) -> bool:
        """Whether repulsion is that of all pairs, and not summed by a tree."""
        return self.steady and self.method != "bh"

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n (1 + c) / (2 c exaggeration)``: half of the inverse of the attraction's stiffness at distance 0.

        The slope of the attraction is ``c / (1 + c)`` there, and an edge weighs about 1/n of a point's attraction.
        """
        return 0.5 * n * (1.0 + self.c) / (self.c * exaggeration)
