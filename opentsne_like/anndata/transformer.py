"""The package's neighbour search as scikit-learn's KNeighborsTransformer, which scanpy takes as its `transformer`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._types import Array
from .._validation import check_integer
from ..nearest_neighbors import make_index


class KNeighborsTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Distances to the nearest neighbours as a sparse matrix, with the same bits for any number of threads.

    Parameters
    ----------
    n_neighbors : int
        Neighbours of a row, itself not counted.
    metric : str or callable
    metric_params : dict, optional
    neighbors : str
        How they are found: "auto", "exact", "ivf", "faiss", "pynndescent", ..., see `nearest_neighbors.make_index`.
    knn_kwargs : dict, optional
        Parameters of that search.
    n_jobs : int
        Threads; -1 for all cores.
    random_state : int, RandomState or None

    Attributes
    ----------
    index_ : KNNIndex
    n_samples_fit_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.anndata import KNeighborsTransformer
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> graph = KNeighborsTransformer(n_neighbors=4).fit_transform(X)
    >>> graph.shape, graph.nnz
    ((100, 100), 500)
    """

    def __init__(
        self,
        n_neighbors: int = 15,
        *,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        neighbors: str = "auto",
        knn_kwargs: dict[str, Any] | None = None,
        n_jobs: int = -1,
        random_state: Any = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.metric_params = metric_params
        self.neighbors = neighbors
        self.knn_kwargs = knn_kwargs
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> KNeighborsTransformer:
        """Remember the rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.n_samples_fit_ = X.shape[0]
        k = min(check_integer(self.n_neighbors, "n_neighbors", at_least=1), X.shape[0] - 1)
        names = ("metric", "metric_params", "knn_kwargs", "n_jobs", "random_state")
        how = {name: getattr(self, name) for name in names}
        self.index_ = make_index(X, k, method=self.neighbors, **how)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Return the distances of all rows to their neighbours.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored

        Returns
        -------
        csr_matrix of shape (n, n)
            The first entry of a row is itself, at a distance of 0; the others ascend.
        """
        indices, distances = self.fit(X).index_.build()
        own = np.arange(len(indices), dtype=indices.dtype)[:, np.newaxis]
        return self._graph(np.hstack([own, indices]), np.hstack([np.zeros_like(distances[:, :1]), distances]))

    def transform(self, X: Any) -> Any:
        """Return the distances of some rows to the nearest of those that were fitted.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)

        Returns
        -------
        csr_matrix of shape (m, n)
            ``n_neighbors + 1`` entries a row, in ascending order, since a row may be one of those.
        """
        check_is_fitted(self, "index_")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        return self._graph(*self.index_.query(X, self.index_.k + 1))

    def _graph(self, indices: Array, distances: Array) -> Any:
        from scipy.sparse import csr_matrix

        ends = np.arange(0, indices.size + 1, indices.shape[1])
        return csr_matrix((distances.ravel(), indices.ravel(), ends), shape=(len(indices), self.n_samples_fit_))

    @property
    def _n_features_out(self) -> int:
        return int(self.n_samples_fit_)

    def __sklearn_tags__(self) -> Any:
        """Say what the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
