"""What all backends share: they propose neighbours, exact distances decide."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from .._types import Array
from .._validation import forgiven
from ..errors import InvalidParameterError
from ._base import KNNIndex, Neighbors
from ._prefilter import Prefilter
from ._space import DOT, Space, first_by_distance, index_type, plain
from ._sparse_space import space_of

_CENTRED = {"euclidean", "l2", "manhattan", "l1", "cityblock", "taxicab", "chebyshev", "linf"}  # blind to a shift


class Backend(KNNIndex):
    """An index that proposes more neighbours than are asked for; see `KNNIndex`.

    What it proposes is ranked by distances that are computed here, so that a metric means the same number whichever
    backend found the neighbours, and the row itself is dropped by its index.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._space: Any = None
        self._frame: Any = None

    def build(self) -> Neighbors:
        """Return the neighbours of every row of the data; see `KNNIndex.build`."""
        data = self._require_data()
        with self._timer(f"Finding {self.k} neighbours"):
            self._prepare()
            own = np.arange(self.n_samples)
            return _sound(*self._nearest(data, own, self.k), own, callable(self.metric))

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the neighbours of new rows; see `KNNIndex.query`."""
        X, k = self._check_query(query, k)
        with self._timer(f"Finding {k} neighbours of {X.shape[0]} new rows"):
            self._prepare()
            own = np.full(X.shape[0], -1)
            return _sound(*self._nearest(X, own, k), own, callable(self.metric))

    def trim(self) -> None:
        """Drop what can be made again; see `KNNIndex.trim`."""
        self._space = self._frame = None

    def release(self) -> None:
        """Drop the data and the index; see `KNNIndex.release`."""
        super().release()
        self._space = self._frame = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_space": None, "_frame": None}  # made again when it is needed

    @abstractmethod
    def _fit(self) -> Any:
        """Return the backend's own index of the data."""

    @abstractmethod
    def _propose(self, rows: Any, own: Array, k: int) -> tuple[Array, Array | None]:
        """Return k or more neighbours of every row, -1 for none, and their distances where the metric is no `KINDS`."""

    def _prepare(self) -> None:
        if self._space is None:
            self._space = space_of(self.data, self.metric)
        if self.index is None:
            self.index = self._fit()

    def _nearest(self, rows: Any, own: Array, k: int) -> Neighbors:
        dtype = self._distance_type()
        indices, distances = self._propose(rows, own, min(self.n_samples, k + (own[0] >= 0)))
        if self._space is None:
            assert distances is not None
            indices, distances = first_by_distance(indices, forgiven(distances), own, k)
            return indices.astype(index_type(self.n_samples)), distances.astype(dtype)
        if isinstance(self._space, Space):
            rows = self._space.data if rows is self.data else self._space.rows(rows)
        indices, distances, found = self._space.rank(rows, own, indices, k, dtype=dtype, n_jobs=self.n_jobs)
        for i in np.flatnonzero(found < k).tolist():  # the backend found too few: look at all rows
            every = np.arange(self.n_samples)[None]
            one = slice(i, i + 1)
            indices[one], distances[one], _ = self._space.rank(rows[one], own[one], every, k, dtype=dtype, n_jobs=1)
        if isinstance(self._space, Space) and self._space.kind == DOT:
            _check_dot(distances)
        return indices, distances

    def _vectors(self, rows: Any) -> Array:
        """Return rows as float32, centred and scaled where that changes no neighbour, so that nothing is lost."""
        if self.metric == "cosine" and isinstance(self._space, Space):
            return plain(rows / self._space.row_norms(plain(rows), "query")[:, None], np.float32)
        if not isinstance(self._space, Space) or self.metric not in _CENTRED:
            return plain(rows, np.float32)
        if self._frame is None:
            self._frame = Prefilter(self._space)
        vectors: Array = self._frame.bounded(plain(rows), np.empty(0))
        return vectors


def _sound(indices: Array, distances: Array, own: Array, by_function: bool) -> Neighbors:
    """Return neighbours whose distances are some, or name the rows of one that is none.

    A place without a neighbour is one that an approximate search did not fill; where a function of the user's own gives
    the distances, it is one whose distances were none.
    """
    good = np.isfinite(distances) & (distances >= 0) | (indices < 0) & (not by_function)
    if not good.all():
        i, j = np.argwhere(~good)[0]
        pair = f" and {indices[i, j]}" if indices[i, j] >= 0 else " and others"
        raise InvalidParameterError(
            f"`metric` must give distances that are finite and not negative, got {distances[i, j]} for rows "
            f"{max(i, own[i])}{pair}"
        )
    return indices, distances


def _check_dot(distances: Array) -> None:
    """Refuse distances ``1 - x.y`` below 0, which the affinities could make nothing of, and forgive their rounding."""
    least = distances.min()
    if least < -1e-5:
        raise InvalidParameterError(
            f"`data` must have rows of at most unit length under metric 'dot', got a distance 1 - x.y of {least:g}; "
            f"use metric 'cosine'"
        )
    np.maximum(distances, 0, out=distances)
