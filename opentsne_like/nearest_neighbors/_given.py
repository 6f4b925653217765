"""Neighbours that somebody else found, and new rows among them once the data are known."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, Self

import numpy as np

from .._types import Array
from ..errors import UnavailableError
from ._base import KNNIndex, Metric, Neighbors
from ._space import index_type

CURE = "fit with `X` beside `affinities`, or make the affinities from data"
_UNKNOWN = f"neighbours were given without data that new rows could be compared with; {CURE}"

GUESSED = ("euclidean", "cosine", "correlation", "cityblock", "sqeuclidean", "chebyshev")  # the first that fits
_SOME_ROWS = 200  # whose nearest and farthest neighbours tell the metric
_ALIKE = 0.01  # relative difference of distances by one metric, of half the pairs at least


class GivenNeighbors(KNNIndex):
    """Neighbours as they were given: a base class, not for use by itself.

    Parameters
    ----------
    indices, distances : ndarray of shape (n_samples, k)
    n_samples : int

    Attributes
    ----------
    indices, distances, k, n_samples
        As above.
    searcher : KNNIndex or None
        What new rows are looked up in, an index of the data; see `with_data`.
    asked_metric : str, callable or None
        The metric by which `with_data` compares rows unless it is told.
    unmatched : bool
        Whether data are known, but no metric by which distances of theirs are those that were given.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import GivenNeighbors, PrecomputedNeighbors
    >>> issubclass(PrecomputedNeighbors, GivenNeighbors)
    True
    """

    searcher: KNNIndex | None = None
    asked_metric: Metric | None = None
    _columns: Any = None
    unmatched = False

    def __init__(self, indices: Array, distances: Array, n_samples: int) -> None:
        self._keep(indices, distances, n_samples)
        self.data = None
        self.metric = "precomputed"
        self.metric_params = None
        self.n_jobs = -1
        self.random_state = None
        self.verbose = False
        self.knn_kwargs = None
        self.index = None
        self._seed = None

    def _keep(self, indices: Array, distances: Array, n_samples: int) -> None:
        self.indices: Any = indices
        self.distances: Any = distances
        self.n_samples = n_samples
        self.k = indices.shape[1]

    def build(self) -> Neighbors:
        """Return the neighbours that were given; see `KNNIndex.build`."""
        if self.indices is None:
            raise UnavailableError(f"{type(self).__name__} was released: make a new one from the neighbours")
        distances = self.distances
        return self.indices, distances if self.distance_dtype is None else distances.astype(self.distance_dtype)

    def look_up_in(self, searcher: KNNIndex) -> None:
        """Look new rows up in an index of the data, in place.

        Parameters
        ----------
        searcher : KNNIndex
        """
        self.searcher = searcher
        self.data, self.metric = searcher.data, searcher.metric

    @property
    def columns(self) -> Any:
        """The names of the columns of the data, or of a matrix of distances."""
        return self._columns if self.searcher is None else self.searcher.columns

    @columns.setter
    def columns(self, names: Any) -> None:
        if self.searcher is None:
            self._columns = names
        else:
            self.searcher.columns = names

    def guessed_metric(self, table: Any) -> str | None:
        """Return the first metric by which distances of some rows of the data are those that were given.

        Parameters
        ----------
        table : ndarray or sparse matrix of shape (n_samples, n_features)
        """
        from scipy.spatial import distance

        if self.indices is None:
            return None
        rows = np.unique(np.linspace(0, self.n_samples - 1, min(self.n_samples, _SOME_ROWS)).astype(np.int64))
        ends = [0, self.k - 1]
        given = np.asarray(self.distances[rows][:, ends], dtype=np.float64).ravel()
        near, far = (_dense(table[chosen]) for chosen in (np.repeat(rows, 2), self.indices[rows][:, ends].ravel()))
        apart = given > 0
        for metric in GUESSED:
            measure = getattr(distance, metric)
            with np.errstate(invalid="ignore", divide="ignore"):
                own = np.array([measure(a, b) for a, b in zip(near[apart], far[apart], strict=True)])
            off = np.abs(own - given[apart]) / given[apart]
            off = off[np.isfinite(off)]  # of rows of zeros some metrics have none
            if len(off) and np.median(off) <= _ALIKE:
                return metric
        return None

    def require_searcher(self) -> KNNIndex:
        """Return the index of the data, or say why there is none.

        Raises
        ------
        UnavailableError
        """
        if self.unmatched:
            raise UnavailableError(
                f"the distances that were given are those of `X` by none of {', '.join(GUESSED)}: name the metric by "
                "which new rows are to be compared with `X`, affinity.from_neighbors(..., metric=...)"
            )
        if self.searcher is None:
            raise UnavailableError(_UNKNOWN)
        return self.searcher

    @abstractmethod
    def query(self, query: Any, k: int) -> Neighbors:
        """Return the k nearest rows of the data; see `KNNIndex.query`."""

    def among_all(self, new: Any, k: int) -> tuple[KNNIndex, Array, Array]:
        """Return an index of the data with new rows after them, and the neighbours of the new rows in it.

        Parameters
        ----------
        new : array-like or sparse matrix of shape (m, n_features)
        k : int
            How many neighbours, below `n_samples`.

        Returns
        -------
        searcher : KNNIndex
        indices, distances : ndarray of shape (m, k)
            Without the rows themselves.
        """
        whole = self.require_searcher().extended(new)
        m = whole.n_samples - self.n_samples
        indices, distances = whole.query(whole.data[self.n_samples :], k + 1)
        other = indices != np.arange(self.n_samples, whole.n_samples)[:, np.newaxis]
        other[other.all(axis=1), -1] = False  # rows with more than k duplicates
        return whole, indices[other].reshape(m, k), distances[other].reshape(m, k)

    def extended(self, new: Any) -> Self:
        """Return the given neighbours of the old rows, which they keep, and those of new rows among all.

        Parameters
        ----------
        new : array-like or sparse matrix of shape (m, n_features)

        Raises
        ------
        UnavailableError
            The data are not known.
        """
        whole, *found = self.among_all(new, self.k)
        indices, distances = self.build()
        grown = copy.copy(self)
        grown._keep(
            np.concatenate([indices, found[0]]).astype(index_type(whole.n_samples)),
            np.concatenate([distances, found[1]], dtype=distances.dtype),
            whole.n_samples,
        )
        grown.look_up_in(whole)
        return grown

    def remade(self, data: Any) -> KNNIndex:
        """Raise an error: neighbours that were given are not found again in other data.

        Raises
        ------
        UnavailableError
        """
        raise UnavailableError("given neighbours cannot be found again in other data: make an index of it")

    def release(self) -> None:
        """Drop the neighbours and the data; neighbours that `build` returned stay valid."""
        self.indices = self.distances = self.data = self.searcher = None


def _dense(rows: Any) -> Array:
    """Return rows as float64, dense."""
    return np.asarray(rows.toarray() if hasattr(rows, "tocsr") else rows, dtype=np.float64)
