"""Exact neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..errors import InvalidParameterError
from ._base import KNNIndex, Neighbors
from ._exact_search import exact_neighbors
from ._space import Array, Screen, Space, first_by_distance, index_type, plain
from ._sparse_space import space_of

_SCREENED = {"euclidean", "l2", "cosine"}
_SPARSE = {"cityblock", "cosine", "euclidean", "l1", "l2", "manhattan"}
_BOOLEAN = {"dice", "jaccard", "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "yule"}
_MARGIN = 8


class Sklearn(KNNIndex):
    """Exact neighbours under every metric, ties decided by the lower index.

    Euclidean and cosine neighbours of dense data are proposed by float32 matrix products on all cores and decided by
    distances computed from the rows themselves; a bound on the rounding of the products proves that none was missed.
    Any offset or order of the data, duplicates and any number of threads give the same bits. Other metrics, sparse
    data, `metric_params` and `knn_kwargs` go to ``sklearn.neighbors.NearestNeighbors``.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`. Callable metrics are called by scikit-learn; `random_state` is not used.
    knn_kwargs : dict, optional
        Arguments of ``NearestNeighbors``, such as ``{"algorithm": "kd_tree", "leaf_size": 10}``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import Sklearn
    >>> index = Sklearn(np.array([[0.0], [1.0], [3.0]]), k=1)
    >>> indices, distances = index.build()
    >>> indices.ravel().tolist(), distances.ravel().tolist()
    ([1, 0, 1], [1.0, 1.0, 2.0])
    >>> index.query(np.array([[2.5]]), k=2)[0].tolist()
    [[2, 1]]
    """

    VALID_METRICS: ClassVar[list[str]] = [
        "braycurtis",
        "canberra",
        "chebyshev",
        "cityblock",
        "correlation",
        "cosine",
        "dice",
        "euclidean",
        "hamming",
        "haversine",
        "infinity",
        "jaccard",
        "l1",
        "l2",
        "mahalanobis",
        "manhattan",
        "minkowski",
        "p",
        "rogerstanimoto",
        "russellrao",
        "seuclidean",
        "sokalmichener",
        "sokalsneath",
        "sqeuclidean",
        "yule",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sparse = hasattr(self.data, "tocsr")
        if sparse and self.metric not in _SPARSE:
            raise InvalidParameterError(
                f"`metric` must be one of {', '.join(sorted(_SPARSE))} for sparse data, got {self.metric!r}; "
                f"pass data.toarray() or use neighbors='pynndescent'"
            )
        self._space: Any = None

    def build(self) -> Neighbors:
        """Return the neighbours of every row of the data; see `KNNIndex.build`."""
        data = self._require_data()
        with self._timer(f"Finding {self.k} exact neighbours"):
            self._fit()
            return self._nearest(data, np.arange(self.n_samples), self.k)

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the neighbours of new rows; see `KNNIndex.query`."""
        X, k = self._check_query(query, k)
        with self._timer(f"Finding {k} exact neighbours of {X.shape[0]} new rows"):
            self._fit()
            return self._nearest(X, np.full(X.shape[0], -1), k)

    def release(self) -> None:
        """Drop the data and the index; see `KNNIndex.release`."""
        super().release()
        self._space = None

    def __getstate__(self) -> dict[str, Any]:
        # Both are made again from the data, with the same bits, when they are needed.
        return {**self.__dict__, "index": None, "_space": None}

    def _fit(self) -> None:
        """Make what is searched: a `Screen`, or scikit-learn's index."""
        if self.index is not None:
            return
        self._space = space_of(self.data, self.metric)
        if isinstance(self._space, Space) and self.metric in _SCREENED and not (self.metric_params or self.knn_kwargs):
            self.index = Screen(self._space).fill()
            return
        from sklearn.neighbors import NearestNeighbors

        kwargs = {"algorithm": "brute" if hasattr(self.data, "tocsr") else "auto"} | (self.knn_kwargs or {})
        self.index = NearestNeighbors(
            metric="euclidean" if self.metric == "cosine" else self.metric,
            metric_params=self.metric_params or None,
            n_jobs=self.n_jobs,
            **kwargs,
        )
        self.index.fit(self._rows(self.data))

    def _nearest(self, rows: Any, own: Array, k: int) -> Neighbors:
        dtype = self._distance_type()
        if isinstance(self.index, Screen):
            return exact_neighbors(self.index, plain(rows), own, k, dtype=dtype, n_jobs=self.n_jobs)
        asked = min(self.n_samples, k + 1 + _MARGIN)
        distances, indices = self.index.kneighbors(self._rows(rows), n_neighbors=asked)
        if self._space is not None:
            indices, distances, _ = self._space.rank(rows, own, indices, k, dtype=dtype, n_jobs=self.n_jobs)
            return indices, distances
        indices, distances = first_by_distance(indices, distances, own, k)
        return indices.astype(index_type(self.n_samples)), distances.astype(dtype)

    def _rows(self, rows: Any) -> Any:
        """Return rows as scikit-learn's index wants them."""
        if self.metric == "cosine":  # trees have no cosine distance; unit vectors have the same neighbours
            from sklearn.preprocessing import normalize

            return normalize(rows)
        return rows != 0 if self.metric in _BOOLEAN else rows
