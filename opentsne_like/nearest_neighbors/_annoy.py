"""Approximate neighbours by Annoy's forest."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .._parallel import chunk_bounds, run_tasks, thread_count
from .._types import Array
from ..dependencies import need
from ._backend import Backend

_SPACES = {"cosine": "angular", "l1": "manhattan", "taxicab": "manhattan", "l2": "euclidean"}


class Annoy(Backend):
    """Approximate neighbours by a forest of random projection trees, openTSNE's default for large data.

    Needs ``pip install 'opentsne-like[annoy]'``. With more than one thread the trees are the same for a seed, but the
    order in which they are searched is not, so a few neighbours may differ from run to run; `IVF` has no such limit.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; the data are dense.
    knn_kwargs : dict, optional
        Arguments of Annoy's ``build``; by default ``{"n_trees": 50}``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import Annoy
    >>> from opentsne_like.utils import is_package_installed
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> if is_package_installed("annoy"):
    ...     indices, distances = Annoy(X, k=5, random_state=0).build()
    ...     assert indices.shape == (200, 5)
    """

    VALID_METRICS: ClassVar[list[str]] = ["cosine", "euclidean", "manhattan", "hamming", "dot", "l1", "l2", "taxicab"]
    SPARSE_METRICS = frozenset()
    CALLABLE_METRICS = False
    OPTIONS: ClassVar[dict[str, int | None]] = {"n_trees": -1}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        need("annoy", "annoy")
        super().__init__(*args, **kwargs)

    def _fit(self) -> Any:
        index = self._new()
        index.set_seed(self.seed)
        step = 4096
        for low in range(0, self.n_samples, step):
            for i, row in enumerate(self._vectors(self.data[low : low + step]), start=low):
                index.add_item(i, row)
        options = {"n_trees": 50, **(self.knn_kwargs or {})}
        with self._library("annoy"):
            index.build(n_jobs=thread_count(self.n_jobs), **options)
        return index

    def _new(self) -> Any:
        from ..dependencies.annoy import AnnoyIndex

        return AnnoyIndex(self.data.shape[1], _SPACES.get(str(self.metric), self.metric))

    def _propose(self, rows: Any, own: Array, k: int) -> tuple[Array, Array | None]:
        out = np.full((len(rows), k), -1, np.int64)

        def work(low: int, high: int) -> None:
            vectors = self._vectors(rows[low:high])
            for i in range(low, high):
                if own[i] >= 0:
                    near, _ = self.index.get_nns_by_item(int(own[i]), k, include_distances=True)
                else:
                    near, _ = self.index.get_nns_by_vector(vectors[i - low], k, include_distances=True)
                out[i, : len(near)] = near

        run_tasks([(work, bounds) for bounds in chunk_bounds(len(rows), 64, 256)], n_jobs=self.n_jobs)
        return out, None

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if self.index is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "index.ann")
                self.index.save(str(path))
                state["index"] = path.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.index, bytes):
            saved, self.index = self.index, self._new()
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                path = Path(folder, "index.ann")
                path.write_bytes(saved)
                self.index.load(str(path))
