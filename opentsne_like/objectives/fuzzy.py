"""UMAP's loss: the cross entropy of fuzzy graphs, with all pairs in the place of sampled ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from .._validation import check_integer, check_real
from ..errors import InvalidParameterError
from ..optimizer import Objective
from ..repulsion import LogOnePlusPower, SoftenedPower
from .all_pairs import check_pairs
from .base import Context, Placing
from .normalizers import PlacedWeighted, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss
from .sampled import Samplable


@dataclass(frozen=True)
class FuzzyCrossEntropy(Samplable):
    r"""The loss that UMAP goes down, with the mean over all pairs in the place of a sample of them, unless asked for.

    .. math::
        L = \sum_{ij} p_{ij} \log(1 + a d_{ij}^{2b}) + \gamma\, \nu \sum_{i \ne j} k(d_{ij}^2),
        \qquad \nu = \frac{m}{2 n^2}

    with `m` negative samples that go with an edge, one end of which is repelled by them, and k the repulsion of the
    similarity ``q = 1 / (1 + a d^(2 b))``, ``-log(1 - q)``, softened at short distances, see
    `repulsion.SoftenedPower`.

    Attributes
    ----------
    a, b : float
        Of the similarity; by default those of ``min_dist=0.1`` and ``spread=1``, see `similarity_curve`.
    n_negatives : int
        m.
    repulsion, seed
        All pairs, or ``4 n_negatives`` points that are drawn for each point in every iteration, see
        `objectives.Samplable`.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, :math:`\gamma`, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    McInnes, Healy & Melville, *UMAP: uniform manifold approximation and projection* (2018); Damrich & Hamprecht, *On
    UMAP's true loss function* (2021), for the weight of the repulsion.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import FuzzyCrossEntropy
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=3)
    >>> Y = Embedding(start, affinity.Fuzzy(X, k_neighbors=15), loss=FuzzyCrossEntropy())
    >>> Y.optimize(100).loss_value < Y.loss_value
    True
    """

    a: float = 1.576943460465841
    b: float = 0.8950608779639974
    n_negatives: int = 5
    label: ClassVar[str] = "UMAP loss"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_real(self.a, "a", above=0)
        check_real(self.b, "b", above=0)
        check_integer(self.n_negatives, "n_negatives", at_least=1)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n = check_pairs(P)
        weight = Weighted(self._weight / (2 * n * n))
        forces = self.forces(context, self.n_negatives)
        return PairLoss(context.edges(P), self.attraction, self.engine(context), weight, **forces)

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map of n points: a row of P that sums to 1 goes with m / 2 pairs."""
        frozen = context.frozen(reference, self.engine(context))
        weight = PlacedWeighted(self._weight / (2 * P.shape[1]))
        return PlacedPairLoss(context.edges(P), self.attraction, frozen, weight, context.n_jobs)

    @property
    def _weight(self) -> float:
        return float(self.repulsion_strength * self.n_negatives)

    @property
    def attraction(self) -> LogOnePlusPower:
        """``log(1 + a d^(2 b))``, with distances below 0.01 counting alike."""
        return LogOnePlusPower(float(self.a), float(self.b))

    @property
    def kernel(self) -> SoftenedPower:
        """``log(1 + 1 / (a d^(2 b)))``, softened at short distances."""
        return SoftenedPower(float(self.a), float(self.b))

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 exaggeration)``."""
        return 0.5 * n / exaggeration


@lru_cache(maxsize=64)
def similarity_curve(min_dist: float = 0.1, spread: float = 1.0) -> tuple[float, float]:
    """Return the parameters of UMAP's similarity: those that fit points which are `min_dist` apart at least.

    They are the a and b for which ``1 / (1 + a d^(2 b))`` is nearest, by least squares at 300 distances up to three
    times `spread`, to 1 below `min_dist` and ``exp(-(d - min_dist) / spread)`` above.

    Parameters
    ----------
    min_dist : float
        At most `spread`.
    spread : float

    Returns
    -------
    (float, float)

    Raises
    ------
    InvalidParameterError

    Examples
    --------
    >>> from opentsne_like.objectives import similarity_curve
    >>> [round(parameter, 4) for parameter in similarity_curve(min_dist=0.5)]
    [0.583, 1.3342]
    """
    from scipy.optimize import curve_fit

    check_real(spread, "spread", above=0)
    if check_real(min_dist, "min_dist", at_least=0) > spread:
        raise InvalidParameterError(f"`min_dist` must be at most `spread`, {spread}, got {min_dist}")
    distances = np.linspace(0.0, 3.0, 300)  # in units of spread, in which the fit is as good for any
    wanted = np.exp(-np.maximum(distances - min_dist / spread, 0.0))
    (a, b), _ = curve_fit(lambda d, a, b: 1.0 / (1.0 + a * d ** (2.0 * b)), distances, wanted)
    return float(a * spread ** (-2.0 * b)), float(b)
