"""Self-tuning affinities: Gaussian, of the product of two points' own scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from .. import _validation as check
from .._types import Array
from .base import NeighborAffinities, answer
from .matrix import Evaluate, assemble, rows_to_one
from .neighbors import NeighborLists

Weigh = Callable[[Array, Array, Array], Array]  # from distances, rows and columns of edges to their weights


class SelfTuning(NeighborAffinities):
    r"""Self-tuning affinities of spectral clustering.

    :math:`a_{ij} = \exp(-d_{ij}^2 / (\sigma_i \sigma_j))` with :math:`\sigma_i` the distance to neighbour number
    `scale_neighbor`, on the edges of the neighbour graph in either direction (L. Zelnik-Manor and P. Perona,
    Self-tuning spectral clustering, NIPS 2004). `P` is that divided by its sum.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    k_neighbors : int
        Number of neighbours of a point in the graph.
    scale_neighbor : int
        At most `k_neighbors`. Where it coincides with the point, the nearest neighbour that does not is taken.
    method, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs, knn_index, dtype
        As in `PerplexityBasedNN`.
    normalize : bool
        False: leave the affinities as they are.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
    sigmas_ : float64 ndarray of shape (n_samples,)
        In units of the distances.
    knn_index : KNNIndex

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> SelfTuning(X, k_neighbors=2, scale_neighbor=1, normalize=False).P.toarray().round(3).tolist()
    [[0.0, 0.368, 0.011], [0.368, 0.0, 0.135], [0.011, 0.135, 0.0]]
    """

    ARGUMENTS = ("k_neighbors", "scale_neighbor", "normalize")
    LEARNED = ("sigmas_",)
    JOIN: ClassVar[str] = "max"  # of both directions, which have the same bits here

    def __init__(
        self,
        data: Any = None,
        k_neighbors: int = 30,
        scale_neighbor: int = 7,
        *,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        normalize: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(k_neighbors=k_neighbors, scale_neighbor=scale_neighbor, normalize=normalize)
        self._find_neighbors(
            data,
            knn_index,
            lambda n: check.check_integer(k_neighbors, "k_neighbors", at_least=1, at_most=n - 1),
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        lists = self._kept_lists()
        check.check_integer(self.scale_neighbor, "scale_neighbor", at_most=int(lists.sizes().min()))
        with self._timer():
            self.sigmas_ = _scales(lists, self.scale_neighbor)
            rows = _weighed(lists, self._weigh(self.sigmas_))
            self._hold(assemble(lists, rows, join=self.JOIN, normalize=normalize, dtype=self.dtype, n_jobs=self.n_jobs))

    def _take(self, *, k_neighbors: Any, scale_neighbor: Any, normalize: Any) -> None:  # type: ignore[override]
        self.k_neighbors = k_neighbors
        self.scale_neighbor = check.check_integer(scale_neighbor, "scale_neighbor", at_least=1)
        self.normalize = bool(normalize)

    def _weigh(self, own: Array) -> Weigh:
        """Return what weighs the edges of rows with these scales; the columns have those of this object."""
        return lambda d, rows, columns: np.exp(-(d / own[rows]) * (d / self.sigmas_[columns]))

    def to_new(  # type: ignore[override]
        self, data: Any, k_neighbors: int | None = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points, each row divided by its sum.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        k_neighbors : int, optional
            Number of neighbours, at least `scale_neighbor`; default: as many as each point of this object has.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        k = self._new_neighbors(k_neighbors, "k_neighbors", self._width)
        check.check_integer(k, "k_neighbors", at_least=self.scale_neighbor)
        indices, distances, lists = self._query(data, k, return_distances)
        rows = _weighed(lists, self._weigh(_scales(lists, self.scale_neighbor)))
        P = assemble(lists, rows, join=None, normalize=False, n_jobs=self.n_jobs)
        return answer(rows_to_one(P), indices, distances, return_distances)


def _weighed(lists: NeighborLists, weigh: Weigh) -> Evaluate:
    """Return what writes the weights of edges."""
    sizes = lists.sizes()

    def evaluate(low: int, high: int, out: Array) -> None:
        count = sizes[low:high]
        offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        edges = np.repeat(lists.starts[low:high], count) + offsets
        d = lists.distances[edges].astype(np.float64)
        out[: len(d)] = weigh(d, np.repeat(np.arange(low, high), count), lists.indices[edges])

    return evaluate


def _scales(lists: NeighborLists, number: int) -> Array:
    """Return the distance to neighbour `number` of every row, or the smallest positive one where that is zero."""
    scales = lists.distances[lists.starts[:-1] + number - 1].astype(np.float64)
    positive = np.where(lists.distances > 0, lists.distances, np.inf)
    nearest = np.minimum.reduceat(positive, lists.starts[:-1])
    scales = np.where(scales > 0, scales, nearest)
    least = positive.min()
    return np.where(np.isfinite(scales), scales, least if np.isfinite(least) else 1.0)
