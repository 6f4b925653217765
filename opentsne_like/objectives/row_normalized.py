"""Losses with a partition function for every row: SNE, and InfoNC-t-SNE with all pairs in the place of sampled ones."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InvalidParameterError
from ..optimizer import Objective
from ..repulsion import Gaussian, LogStudentT, Radial, RepulsionEngine, RowEngine, Square, StudentT
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .edges import Edges
from .normalizers import PlacedLog, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss

ROUNDING = 1e-3  # of sums of weights in single precision


@dataclass(frozen=True)
class RowNormalized(AllPairs):
    r"""A loss whose normaliser is the mean logarithm of each point's own partition function.

    .. math::
        L = \sum_{ij} p_{ij} A(d_{ij}^2) + \frac{1}{n} \sum_i \log \varphi_i,
        \qquad \varphi_i = \sum_{j \ne i} k(d_{ij}^2), \quad k = e^{-A}

    With rows of P that sum to 1/n this is, up to a constant, the mean of the KL divergences between each row of n P and
    the map's similarities of the point to all others. Since attraction is symmetric, so may P be: the mean of P and
    its transpose gives the same value.

    Attributes
    ----------
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    Examples
    --------
    >>> from opentsne_like.objectives import SNE, InfoNCE, RowNormalized
    >>> isinstance(SNE(), RowNormalized), isinstance(InfoNCE(), RowNormalized)
    (True, True)
    """

    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    @property
    def engine_class(self) -> type[RepulsionEngine]:
        """Rows are normalised by their own potentials."""
        return RowEngine

    @property
    def on_gpu(self) -> bool:
        """Whether repulsion is not summed by a tree."""
        return self.method != "bh"

    @property
    @abstractmethod
    def attraction(self) -> Radial:
        """A, minus the logarithm of the kernel."""

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        weight, edges = Weighted(self.repulsion_strength / check_pairs(P)), context.edges(P)
        check_distributions(edges, type(self).__name__, placed=False)
        return PairLoss(edges, self.attraction, self.engine(context), weight, context.control())

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map: each has the logarithm of its own potential."""
        edges, frozen = context.edges(P), context.frozen(reference, self.engine(context))
        check_distributions(edges, type(self).__name__, placed=True)
        return PlacedPairLoss(edges, self.attraction, frozen, PlacedLog(self.repulsion_strength), context.n_jobs)


@dataclass(frozen=True)
class SNE(RowNormalized):
    r"""The loss of stochastic neighbour embedding, a Gaussian in the map.

    .. math::
        L = \sum_{ij} p_{ij} d_{ij}^2 + \frac{1}{n} \sum_i \log \sum_{j \ne i} e^{-d_{ij}^2}

    Attributes
    ----------
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    Hinton & Roweis, *Stochastic neighbor embedding* (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import SNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = Embedding(initialization.pca(X), affinity.PerplexityBasedNN(X, perplexity=10), loss=SNE())
    >>> Y.optimize(100).loss_value < Y.loss_value
    True
    """

    label: ClassVar[str] = "SNE loss"

    @property
    def kernel(self) -> Gaussian:
        """``exp(-d²)``."""
        return Gaussian()

    @property
    def attraction(self) -> Square:
        """``d²``."""
        return Square()

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``: half of the inverse of the stiffness of a point's springs."""
        return 0.5 * n / exaggeration


@dataclass(frozen=True)
class InfoNCE(RowNormalized):
    r"""The loss of InfoNC-t-SNE, with all points in the place of a sample of negative ones.

    .. math::
        L = \sum_{ij} p_{ij} \log(1 + d_{ij}^2) + \frac{1}{n} \sum_i \log \sum_{j \ne i} \frac{1}{1 + d_{ij}^2}

    It is t-SNE's loss but for the normaliser, of which every point has its own.

    Attributes
    ----------
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
    >>> from opentsne_like.objectives import InfoNCE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = Embedding(initialization.pca(X), affinity.PerplexityBasedNN(X, perplexity=10), loss=InfoNCE())
    >>> Y.optimize(100).loss_value < Y.loss_value
    True
    """

    label: ClassVar[str] = "InfoNCE loss"

    @property
    def kernel(self) -> StudentT:
        """``1 / (1 + d²)``."""
        return StudentT()

    @property
    def attraction(self) -> LogStudentT:
        """``log(1 + d²)``."""
        return LogStudentT()

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``: half of the inverse of the attraction's stiffness at distance 0."""
        return 0.5 * n / exaggeration


def check_distributions(edges: Edges, loss: str, placed: bool) -> None:
    """Refuse weights that are no distributions, which a loss with a normaliser for each row compares with a map's.

    Parameters
    ----------
    edges : Edges
        Of a map, which sum to 1; or of points that are placed on one, each of whose rows does.
    loss : str
        Its name.
    placed : bool

    Raises
    ------
    InvalidParameterError

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, check_distributions
    >>> check_distributions(Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]]))), "SNE", placed=False)
    """
    sums = edges.row_masses if placed else np.array([edges.mass])
    if len(bad := np.flatnonzero(~(np.abs(sums - 1.0) <= ROUNDING))):
        what = f"row {bad[0]} of `P`" if placed else "`P`"
        raise InvalidParameterError(
            f"{what} must sum to 1 for {loss}, which compares rows with distributions, got {sums[bad[0]]:g}; divide by "
            "the sum, as affinities do that are normalised"
        )
