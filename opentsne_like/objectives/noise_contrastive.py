"""NC-t-SNE: the loss of Neg-t-SNE with its normaliser learned, which is noise-contrastive estimation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_real
from ..errors import InvalidParameterError
from ..optimizer import Objective, State
from ..repulsion import RepulsionEngine, StudentT
from .all_pairs import check_pairs
from .base import Context
from .learned import LearnedObjective, learned
from .negative_sampling import NegativeSampling
from .pairs import PairLoss

LOG_C = "log_c"  # the array of the state that holds the learned odds
BOUNDS = (float(np.log(1e-8)), float(np.log(1e4)))


@dataclass(frozen=True)
class NoiseContrastive(NegativeSampling):
    r"""The loss of NC-t-SNE, which NCVis goes down: that of `NegativeSampling` with c learned with the map.

    .. math::
        L = \sum_{ij} p_{ij} \log(1 + c\,(1 + d_{ij}^2))
        + \nu \sum_{i \ne j} \log\Big(1 + \frac{1}{c\,(1 + d_{ij}^2)}\Big),
        \qquad \nu = \frac{m}{n (n - 1)}, \quad c = m \frac{Z}{n (n - 1)}

    Telling edges from random pairs by the odds of ``1 / ((1 + d²) Z)`` is noise-contrastive estimation; where `L` is
    least in Z as well, that is about the map's partition function, so that the loss approaches t-SNE's the more
    negatives there are. Learned is log Z, but for a constant: the logarithm of c.

    Attributes
    ----------
    n_negatives : int
        m, the negative samples that go with an edge.
    c : float
        Where the learning begins; 1 is negative sampling.
    repulsion, seed
        As of `NegativeSampling`; c is learned from all pairs either way.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    Gutmann & Hyvärinen, *Noise-contrastive estimation of unnormalized statistical models* (2012); Artemenkov & Panov,
    *NCVis: noise contrastive approach for scalable visualization* (2020); Damrich, Böhm, Hamprecht & Kobak, *From
    t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import NoiseContrastive
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=1)
    >>> Y = Embedding(start, affinity.Uniform(X, k_neighbors=15), loss=NoiseContrastive()).optimize(100)
    >>> Y.loss.settled(Y.optimizer.state).c < 1
    True
    """

    label: ClassVar[str] = "NC-t-SNE loss"
    learnable: ClassVar[Mapping[str, tuple[float, float]]] = {LOG_C: BOUNDS}

    def __post_init__(self) -> None:
        super().__post_init__()
        lowest, highest = np.exp(BOUNDS)
        if not lowest <= check_real(self.c, "c") <= highest:
            raise InvalidParameterError(f"`c` must be from 1e-08 to 10000, where it is learned, got {self.c}")

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        check_pairs(P)

        def of(c: float) -> PairLoss:
            return self._fixed(c).of_map(P, context)

        engine = context.engine(StudentT(), method=self.method, theta=self.theta, tolerance=self.tolerance)
        return LearnedOdds(context.state, of, float(self.c), engine)

    def parameters(self) -> dict[str, Array]:
        """Return the logarithm of c: where it begins, no step, a gain of 1."""
        return {LOG_C: np.array([[np.log(self.c)], [0.0], [1.0]])}

    def settled(self, state: State | None) -> NegativeSampling:
        """Return the loss with the c that `state` has come to, as a number."""
        return self._fixed(learned(state, LOG_C, float(self.c)))

    def _fixed(self, c: float) -> NegativeSampling:
        options = {f.name: getattr(self, f.name) for f in fields(NegativeSampling)}
        return NegativeSampling(**{**options, "c": c})


class LearnedOdds(LearnedObjective):
    r"""The loss of Neg-t-SNE, whose c is learned with the map.

    .. math::
        \frac{\partial L}{\partial \log c} = \sum_{ij} \frac{p_{ij}\, c\, u_{ij}}{1 + c\, u_{ij}}
        - \nu \sum_{i \ne j} \frac{1}{1 + c\, u_{ij}}, \qquad u = 1 + d^2

    Both sums are of ``1 / (1 + c u)``, which is ``1 / (1 + c)`` times t-SNE's kernel on a map that is narrower by the
    root of ``c / (1 + c)``; so no kernel of another c is needed for them.

    Parameters
    ----------
    state, of, first
        As of `LearnedObjective`.
    engine : RepulsionEngine
        Of t-SNE's kernel.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.objectives import Context, NoiseContrastive, Parts
    >>> points = np.random.default_rng(0).normal(size=(20, 2))
    >>> P, context = affinity.Uniform(points, k_neighbors=5).P, Context(n_jobs=1, state=None, parts=Parts())
    >>> def at(c):
    ...     return NoiseContrastive(c=c).bind(P, context)
    >>> low, high = (at(c).evaluate(points, exaggeration=1.0, with_loss=True)[0] for c in (0.99, 1.01))
    >>> bool(abs(at(1.0).slope(points) - (high - low) / 0.02) < 1e-3)
    True
    """

    learns = LOG_C
    bounds = BOUNDS

    def __init__(
        self, state: State | None, of: Callable[[float], PairLoss], first: float, engine: RepulsionEngine
    ) -> None:
        super().__init__(state, of, first)
        self._engine = engine

    def slope(self, points: Array) -> float:
        """Return the derivative of the loss in c."""
        c, objective = self.number, self.now
        narrower = points * np.sqrt(c / (1.0 + c))
        pulled = objective.edges.loss(narrower, narrower, self._engine.radial, self._engine.n_jobs)
        pairs = objective.normalizer.value(self._engine.evaluate(narrower).total)
        return (objective.edges.mass - (pulled + pairs) / (1.0 + c)) / c
