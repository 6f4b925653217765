"""TSNE: openTSNE's estimator, a recipe over affinities, initialization and embeddings."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from . import initialization as initialization_scheme
from ._validation import check_choice, check_integer, check_matrix, check_random_state, check_real
from .affinity import Affinities, MultiscaleMixture, Uniform
from .embedding import PartialTSNEEmbedding, ResumableRun, TSNEEmbedding
from .errors import InvalidObjectError, InvalidParameterError, OptimizationInterrupt
from .objectives import kl_divergence_bh, kl_divergence_fft
from .optimizer import accelerated_momentum, as_list, check_descent, gradient_descent
from .utils import Timer

__all__ = [
    "TSNE",
    "OptimizationInterrupt",
    "PartialTSNEEmbedding",
    "TSNEEmbedding",
    "gradient_descent",
    "kl_divergence_bh",
    "kl_divergence_fft",
]

log = logging.getLogger(__name__)

_INITIALIZATIONS = ("pca", "spectral", "random", "landmarks")
_WIDE = 1e-2  # a start above this standard deviation is worth a word
_LENGTHS = ("early_exaggeration_iter", "n_iter")
_DESCENT = (
    *("dof", "n_interpolation_points", "min_num_intervals", "ints_in_interval", "negative_gradient_method"),
    *("random_state", "learning_rate", "theta", "max_grad_norm", "max_step_norm", "grid_tolerance", "repulsion_every"),
    *("n_jobs", "callbacks", "callbacks_every_iters", "verbose"),
)
# What a run may be resumed with other values of. Callbacks may change where a run ends, and are given again.
_FREE = {"n_jobs", "verbose", "callbacks", "callbacks_every_iters"}


class TSNE:
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
    early_exaggeration : float or "auto"
        "auto" is ``max(12, exaggeration)``.
    exaggeration : float, optional
        Exaggeration after the early phase; None is 1.
    dof : float, "learn", or a pair of them
        Degrees of freedom of the kernel; "learn" fits them to the data with the map, see `optimizer.DescentOptions`. A
        pair holds for early exaggeration and for what comes after it.
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
    negative_gradient_method : {"auto", "exact", "bh", "fft"} or callable
    callbacks : callable, Hook, or a list of them
    callbacks_every_iters : int
    random_state : int, RandomState or None
    verbose : bool
    n_neighbors : int, optional
        Uniform affinities to that many neighbours, instead of a perplexity.
    grid_tolerance : float, optional
        Relative error that the grid may add to the forces; None is 0.005.
    schedule : {"standard", "accelerated"}
        "standard" is openTSNE's. "accelerated" makes three tenths of the iterations that `early_exaggeration_iter` and
        `n_iter` say, without gains and with a momentum of 0.9, then of 0.95 to 0.98, the more points the higher. Maps
        of ten thousand points and more end at a lower KL divergence, smaller ones at about the same or up to 2 %
        higher, and more of the large-scale structure is right.
    repulsion_every : int
        Iterations that share one evaluation of repulsion: faster and less exact, and not for the accelerated schedule
        on small data, which falls apart.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X).shape
    (100, 2)
    """

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
        if isinstance(initialization, np.ndarray) and initialization.ndim == 2:
            self._check_columns(initialization)

    def _check_columns(self, start: Any) -> None:
        if start.shape[1] != self.n_components:
            raise InvalidParameterError(
                f"`initialization` must have {self.n_components} columns, one per component, got shape {start.shape}"
            )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, as scikit-learn's estimators do."""
        import inspect

        return {name: getattr(self, name) for name in inspect.signature(TSNE.__init__).parameters if name != "self"}

    def set_params(self, **params: Any) -> TSNE:
        """Change parameters by name."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise InvalidParameterError(f"`{name}` must be one of {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = TSNE().get_params()
        changed = {
            k: v for k, v in self.get_params().items() if v is not default[k] and not np.array_equal(v, default[k])
        }
        return f"TSNE({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def fit(
        self, X: Any = None, affinities: Any = None, initialization: Any = None, *, checkpoint: Any = None
    ) -> TSNEEmbedding:
        """Make a map.

        Parameters
        ----------
        X : array-like of shape (n, n_features), optional
        affinities : Affinities, optional
            Instead of `X`, or beside it.
        initialization : array of shape (n, n_components) or str, optional
            Instead of the estimator's own.
        checkpoint : path-like or callbacks.Checkpoint, keyword only, optional
            Where the run is kept while it runs, every 30 seconds unless the Checkpoint says otherwise. If the file is
            there already the run goes on from it and ends with the same bits as one that was never interrupted; it is
            refused if data or parameters differ. A function as `exaggeration` has to be given again.

        Returns
        -------
        TSNEEmbedding of shape (n, n_components)

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        StorageError
            The checkpoint cannot be written or read.
        """
        if checkpoint is None:
            return self._run(self.prepare_initial(X, affinities=affinities, initialization=initialization), None)
        X, start = self._checked(X, affinities, initialization)
        data = X if affinities is None else affinities.P
        parameters = {name: value for name, value in self.get_params().items() if name not in _FREE}
        run = ResumableRun(checkpoint, {**parameters, "fit": {"initialization": initialization}}, data)
        embedding = run.resume(data if affinities is None else None, as_list(self.callbacks))
        if embedding is None:
            embedding = self._begin(X, affinities, start)
        else:
            known = affinities if affinities is not None else embedding.affinities
            embedding = TSNEEmbedding(embedding, known, optimizer=embedding.optimizer, **self._descent_params())
        return self._run(embedding, run)

    def _run(self, embedding: TSNEEmbedding, run: ResumableRun | None) -> TSNEEmbedding:
        """Optimize in two stages, from where a run stands."""
        try:
            for stage, settings in enumerate(self._stages(len(embedding))):
                if run is not None and stage < run.stage:
                    continue
                settings |= self._resuming(run, stage)
                embedding.optimize(**settings, inplace=True, propagate_exception=True)
        except OptimizationInterrupt as interrupt:
            return interrupt.final_embedding  # type: ignore[no-any-return]
        return embedding

    def _resuming(self, run: ResumableRun | None, stage: int) -> dict[str, Any]:
        """Return what makes a stage go on from a checkpoint and keep it up to date."""
        if run is None:
            return {}
        run.begin(stage)
        return {"callbacks": [*as_list(self.callbacks), run.hook], "first_iteration": run.first}

    def prepare_initial(self, X: Any = None, affinities: Any = None, initialization: Any = None) -> TSNEEmbedding:
        """Return the embedding before its first iteration; see `fit`."""
        X, start = self._checked(X, affinities, initialization)
        return self._begin(X, affinities, start)

    def _begin(self, X: Any, affinities: Any, start: Any) -> TSNEEmbedding:
        """Return the embedding before its first iteration, from what was checked."""
        if affinities is None:
            affinities = self._affinities(X)
        if isinstance(start, str):
            start = self._start(X, affinities, start)
        return TSNEEmbedding(start, affinities, **self._descent_params())

    def _checked(self, X: Any, affinities: Any, initialization: Any) -> tuple[Any, Any]:
        """Refuse what cannot work before any work, and return the data and the start, a name or coordinates."""
        if X is None and affinities is None:
            raise InvalidParameterError("`X` or `affinities` must be given, got None for both")
        if affinities is not None and not isinstance(affinities, Affinities):
            raise InvalidObjectError(f"`affinities` must be an Affinities object, got {type(affinities).__name__}")
        if X is not None:
            X = check_matrix(X, at_least_rows=2, accept_sparse=True)
            X = X if hasattr(X, "tocsr") else np.ascontiguousarray(X)  # the same bits for any order in memory
        n = X.shape[0] if affinities is None else affinities.n_samples
        check_integer(self.n_components, "n_components", at_least=1)
        if not isinstance(self.random_state, np.random.Generator):  # from which a check would draw
            check_random_state(self.random_state)
        for perplexity in np.atleast_1d(self.perplexity).tolist():
            check_real(perplexity, "perplexity", above=0)
        params = self._descent_params()
        del params["random_state"]
        method = params.pop("negative_gradient_method")
        for stage in self._stages(n):
            check_descent((n, self.n_components), objective_function=method, **{**params, **stage})
        start = self.initialization if initialization is None else initialization
        if not isinstance(start, str):
            return X, self._checked_start(start, n)
        check_choice(start, "initialization", _INITIALIZATIONS)
        if start in ("pca", "landmarks") and (X is None or self._precomputed()):
            log.warning("`initialization` %r needs the data themselves; 'spectral' is used instead", start)
            start = "spectral"
        if start in ("pca", "landmarks") and self.n_components > min(X.shape):
            raise InvalidParameterError(
                f"`n_components` must be at most {min(X.shape)} to begin with principal components of data of shape "
                f"{X.shape}, got {self.n_components}; use initialization='random' or 'spectral'"
            )
        return X, start

    def _checked_start(self, start: Any, n: int) -> Any:
        """Return initial coordinates of the right shape, or refuse them."""
        start = check_matrix(start, "initialization")
        if start.shape != (n, self.n_components):
            raise InvalidParameterError(f"`initialization` must have shape {(n, self.n_components)}, got {start.shape}")
        if start.std(axis=0).max() > _WIDE:
            log.warning(
                "`initialization` has a standard deviation above %g; maps converge better from "
                "initialization.rescale(...) of it",
                _WIDE,
            )
        return start

    def _descent_params(self) -> dict[str, Any]:
        """Return what the embedding keeps for its `optimize` calls."""
        params = {name: getattr(self, name) for name in _DESCENT}
        return {**params, "dof": self._dofs()[1], "use_callbacks": self.callbacks is not None}

    def _stages(self, n: int) -> list[dict[str, Any]]:
        """Return what `optimize` is told in each stage of a run on `n` points."""
        accelerated = check_choice(self.schedule, "schedule", ("standard", "accelerated")) == "accelerated"
        lengths = [check_integer(getattr(self, name), name, at_least=0) for name in _LENGTHS]
        names = ("initial_momentum", "final_momentum")
        momenta = [check_real(getattr(self, name), name, at_least=0, below=1) for name in names]
        if accelerated:
            if momenta != [0.8, 0.8]:
                raise InvalidParameterError(
                    "`initial_momentum` and `final_momentum` must be left at 0.8 with schedule='accelerated', which "
                    f"chooses them, got {momenta[0]} and {momenta[1]}; for others call `optimize` in stages"
                )
            lengths = [-(-3 * length // 10) for length in lengths]
            momenta = [0.9, accelerated_momentum(n)]
        exaggerations = (self._early_exaggeration(), self.exaggeration)
        settings = ("n_iter", "exaggeration", "momentum", "dof", "use_gains")
        stages = zip(lengths, exaggerations, momenta, self._dofs(), [not accelerated] * 2, strict=True)
        return [dict(zip(settings, stage, strict=True)) for stage in stages]

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
            late = self.exaggeration
            known = late is not None and not callable(late)
            return max(12, check_real(late, "exaggeration", above=0)) if known else 12
        return self.early_exaggeration

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

    def _start(self, X: Any, affinities: Affinities, how: str) -> Any:
        with Timer(f"Calculating {how} initialization...", self.verbose):
            if how == "random":
                n = affinities.P.shape[0]
                return initialization_scheme.random(n, self.n_components, random_state=self.random_state)
            if how == "landmarks":
                return self._landmarks(X)
            if how == "pca":
                return initialization_scheme.pca(
                    X, self.n_components, random_state=self.random_state, n_jobs=self.n_jobs
                )
            return initialization_scheme.spectral(affinities.P, self.n_components, random_state=self.random_state)

    def _landmarks(self, X: Any) -> Any:
        """Return the start that a map of some of the points gives to all."""
        method = self.neighbors if isinstance(self.neighbors, str) else "auto"  # an index is one of all points
        small = {"initialization": "pca", "callbacks": None, "neighbors": method}
        return initialization_scheme.multiscale(
            X,
            TSNE(**{**self.get_params(), **small}).fit,
            k_neighbors=min(10, X.shape[0] - 1),
            method=method,
            metric=self.metric,
            metric_params=self.metric_params,
            knn_kwargs=self.knn_kwargs,
            random_state=self.random_state,
            verbose=self.verbose,
            n_jobs=self.n_jobs,
        )

    def _precomputed(self) -> bool:
        return isinstance(self.metric, str) and self.metric == "precomputed"
