"""PaCMAP's neighbours: the nearest ones by distances that are scaled by how dense the data are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from .base import NeighborAffinities, answer
from .matrix import assemble
from .neighbors import NeighborLists
from .uniform import uniform_rows

MORE = 50  # neighbours that are looked at besides those that are kept
FIRST, LAST = 3, 6  # of the neighbours of a point whose mean distance is its scale: the fourth to the sixth
LEAST = 1e-10  # scale


class ScaledNeighbors(NeighborAffinities):
    r"""Uniform affinities of points and their nearest neighbours by scaled distances, as in PaCMAP.

    Of a point's k + 50 nearest neighbours those are kept whose :math:`d_{ij}^2 / (\sigma_i \sigma_j)` is smallest, with
    :math:`\sigma_i` the mean distance to its fourth, fifth and sixth neighbour. So points in dense places are preferred
    less, and fewer become neighbours of very many.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    k_neighbors : int
        Number of neighbours that are kept, at most n_samples - 1.
    method : str or KNNIndex
        How neighbours are found, see `get_knn_index`.
    metric : str or callable
    metric_params : dict, optional
    n_jobs : int, optional
    random_state : int, RandomState, Generator or None
    verbose : bool
    knn_kwargs : dict, optional
    knn_index : KNNIndex, optional
        An index to be used instead of `data`, with all its neighbours, of which `k_neighbors` are kept.
    dtype : dtype, keyword only
        float64 or float32.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        The same for each neighbour, twice that for mutual ones; symmetric, summing to 1.
    sigmas_ : float64 ndarray of shape (n_samples,)
        :math:`\sigma_i`.
    knn_index : KNNIndex

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or data that cannot work.

    References
    ----------
    Wang, Huang, Rudin & Shaposhnik, *Understanding how dimension reduction tools work* (2021).

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> ScaledNeighbors(X, k_neighbors=1).P.toarray().tolist()
    [[0.0, 0.3333333333333333, 0.0], [0.3333333333333333, 0.0, 0.16666666666666666], [0.0, 0.16666666666666666, 0.0]]
    """

    ARGUMENTS = ("k_neighbors",)
    LEARNED = ("sigmas_",)

    def __init__(
        self,
        data: Any = None,
        k_neighbors: int = 10,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        *,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(k_neighbors=k_neighbors)

        def choose_k(n: int) -> int:
            return min(n - 1, MORE + check.check_integer(k_neighbors, "k_neighbors", at_least=1, at_most=n - 1))

        search = {"method": method, "metric": metric, "metric_params": metric_params}
        search |= {"random_state": random_state, "knn_kwargs": knn_kwargs}
        self._find_neighbors(data, knn_index, choose_k, **search)
        lists = self._kept_lists()
        with self._timer():
            self.sigmas_ = scales(lists)
            kept = nearest_by_scale(lists, self.k_neighbors, self.sigmas_, self.sigmas_)
            self._hold(assemble(kept, uniform_rows(kept), join="mean", dtype=self.dtype, n_jobs=self.n_jobs))

    def _take(self, *, k_neighbors: Any) -> None:  # type: ignore[override]
        self.k_neighbors = check.check_integer(k_neighbors, "k_neighbors", at_least=1)

    def to_new(  # type: ignore[override]
        self, data: Any, k_neighbors: int | None = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        k_neighbors : int, optional
            Default: as many as this object has, or all points if those are fewer.
        return_distances : bool or int
            Return the nearest neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        k = self._new_neighbors(k_neighbors, "k_neighbors", self.k_neighbors)
        indices, distances, lists = self._query(data, min(k + MORE, self.n_samples), return_distances)
        kept = nearest_by_scale(lists, k, scales(lists), self.sigmas_)
        P = assemble(kept, uniform_rows(kept), join=None, normalize=False, n_jobs=self.n_jobs)
        return answer(P, indices, distances, return_distances)


def scales(lists: NeighborLists) -> Array:
    """Return the mean distance of each row to its fourth to sixth neighbour, or to the last where it has fewer."""
    places = np.minimum(np.arange(FIRST, LAST), lists.sizes()[:, np.newaxis] - 1)
    distances = lists.distances[lists.starts[:-1, np.newaxis] + places].astype(np.float64)
    return np.asarray(np.maximum(distances.mean(axis=1), LEAST))


def nearest_by_scale(lists: NeighborLists, k: int, of_rows: Array, of_columns: Array) -> NeighborLists:
    """Return lists of the `k` neighbours with the smallest scaled distances, nearest by distance first."""
    rows = np.repeat(np.arange(lists.n_rows), np.diff(lists.starts))
    scaled = lists.distances.astype(np.float64) ** 2 / (of_rows[rows] * of_columns[lists.indices])
    scaled[np.arange(len(rows)) - lists.starts[rows] >= lists.width] = np.inf
    order = np.lexsort((scaled, rows))
    count = np.minimum(k, lists.sizes())
    chosen = np.sort(order[np.arange(len(rows)) - lists.starts[rows] < count[rows]])
    starts = np.append(0, np.cumsum(count))
    return replace(
        lists, indices=lists.indices[chosen], distances=lists.distances[chosen], starts=starts, width=int(count.max())
    )
