"""Methods that tell neighbours from random pairs: Neg-t-SNE, NC-t-SNE, LargeVis."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from .._validation import check_integer, check_real
from ..errors import InvalidParameterError
from ..objectives import Loss, NegativeSampling, NoiseContrastive
from .family import LARGE, OnNeighbors, OnPerplexity, SamplingMethod

MOST_POWER = 700.0  # of e, beyond which there are no such numbers
TSNE_MEAN = 100.0  # times n: what contrastive-ne takes for t-SNE's partition function


@dataclass(repr=False, eq=False)
class NegTSNE(SamplingMethod, OnNeighbors):
    r"""Neg-t-SNE with all pairs: a spectrum from UMAP-like maps (s = 1) towards t-SNE's (s = 0).

    It begins at c = 1, negative sampling proper, and goes on at the c that was asked for. For the spectrum itself
    `TSNE(exaggeration=...)` is the first choice: with five negatives the end at s = 0 is not yet t-SNE.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    n_neighbors : int
        Neighbours that attract a point, each alike.
    n_negatives : int
        Negative samples that go with an edge, m.
    s : float, optional
        Place on the spectrum as in contrastive-ne: Z̄ is ``100 n`` at 0, ``n (n - 1) / m`` at 1, and geometric between.
        Up to ``100 m`` rows, 500 by default, the former is not the smaller one, and `s` below 1 makes maps more
        compact: take `Z_bar` or `c` there. Only one of `s`, `Z_bar` and `c` can be given; with none of them, s is 1.
    Z_bar : float, optional
        What the map's partition function is taken to be; the smaller, the nearer to t-SNE.
    c : float, optional
        Odds of a negative sample at a distance of 0, ``m Z_bar / (n (n - 1))``.
    n_iter : int, optional
        Iterations at the c that was asked for; by default 250, and 400 from 50,000 points on.
    early_iter : int
        Iterations at c = 1 before them.
    repulsion : {"all", "sampled"}
        "sampled" draws ``4 n_negatives`` points for each point in every iteration, as other packages do: a noisy
        gradient, by `optimizer.SGD`, whose rate falls to nothing. `random_state` seeds it.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 1.
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
    >>> from opentsne_like import NegTSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = NegTSNE(c=0.1, n_iter=50, random_state=0).fit(X)
    >>> Y.loss.c, Y.loss.n_negatives
    (0.1, 5)
    """

    start_width: ClassVar[float | None] = 1.0
    _: KW_ONLY
    n_negatives: int = 5
    s: float | None = None
    Z_bar: float | None = None
    c: float | None = None
    n_iter: int | None = None
    early_iter: int = 100
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        given = [name for name in ("s", "Z_bar", "c") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InvalidParameterError(
                f"`{given[0]}` and `{given[1]}` must not both be given, since either says where on the spectrum to go, "
                f"got {getattr(self, given[0])} and {getattr(self, given[1])}"
            )
        if self.s is not None:
            check_real(self.s, "s")
        for name in ("Z_bar", "c"):
            if getattr(self, name) is not None:
                check_real(getattr(self, name), name, above=0)
        check_integer(self.n_negatives, "n_negatives", at_least=1)
        check_integer(self.early_iter, "early_iter", at_least=0)

    def _odds(self, n: int) -> float:
        """Return c."""
        if self.c is not None:
            return float(self.c)
        pairs = n * (n - 1) / self.n_negatives
        if self.Z_bar is not None:
            return float(self.Z_bar) / pairs
        s = 1.0 if self.s is None else float(self.s)
        power = (1.0 - s) * math.log(TSNE_MEAN * n / pairs)
        if not abs(power) < MOST_POWER:
            raise InvalidParameterError(
                f"`s` must lie nearer to 0, got {s:g}, at which the odds of a negative sample would be exp({power:.3g})"
            )
        return math.exp(power)

    def _loss(self, n: int) -> Loss:
        return NegativeSampling(self.n_negatives, self._odds(n), **self._pairs)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        first = NegativeSampling(self.n_negatives, **self._pairs)
        return [{"n_iter": self.early_iter, "loss": first}, {"n_iter": _length(self.n_iter, n)}]


@dataclass(repr=False, eq=False)
class NCTSNE(SamplingMethod, OnNeighbors):
    """NC-t-SNE with all pairs: Neg-t-SNE whose normaliser is learned with the map. Also by the name NCVis.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    n_neighbors : int
        Neighbours that attract a point, each alike.
    n_negatives : int
        Negative samples that go with an edge; the more, the nearer to t-SNE.
    n_iter : int
        Iterations while the normaliser is learned.
    early_iter : int
        Iterations at c = 1 before them, which are those of `NegTSNE`.
    repulsion : {"all", "sampled"}
        "sampled" draws ``4 n_negatives`` points for each point in every iteration, as other packages do: a noisy
        gradient, by `optimizer.SGD`, whose rate falls to nothing. `random_state` seeds it.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 1.
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    Artemenkov & Panov, *NCVis: noise contrastive approach for scalable visualization* (2020); Damrich, Böhm, Hamprecht
    & Kobak, *From t-SNE to UMAP with contrastive learning* (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import NCTSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = NCTSNE(n_iter=50, random_state=0).fit(X)
    >>> Y.loss.settled(Y.optimizer.state).c < 1
    True
    """

    start_width: ClassVar[float | None] = 1.0
    _: KW_ONLY
    n_negatives: int = 5
    n_iter: int = 500
    early_iter: int = 100
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        check_integer(self.early_iter, "early_iter", at_least=0)

    def _loss(self, n: int) -> Loss:
        return NoiseContrastive(self.n_negatives, **self._pairs)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        first = NegativeSampling(self.n_negatives, **self._pairs)
        return [{"n_iter": self.early_iter, "loss": first}, {"n_iter": self.n_iter}]


@dataclass(repr=False, eq=False)
class LargeVis(SamplingMethod, OnPerplexity):
    """LargeVis with all pairs: negative sampling (c = 1) on t-SNE's affinities.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float
        Effective number of neighbours.
    n_negatives : int
        Negative samples that go with an edge.
    n_iter : int, optional
        By default 350, and 500 from 50,000 points on.
    repulsion : {"all", "sampled"}
        "sampled" draws ``4 n_negatives`` points for each point in every iteration, as other packages do: a noisy
        gradient, by `optimizer.SGD`, whose rate falls to nothing. `random_state` seeds it.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 1.
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    Tang, Liu, Zhang & Mei, *Visualizing large-scale and high-dimensional data* (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import LargeVis
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> LargeVis(perplexity=10, n_iter=50, random_state=0).fit(X).shape
    (100, 2)
    """

    start_width: ClassVar[float | None] = 1.0
    _: KW_ONLY
    n_negatives: int = 5
    n_iter: int | None = None
    initialization: Any = "pca"

    def _loss(self, n: int) -> Loss:
        return NegativeSampling(self.n_negatives, **self._pairs)

    def _stages(self, n: int) -> list[dict[str, Any]]:
        return [{"n_iter": 100 + _length(None, n) if self.n_iter is None else self.n_iter}]


def _length(n_iter: int | None, n: int) -> int:
    """Return how many iterations a map of `n` points takes unless it is said."""
    return (400 if n >= LARGE else 250) if n_iter is None else n_iter
