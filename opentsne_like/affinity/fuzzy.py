"""Fuzzy affinities, which are UMAP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .. import kernels
from .._parallel import for_chunks
from .._types import Array
from .base import NeighborAffinities, answer
from .matrix import Evaluate, assemble, rows_to_one
from .neighbors import NeighborLists


class Fuzzy(NeighborAffinities):
    r"""Fuzzy membership strengths of UMAP.

    :math:`a_{ij} = \exp(-\max(0, d_{ij} - \rho_i) / \sigma_i)`, with :math:`\rho_i` the distance to the nearest
    neighbour and :math:`\sigma_i` such that each row sums to :math:`\log_2 k`; an edge gets
    :math:`a_{ij} + a_{ji} - a_{ij} a_{ji}` (L. McInnes, J. Healy and J. Melville, UMAP, arXiv:1802.03426). `P` is that
    divided by its sum.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    k_neighbors : int
        Number of neighbours, the point itself included, as umap-learn counts its ``n_neighbors``; at least 2.
    local_connectivity : float
        Distance up to so many neighbours counts as nothing.
    set_op_mix_ratio : float
        1: the union above. 0: the intersection, :math:`a_{ij} a_{ji}`. Between them, their weighted mean.
    bandwidth : float
        Factor of :math:`\log_2 k`.
    method, metric, metric_params, symmetrize, n_jobs, random_state, verbose, knn_kwargs, knn_index, dtype
        As in `PerplexityBasedNN`; an index holds one neighbour less than `k_neighbors`, and its number counts.
    normalize : bool
        False: leave the strengths as they are.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
    rhos_, sigmas_ : float64 ndarray of shape (n_samples,)
        In units of the distances.
    knn_index : KNNIndex

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> Fuzzy(X, k_neighbors=10, normalize=False).P.max().item()
    1.0
    """

    ARGUMENTS = ("k_neighbors", "local_connectivity", "set_op_mix_ratio", "bandwidth", "symmetrize", "normalize")
    LEARNED = ("rhos_", "sigmas_")

    def __init__(
        self,
        data: Any = None,
        k_neighbors: int = 15,
        *,
        local_connectivity: float = 1.0,
        set_op_mix_ratio: float = 1.0,
        bandwidth: float = 1.0,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        symmetrize: bool = True,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        normalize: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(
            k_neighbors=k_neighbors,
            local_connectivity=local_connectivity,
            set_op_mix_ratio=set_op_mix_ratio,
            bandwidth=bandwidth,
            symmetrize=symmetrize,
            normalize=normalize,
        )
        self._find_neighbors(
            data,
            knn_index,
            lambda n: check.check_integer(k_neighbors, "k_neighbors", at_least=2, at_most=n) - 1,
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        lists = self._kept_lists()
        with self._timer():
            self.rhos_, self.sigmas_ = self._widths(lists, self.local_connectivity)
            self._hold(self._joined(lists))

    def _joined(self, lists: NeighborLists) -> Any:
        """Return P: with the union U and the sum S of both directions, their intersection is ``S - U``."""
        mixed = self.symmetrize and self.set_op_mix_ratio < 1.0

        def joined(join: str | None) -> Any:
            rows, normalize = _fuzzy_rows(lists, self.rhos_, self.sigmas_), self.normalize and not mixed
            return assemble(lists, rows, join=join, normalize=normalize, dtype=self.dtype, n_jobs=self.n_jobs)

        P = joined("union" if self.symmetrize else None)
        if mixed:
            ratio = self.dtype.type(self.set_op_mix_ratio)
            P.data[:] = ratio * P.data + (1 - ratio) * np.maximum(joined("mean").data - P.data, 0)
            P.data /= P.data.sum() if self.normalize else 1
        return P

    def _take(  # type: ignore[override]
        self,
        *,
        k_neighbors: Any,
        local_connectivity: Any,
        bandwidth: Any,
        symmetrize: Any,
        normalize: Any,
        set_op_mix_ratio: Any = 1.0,  # which files of earlier maps do not have
    ) -> None:
        self.k_neighbors = k_neighbors
        self.local_connectivity = check.check_real(local_connectivity, "local_connectivity", at_least=0)
        self.set_op_mix_ratio = check.check_real(set_op_mix_ratio, "set_op_mix_ratio", at_least=0, at_most=1)
        self.bandwidth = check.check_real(bandwidth, "bandwidth", above=0)
        self.symmetrize = check.check_flag(symmetrize, "symmetrize")
        self.normalize = bool(normalize)

    def _widths(self, lists: NeighborLists, connectivity: float) -> tuple[Array, Array]:
        """Return rho and sigma of every row."""
        rhos, sigmas = np.empty(lists.n_rows), np.empty(lists.n_rows)
        target = np.log2(lists.width + 1) * self.bandwidth
        # Rows of points that coincide have no scale of their own: a thousandth of the mean distance of all points, that
        # to themselves included, as in umap-learn.
        floor = 1e-3 * float(lists.distances.sum(dtype=np.float64)) / (len(lists.distances) + lists.n_rows)
        args = (lists.distances, lists.starts, lists.width, connectivity, target, floor, rhos, sigmas)
        for_chunks(kernels.fuzzy.search, lists.n_rows, args, n_jobs=self.n_jobs, grain=256)
        return rhos, sigmas

    def to_new(  # type: ignore[override]
        self, data: Any, k_neighbors: int | None = None, return_distances: bool | int = False
    ) -> Any:
        """Return the membership strengths of new points, each row divided by its sum.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        k_neighbors : int, optional
            Number of neighbours; default: as many as each point of this object has.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1. As in umap-learn, rho counts one neighbour less than between old points.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        k = self._new_neighbors(k_neighbors, "k_neighbors", self._width)
        indices, distances, lists = self._query(data, k, return_distances)
        rows = _fuzzy_rows(lists, *self._widths(lists, max(0.0, self.local_connectivity - 1)))
        P = assemble(lists, rows, join=None, normalize=False, n_jobs=self.n_jobs)
        return answer(rows_to_one(P), indices, distances, return_distances)


def _fuzzy_rows(lists: NeighborLists, rhos: Array, sigmas: Array) -> Evaluate:
    def evaluate(low: int, high: int, out: Array) -> None:
        kernels.fuzzy.evaluate(low, high, lists.distances, lists.starts, lists.width, rhos, sigmas, out)

    return evaluate
