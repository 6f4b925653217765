"""Approximate neighbours by nearest-neighbour descent, for the metrics and sparse data that others lack."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .._parallel import thread_count
from .._types import Array
from ..errors import InvalidParameterError
from ._backend import Backend
from ._base import Metric, log
from ._parameters import MAHALANOBIS, STANDARDIZED, WEIGHTED, completed

_LOCK = threading.Lock()  # Numba's own threads, which pynndescent uses, must not be entered twice
_OURS = {"data", "metric", "metric_kwds", "n_neighbors", "random_state", "n_jobs", "verbose"}
_DIRECT = 15  # neighbours up to which the graph is made with all of them; beyond, the graph is searched for more


class NNDescent(Backend):
    """Approximate neighbours by pynndescent, under many metrics, for dense and sparse data.

    The same seed gives the same neighbours for the same number of threads that build the graph, see `build_jobs`.
    The first search of a process compiles for about half a minute.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`. A function of two rows as metric is compiled by Numba where it is not yet.
    knn_kwargs : dict, optional
        Arguments of ``pynndescent.NNDescent``, such as ``n_trees``, ``n_iters``, ``max_candidates``.
    build_jobs : int, optional
        Number of threads that build the graph, by default `n_jobs`; a fixed one makes the graph independent of it.

    Notes
    -----
    Dong, Moses and Li, Efficient k-nearest neighbor graph construction for generic similarity measures, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import NNDescent
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> index = NNDescent(X, k=5, metric="canberra", random_state=0)
    >>> index.n_samples, index.k
    (200, 5)
    """

    VALID_METRICS: ClassVar[list[str]] = [
        "euclidean",
        "l2",
        "sqeuclidean",
        "manhattan",
        "taxicab",
        "l1",
        "chebyshev",
        "linfinity",
        "linfty",
        "linf",
        "minkowski",
        "seuclidean",
        "standardised_euclidean",
        "wminkowski",
        "weighted_minkowski",
        "mahalanobis",
        "canberra",
        "cosine",
        "dot",
        "correlation",
        "haversine",
        "braycurtis",
        "spearmanr",
        "tsss",
        "true_angular",
        "hellinger",
        "kantorovich",
        "wasserstein",
        "wasserstein_1d",
        "wasserstein-1d",
        "kantorovich-1d",
        "kantorovich_1d",
        "circular_kantorovich",
        "circular_wasserstein",
        "sinkhorn",
        "jensen-shannon",
        "jensen_shannon",
        "symmetric-kl",
        "symmetric_kl",
        "symmetric_kullback_liebler",
        "hamming",
        "jaccard",
        "dice",
        "matching",
        "kulsinski",
        "rogerstanimoto",
        "russellrao",
        "sokalsneath",
        "sokalmichener",
        "yule",
        "bit_hamming",
        "bit_jaccard",
    ]
    SPARSE_METRICS = frozenset(VALID_METRICS) - {
        "seuclidean",
        "standardised_euclidean",
        "wminkowski",
        "weighted_minkowski",
        "mahalanobis",
        "dot",
        "haversine",
        "spearmanr",
        "tsss",
        "true_angular",
        "kantorovich_1d",
        "circular_kantorovich",
        "circular_wasserstein",
        "sinkhorn",
        "yule",
        "bit_hamming",
        "bit_jaccard",
    }

    PARAMETERS: ClassVar[dict[str, tuple[str, ...] | None]] = {
        "minkowski": ("p",),
        **WEIGHTED,
        **STANDARDIZED,
        **MAHALANOBIS,
        **dict.fromkeys(["wasserstein_1d", "wasserstein-1d", "kantorovich-1d", "kantorovich_1d"], ("p",)),
        **dict.fromkeys(["circular_kantorovich", "circular_wasserstein"], ("p",)),
        **dict.fromkeys(["kantorovich", "wasserstein", "sinkhorn"]),
    }

    def __init__(self, *args: Any, build_jobs: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.build_jobs = self.n_jobs if build_jobs is None else build_jobs

    def _check_options(self) -> None:
        if not self.knn_kwargs:
            return
        from pynndescent.pynndescent_ import NNDescent as Theirs

        known = set(inspect.signature(Theirs).parameters) - _OURS
        if unknown := sorted(set(self.knn_kwargs) - known):
            raise InvalidParameterError(
                f"`knn_kwargs` must have the names {', '.join(sorted(known))} for NNDescent, got {unknown[0]!r}"
            )

    def _options(self) -> dict[str, Any]:
        return {"build_jobs": self.build_jobs}

    def check_metric(self, metric: Metric) -> Metric:
        """Return `metric` if pynndescent has it; a function is compiled by Numba where it is not yet.

        Parameters
        ----------
        metric : str or callable

        Returns
        -------
        str or callable

        Raises
        ------
        InvalidParameterError
            The backend lacks the metric.
        """
        metric = super().check_metric(metric)
        if not callable(metric):
            return metric
        from numba import njit
        from numba.extending import is_jitted

        if is_jitted(metric):
            return metric
        log.info("The metric %s is compiled by Numba.", getattr(metric, "__name__", metric))
        compiled: Callable[..., float] = njit(fastmath=True)(metric)
        return compiled

    def _fit(self) -> Any:
        import pynndescent

        n = self.n_samples
        options = {
            "n_trees": 5 + round(n**0.5 / 20),
            "n_iters": max(5, round(np.log2(n))),
            "max_candidates": 60,
            **(self.knn_kwargs or {}),
        }
        with _LOCK, self._library("pynndescent"):
            return pynndescent.NNDescent(
                self._vectors(self.data),
                n_neighbors=self.k + 1 if self.k <= _DIRECT else _DIRECT,
                metric=self.metric,
                metric_kwds=self._parameters(),
                random_state=self.random_state if isinstance(self.random_state, int) else self.seed,
                n_jobs=self._threads(),
                verbose=int(self.verbose) > 1,
                **options,
            )

    def _parameters(self) -> dict[str, Any]:
        """Return the parameters of the metric in the order in which pynndescent's functions take them."""
        return completed(self.metric, self.metric_params, self.data)

    def _threads(self) -> int:
        """Return the number of threads in pynndescent's terms: -1, or what Numba can give."""
        if self.build_jobs == -1:
            return -1
        from numba.core import config

        return min(thread_count(self.build_jobs), int(config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]

    def _vectors(self, rows: Any) -> Any:
        return rows if hasattr(rows, "tocsr") or self._space is None else super()._vectors(rows)

    def _propose(self, rows: Any, own: Array, k: int) -> tuple[Array, Array | None]:
        with _LOCK:
            if own[0] < 0:
                indices, distances = self.index.query(self._vectors(rows), k=k)
                return self._without_gaps(rows, indices, distances)
            indices, distances = self.index.neighbor_graph
            lost = (indices < 0).all(axis=1)
            if k > indices.shape[1]:
                indices, distances = self.index.query(self._vectors(rows), k=k)
        indices, distances = np.array(indices, np.int64), np.array(distances)
        indices[lost], distances[lost] = -1, np.inf
        if np.count_nonzero(lost) >= k:
            _group(indices, distances, np.flatnonzero(lost))
        return self._without_gaps(rows, indices, distances)

    def _without_gaps(self, rows: Any, indices: Array, distances: Array) -> tuple[Array, Array | None]:
        """Look at all rows where the graph led to too few, under metrics whose distances come from pynndescent."""
        if self._space is not None:
            return indices, None
        indices, distances = np.array(indices, np.int64), np.array(distances)
        for i in np.flatnonzero((indices < 0).any(axis=1)).tolist():
            every = self._distances_to_all(rows, i)
            near = np.argsort(every, kind="stable")[: indices.shape[1]]
            indices[i], distances[i] = near, every[near]
        return indices, distances

    def _distances_to_all(self, rows: Any, i: int) -> Array:
        """Return pynndescent's distances from one row to all rows of the data."""
        from pynndescent.distances import named_distances
        from pynndescent.sparse import sparse_named_distances

        extra = tuple(self._parameters().values())
        if not hasattr(rows, "tocsr"):
            metric = self.metric if callable(self.metric) else named_distances[self.metric]
            x, data = rows[i].astype(np.float32), self.data.astype(np.float32)
            return np.array([metric(x, y, *extra) for y in data])
        metric = self.metric if callable(self.metric) else sparse_named_distances[self.metric]

        def parts(matrix: Any, row: int) -> tuple[Array, Array]:
            at = slice(matrix.indptr[row], matrix.indptr[row + 1])
            return matrix.indices[at], matrix.data[at].astype(np.float32)

        x = parts(rows, i)
        return np.array([metric(*x, *parts(self.data, j), *extra) for j in range(self.n_samples)])


def _group(indices: Array, distances: Array, lost: Array) -> None:
    """Make rows without any neighbours, such as all-zero ones, the neighbours of each other, as openTSNE does."""
    log.warning(
        "pynndescent found no neighbours for %d rows, the first of them %d; they become each other's neighbours.",
        len(lost),
        lost[0],
    )
    turns = (np.arange(len(lost))[:, None] + np.arange(1, indices.shape[1] + 1)) % len(lost)
    indices[lost], distances[lost] = lost[turns], 1.0
