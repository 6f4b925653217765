"""TSNE: openTSNE's estimator, a recipe over affinities, initialization and embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import initialization as initialization_scheme
from .._validation import check_choice, check_integer, check_real
from ..affinity import Affinities, MultiscaleMixture, Uniform
from ..embedding import Embedding
from ..errors import InvalidParameterError
from ..objectives import Loss
from ..opentsne import TSNEEmbedding
from ..optimizer import Schedule
from . import accelerated
from .base import Method, log
from .early import early_schedule

_WIDE = 1e-2  # a start above this standard deviation is worth a word
_LENGTHS = ("early_exaggeration_iter", "n_iter")
_STAGE = ("n_iter", "exaggeration", "momentum")
_SETTINGS = (
    *("n_interpolation_points", "min_num_intervals", "ints_in_interval", "negative_gradient_method", "learning_rate"),
    *("theta", "max_grad_norm", "max_step_norm", "grid_tolerance", "repulsion_every", "device", "n_jobs"),
    *("callbacks", "callbacks_every_iters", "verbose"),
)
_OF_THE_LOSS = {"dof": 1, "theta": 0.5, "repulsion_every": 1}  # options, and their defaults


class TSNE(Method):
    """t-Distributed Stochastic Neighbour Embedding, with openTSNE's parameters and defaults.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float or sequence of float
        Effective number of neighbours.
    learning_rate : float or "auto"
        "auto" is the number of points divided by the exaggeration; with the accelerated schedule twice as much, divided
        by the exaggeration to the power of 1.5.
    early_exaggeration_iter, n_iter : int
        Iterations of early exaggeration, and after it.
    early_exaggeration : float, sequence of float, callable, None or "auto"
        "auto" is ``max(12, exaggeration)``.
    exaggeration : float, optional
        Exaggeration after the early phase; None is 1.
    dof : float, "learn", or a pair of them
        Degrees of freedom of the kernel; "learn" fits them to the data with the map, see `objectives.KullbackLeibler`.
        A pair holds for early exaggeration and for what comes after it.
    theta : float
        Opening angle of Barnes-Hut; 0.5 where "auto" takes a tree stands for the widest that keeps the tolerance.
    n_interpolation_points, min_num_intervals, ints_in_interval : int
        openTSNE's grid parameters, mapped onto an accuracy; 3, 50, 1 mean the default.
    initialization : {"pca", "spectral", "random", "landmarks"} or array of shape (n, n_components)
        "landmarks", for more than a million points, maps 25,000 of them first, with these parameters, and places the
        others among those nearest to them; see `initialization.multiscale`.
    metric : str or callable
    metric_params : dict, optional
    initial_momentum, final_momentum : float
    max_grad_norm, max_step_norm : float, optional
    n_jobs : int
        Threads; -1 for all cores. The map does not depend on it.
    neighbors : str or KNNIndex
    knn_kwargs : dict, optional
    negative_gradient_method : {"auto", "exact", "bh", "fft"}, callable, Loss or Objective
        How repulsion is computed, or what takes the place of t-SNE's loss.
    callbacks : callable, Hook, or a list of them
    callbacks_every_iters : int
    random_state : int, RandomState or None
    verbose : bool
    n_neighbors : int, optional
        Uniform affinities to that many neighbours, instead of a perplexity.
    grid_tolerance : float, optional
        Relative error that the grid, or a tree that "auto" takes, may add to the forces of any map; None is 0.005.
    schedule : {"standard", "accelerated"}
        "standard" is openTSNE's. "accelerated" goes without gains. From 5,000 points on it makes about a sixth of the
        iterations that `early_exaggeration_iter` and `n_iter` say, in three stages, after the second of which the map
        is multiplied by 1.7; a start narrower than a standard deviation of 1 is widened to that. Maps are wider than
        those of "standard" and, at the same width, have up to 2 % more KL divergence; they keep more neighbours from
        about 20,000 points on, and distances in them are as right or more so. Fewer points take three tenths of the
        iterations with a momentum of 0.9, then of 0.95 to 0.98, and end at about the same or 2 % higher.
    repulsion_every : int
        Iterations that share one evaluation of repulsion: faster and less exact, and not for the accelerated schedule
        on small data, which falls apart.
    device : {"auto", "cpu", "cuda"}
        Where the map is optimized, see `embedding.Resources`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X).shape
    (100, 2)
    """

    embedding_class: ClassVar[type[Embedding]] = TSNEEmbedding
    starts: ClassVar[tuple[str, ...]] = ("pca", "spectral", "random", "landmarks")
    _multiscale: ClassVar[Callable[..., Any]] = staticmethod(initialization_scheme.multiscale)

    def __init__(
        self,
        n_components: int = 2,
        perplexity: Any = 30,
        learning_rate: float | str = "auto",
        early_exaggeration_iter: int = 250,
        early_exaggeration: float | str = "auto",
        n_iter: int = 500,
        exaggeration: Any = None,
        dof: Any = 1,
        theta: float = 0.5,
        n_interpolation_points: int = 3,
        min_num_intervals: int = 50,
        ints_in_interval: int = 1,
        initialization: Any = "pca",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        initial_momentum: float = 0.8,
        final_momentum: float = 0.8,
        max_grad_norm: float | None = None,
        max_step_norm: float | None = 5,
        n_jobs: int = -1,
        neighbors: Any = "auto",
        knn_kwargs: dict[str, Any] | None = None,
        negative_gradient_method: Any = "auto",
        callbacks: Any = None,
        callbacks_every_iters: int = 50,
        random_state: Any = None,
        verbose: bool = False,
        *,
        n_neighbors: int | None = None,
        grid_tolerance: float | None = None,
        schedule: str = "standard",
        repulsion_every: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.learning_rate = learning_rate
        self.early_exaggeration_iter = early_exaggeration_iter
        self.early_exaggeration = early_exaggeration
        self.n_iter = n_iter
        self.exaggeration = exaggeration
        self.dof = dof
        self.theta = theta
        self.n_interpolation_points = n_interpolation_points
        self.min_num_intervals = min_num_intervals
        self.ints_in_interval = ints_in_interval
        self.initialization = initialization
        self.metric = metric
        self.metric_params = metric_params
        self.initial_momentum = initial_momentum
        self.final_momentum = final_momentum
        self.max_grad_norm = max_grad_norm
        self.max_step_norm = max_step_norm
        self.n_jobs = n_jobs
        self.neighbors = neighbors
        self.knn_kwargs = knn_kwargs
        self.negative_gradient_method = negative_gradient_method
        self.callbacks = callbacks
        self.callbacks_every_iters = callbacks_every_iters
        self.random_state = random_state
        self.verbose = verbose
        self.n_neighbors = n_neighbors
        self.grid_tolerance = grid_tolerance
        self.schedule = schedule
        self.repulsion_every = repulsion_every
        self.device = device
        if isinstance(initialization, np.ndarray) and initialization.ndim == 2:
            self._check_columns(initialization)

    def _check_columns(self, start: Any) -> None:
        if start.shape[1] != self.n_components:
            raise InvalidParameterError(
                f"`initialization` must have {self.n_components} columns, one per component, got shape {start.shape}"
            )

    def _check_parameters(self, X: Any) -> None:
        for perplexity in np.atleast_1d(self.perplexity).tolist():
            check_real(perplexity, "perplexity", above=0)
        if self.n_neighbors is not None:
            check_integer(self.n_neighbors, "n_neighbors", at_least=1, at_most=None if X is None else X.shape[0] - 1)

    def _checked_start(self, start: Any, n: int) -> Any:
        start = super()._checked_start(start, n)
        wide = max(_WIDE, accelerated.START) if self._accelerated() and n >= accelerated.MANY else _WIDE
        if start.std(axis=0).max() > wide:
            log.warning(
                "`initialization` has a standard deviation above %g; maps converge better from "
                "initialization.rescale(...) of it",
                wide,
            )
        return start

    def _settings(self, n: int) -> dict[str, Any]:
        return self._taken({**{name: getattr(self, name) for name in _SETTINGS}, "dof": self._dofs()[1]})

    def _taken(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return options without those of t-SNE's loss that nobody has set, where another loss takes its place."""
        method = self.negative_gradient_method
        if not (isinstance(method, Loss) or callable(getattr(method, "evaluate", None))):
            return options
        return {name: value for name, value in options.items() if _OF_THE_LOSS.get(name, options) != value}

    def _stages(self, n: int) -> list[dict[str, Any]]:
        """Return what `optimize` is told in each stage of a run on `n` points."""
        lengths = [check_integer(getattr(self, name), name, at_least=0) for name in _LENGTHS]
        names = ("initial_momentum", "final_momentum")
        momenta = [check_real(getattr(self, name), name, at_least=0, below=1) for name in names]
        exaggerations = (self._early_exaggeration(), self.exaggeration)
        if not self._accelerated():
            plain = zip(lengths, exaggerations, momenta, strict=True)
            stages = [dict(zip(_STAGE, stage, strict=True)) | {"use_gains": True} for stage in plain]
        elif momenta == [0.8, 0.8]:
            stages = accelerated.stages(n, (lengths[0], lengths[1]), exaggerations)
        else:
            raise InvalidParameterError(
                "`initial_momentum` and `final_momentum` must be left at 0.8 with schedule='accelerated', which "
                f"chooses them, got {momenta[0]} and {momenta[1]}; for others call `optimize` in stages"
            )
        dofs = self._dofs()
        return [self._taken({**stage, "dof": dofs[min(i, 1)]}) for i, stage in enumerate(stages)]

    def _begin(self, X: Any, affinities: Any, start: Any) -> Any:
        embedding = super()._begin(X, affinities, start)
        factor = accelerated.start_factor(np.asarray(embedding)) if self._accelerated() else 1.0
        return embedding if factor == 1.0 else embedding.scale(factor, inplace=True)

    def _onward(self, n: int) -> dict[str, Any]:
        stage = super()._onward(n)
        if not self._accelerated():
            return stage
        return {**stage, **accelerated.onward(n, self.n_iter, self.exaggeration)}

    def _between(self, embedding: Any, stage: int) -> None:
        factor = accelerated.factor_after(self._stages(len(embedding)), stage) if self._accelerated() else 1.0
        if factor != 1.0:
            embedding.scale(factor, inplace=True)

    def _accelerated(self) -> bool:
        return bool(check_choice(self.schedule, "schedule", ("standard", "accelerated")) == "accelerated")

    def _dofs(self) -> tuple[Any, Any]:
        """Return the degrees of freedom of both stages."""
        if not isinstance(self.dof, (list, tuple)):
            return self.dof, self.dof
        if len(self.dof) != 2:
            raise InvalidParameterError(f"`dof` must be one value or two, one per stage, got {len(self.dof)}")
        return self.dof[0], self.dof[1]

    def _early_exaggeration(self) -> Any:
        if isinstance(self.early_exaggeration, str):
            check_choice(self.early_exaggeration, "early_exaggeration", ("auto",))
            late = Schedule(exaggeration=self.exaggeration).exaggeration
            return 12 if late is None or callable(late) else max([12, *np.atleast_1d(late).tolist()])
        return early_schedule(0, self.early_exaggeration).exaggeration

    def _affinities(self, X: Any) -> Affinities:
        shared = {
            "method": self.neighbors,
            "metric": self.metric,
            "metric_params": self.metric_params,
            "n_jobs": self.n_jobs,
            "random_state": self.random_state,
            "verbose": self.verbose,
            "knn_kwargs": self.knn_kwargs,
        }
        if self.n_neighbors is not None:
            return Uniform(X, k_neighbors=self.n_neighbors, **shared)
        return MultiscaleMixture(X, perplexities=self.perplexity, **shared)

    def _starts_from(self, X: Any, affinities: Affinities, how: str) -> Any:
        return self._landmarks(X) if how == "landmarks" else super()._starts_from(X, affinities, how)

    def _landmarks(self, X: Any) -> Any:
        """Return the start that a map of some of the points gives to all."""
        method = self.neighbors if isinstance(self.neighbors, str) else "auto"  # an index is one of all points
        small = {"initialization": "pca", "callbacks": None, "neighbors": method}
        return self._multiscale(
            X,
            TSNE(**{**{name: getattr(self, name) for name in TSNE._names()}, **small}).fit,
            k_neighbors=min(10, X.shape[0] - 1),
            method=method,
            metric=self.metric,
            metric_params=self.metric_params,
            knn_kwargs=self.knn_kwargs,
            random_state=self.random_state,
            verbose=self.verbose,
            n_jobs=self.n_jobs,
        )

    def _data_have_columns(self) -> bool:
        return not (isinstance(self.metric, str) and self.metric == "precomputed")
