"""Any pair of radial functions as a loss: an attraction, a repulsion, and what normalises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_choice, check_real
from ..errors import InvalidParameterError
from ..optimizer import Objective
from ..repulsion import Potential, Radial, RepulsionEngine, RowEngine, as_radial
from ..repulsion.functions import TRIED
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .normalizers import Normalizer, PlacedLog, PlacedNormalizer, PlacedWeighted, Weighted
from .pairs import PairLoss
from .placed import PlacedPairLoss
from .row_normalized import check_distributions


@dataclass(frozen=True)
class LogSum:
    r"""The weighted logarithm of the sum of all potentials, :math:`N = \nu \log \sum_i \varphi_i`.

    Attributes
    ----------
    weight : float

    Examples
    --------
    >>> from opentsne_like.objectives import LogSum
    >>> LogSum(2.0).value(1.0), LogSum(2.0).factor(4.0)
    (0.0, 0.25)
    """

    weight: float = 1.0
    constant: ClassVar[float] = 0.0

    def value(self, total: float) -> float:
        """Return ``weight * log(total)``."""
        return self.weight * float(np.log(total))

    def factor(self, total: float) -> float:
        """Return ``weight / (2 total)``."""
        return 0.5 * self.weight / total if total > 0.0 else np.inf

    def shares(self, potential: Potential) -> Array:
        """Return the value in equal parts: the sum is one of all points."""
        n = len(potential.values)
        return np.full(n, self.value(potential.total) / n)


@dataclass(frozen=True)
class Pairwise(AllPairs):
    r"""A loss of two radial functions, A of attraction along edges and k of repulsion between all pairs.

    .. math::
        L = \sum_{ij} p_{ij} A(d_{ij}^2) + w\, N, \qquad \varphi_i = \sum_{j \ne i} k(d_{ij}^2)

    ================  ==========================================  ===========================
    ``normalizer``    N                                           methods of this kind
    ================  ==========================================  ===========================
    None              :math:`\sum_i \varphi_i / (n (n - 1))`      elastic embedding, Neg-t-SNE
    ``"all"``         :math:`\log \sum_i \varphi_i`               t-SNE
    ``"rows"``        :math:`\sum_i \log \varphi_i / n`           SNE, InfoNC-t-SNE
    ================  ==========================================  ===========================

    Attributes
    ----------
    attraction, repulsion : Radial or callable
        Radial functions, see `repulsion.Radial`, or functions of an array of squared distances that return as many
        numbers; those of k have to fall over a distance of about 1, and must not be negative where a normalizer takes
        their logarithm. Functions are slower, and a map under them is not stored.
    normalizer : {None, "all", "rows"}
    weight : float
        w.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    Examples
    --------
    Between t-SNE and SNE, as functions of the user's own:

    >>> import numpy as np
    >>> from opentsne_like import NeighborEmbedding
    >>> from opentsne_like.objectives import Pairwise
    >>> from opentsne_like.optimizer import Schedule
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> root = Pairwise(lambda s: np.sqrt(1 + s), lambda s: np.exp(-np.sqrt(1 + s)), "all")
    >>> NeighborEmbedding(loss=root, schedule=Schedule(50), init_scaling=0.1, random_state=0).fit(X).shape
    (100, 2)
    """

    attraction: Any
    repulsion: Any
    normalizer: str | None = None
    weight: float = 1.0
    label: ClassVar[str] = "pairwise loss"
    placing: ClassVar[Placing | None] = Placing(exaggeration=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("attraction", "repulsion"):
            object.__setattr__(self, name, as_radial(getattr(self, name), name))
        if self.normalizer is not None:
            check_choice(self.normalizer, "normalizer", ("all", "rows"))
            _check_has_logarithm(self.repulsion, self.normalizer)
        check_real(self.weight, "weight", at_least=0)

    @property
    def kernel(self) -> Radial:
        """The repulsion."""
        return self.repulsion  # type: ignore[no-any-return]

    @property
    def engine_class(self) -> type[RepulsionEngine]:
        """Rows are normalised by their own potentials where the normaliser says so."""
        return RowEngine if self.normalizer == "rows" else RepulsionEngine

    @property
    def _strength(self) -> float:
        return float(self.weight * self.repulsion_strength)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n, w, edges = check_pairs(P), self._strength, context.edges(P)
        normalizer: Normalizer = LogSum(w)
        if self.normalizer != "all":
            normalizer = Weighted(w / (n if self.normalizer == "rows" else n * (n - 1)))
        if self.normalizer == "rows":
            check_distributions(edges, "Pairwise with normalizer='rows'", placed=False)
        return PairLoss(edges, self.attraction, self.engine(context), normalizer, context.control())

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map; each has a normaliser of its own."""
        frozen, w = context.frozen(reference, self.engine(context)), self._strength
        normalizer: PlacedNormalizer = PlacedWeighted(w / P.shape[1]) if self.normalizer is None else PlacedLog(w)
        return PlacedPairLoss(context.edges(P), self.attraction, frozen, normalizer, context.n_jobs)

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / (2 A' exaggeration)``: half of the inverse of the attraction's greatest stiffness."""
        stiffness = float(np.abs(self.attraction.slope(np.array([0.0, 0.1, 1.0]))).max())
        return 0.5 * n / (max(stiffness, 1e-6) * exaggeration)


def _check_has_logarithm(repulsion: Radial, normalizer: str) -> None:
    """Refuse a repulsion whose sums have no logarithm."""
    found = repulsion(TRIED)
    if len(bad := np.flatnonzero(found < 0)) or not found.any():
        want, at = ("must not be negative", bad[0]) if len(bad) else ("must be positive somewhere", 0)
        raise InvalidParameterError(
            f"`repulsion` {want} with normalizer={normalizer!r}, which takes logarithms of its sums, got {found[at]:g} "
            f"at a squared distance of {TRIED[at]:g}"
        )
