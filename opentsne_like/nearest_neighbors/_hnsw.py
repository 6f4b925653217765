"""Approximate neighbours by small-world graphs."""

from __future__ import annotations

import io
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from .._parallel import thread_count
from .._types import Array
from ..dependencies import need
from ._backend import Backend

_SPACES = {"cosine": "cosine", "dot": "ip", "ip": "ip", "euclidean": "l2", "l2": "l2"}


class _SmallWorld(Backend):
    """What the two graph libraries share."""

    VALID_METRICS: ClassVar[list[str]] = ["cosine", "euclidean", "dot", "l2", "ip"]
    SPARSE_METRICS = frozenset()
    CALLABLE_METRICS = False

    def _build_threads(self) -> int:
        return 1 if self.random_state is not None else thread_count(self.n_jobs)

    @abstractmethod
    def _search(self, vectors: Array, k: int, ef: int, threads: int) -> Array:
        """Return the indices of k neighbours, or raise RuntimeError where `ef` leads to fewer."""

    def _propose(self, rows: Any, own: Array, k: int) -> tuple[Array, Array | None]:
        vectors, threads = self._vectors(rows), thread_count(self.n_jobs)
        for ef in (min(max(2 * k, 100), self.n_samples), self.n_samples):
            try:
                return self._search(vectors, k, ef, threads).astype(np.int64), None
            except RuntimeError:  # some row reached fewer than k others; look further
                continue
        return np.full((len(vectors), 1), -1), None


class HNSW(_SmallWorld):
    """Approximate neighbours by the small-world graph of hnswlib.

    Needs ``pip install 'opentsne-like[hnsw]'``. With a seed the graph is built on one thread, so that it is the same
    each time; with ``random_state=None`` it is built on all, and differs from run to run.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; the data are dense.
    knn_kwargs : dict, optional
        Arguments of hnswlib's ``init_index``; by default ``{"ef_construction": 200, "M": 16}``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import HNSW
    >>> from opentsne_like.utils import is_package_installed
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> if is_package_installed("hnswlib"):
    ...     indices, distances = HNSW(X, k=5, random_state=0).build()
    ...     assert indices.shape == (200, 5)
    """

    OPTIONS: ClassVar[dict[str, int | None]] = {"M": 2, "ef_construction": 1, "allow_replace_deleted": None}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        need("hnswlib", "hnsw")
        super().__init__(*args, **kwargs)

    def _fit(self) -> Any:
        from hnswlib import Index

        index = Index(space=_SPACES[str(self.metric)], dim=self.data.shape[1])
        options = {"ef_construction": 200, "M": 16, **(self.knn_kwargs or {})}
        with self._library("hnswlib"):
            index.init_index(max_elements=self.n_samples, random_seed=self.seed, **options)
        index.add_items(self._vectors(self.data), num_threads=self._build_threads())
        return index

    def _search(self, vectors: Array, k: int, ef: int, threads: int) -> Array:
        self.index.set_ef(min(ef, self.index.get_current_count()))
        indices, _ = self.index.knn_query(vectors, k=k, num_threads=threads)
        return np.asarray(indices)


class Voyager(_SmallWorld):
    """Approximate neighbours by the small-world graph of voyager, Annoy's successor.

    Needs ``pip install "opentsne-like[voyager]"``. With a seed the graph is built on one thread, so that it is the same
    each time; with ``random_state=None`` it is built on all, and differs from run to run.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; the data are dense.
    knn_kwargs : dict, optional
        Arguments of ``voyager.Index``; by default ``{"ef_construction": 200, "M": 16}``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import Voyager
    >>> from opentsne_like.utils import is_package_installed
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> if is_package_installed("voyager"):
    ...     indices, distances = Voyager(X, k=5, random_state=0).build()
    ...     assert indices.shape == (200, 5)
    """

    OPTIONS: ClassVar[dict[str, int | None]] = {"M": 2, "ef_construction": 1, "storage_data_type": None}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        need("voyager", "voyager")
        super().__init__(*args, **kwargs)

    def _fit(self) -> Any:
        from voyager import Index, Space

        spaces = {"cosine": Space.Cosine, "ip": Space.InnerProduct, "l2": Space.Euclidean}
        options = {"ef_construction": 200, "M": 16, **(self.knn_kwargs or {})}
        with self._library("voyager"):
            index = Index(
                spaces[_SPACES[str(self.metric)]],
                num_dimensions=self.data.shape[1],
                random_seed=self.seed,
                max_elements=self.n_samples,
                **options,
            )
        index.add_items(self._vectors(self.data), num_threads=self._build_threads())
        return index

    def _search(self, vectors: Array, k: int, ef: int, threads: int) -> Array:
        indices, _ = self.index.query(vectors, k=k, num_threads=threads, query_ef=ef)
        return np.asarray(indices)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return state if self.index is None else {**state, "index": self.index.as_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.index, bytes):
            from voyager import Index

            self.index = Index.load(io.BytesIO(self.index))
