"""What full and partial embeddings share: an array with one slot of state."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from .._validation import check_matrix
from ..errors import DetachedError, InvalidParameterError, InvalidTypeError, OptimizationInterrupt, UnavailableError
from ..objectives import checksum
from ..optimizer import Record, StopReason, check_descent, gradient_descent
from . import stored

Array = np.ndarray[Any, Any]

_KL_PARAMS = ("dof", "negative_gradient_method", "theta", "grid_tolerance", "n_interpolation_points")
FINE_ANGLE = 0.25  # at most, where a tree gives a KL divergence that is read rather than descended


@dataclass
class EmbeddingState:
    """All of an embedding that is not coordinates.

    Attributes
    ----------
    affinities : Affinities or None
        Those of a full embedding.
    optimizer : gradient_descent
    random_state : int, RandomState, Generator or None
    params : dict
        What `optimize` uses unless it is told otherwise.
    reference : TSNEEmbedding or None
        The map that a partial embedding is placed on.
    P : csr_matrix or None
        Affinities of a partial embedding to its reference.
    kl : (tuple, float) or None
        What the KL divergence was computed from, as checksums, and its value.
    frozen : dict
        The potential of these coordinates as a reference, by their checksum.
    """

    affinities: Any
    optimizer: gradient_descent
    random_state: Any
    params: dict[str, Any]
    reference: Any = None
    P: Any = None
    kl: tuple[tuple[Any, ...], float] | None = None
    frozen: dict[Any, Any] = field(default_factory=dict)

    def copy(self) -> EmbeddingState:
        """Return a state that can go another way; affinities and reference are shared."""
        duplicate = copy.copy(self)
        duplicate.optimizer = self.optimizer.copy()
        duplicate.random_state = copy.deepcopy(self.random_state)
        duplicate.params = dict(self.params)
        duplicate.frozen = {}
        return duplicate


class Embedding(np.ndarray[Any, Any]):
    """Base of the embeddings; it is not made by itself."""

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
        plain = [np.asarray(x) if isinstance(x, Embedding) else x for x in inputs]
        if out is None:
            return getattr(ufunc, method)(*plain, **kwargs)
        kwargs["out"] = tuple(np.asarray(x) if isinstance(x, Embedding) else x for x in out)
        getattr(ufunc, method)(*plain, **kwargs)
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        if self._state is None:
            return f"{type(self).__name__} without state, {np.array_repr(np.asarray(self))}"
        rows, columns = self.shape
        kl = self._state.kl
        known = kl is not None and kl[0] == self._kl_key()
        return (
            f"<{type(self).__name__} of {rows:,} points in {columns} dimension{'s' * (columns > 1)}, "
            f"{self.n_iter_} iterations done, "
            f"{f'KL divergence {kl[1]:.4f}' if known and kl else 'KL divergence not computed'}, {self._phase()}>"
        )

    def __str__(self) -> str:
        return np.array_str(np.asarray(self))

    def _phase(self) -> str:
        if not self.history:
            return "not begun"
        exaggeration = self.history[-1].exaggeration
        return f"exaggeration {exaggeration:g}" if exaggeration != 1 else "no exaggeration"

    @property
    def _own(self) -> EmbeddingState:
        """The state, or an error that says why there is none."""
        if self._state is None:
            raise DetachedError(
                f"this {type(self).__name__} is a slice or a view: it holds coordinates only; ask the whole embedding"
            )
        return self._state

    def copy(self, order: Any = "C") -> Self:
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

    def __deepcopy__(self, memo: dict[int, Any] | None) -> Self:
        duplicate = self.copy()
        if memo is not None:
            memo[id(self)] = duplicate
        if duplicate._state is not None:
            for name in ("affinities", "reference", "P", "params"):
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
        return self._own.optimizer.stop_reason

    @property
    def n_iter_(self) -> int:
        """Iterations done."""
        state = self._own.optimizer.state
        return 0 if state is None else int(state.counter[0])

    @property
    def kl_divergence(self) -> float:
        """KL divergence of the current coordinates, without exaggeration; computed when it is read."""
        state = self._own
        key = self._kl_key()
        if state.kl is None or state.kl[0] != key:
            fine = {"theta": min(state.params.get("theta", FINE_ANGLE), FINE_ANGLE)}
            objective = state.optimizer.objective(self, self._edges_of(), **self._call_params(fine))
            loss, _ = objective.evaluate(np.asarray(self), exaggeration=1.0, with_loss=True)
            state.kl = (key, loss)
        return state.kl[1]

    @kl_divergence.setter
    def kl_divergence(self, value: float) -> None:
        self._own.kl = (self._kl_key(), float(value))

    def _kl_key(self) -> tuple[Any, ...]:
        """Return what the KL divergence depends on."""
        P = self._edges_of()
        sums = (checksum(np.asarray(self), -1), checksum(P.data, -1), P.shape, P.nnz)
        return (*sums, *(repr(self._own.params.get(name)) for name in _KL_PARAMS))

    def _edges_of(self) -> Any:
        """Return the sparse matrix that attracts the points."""
        state = self._own
        if state.P is None and state.affinities is None:
            raise UnavailableError(
                f"this {type(self).__name__} was stored without its affinities; make a new one with "
                "TSNEEmbedding(embedding, affinities, optimizer=embedding.optimizer)"
            )
        if state.P is None:
            return state.affinities.P
        if state.reference is None:
            raise UnavailableError(
                f"this {type(self).__name__} was stored without the map that its points are placed on"
            )
        return state.P

    def _call_params(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of the optimizer: this embedding's, with `changes`."""
        params = {**self._own.params, **changes}
        if "callbacks" in changes or "use_callbacks" not in params:
            params["use_callbacks"] = changes.get("use_callbacks", params.get("callbacks") is not None)
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
            For this call only: ``learning_rate``, ``momentum``, ``exaggeration``, ``use_gains``, ``repulsion_every``,
            ``max_grad_norm``, ``max_step_norm``, ``negative_gradient_method``, ``theta``, ``grid_tolerance``, ``dof``,
            ``fixed``, ``n_jobs``, ``callbacks``, ``callbacks_every_iters``, ``verbose``, ``first_iteration``.

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
        embedding = self if inplace else self.copy()
        call = embedding._call_params(gradient_descent_params)
        try:
            embedding.optimizer(embedding=embedding, P=embedding._edges_of(), n_iter=n_iter, **call)
        except OptimizationInterrupt:
            if propagate_exception:
                raise
        return embedding

    def save(self, path: Any, include: str = "data") -> None:
        """Write the embedding to one file, which `opentsne_like.load` reads.

        The file is written whole or not at all, and is read without running code.

        Parameters
        ----------
        path : path-like
        include : {"data", "affinities", "optimizer", "coordinates"}
            How much of it, each with all that stands to its right: the data that new points are compared with (needed
            by `transform` and `add`), the affinities (needed by `optimize`), the optimizer's gains, last step and
            history, the coordinates.

        Raises
        ------
        StorageError
            The file cannot be written; what was there before stays.
        InvalidParameterError, InvalidTypeError, UnavailableError
            What is to be stored cannot be, such as a metric that is a function.

        Examples
        --------
        >>> from opentsne_like import TSNEEmbedding, affinity, load
        >>> affinities = affinity.Uniform(np.eye(5), k_neighbors=2)
        >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinities).optimize(10)
        >>> Y.save("map.npz")
        >>> bool((load("map.npz").optimize(10) == Y.optimize(10)).all())
        True
        """
        stored.save(self, path, include)

    def save_affinities(self, path: Any) -> str:
        """Write the affinities beside a checkpoint unless they are there; `callbacks.Checkpoint` calls it.

        Parameters
        ----------
        path : path-like
            Of the checkpoint.

        Returns
        -------
        str
            The fingerprint of the affinities.
        """
        return stored.save_affinities(self, path)

    def save_checkpoint(self, path: Any, affinities: str, run: dict[str, Any]) -> None:
        """Write coordinates, optimizer and the state of a run; `callbacks.Checkpoint` calls it.

        Parameters
        ----------
        path : path-like
        affinities : str
            What `save_affinities` returned.
        run : dict
            JSON values and, one level below ``"callbacks"``, arrays.
        """
        stored.save_checkpoint(self, path, affinities, run)


