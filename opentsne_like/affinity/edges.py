"""Edges that are given one by one, with weights of either sign or with targets: each stands in P once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .base import Affinities
from .neighbors import graph_from_lists
from .pairs import check_edges, check_numbers, sample_pairs, upper_matrix
from .uniform import EqualNewRows


class GivenEdges(Affinities):
    """Edges (i, j) with a number each: a weight of either sign, or a target.

    Parameters
    ----------
    edges : array-like of shape (edges, 2), integer
        Pairs of different points, none of them twice, in whatever order.
    numbers : array-like of shape (edges,) or float
        Finite.
    n_samples : int
        Number of points; the last of them may have no edge.
    factors : array-like of shape (edges,), optional
        Numbers by which what becomes of each edge is multiplied.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        The number of each edge in the row of its smaller end. With factors it is complex: they are the real parts.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For edges out of range, from a point to itself, or repeated, and numbers that are not finite or not as many.

    Examples
    --------
    >>> GivenEdges([[0, 1], [2, 0]], [1.0, -0.5], n_samples=3).P.toarray().tolist()
    [[0.0, 1.0, -0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, edges: Any, numbers: Any, *, n_samples: int, factors: Any = None) -> None:
        super().__init__()
        n = check.check_integer(n_samples, "n_samples", at_least=2, at_most=2**31 - 1)
        pairs = check_edges(edges, n)
        values = check_numbers(numbers, len(pairs), "numbers")
        if factors is not None:
            values = check_numbers(factors, len(pairs), "factors") + 1j * values
        self._hold(upper_matrix(pairs, values, n))

    @classmethod
    def of(cls, P: Any) -> GivenEdges:
        """Return the edges that a matrix holds, as it is.

        Parameters
        ----------
        P : csr_matrix of shape (n_samples, n_samples)
        """
        made = cls.__new__(cls)
        Affinities.__init__(made)
        made._hold(P)
        return made


class NeighborEdges(EqualNewRows):
    """Edges between nearest neighbours, of weight 1, or 2 where they are mutual, and sampled ones of weight -1.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    k_neighbors : int
        Number of neighbours, at most n_samples - 1.
    method, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs, knn_index
        As in `Uniform`.
    repulsive_fraction : float
        How many pairs of weight -1 are sampled among those without an edge, for each edge.
    seed : int
        Of the sample.
    max_distance : float, optional
        Neighbours that are farther away do not count.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        The weight of each edge in the row of its smaller end.

    Examples
    --------
    >>> NeighborEdges([[0.0], [1.0], [3.0]], k_neighbors=1).P.toarray().tolist()
    [[0.0, 2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """

    ARGUMENTS = ("k_neighbors", "repulsive_fraction", "seed", "max_distance")

    def __init__(
        self,
        data: Any = None,
        k_neighbors: int = 15,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        *,
        repulsive_fraction: float = 0.0,
        seed: int = 0,
        max_distance: float | None = None,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        options = {"repulsive_fraction": repulsive_fraction, "seed": seed, "max_distance": max_distance}
        self._take(k_neighbors=k_neighbors, **options)

        def choose_k(n: int) -> int:
            return check.check_integer(k_neighbors, "k_neighbors", at_least=1, at_most=n - 1)

        search = {"method": method, "metric": metric, "metric_params": metric_params}
        self._find_neighbors(data, knn_index, choose_k, **search, random_state=random_state, knn_kwargs=knn_kwargs)
        with self._timer():
            self._hold(self._weighted())

    def _take(  # type: ignore[override]
        self, *, k_neighbors: Any, repulsive_fraction: Any, seed: Any, max_distance: Any
    ) -> None:
        self.k_neighbors = k_neighbors
        self.repulsive_fraction = check.check_real(repulsive_fraction, "repulsive_fraction", at_least=0)
        self.seed = check.check_integer(seed, "seed", at_least=0)
        self.max_distance = max_distance
        if max_distance is not None:
            check.check_real(max_distance, "max_distance", above=0)

    def _weighted(self) -> Any:
        from scipy.sparse import triu

        graph = graph_from_lists(self._kept_lists())
        near = np.inf if self.max_distance is None else self.max_distance
        kept = graph.data <= near
        graph.data = np.ones(graph.nnz)
        graph = graph.tocoo()
        graph.row, graph.col, graph.data = graph.row[kept], graph.col[kept], graph.data[kept]
        both = graph.tocsr()
        attractive = triu(both + both.T, k=1, format="coo")
        pairs, n = np.stack([attractive.row, attractive.col], axis=1).astype(np.int64), attractive.shape[0]
        weights = attractive.data
        count = min(int(self.repulsive_fraction * len(pairs)), n * (n - 1) // 2 - len(pairs))
        if count:
            pairs = np.concatenate([pairs, sample_pairs(n, count, np.random.default_rng(self.seed), exclude=pairs)])
            weights = np.append(weights, -np.ones(count))
        return upper_matrix(pairs, weights.astype(self.dtype), n)
