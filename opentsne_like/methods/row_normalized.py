"""SNE and InfoNC-t-SNE, whose points each have a partition function of their own."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from .. import objectives
from ..objectives import Loss
from .early import early_schedule
from .family import OnPerplexity


@dataclass(repr=False, eq=False)
class SNE(OnPerplexity):
    """Stochastic neighbour embedding: t-SNE's ancestor, with a Gaussian in the map and a normaliser for every point.

    Clusters lie close together, since the tails of a Gaussian are light. 60 iterations with exaggeration, then more
    without, by plain momentum of 0.9. At a perplexity of 2 or less, so on 7 rows or fewer, points have no more than a
    few neighbours, which lie far away, and steps of one length overshoot: go on by
    ``optimize(100, optimizer=LBFGS())`` there.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float
        Effective number of neighbours.
    n_iter, early_exaggeration_iter : int
        Iterations, and those of early exaggeration before them.
    early_exaggeration : float, sequence of float, callable or None
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    Hinton & Roweis, *Stochastic neighbor embedding* (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import SNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> SNE(perplexity=10, n_iter=50, random_state=0).fit(X).shape
    (100, 2)
    """

    _: KW_ONLY
    n_iter: int = 300
    early_exaggeration_iter: int = 60
    early_exaggeration: float = 4.0
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        early_schedule(self.early_exaggeration_iter, self.early_exaggeration)

    def _loss(self, n: int) -> Loss:
        return objectives.SNE(method=self.method)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        plain = {"momentum": 0.9, "use_gains": False}
        early = {"n_iter": self.early_exaggeration_iter, "exaggeration": self.early_exaggeration}
        return [{**early, **plain}, {"n_iter": self.n_iter, **plain}]


@dataclass(repr=False, eq=False)
class InfoNCTSNE(OnPerplexity):
    """InfoNC-t-SNE with all points as negatives: t-SNE with a normaliser for every point. Also by the name InfoTSNE.

    It keeps neighbours about as well as t-SNE, or a little better. 60 iterations with exaggeration by a momentum of
    0.9, then more without by 0.95, and no gains.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float
        Effective number of neighbours.
    exaggeration : float
        After the early phase; more makes clusters more compact. contrastive-ne's slider `s` is ``4 ** s`` here.
    n_iter, early_exaggeration_iter : int
        Iterations, and those of early exaggeration before them.
    early_exaggeration : float, sequence of float, callable or None
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    Damrich, Böhm, Hamprecht & Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import InfoNCTSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> InfoNCTSNE(perplexity=10, n_iter=50, random_state=0).fit(X).shape
    (100, 2)
    """

    _: KW_ONLY
    exaggeration: float = 1.0
    n_iter: int = 300
    early_exaggeration_iter: int = 60
    early_exaggeration: float = 12.0
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        early_schedule(self.early_exaggeration_iter, self.early_exaggeration)

    def _loss(self, n: int) -> Loss:
        return objectives.InfoNCE(method=self.method)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        early = {"n_iter": self.early_exaggeration_iter, "exaggeration": self.early_exaggeration, "momentum": 0.9}
        late = {"n_iter": self.n_iter, "exaggeration": self.exaggeration, "momentum": 0.95}
        return [{**early, "use_gains": False}, {**late, "use_gains": False}]
