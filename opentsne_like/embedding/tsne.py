"""Maps of a whole data set."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any, Self

import numpy as np

from .. import initialization as initialization_scheme
from .._validation import check_choice, check_integer, check_matrix
from ..errors import InvalidParameterError, InvalidTypeError, OptimizationInterrupt, UnavailableError
from ..objectives import checksum, method_of
from ..optimizer import DescentOptions, DescentState, gradient_descent
from .base import Array, Embedding, EmbeddingState, check_coordinates, check_optimizer
from .partial import PartialTSNEEmbedding

STARTS = ("median", "weighted", "random")
BLOCK = 2**16  # new rows that are looked up at a time
_NOT_INHERITED = {"callbacks", "use_callbacks", "fixed", "learning_rate", "momentum", "exaggeration", "verbose"}


class TSNEEmbedding(Embedding):
    """A t-SNE map: an array of coordinates with affinities and the state of its optimization.

    Parameters
    ----------
    embedding : array-like of shape (n, d)
        Initial coordinates; copied.
    affinities : Affinities
        With a matrix `P` of shape (n, n).
    dof : float or "learn"
        Degrees of freedom of the kernel; 1 is t-SNE's.
    n_interpolation_points, min_num_intervals, ints_in_interval : int
        openTSNE's grid parameters, mapped onto an accuracy; 3, 50, 1 mean the default.
    negative_gradient_method : {"auto", "exact", "bh", "fft"} or callable
        How repulsion is computed.
    random_state : int, RandomState or None
        For random starts of points that are added.
    optimizer : gradient_descent, optional
        An optimizer to go on with.
    **gradient_descent_params
        Defaults for `optimize`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNEEmbedding, affinity, initialization
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> affinities = affinity.PerplexityBasedNN(X, perplexity=10)
    >>> Y = TSNEEmbedding(initialization.pca(X), affinities)
    >>> Y = Y.optimize(50, exaggeration=12).optimize(50)
    >>> Y.shape, Y.n_iter_
    ((100, 2), 100)
    """

    def __new__(  # noqa: D102 (the class says it)
        cls,
        embedding: Any,
        affinities: Any,
        dof: float | str = 1,
        n_interpolation_points: int = 3,
        min_num_intervals: int = 50,
        ints_in_interval: int = 1,
        negative_gradient_method: Any = "auto",
        random_state: Any = None,
        optimizer: gradient_descent | None = None,
        **gradient_descent_params: Any,
    ) -> Self:
        if not hasattr(affinities, "P"):
            raise InvalidTypeError(f"`affinities` must be an Affinities object, got {type(affinities).__name__}")
        if affinities.P is None:
            raise InvalidParameterError("`affinities` must have a matrix P, got None for it")
        params = {
            "dof": dof,
            "n_interpolation_points": n_interpolation_points,
            "min_num_intervals": min_num_intervals,
            "ints_in_interval": ints_in_interval,
            "negative_gradient_method": negative_gradient_method,
            **gradient_descent_params,
        }
        array = check_coordinates(embedding, affinities.P.shape[0], params)
        return cls._make(array, EmbeddingState(affinities, check_optimizer(optimizer), random_state, params))

    @property
    def affinities(self) -> Any:
        """The affinities of the points."""
        return self._own.affinities

    def frozen(self, engine: Any, padding: float = 0.25) -> Any:
        """Return the potential of this map as a frozen reference, built once per version of the coordinates.

        Parameters
        ----------
        engine : RepulsionEngine
        padding : float
            Room around the map that a grid covers, in widths of the map.
        """
        state = self._own
        points = np.array(self)
        key = (checksum(points, engine.n_jobs), engine.radial, engine.method, engine.opening_angle, engine.tolerance)
        if key not in state.frozen:
            state.frozen = {key: engine.freeze(points, padding)}
        return state.frozen[key]

    def prepare_interpolation_grid(self, padding: float = 0.25) -> None:
        """Compute the potential of this map now, which placing new points would do when it is first needed.

        Parameters
        ----------
        padding : float
            Room around the map that the grid covers, in widths of the map; points further out are summed over a tree.
        """
        known = inspect.signature(DescentOptions).parameters
        options = DescentOptions(**{name: value for name, value in self._own.params.items() if name in known})
        method = method_of(self._own.params.get("negative_gradient_method", "auto"))
        self._own.frozen = {}
        self.frozen(options.engine(method or "auto", self.optimizer.dof_of(options)), padding)

    def prepare_partial(
        self, X: Any, initialization: Any = "median", k: int = 25, **affinity_params: Any
    ) -> PartialTSNEEmbedding:
        """Place new points on this map, before any optimization.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old; may be memory-mapped.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        **affinity_params
            For ``affinities.to_new``, such as ``perplexity``.

        Returns
        -------
        PartialTSNEEmbedding of shape (m, d)
        """
        P, start = self._look_up(X, initialization, check_integer(k, "k", at_least=1), affinity_params)
        params = {name: value for name, value in self._own.params.items() if name not in _NOT_INHERITED}
        return PartialTSNEEmbedding(start, self, P, **params)

    def _look_up(self, X: Any, initialization: Any, k: int, affinity_params: dict[str, Any]) -> tuple[Any, Any]:
        """Return affinities of new points to the old and initial coordinates, found in blocks of rows."""
        from scipy.sparse import vstack

        affinities = self._known_affinities()
        if "perplexity" in affinity_params and "perplexities" in inspect.signature(affinities.to_new).parameters:
            affinity_params["perplexities"] = affinity_params.pop("perplexity")
        if hasattr(X, "tocsr"):
            X = X.tocsr()
        elif not isinstance(X, np.ndarray):
            X = check_matrix(X, "X")
        if isinstance(initialization, str):
            check_choice(initialization, "initialization", STARTS)
        near = isinstance(initialization, str) and initialization != "random"
        k = min(k, len(self))
        rows, starts = [], []
        for low in range(0, max(1, X.shape[0]), BLOCK):
            block = X[low : low + BLOCK]
            P, neighbors, distances = affinities.to_new(block, return_distances=k if near else True, **affinity_params)
            rows.append(P)
            if near:
                starts.append(self._start(block, neighbors, distances, initialization, k))
        P = rows[0] if len(rows) == 1 else vstack(rows, format="csr")
        if starts:
            return P, np.concatenate(starts)
        if isinstance(initialization, str):
            return P, initialization_scheme.random(P.shape[0], self.shape[1], random_state=self.random_state)
        given = np.asarray(check_matrix(initialization, "initialization"))
        if given.shape != (P.shape[0], self.shape[1]):
            raise InvalidParameterError(
                f"`initialization` must have shape {(P.shape[0], self.shape[1])}, got {given.shape}"
            )
        return P, given

    def _start(self, block: Any, neighbors: Array, distances: Array, how: str, k: int) -> Array:
        """Return the median or weighted mean of the places of the `k` nearest old points."""
        Y = np.asarray(self)
        if neighbors.shape[1] < k:
            neighbors, distances = self.affinities.knn_index.query(block, k)
        if how == "median":
            return np.asarray(initialization_scheme.median(Y, neighbors[:, :k]))
        return np.asarray(initialization_scheme.weighted_mean(block, Y, neighbors[:, :k], distances[:, :k]))

    def _known_affinities(self) -> Any:
        affinities = self._own.affinities
        if affinities is None:
            raise UnavailableError("this TSNEEmbedding was stored without its affinities and cannot place new points")
        return affinities

    def transform(
        self,
        X: Any,
        perplexity: Any = 5,
        initialization: Any = "median",
        k: int = 25,
        learning_rate: float | str = 0.1,
        early_exaggeration: float = 4,
        early_exaggeration_iter: int = 0,
        exaggeration: float = 1.5,
        n_iter: int = 250,
        initial_momentum: float = 0.8,
        final_momentum: float = 0.8,
        max_grad_norm: float | None = 0.25,
        max_step_norm: float | None = None,
        *,
        callbacks: Any = None,
        verbose: bool = False,
    ) -> PartialTSNEEmbedding:
        """Place new points on this map, which does not move.

        Where a point lands depends on the map and on that point alone.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old; may be memory-mapped.
        perplexity : float or sequence of float
            Of the affinities of new points to old ones, where these have one.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        learning_rate : float or "auto"
            "auto" is 0.1.
        early_exaggeration, exaggeration : float
        early_exaggeration_iter, n_iter : int
        initial_momentum, final_momentum : float
        max_grad_norm, max_step_norm : float or None
        callbacks : callable, Hook, or a list of them, keyword only
            Those of this map stay silent.
        verbose : bool, keyword only

        Returns
        -------
        PartialTSNEEmbedding of shape (m, d)

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        UnavailableError
            A RuntimeError, if the affinities know no data that new points could be compared with.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> Y.transform(X[:3], n_iter=20).shape
        (3, 2)
        """
        partial = self.prepare_partial(X, initialization=initialization, k=k, **self._perplexity_argument(perplexity))
        shared: dict[str, Any] = {
            "learning_rate": learning_rate,
            "max_grad_norm": max_grad_norm,
            "max_step_norm": max_step_norm,
            "callbacks": callbacks,
            "verbose": verbose,
            "inplace": True,
            "propagate_exception": True,
        }
        stages = (
            (early_exaggeration_iter, early_exaggeration, initial_momentum),
            (n_iter, exaggeration, final_momentum),
        )
        with suppress(OptimizationInterrupt):
            for length, factor, momentum in stages:
                partial.optimize(length, exaggeration=factor, momentum=momentum, **shared)
        return partial

    def _perplexity_argument(self, perplexity: Any) -> dict[str, Any]:
        """Return `perplexity` as the argument of ``to_new`` where the affinities have one."""
        names = inspect.signature(self._known_affinities().to_new).parameters
        if "perplexities" in names:
            return {"perplexities": perplexity}
        return {"perplexity": perplexity} if "perplexity" in names else {}

    def add(self, X_new: Any, initialization: Any = "median", k: int = 25) -> TSNEEmbedding:
        """Return an embedding of the old points and new ones, ready to be optimized further.

        The affinities are those of all data together, so that old points may gain new neighbours. Old points keep their
        places, gains and last step; new ones begin where `prepare_partial` puts them. To hold the old ones still,
        ``optimize(n_iter, fixed=numpy.arange(len(grown)) < len(old))``.

        Parameters
        ----------
        X_new : array-like of shape (m, n_features)
            New data, with the columns of the old.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.

        Returns
        -------
        TSNEEmbedding of shape (n + m, d)
            The old points first. This embedding is not changed.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        UnavailableError
            A RuntimeError, if the affinities know no data that new points could be compared with.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(120, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X[:100])
        >>> grown = Y.add(X[100:])
        >>> grown.shape, bool((grown[:100] == Y).all())
        ((120, 2), True)
        """
        affinities = self._known_affinities()
        _, start = self._look_up(X_new, initialization, check_integer(k, "k", at_least=1), {})
        state = self._own.copy()
        state.affinities = affinities.extended(X_new)
        state.params.pop("fixed", None)
        state.kl = None
        old = state.optimizer.state
        if old is not None:
            gains = np.concatenate([old.gains, np.ones_like(start, dtype=np.float64)])
            update = np.concatenate([old.update, np.zeros_like(start, dtype=np.float64)])
            state.optimizer.state = DescentState(gains, update, old.counter, old.history, old.shape)
        return self._make(np.concatenate([np.asarray(self), start]), state)
