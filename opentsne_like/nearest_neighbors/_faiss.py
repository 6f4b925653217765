"""Approximate neighbours by faiss."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from .._parallel import thread_count
from .._types import Array
from ._base import Neighbors
from ._cells import sample_rows
from ._exact_search import exact_neighbors
from ._measured import Measured
from ._prefilter import Prefilter
from ._space import Space, blocks

_LOCK = threading.Lock()


class Faiss(Measured):
    """Approximate euclidean and cosine neighbours by the inverted file of faiss, with a measured recall.

    The lists are trained with a fixed seed and each row looks in the lists nearest to it, as many as a sample with
    known neighbours needs. What faiss finds has its distances computed again and is ranked by (distance, index). The
    same seed gives the same neighbours for any number of threads. `IVF` gives the same quality several times faster;
    this is for those who want faiss itself.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; the data are dense.
    knn_kwargs : dict, optional
        ``n_cells`` (by default about ``4 sqrt(n_samples)``) and ``n_probes``, the number of lists that are looked in
        (by default what `recall` needs).
    recall : float, optional
        Share of the true neighbours to find, in (0, 1]; by default 0.99.

    Attributes
    ----------
    recall_ : float or None
        Recall of `build`, measured on a random sample of at most 512 rows; None before.
    n_probes_ : int or None
        Number of lists that are looked in; None before the index is made.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import Faiss
    >>> X = np.random.default_rng(0).normal(size=(2000, 5))
    >>> index = Faiss(X, k=10, random_state=0)
    >>> indices, distances = index.build()
    >>> indices.shape, index.recall_ >= 0.99
    ((2000, 10), True)
    """

    CELLS: ClassVar[float] = 4.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prefilter: Any = None

    def trim(self) -> None:
        """Drop what can be made again; see `KNNIndex.trim`."""
        super().trim()
        self._prefilter = None

    def release(self) -> None:
        """Drop the data and the index; see `KNNIndex.release`."""
        super().release()
        self._prefilter = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_prefilter": None}

    def _fit(self, space: Space, rng: np.random.RandomState) -> Any:
        import faiss

        self._prefilter = Prefilter(space)
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(space.d), space.d, self._n_cells)
        index.cp.seed = int(rng.randint(np.iinfo(np.int32).max))
        index.cp.min_points_per_centroid = 1
        index.cp.max_points_per_centroid = 64
        sample = sample_rows(space.n, 64 * self._n_cells, rng)
        with _threads(self.n_jobs):
            index.train(self._vectors(sample))
            for low, high in blocks(space.n, space.d):
                index.add(self._vectors(slice(low, high)))
        return index

    def _vectors(self, rows: Any) -> Array:
        space: Space = self._prefilter.space
        norms = space.norms[rows] if len(space.norms) else space.norms
        vectors: Array = self._prefilter.bounded(space.data[rows], norms)
        return vectors

    def _calibrated(self, recall: float, rows: Array, truth: Array) -> int:
        vectors = self._vectors(rows)
        probes = 1
        while probes < self._n_cells:
            with _threads(self.n_jobs):
                self.index.nprobe = probes
                _, found = self.index.search(vectors, self.k + 1)
            hits = sum(len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True))
            if hits >= recall * truth.size:
                break
            probes += max(1, probes // 4)
        return min(probes, self._n_cells)

    def _exact(self, rows: Array) -> Neighbors:
        space: Space = self._prefilter.space
        prefilter = Prefilter(space).fill(n_jobs=self.n_jobs)
        return exact_neighbors(prefilter, space.data[rows], rows, self.k, dtype=np.float64, n_jobs=self.n_jobs)

    def _search_data(self, probes: int) -> Neighbors:
        own = np.arange(self.n_samples)
        return self._ranked(self._prefilter.space.data, own, self.k, probes)

    def _search(self, rows: Array, k: int, probes: int) -> Neighbors:
        return self._ranked(self._prefilter.space.rows(rows), np.full(len(rows), -1), k, probes)

    def _ranked(self, rows: Array, own: Array, k: int, probes: int) -> Neighbors:
        space: Space = self._prefilter.space
        vectors = self._prefilter.bounded(rows, space.row_norms(rows, "query"))
        asked = min(space.n, k + 1 + 8)
        with _threads(self.n_jobs):
            self.index.nprobe = probes
            _, found = self.index.search(vectors, asked)
        dtype = self._distance_type()
        indices, distances, count = space.rank(rows, own, found, k, dtype=dtype, n_jobs=self.n_jobs)
        short = np.flatnonzero(count < k)
        if len(short):  # the lists that were looked in hold too few rows
            prefilter = Prefilter(space).fill(n_jobs=self.n_jobs)
            indices[short], distances[short] = exact_neighbors(
                prefilter, rows[short], own[short], k, dtype=dtype, n_jobs=self.n_jobs
            )
        return indices, distances


@contextmanager
def _threads(n_jobs: int) -> Iterator[None]:
    """Let faiss work on `n_jobs` threads, for this call alone."""
    import faiss

    with _LOCK:
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(thread_count(n_jobs))
        try:
            yield
        finally:
            faiss.omp_set_num_threads(before)
