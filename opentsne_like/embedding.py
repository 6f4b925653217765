"""Embeddings: coordinates that know their affinities and how far their optimization has come."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from . import initialization as initialization_scheme
from ._validation import check_choice, check_integer, check_matrix
from .errors import DetachedError, InvalidParameterError, InvalidTypeError, OptimizationInterrupt
from .objectives import checksum
from .optimizer import Record, StopReason, gradient_descent

Array = np.ndarray[Any, Any]


@dataclass
class EmbeddingState:
    """All of an embedding that is not coordinates."""

    affinities: Any
    optimizer: gradient_descent
    random_state: Any
    params: dict[str, Any]
    reference: Any = None
    P: Any = None
    stop_reason: StopReason | None = None
    kl: tuple[int, float] | None = None
    frozen: dict[Any, Any] = field(default_factory=dict)

    def copy(self) -> EmbeddingState:
        """Return a state that can go another way; affinities and reference are shared."""
        return EmbeddingState(
            self.affinities,
            self.optimizer.copy(),
            copy.deepcopy(self.random_state),
            dict(self.params),
            self.reference,
            self.P,
            self.stop_reason,
            self.kl,
        )


class _Embedding(np.ndarray[Any, Any]):
    """What full and partial embeddings share: an array with one slot of state."""

    _state: EmbeddingState | None

    @classmethod
    def _make(cls, coordinates: Any, state: EmbeddingState) -> Self:
        """Return an embedding: the one door that makes them."""
        embedding = np.array(coordinates, dtype=np.float64, order="C").view(cls)
        embedding._state = state
        return embedding

    def __array_finalize__(self, obj: Any) -> None:
        self._state = None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, _Embedding) else x for x in inputs]
        if out is None:
            return getattr(ufunc, method)(*plain, **kwargs)
        kwargs["out"] = tuple(np.asarray(x) if isinstance(x, _Embedding) else x for x in out)
        getattr(ufunc, method)(*plain, **kwargs)
        return out[0] if len(out) == 1 else out

    @property
    def _own(self) -> EmbeddingState:
        """The state, or an error that says why there is none."""
        if self._state is None:
            raise DetachedError(
                f"this {type(self).__name__} is a slice or a view: it holds coordinates only; ask the whole embedding"
            )
        return self._state

    def copy(self, order: Any = "C") -> Self:  # type: ignore[override]
        """Return an independent embedding in the same state; the affinities are shared.

        Parameters
        ----------
        order : {"C"}
            Embeddings are always C-contiguous.
        """
        if self._state is None:
            return np.array(self, order=order).view(type(self))
        return type(self)._make(self, self._state.copy())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        duplicate = self.copy()
        if duplicate._state is not None:
            for name in ("affinities", "reference", "P"):
                setattr(duplicate._state, name, copy.deepcopy(getattr(duplicate._state, name), memo))
        return duplicate

    def __reduce__(self) -> Any:
        return _restore, (type(self), np.array(self), None if self._state is None else self._state.copy())

    @property
    def optimizer(self) -> gradient_descent:
        """The optimizer, with its gains and the last step."""
        return self._own.optimizer

    @property
    def random_state(self) -> Any:
        """The seed that was given."""
        return self._own.random_state

    @property
    def gradient_descent_params(self) -> dict[str, Any]:
        """What `optimize` uses unless it is told otherwise."""
        return self._own.params

    @property
    def history(self) -> list[Record]:
        """One record per iteration: number, KL divergence, gradient norm, exaggeration, seconds."""
        state = self._own.optimizer.state
        return [] if state is None else state.history

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the last call of `optimize` ended; None before the first."""
        return self._own.stop_reason

    @property
    def n_iter_(self) -> int:
        """Iterations done."""
        state = self._own.optimizer.state
        return 0 if state is None else int(state.counter[0])

    @property
    def kl_divergence(self) -> float:
        """KL divergence of the current coordinates, without exaggeration; computed when it is read."""
        state = self._own
        key = checksum(np.asarray(self), -1)
        if state.kl is None or state.kl[0] != key:
            objective = state.optimizer.objective(self, self._edges_of(), **self._call_params({}))
            loss, _ = objective.evaluate(np.asarray(self), exaggeration=1.0, with_loss=True)
            state.kl = (key, loss)
        return state.kl[1]

    @kl_divergence.setter
    def kl_divergence(self, value: float) -> None:
        self._own.kl = (checksum(np.asarray(self), -1), float(value))

    def _edges_of(self) -> Any:
        """Return the sparse matrix that attracts the points."""
        state = self._own
        return state.P if state.P is not None else state.affinities.P

    def _call_params(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of the optimizer: this embedding's, with `changes`."""
        params = {**self._own.params, **changes}
        params["objective_function"] = params.pop("negative_gradient_method", "auto")
        if self._own.reference is not None:
            params["reference_embedding"] = self._own.reference
        return params

    def optimize(
        self, n_iter: int, inplace: bool = False, propagate_exception: bool = False, **gradient_descent_params: Any
    ) -> Self:
        """Move the points.

        Parameters
        ----------
        n_iter : int
            Number of iterations.
        inplace : bool
            Change this embedding instead of returning a changed copy.
        propagate_exception : bool
            Raise `OptimizationInterrupt` when a callback stops the run, instead of returning the embedding.
        **gradient_descent_params
            For this call only: ``learning_rate``, ``momentum``, ``exaggeration``, ``max_grad_norm``,
            ``max_step_norm``, ``negative_gradient_method``, ``theta``, ``grid_tolerance``, ``dof``, ``fixed``,
            ``n_jobs``, ``callbacks``, ``callbacks_every_iters``, ``verbose``.

        Returns
        -------
        The embedding that was moved: this one if `inplace`.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        NumericalError
            If a step leaves the finite numbers; the last good coordinates are kept.
        OptimizationInterrupt
            If a callback stops the run and `propagate_exception` is set.
        """
        state = self._own
        if "callbacks" in gradient_descent_params and "use_callbacks" not in gradient_descent_params:
            gradient_descent_params["use_callbacks"] = gradient_descent_params["callbacks"] is not None
        embedding = self if inplace else self.copy()
        state = embedding._own
        call = embedding._call_params(gradient_descent_params)
        try:
            state.optimizer(embedding=embedding, P=embedding._edges_of(), n_iter=n_iter, **call)
            state.stop_reason = StopReason.FINISHED
        except OptimizationInterrupt:
            state.stop_reason = StopReason.CALLBACK
            if propagate_exception:
                raise
        return embedding


def _restore(cls: type[_Embedding], coordinates: Array, state: EmbeddingState | None) -> Any:
    return coordinates.view(cls) if state is None else cls._make(coordinates, state)


def _check_coordinates(embedding: Any, rows: int, method: Any) -> Array:
    """Return initial coordinates as an array, checked against the number of points."""
    array = np.asarray(check_matrix(np.asarray(embedding), "embedding"))
    if len(array) != rows:
        raise InvalidParameterError(f"`embedding` must have {rows} rows, one per point of P, got shape {array.shape}")
    if array.shape[1] > 3 and isinstance(method, str) and method == "fft":
        raise UnsupportedDimensionError(array.shape[1])
    return array


class UnsupportedDimensionError(InvalidParameterError, RuntimeError):
    """Grids have at most three dimensions."""

    def __init__(self, dimension: int) -> None:
        super().__init__(
            f"`negative_gradient_method` must not be 'fft' in {dimension} dimensions; use 'exact', or at most 3"
        )


class TSNEEmbedding(_Embedding):
    """A t-SNE map: an array of coordinates with affinities and the state of its optimization.

    Parameters
    ----------
    embedding : array-like of shape (n, d)
        Initial coordinates; copied.
    affinities : Affinities
        With a matrix `P` of shape (n, n).
    dof : float
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

    def __new__(
        cls,
        embedding: Any,
        affinities: Any,
        dof: float = 1,
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
        params = {
            "dof": dof,
            "n_interpolation_points": n_interpolation_points,
            "min_num_intervals": min_num_intervals,
            "ints_in_interval": ints_in_interval,
            "negative_gradient_method": _check_method(negative_gradient_method),
            **gradient_descent_params,
        }
        array = _check_coordinates(embedding, affinities.P.shape[0], negative_gradient_method)
        return cls._make(array, EmbeddingState(affinities, _check_optimizer(optimizer), random_state, params))

    @property
    def affinities(self) -> Any:
        """The affinities of the points."""
        return self._own.affinities

    def frozen(self, engine: Any) -> Any:
        """Return the potential of this map as a frozen reference, built once per version of the coordinates."""
        state = self._own
        points = np.array(self)
        key = (checksum(points, engine.n_jobs), engine.radial, engine.method, engine.theta, engine.tolerance)
        if key not in state.frozen:
            state.frozen = {key: engine.freeze(points)}
        return state.frozen[key]

    def prepare_partial(
        self, X: Any, initialization: Any = "median", k: int = 25, **affinity_params: Any
    ) -> PartialTSNEEmbedding:
        """Place new points on this map, before any optimization.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        **affinity_params
            For ``affinities.to_new``, such as ``perplexity``.

        Returns
        -------
        PartialTSNEEmbedding of shape (m, d)
        """
        state = self._own
        P, neighbors, distances = state.affinities.to_new(X, return_distances=True, **affinity_params)
        start = self._partial_start(X, P, neighbors, distances, initialization, check_integer(k, "k", at_least=1))
        params = {name: value for name, value in state.params.items() if name not in _NOT_INHERITED}
        return PartialTSNEEmbedding(start, self, P, **params)

    def _partial_start(self, X: Any, P: Any, neighbors: Array, distances: Array, how: Any, k: int) -> Any:
        if isinstance(how, np.ndarray):
            if how.shape != (P.shape[0], self.shape[1]):
                raise InvalidParameterError(
                    f"`initialization` must have shape {(P.shape[0], self.shape[1])}, got {how.shape}"
                )
            return how
        check_choice(how, "initialization", ("median", "weighted", "random"))
        Y = np.asarray(self)
        if how == "random":
            return initialization_scheme.random(P.shape[0], self.shape[1], random_state=self.random_state)
        if neighbors.shape[1] < min(k, len(Y)):
            neighbors, distances = self._own.affinities.knn_index.query(X, min(k, len(Y)))
        if how == "median":
            return initialization_scheme.median(Y, neighbors[:, :k])
        return initialization_scheme.weighted_mean(X, Y, neighbors[:, :k], distances[:, :k])

    def transform(
        self,
        X: Any,
        perplexity: float = 5,
        initialization: Any = "median",
        k: int = 25,
        learning_rate: float = 0.1,
        early_exaggeration: float = 4,
        early_exaggeration_iter: int = 0,
        exaggeration: float = 1.5,
        n_iter: int = 250,
        initial_momentum: float = 0.8,
        final_momentum: float = 0.8,
        max_grad_norm: float | None = 0.25,
        max_step_norm: float | None = None,
    ) -> PartialTSNEEmbedding:
        """Place new points on this map, which does not move.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
        perplexity : float
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
        learning_rate : float
        early_exaggeration, exaggeration : float
        early_exaggeration_iter, n_iter : int
        initial_momentum, final_momentum : float
        max_grad_norm, max_step_norm : float or None

        Returns
        -------
        PartialTSNEEmbedding of shape (m, d)
        """
        partial = self.prepare_partial(X, initialization=initialization, k=k, **self._perplexity_argument(perplexity))
        shared = {"learning_rate": learning_rate, "max_grad_norm": max_grad_norm, "max_step_norm": max_step_norm}
        partial.optimize(
            early_exaggeration_iter,
            inplace=True,
            exaggeration=early_exaggeration,
            momentum=initial_momentum,
            **shared,  # type: ignore[arg-type]
        )
        partial.optimize(n_iter, inplace=True, exaggeration=exaggeration, momentum=final_momentum, **shared)  # type: ignore[arg-type]
        return partial

    def _perplexity_argument(self, perplexity: Any) -> dict[str, Any]:
        """Return `perplexity` as the argument of ``to_new`` where the affinities have one."""
        import inspect

        names = inspect.signature(self._own.affinities.to_new).parameters
        if "perplexities" in names:
            return {"perplexities": perplexity}
        return {"perplexity": perplexity} if "perplexity" in names else {}


class PartialTSNEEmbedding(_Embedding):
    """New points on a frozen map.

    Parameters
    ----------
    embedding : array-like of shape (m, d)
        Initial coordinates; copied.
    reference_embedding : TSNEEmbedding of shape (n, d)
    P : csr_matrix of shape (m, n)
        Affinities of the new points to the old ones; each row sums to 1.
    optimizer : gradient_descent, optional
    **gradient_descent_params
        Defaults for `optimize`.
    """

    def __new__(
        cls,
        embedding: Any,
        reference_embedding: Any,
        P: Any,
        optimizer: gradient_descent | None = None,
        **gradient_descent_params: Any,
    ) -> Self:
        params = dict(gradient_descent_params)
        array = _check_coordinates(embedding, P.shape[0], params.get("negative_gradient_method"))
        state = EmbeddingState(None, _check_optimizer(optimizer), None, params, reference=reference_embedding, P=P)
        return cls._make(array, state)

    @property
    def reference_embedding(self) -> Any:
        """The map that the points are placed on."""
        return self._own.reference

    @property
    def P(self) -> Any:
        """Affinities of the new points to those of the reference."""
        return self._own.P


_NOT_INHERITED = {"callbacks", "use_callbacks", "fixed", "learning_rate", "momentum", "exaggeration"}


def _check_method(method: Any) -> Any:
    return method if callable(method) else check_choice(method, "negative_gradient_method", _METHODS)


_METHODS = ("auto", "exact", "bh", "fft")


def _check_optimizer(optimizer: Any) -> gradient_descent:
    if optimizer is None:
        return gradient_descent()
    if not isinstance(optimizer, gradient_descent):
        raise InvalidTypeError(f"`optimizer` must be a gradient_descent object, got {type(optimizer).__name__}")
    return optimizer
