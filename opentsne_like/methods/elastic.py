"""Elastic embedding: springs between neighbours, a Gaussian push between all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from .. import objectives
from .._validation import check_real
from ..errors import InvalidParameterError
from ..objectives import Loss
from .family import OnPerplexity


@dataclass(repr=False, eq=False)
class ElasticEmbedding(OnPerplexity):
    """The elastic embedding.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float
        Effective number of neighbours.
    lam : float or sequence of float
        The weight of the repulsion; the larger, the more the map spreads. A sequence is a path: the map goes down the
        loss at each of them, from where it is, and keeps the last.
    repulsion : {"uniform", "distance"}
        "uniform" is the same for all pairs; "distance" grows with the squared distance of two points in the data, as in
        NeuralEE, and takes about (D + 2) / 8 times as long, with D the columns of the data.
    n_iter : int
        Iterations at each `lam`.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 0.1.
    learning_rate, metric, metric_params, neighbors, knn_kwargs, method
        See `FamilyMethod`.
    device, n_jobs, callbacks, callbacks_every_iters, random_state, verbose
        As of `TSNE`.

    References
    ----------
    Carreira-Perpiñán, *The elastic embedding algorithm for dimensionality reduction* (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ElasticEmbedding
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = ElasticEmbedding(perplexity=10, lam=[1, 10, 100], n_iter=50, random_state=0).fit(X)
    >>> Y.loss.lam, Y.n_iter_
    (100.0, 150)
    """

    start_width: ClassVar[float | None] = 0.1
    _: KW_ONLY
    lam: float | Sequence[float] = 100.0
    repulsion: str = "uniform"
    n_iter: int = 200
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        if not self._path():
            raise InvalidParameterError("`lam` must be a number or a sequence of them, got an empty one")
        for lam in self._path():
            check_real(lam, "lam", at_least=0)

    def _path(self) -> list[Any]:
        return list(np.atleast_1d(self.lam).tolist())

    def _of(self, lam: Any) -> objectives.ElasticEmbedding:
        return objectives.ElasticEmbedding(float(lam), self.repulsion, method=self.method)

    def _loss(self, n: int) -> Loss:
        return self._of(self._path()[-1])

    def _stages(self, n: int) -> list[dict[str, Any]]:
        return [{"n_iter": self.n_iter, "loss": self._of(lam)} for lam in self._path()]