def _restore(cls: type[Embedding], coordinates: Array, state: EmbeddingState | None) -> Any:
    return coordinates.view(cls) if state is None else cls._make(coordinates, state)


def check_coordinates(embedding: Any, rows: int, params: dict[str, Any]) -> Array:
    """Return initial coordinates as an array, checked with the parameters of their optimization.

    Parameters
    ----------
    embedding : array-like of shape (rows, d)
    rows : int
    params : dict
        Of the optimizer.
    """
    options = {name: value for name, value in params.items() if name != "negative_gradient_method"}
    array = np.asarray(check_matrix(np.asarray(embedding), "embedding"))
    if len(array) != rows:
        raise InvalidParameterError(f"`embedding` must have {rows} rows, one per point of P, got shape {array.shape}")
    check_descent(array.shape, 0, params.get("negative_gradient_method", "auto"), **options)
    return array


def check_optimizer(optimizer: Any) -> gradient_descent:
    """Return `optimizer`, or a new one for None.

    Parameters
    ----------
    optimizer : gradient_descent or None
    """
    if optimizer is None:
        return gradient_descent()
    if not isinstance(optimizer, gradient_descent):
        raise InvalidTypeError(f"`optimizer` must be a gradient_descent object, got {type(optimizer).__name__}")
    return optimizer
