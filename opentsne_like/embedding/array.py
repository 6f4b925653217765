"""Arrays with one slot of state: how coordinates and all else stay together, and when they part."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np

from .._types import Array
from ..errors import DetachedError
from . import writers
from .descent import Descent
from .settings import Settings


@dataclass
class EmbeddingState:
    """All of an embedding that is not coordinates.

    Attributes
    ----------
    affinities : Affinities or None
        Those of a map of its own.
    optimizer : Descent
        Where the optimization stands.
    random_state : int, RandomState, Generator or None
    settings : Settings
        What `optimize` uses unless it is told otherwise.
    reference : Embedding or None
        The map that these points are placed on.
    P : csr_matrix or None
        Affinities of placed points to their reference.
    value : (tuple, float) or None
        What the value of the loss was computed from, as checksums, and that value.
    frozen : dict
        The potential of these coordinates as a reference, by their checksum.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Descent, EmbeddingState, Settings
    >>> state = EmbeddingState(affinity.Uniform(np.eye(4), k_neighbors=2), Descent(), 0, Settings())
    >>> state.copy().affinities is state.affinities, state.copy().optimizer is state.optimizer
    (True, False)
    """

    affinities: Any
    optimizer: Descent
    random_state: Any
    settings: Settings
    reference: Any = None
    P: Any = None
    value: tuple[tuple[Any, ...], float] | None = None
    frozen: dict[Any, Any] = field(default_factory=dict)

    def copy(self) -> EmbeddingState:
        """Return a state that can go another way; affinities and reference are shared."""
        duplicate = copy.copy(self)
        duplicate.optimizer = self.optimizer.copy()
        duplicate.random_state = copy.deepcopy(self.random_state)
        duplicate.frozen = {}
        return duplicate

    def without_callbacks(self) -> EmbeddingState:
        """Return a copy that can be pickled whatever the callbacks are: they are given again, as after `load`."""
        duplicate = self.copy()
        duplicate.settings = self.settings.changed(callbacks=None, use_callbacks=None)
        return duplicate


class StatefulArray(np.ndarray[Any, Any]):
    """An array of coordinates with a slot for the rest: the base of embeddings, not made by itself.

    Copies and pickles have the state, too. Slices and views have none and say so; arithmetic gives plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, StatefulArray
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> isinstance(Y[:3], StatefulArray), type(Y + 1) is np.ndarray
    (True, True)
    """

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
        plain = [np.asarray(x) if isinstance(x, StatefulArray) else x for x in inputs]
        if out is None:
            return getattr(ufunc, method)(*plain, **kwargs)
        kwargs["out"] = tuple(np.asarray(x) if isinstance(x, StatefulArray) else x for x in out)
        getattr(ufunc, method)(*plain, **kwargs)
        return out[0] if len(out) == 1 else out

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the coordinates, float64; AnnData, which asks for it, hears at this moment of the class."""
        writers.introduce(type(self))
        return cast(np.dtype[Any], super().dtype)

    @dtype.setter
    def dtype(self, value: Any) -> None:  # ``view`` sets it
        np.ndarray.dtype.__set__(self, value)  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return np.array_str(np.asarray(self))

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
        with self._state.optimizer.held():
            return type(self)._make(self, self._state.copy())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any] | None) -> Self:
        duplicate = self.copy()
        if memo is not None:
            memo[id(self)] = duplicate
        if duplicate._state is not None:
            for name in ("affinities", "reference", "P"):
                setattr(duplicate._state, name, copy.deepcopy(getattr(duplicate._state, name), memo))
        return duplicate

    def __reduce__(self) -> Any:
        if self._state is None:
            return _restore, (type(self), np.array(self), None)
        with self._state.optimizer.held():
            return _restore, (type(self), np.array(self), self._state.without_callbacks())


def _restore(cls: type[StatefulArray], coordinates: Array, state: EmbeddingState | None) -> Any:
    # A copy of the state, because libraries such as joblib hand out read-only memory maps of its arrays.
    return coordinates.view(cls) if state is None else cls._make(coordinates, state.copy())
