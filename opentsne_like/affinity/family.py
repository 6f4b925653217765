"""Affinities of the neighbouring methods: entropic, fuzzy (UMAP), self-tuning (spectral clustering)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .. import kernels
from .._parallel import for_chunks
from .base import NeighborAffinities, answer
from .gaussian import find_precisions
from .matrix import Evaluate, assemble, read_only
from .neighbors import Array, NeighborLists
from .perplexity import PerplexityBasedNN
from .plain import farthest


class Entropic(PerplexityBasedNN):
    r"""Directed entropic affinities: of all rows with a given entropy, those of least mean cost.

    With the costs :math:`C_{ij} = d_{ij}^2`, row i solves :math:`\min_p \sum_j p_j C_{ij}` subject to
    :math:`\sum_j p_j = 1` and :math:`-\sum_j p_j \log p_j \ge \log(\text{perplexity})`, that is
    :math:`p_{ij} = \exp(-C_{ij} / \varepsilon_i) / \sum_l \exp(-C_{il} / \varepsilon_i)` (H. Van Assel, T. Vayer,
    R. Flamary and N. Courty, SNEkhorn: dimension reduction with symmetric entropic affinities, NeurIPS 2023). Unlike
    `PerplexityBasedNN` it uses all points by default and does not symmetrize.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    perplexity : float
        Effective number of neighbours.
    symmetrize : bool
        True: (p + p^T) / 2, as in t-SNE.
    k_neighbors : int, "all" or "auto"
        Number of neighbours in a row; "auto" means 3 perplexity.
    **options
        The other parameters of `PerplexityBasedNN`.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        Summing to 1; without symmetrization each row to 1 / n_samples.
    bandwidths_ : float64 ndarray of shape (n_samples,)
        :math:`\varepsilon_i`, in squared units of the distances; 0 where the perplexity is not reached because as many
        neighbours are equally near, infinite where it is beyond the number of neighbours.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> affinities = Entropic(X, perplexity=10)
    >>> affinities.P.nnz, affinities.P.sum(axis=1).round(3).max().item()
    (2450, 0.02)
    """

    LEARNED = (*PerplexityBasedNN.LEARNED, "bandwidths_")

    def __init__(
        self,
        data: Any = None,
        perplexity: float = 30,
        *,
        symmetrize: bool = False,
        k_neighbors: int | str = "all",
        **options: Any,
    ) -> None:
        super().__init__(data, perplexity, symmetrize=symmetrize, k_neighbors=k_neighbors, **options)

    def _matrix(self, k: int, perplexity: float) -> Any:
        lists = self._kept_lists().nearest(k)
        precisions = find_precisions(lists, [perplexity], n_jobs=self.n_jobs)[:, 0]
        with np.errstate(divide="ignore"):
            widths = farthest(lists) ** 2 / precisions
        P = super()._matrix(k, perplexity)
        self.bandwidths_ = np.where(precisions < kernels.perplexity.LARGEST, widths, 0.0)
        return P

    @staticmethod
    def _choose_k(n_samples: int, perplexity: float, k_neighbors: Any) -> int:
        if isinstance(k_neighbors, str) and check.check_choice(k_neighbors, "k_neighbors", ("all", "auto")) == "all":
            return n_samples - 1
        return PerplexityBasedNN._choose_k(n_samples, perplexity, k_neighbors)


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

    ARGUMENTS = ("k_neighbors", "local_connectivity", "bandwidth", "symmetrize", "normalize")
    LEARNED = ("rhos_", "sigmas_")

    def __init__(
        self,
        data: Any = None,
        k_neighbors: int = 15,
        *,
        local_connectivity: float = 1.0,
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
            self.P = read_only(
                assemble(
                    lists,
                    _fuzzy_rows(lists, self.rhos_, self.sigmas_),
                    join="union" if symmetrize else None,
                    normalize=normalize,
                    dtype=self.dtype,
                    n_jobs=self.n_jobs,
                )
            )

    def _take(  # type: ignore[override]
        self, *, k_neighbors: Any, local_connectivity: Any, bandwidth: Any, symmetrize: Any, normalize: Any
    ) -> None:
        self.k_neighbors = k_neighbors
        self.local_connectivity = check.check_real(local_connectivity, "local_connectivity", at_least=0)
        self.bandwidth = check.check_real(bandwidth, "bandwidth", above=0)
        self.symmetrize = check.check_flag(symmetrize, "symmetrize")
        self.normalize = bool(normalize)

    def _widths(self, lists: NeighborLists, connectivity: float) -> tuple[Array, Array]:
        """Return rho and sigma of every row."""
        rhos, sigmas = np.empty(lists.n_rows), np.empty(lists.n_rows)
        target = np.log2(lists.width + 1) * self.bandwidth
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
        return answer(_rows_to_one(P), indices, distances, return_distances)


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
            rows = _self_tuning_rows(lists, self.sigmas_, self.sigmas_)
            self.P = read_only(
                assemble(lists, rows, join="max", normalize=normalize, dtype=self.dtype, n_jobs=self.n_jobs)
            )

    def _take(self, *, k_neighbors: Any, scale_neighbor: Any, normalize: Any) -> None:  # type: ignore[override]
        self.k_neighbors = k_neighbors
        self.scale_neighbor = check.check_integer(scale_neighbor, "scale_neighbor", at_least=1)
        self.normalize = bool(normalize)

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
        rows = _self_tuning_rows(lists, _scales(lists, self.scale_neighbor), self.sigmas_)
        P = assemble(lists, rows, join=None, normalize=False, n_jobs=self.n_jobs)
        return answer(_rows_to_one(P), indices, distances, return_distances)


def _fuzzy_rows(lists: NeighborLists, rhos: Array, sigmas: Array) -> Evaluate:
    def evaluate(low: int, high: int, out: Array) -> None:
        kernels.fuzzy.evaluate(low, high, lists.distances, lists.starts, lists.width, rhos, sigmas, out)

    return evaluate


def _self_tuning_rows(lists: NeighborLists, own: Array, others: Array) -> Evaluate:
    """Return what writes the affinities; those of both directions have the same bits, as multiplication commutes."""
    sizes = lists.sizes()

    def evaluate(low: int, high: int, out: Array) -> None:
        count = sizes[low:high]
        offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        edges = np.repeat(lists.starts[low:high], count) + offsets
        d = lists.distances[edges].astype(np.float64)
        out[: len(d)] = np.exp(-(d / np.repeat(own[low:high], count)) * (d / others[lists.indices[edges]]))

    return evaluate


def _scales(lists: NeighborLists, number: int) -> Array:
    """Return the distance to neighbour `number` of every row, or the smallest positive one where that is zero."""
    scales = lists.distances[lists.starts[:-1] + number - 1].astype(np.float64)
    positive = np.where(lists.distances > 0, lists.distances, np.inf)
    nearest = np.minimum.reduceat(positive, lists.starts[:-1])
    scales = np.where(scales > 0, scales, nearest)
    least = positive.min()
    return np.where(np.isfinite(scales), scales, least if np.isfinite(least) else 1.0)


def _rows_to_one(P: Any) -> Any:
    """Divide each row by its sum, in place."""
    sums = np.asarray(P.sum(axis=1)).ravel()
    P.data /= np.repeat(sums, np.diff(P.indptr))
    return P
