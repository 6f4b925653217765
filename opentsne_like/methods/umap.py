"""UMAP, with umap-learn's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from .._validation import check_integer, check_real
from ..affinity import Affinities, Fuzzy
from ..errors import InvalidParameterError
from ..objectives import FuzzyCrossEntropy, Loss, similarity_curve
from .family import LARGE, SamplingMethod

# 200 iterations with it end where 250 with 0.8 do. From 0.95 on, with gains or without, fewer neighbours are kept.
MOMENTUM = 0.9


@dataclass(repr=False, eq=False)
class UMAP(SamplingMethod):
    """UMAP by all pairs: the same map as umap-learn's, smooth to optimize and with the same bits in every run.

    The repulsion that umap-learn samples is one convolution of all pairs here, so there is no noise, no annealing of
    the learning rate, and the threads do not show. Iterations are of `optimizer.Momentum`, with gains and a momentum of
    0.9.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    n_neighbors : int
        Neighbours that attract a point, itself counted, as umap-learn does.
    min_dist, spread : float
        How near points may lie, and over what distance they count as near; `a` and `b` are fitted to them.
    a, b : float, optional
        Of the similarity ``1 / (1 + a d^(2 b))``; both, or neither.
    repulsion_strength : float
        Weight of the repulsion.
    negative_sample_rate : int
        How many pairs push for each that pulls.
    repulsion : {"all", "sampled"}
        "sampled" draws ``4 negative_sample_rate`` points for each point in every iteration, as other packages do: a
        noisy gradient, by `optimizer.SGD`, whose rate falls to nothing. `random_state` seeds it.
    set_op_mix_ratio : float
        From 0, the intersection of the fuzzy sets of neighbours, to 1, their union.
    local_connectivity : float
        Distance up to so many neighbours counts as nothing.
    init : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 3. umap-learn begins with "spectral".
    n_epochs : int, optional
        Iterations; by default 200, and 350 from 50,000 points on.
    target_metric : None
        Maps that are guided by labels are not made here.
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    McInnes, Healy & Melville, *UMAP: uniform manifold approximation and projection* (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import UMAP
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> UMAP(n_neighbors=10, n_epochs=50, random_state=0).fit(X).shape
    (100, 2)
    """

    start_width: ClassVar[float | None] = 3.0
    handed_on: ClassVar[Mapping[str, str]] = {**SamplingMethod.handed_on, "initialization": "init"}
    _: KW_ONLY
    n_neighbors: int = 15
    min_dist: float = 0.1
    spread: float = 1.0
    a: float | None = None
    b: float | None = None
    repulsion_strength: float = 1.0
    negative_sample_rate: int = 5
    set_op_mix_ratio: float = 1.0
    local_connectivity: float = 1.0
    init: Any = "pca"
    n_epochs: int | None = None
    target_metric: None = None

    @property
    def initialization(self) -> Any:
        """`init`, by the name it has in all other methods."""
        return self.init

    def _check_parameters(self, X: Any) -> None:
        if self.target_metric is not None:
            raise InvalidParameterError(
                f"`target_metric` must be left out, got {self.target_metric!r}; maps that are guided by labels are not "
                "made here"
            )
        if (self.a is None) != (self.b is None):
            raise InvalidParameterError(f"`a` and `b` must be given together, got {self.a} and {self.b}")
        check_integer(self.negative_sample_rate, "negative_sample_rate", at_least=1)
        check_real(self.local_connectivity, "local_connectivity", at_least=0)
        check_real(self.set_op_mix_ratio, "set_op_mix_ratio", at_least=0, at_most=1)
        check_integer(self.n_neighbors, "n_neighbors", at_least=2)
        if self.n_epochs is not None:
            check_integer(self.n_epochs, "n_epochs", at_least=0)

    def _affinities(self, X: Any) -> Affinities:
        how: dict[str, Any] = {"local_connectivity": self.local_connectivity, "set_op_mix_ratio": self.set_op_mix_ratio}
        return Fuzzy(X, k_neighbors=self.n_neighbors, **how, **self._near)

    def _loss(self, n: int) -> Loss:
        a, b = similarity_curve(self.min_dist, self.spread) if self.a is None or self.b is None else (self.a, self.b)
        strength: dict[str, Any] = {"repulsion_strength": self.repulsion_strength}
        return FuzzyCrossEntropy(a, b, self.negative_sample_rate, **strength, **self._pairs)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        default = 350 if n >= LARGE else 200
        return [{"n_iter": default if self.n_epochs is None else self.n_epochs, "momentum": MOMENTUM}]
