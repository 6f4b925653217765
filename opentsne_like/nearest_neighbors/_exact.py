"""Exact neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._types import Array
from ..devices import copy_on_gpu, has_copy_on_gpu, operations
from ._backend import Backend
from ._base import Neighbors
from ._exact_search import exact_neighbors
from ._function import FunctionSearch
from ._parameters import MAHALANOBIS, STANDARDIZED, completed
from ._prefilter import Prefilter
from ._space import PREFILTERED, Space

_BOOLEAN = {"dice", "jaccard", "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "yule"}
_MARGIN = 8
_DENSE = 2**24  # numbers, 128 megabytes
_AT_ONCE = 2**22  # candidates that are ranked together
ON_GPU = frozenset({"euclidean", "l2", "cosine"})  # metrics of a GPU
MOST_ON_GPU = 1000  # neighbours, whose keys fit into the memory that threads of a GPU share


def fits_dense(shape: tuple[int, int]) -> bool:
    """Say whether sparse rows are few enough to be made dense for metrics that nobody has for sparse ones."""
    return shape[0] * shape[1] <= _DENSE


class Sklearn(Backend):
    """Exact neighbours under every metric, ties decided by the lower index.

    Euclidean, cosine, correlation, manhattan and chebyshev neighbours of dense data are proposed in float32 on all
    cores, by matrix products where the metric allows, and decided by distances computed from the rows themselves; a
    bound on the rounding proves that none was missed. Any offset or order of the data, duplicates and any number of
    threads give the same bits. Other metrics, sparse data, `metric_params` and `knn_kwargs` go to
    ``sklearn.neighbors.NearestNeighbors``; sparse data of up to 16 million cells are made dense for metrics that it has
    for dense rows alone. A function is called for every pair of rows; where it obeys the triangle inequality,
    ``knn_kwargs={"algorithm": "ball_tree"}`` saves calls.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; `random_state` is not used.
    knn_kwargs : dict, optional
        ``algorithm`` and ``leaf_size`` of ``NearestNeighbors``, such as ``{"algorithm": "kd_tree", "leaf_size": 10}``.

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
    PARAMETERS: ClassVar[dict[str, tuple[str, ...]]] = {
        "minkowski": ("p", "w"),
        "p": ("p", "w"),
        **STANDARDIZED,
        **MAHALANOBIS,
    }
    OPTIONS: ClassVar[dict[str, int | None]] = {"algorithm": None, "leaf_size": 1}
    SPARSE_METRICS = frozenset({"cityblock", "cosine", "euclidean", "l1", "l2", "manhattan"})

    def _check_sparse(self) -> None:
        if hasattr(self.data, "tocsr") and self.metric not in self.SPARSE_METRICS and fits_dense(self.data.shape):
            self.data = self.data.toarray()
        super()._check_sparse()

    def _takes_rows(self) -> bool:
        return self.metric in PREFILTERED and not (self.metric_params or self.knn_kwargs)

    @property
    def on_gpu(self) -> bool:
        """Whether `build` looks on a GPU: where the rows have a copy there, by a metric that it has."""
        served = self.k <= MOST_ON_GPU and self._takes_rows() and self.metric in ON_GPU
        return served and has_copy_on_gpu(self.data)

    def build(self) -> Neighbors:
        """Return the neighbours of every row, on a GPU where `on_gpu` says so; see `KNNIndex.build`."""
        data = self._require_data()
        if not self.on_gpu:
            return super().build()
        there = copy_on_gpu(data)
        gpu = operations(there)
        with self._timer(f"Finding {self.k} neighbours on a GPU"):
            space = Space(data, str(self.metric))
            frame = Prefilter(space).frame
            prefilter = gpu.Prefilter(there, space.kind, space.norms, frame.middle, frame.scale)
            found: Neighbors = gpu.exact_neighbors(prefilter, self.k, dtype=self._distance_type())
            return found

    def trim(self) -> None:
        """Drop what can be made again; see `KNNIndex.trim`."""
        super().trim()
        self.index = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "index": None}  # made again, with the same bits, when it is needed

    def _fit(self) -> Any:
        """Return a `Prefilter`, a `FunctionSearch`, or scikit-learn's index."""
        if isinstance(self._space, Space) and self._takes_rows():
            return Prefilter(self._space).fill(n_jobs=self.n_jobs)
        if callable(self.metric) and not self.knn_kwargs:
            return FunctionSearch(self.metric, self.metric_params or {}, self.data)
        from sklearn.neighbors import NearestNeighbors

        parameters = completed(self.metric, self.metric_params, self.data)
        options: dict[str, Any] = {"algorithm": "auto"}
        if self.metric == "sokalmichener":  # which scikit-learn's choice overlooks to be known to one algorithm only
            options["algorithm"] = "ball_tree"
        if "p" in parameters:
            options["p"] = parameters.pop("p")
        options |= self.knn_kwargs or {}
        index = NearestNeighbors(
            metric="euclidean" if self.metric == "cosine" else self.metric,
            metric_params=parameters or None,
            # scikit-learn's Mahalanobis distance has one buffer, which threads would share
            n_jobs=1 if self.metric in MAHALANOBIS else self.n_jobs,
            **options,
        )
        with self._library("scikit-learn"):
            return index.fit(self._rows(self.data))

    def _nearest(self, rows: Any, own: Array, k: int) -> Neighbors:
        if isinstance(self.index, FunctionSearch):
            return super()._nearest(rows, own, k)
        if not isinstance(self.index, Prefilter):
            return self._decided(rows, own, k, _MARGIN)
        rows = self._space.data if rows is self.data else self._space.rows(rows)
        return exact_neighbors(self.index, rows, own, k, dtype=self._distance_type(), n_jobs=self.n_jobs)

    def _decided(self, rows: Any, own: Array, k: int, spare: int) -> Neighbors:
        """Return neighbours among which ties at the end are decided by the index, too.

        Where even the last spare candidate is as near as the last neighbour, there may be more of them: such rows get
        more and more candidates.
        """
        most = self.n_samples - int(own[0] >= 0)
        asked = min(most, k + spare)
        indices, distances = super()._nearest(rows, own, asked)
        tied = np.flatnonzero(distances[:, -1] <= distances[:, k - 1]) if asked < most else np.empty(0, np.int64)
        indices, distances = indices[:, :k].copy(), distances[:, :k].copy()
        wider = 8 * (k + spare)
        step = max(1, _AT_ONCE // min(most, wider))
        for at in np.split(tied, range(step, len(tied), step)) if len(tied) else ():
            indices[at], distances[at] = self._decided(rows[at], own[at], k, wider - k)
        return indices, distances

    def _propose(self, rows: Any, own: Array, k: int) -> tuple[Array, Array | None]:
        if isinstance(self.index, FunctionSearch):
            return self.index.nearest(rows, own, k)
        from sklearn import config_context

        with config_context(working_memory=64), self._library("scikit-learn"):  # megabytes
            distances, indices = self.index.kneighbors(self._rows(rows), n_neighbors=k)
        return indices, distances

    def _rows(self, rows: Any) -> Any:
        """Return rows as scikit-learn's index wants them."""
        if self.metric == "cosine":  # trees have no cosine distance; unit vectors have the same neighbours
            from sklearn.preprocessing import normalize

            return normalize(rows)
        return rows != 0 if self.metric in _BOOLEAN else rows
