"""What the estimators of the family share: parameters of neighbours and repulsion, a start of a width."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from .. import initialization as starts
from .._validation import check_choice
from ..affinity import Affinities, PerplexityBasedNN, Uniform
from ..objectives import Loss
from ..optimizer import SGD
from .base import Method

LARGE = 50_000  # points, from which on maps take more iterations


@dataclass(repr=False, eq=False)
class FamilyMethod(Method):
    """A method of the family by the parts that it prescribes: a loss, affinities, the width of the start, stages.

    Its parameters are the fields of a dataclass; those below are common to all. What it makes is what
    `NeighborEmbedding` makes of the same parts, bit by bit.

    Attributes
    ----------
    n_components : int
        Dimensions of the map.
    learning_rate : float, sequence of float, callable, or "auto"
        "auto" is the unit of the loss; rates that change do so within each stage, see `optimizer.Schedule`.
    metric : str or callable
        By which neighbours are near, see `nearest_neighbors`.
    metric_params : dict, optional
    neighbors : str or KNNIndex
        How neighbours are found.
    knn_kwargs : dict, optional
    method : {"auto", "exact", "bh", "fft"}
        How repulsion is summed, see `repulsion.RepulsionEngine`.
    device : {"auto", "cpu", "cuda"}
        Where the map is optimized, see `embedding.Resources`.
    n_jobs : int
        Threads; -1 for all cores. The map does not depend on it.
    callbacks : callable, Hook, or a list of them
    callbacks_every_iters : int
    random_state : int, RandomState or None
    verbose : bool

    Examples
    --------
    >>> from opentsne_like.methods import SNE, FamilyMethod
    >>> SNE(perplexity=20, random_state=0)
    SNE(random_state=0, perplexity=20)
    >>> isinstance(SNE(), FamilyMethod)
    True
    """

    start_width: ClassVar[float | None] = None  # standard deviation of a start that goes by a name; None leaves it
    n_components: int = 2
    _: KW_ONLY
    learning_rate: Any = "auto"
    metric: Any = "euclidean"
    metric_params: dict[str, Any] | None = None
    neighbors: Any = "auto"
    knn_kwargs: dict[str, Any] | None = None
    method: Any = "auto"
    device: str = "auto"
    n_jobs: int = -1
    callbacks: Any = None
    callbacks_every_iters: int = 50
    random_state: Any = None
    verbose: bool = False

    @abstractmethod
    def _loss(self, n: int) -> Loss:
        """Return the loss of a map of `n` points."""

    def _settings(self, n: int) -> dict[str, Any]:
        names = ("learning_rate", "device", "n_jobs", "callbacks", "callbacks_every_iters", "verbose")
        return {"loss": self._loss(n), **{name: getattr(self, name) for name in names}}

    @property
    def _seed(self) -> int:
        """The seed of what a loss draws: `random_state` where it is an integer, and 0 otherwise."""
        return int(self.random_state) if isinstance(self.random_state, (int, np.integer)) else 0

    @property
    def _near(self) -> dict[str, Any]:
        """How neighbours are found, as arguments of affinities."""
        names = ("metric", "metric_params", "knn_kwargs", "n_jobs", "random_state", "verbose")
        return {"method": self.neighbors, **{name: getattr(self, name) for name in names}}

    def _starts_from(self, X: Any, affinities: Affinities, how: str) -> Any:
        start = super()._starts_from(X, affinities, how)
        return start if self.start_width is None else starts.rescale(start, target_std=self.start_width)

    def _data_have_columns(self) -> bool:
        return not (isinstance(self.metric, str) and self.metric == "precomputed")


@dataclass(repr=False, eq=False)
class SamplingMethod(FamilyMethod):
    """A method that was made with a sample of pairs: all of them, unless it is asked for.

    A sampled gradient is noisy, so `optimizer.SGD` takes the place of momentum: its learning rate falls to nothing in
    each stage.
    """

    _: KW_ONLY
    repulsion: str = "all"

    @property
    def _pairs(self) -> dict[str, Any]:
        """How repulsion is summed or sampled, as arguments of the loss."""
        return {"method": self.method, "repulsion": self.repulsion, "seed": self._seed}

    def _settings(self, n: int) -> dict[str, Any]:
        sampled = check_choice(self.repulsion, "repulsion", ("all", "sampled")) == "sampled"
        return {**super()._settings(n), **({"optimizer": SGD()} if sampled else {})}


@dataclass(repr=False, eq=False)
class OnPerplexity(FamilyMethod):
    """A method whose affinities are t-SNE's."""

    _: KW_ONLY
    perplexity: float = 30

    def _affinities(self, X: Any) -> Affinities:
        return PerplexityBasedNN(X, perplexity=self.perplexity, **self._near)


@dataclass(repr=False, eq=False)
class OnNeighbors(FamilyMethod):
    """A method whose affinities are the same for each of the nearest neighbours."""

    _: KW_ONLY
    n_neighbors: int = 15

    def _affinities(self, X: Any) -> Affinities:
        return Uniform(X, k_neighbors=self.n_neighbors, **self._near)
