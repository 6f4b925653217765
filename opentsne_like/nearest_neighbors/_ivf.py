"""Approximate neighbours by an inverted file that is searched a cell at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._types import Array
from ..utils import Progress
from ._base import Neighbors
from ._kept import kept
from ._lists import Lists, quantizer_of
from ._measured import Measured
from ._space import PREFILTERED, Space, index_type

BLOCK = 2**18  # rows that are searched, and kept, together: 20 s of two cores at ten million rows


class IVF(Measured):
    """Approximate neighbours with a measured recall under the common metrics, for large dense data.

    The rows are divided into cells by k-means. The neighbours of all rows of a cell are looked for in the same few
    cells, those nearest to its rows, so that the work is matrix products of whole cells on all cores. How many cells
    are looked in follows from the exact neighbours of a sample of rows; a second sample measures the recall, and the
    search is repeated with more cells should it be below `recall`. What is found has exact distances, ranked by
    (distance, index). The same seed gives the same bits for any number of threads.

    Parameters
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose
        See `KNNIndex`; the data are dense.
    knn_kwargs : dict, optional
        ``n_cells`` (by default about ``2 sqrt(n_samples)``) and ``n_probes``, the number of cells that are looked in
        (by default what `recall` needs).
    recall : float, optional
        Share of the true neighbours to find, in (0, 1]; by default 0.99.

    Attributes
    ----------
    recall_ : float or None
        Recall of `build`, measured on a random sample of at most 512 rows; None before.
    n_probes_ : int or None
        Number of cells that are looked in; None before the index is made.

    Notes
    -----
    Inverted files: Jégou, Douze and Schmid, Product quantization for nearest neighbor search, 2011. Probing by the home
    cell of a query instead of by the query itself looks at two to three times as many rows and is several times faster.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import IVF
    >>> X = np.random.default_rng(0).normal(size=(2000, 5))
    >>> index = IVF(X, k=10, random_state=0)
    >>> indices, distances = index.build()
    >>> indices.shape, index.recall_ >= 0.99
    ((2000, 10), True)
    """

    VALID_METRICS: ClassVar[list[str]] = PREFILTERED
    CELLS: ClassVar[float] = 2.0

    def _takes_rows(self) -> bool:
        return True

    def _fit(self, space: Space, rng: np.random.RandomState) -> Any:
        quantizer = quantizer_of(space, self._n_cells, rng, n_jobs=self.n_jobs)

        def find() -> dict[str, Array]:
            return {"home": quantizer.homes(space.data, space.norms, n_jobs=self.n_jobs)}

        home = kept(f"{self.seed}.home", find)["home"]
        return Lists(space, quantizer, home, n_jobs=self.n_jobs)

    def _calibrated(self, recall: float, rows: Array, truth: Array) -> int:
        return int(self.index.probes_for(recall, rows, truth))

    def _exact(self, rows: Array) -> Neighbors:
        lists: Lists = self.index
        return lists.exact(rows, self.k, n_jobs=self.n_jobs)

    def _search_data(self, probes: int) -> Neighbors:
        lists: Lists = self.index
        data, dtype = lists.space.data, self._distance_type()
        blocks = lists.blocks(BLOCK)
        if len(blocks) == 1:
            own = np.arange(self.n_samples)
            return lists.search(data, own, lists.home, self.k, probes, dtype=dtype, n_jobs=self.n_jobs)
        indices = np.empty((self.n_samples, self.k), index_type(self.n_samples))
        distances = np.empty(indices.shape, dtype)
        progress = Progress("rows", self.n_samples, bool(self.verbose))
        for block, rows in enumerate(blocks):

            def find(at: Array = rows) -> dict[str, Array]:
                own = at.astype(np.int64)
                found = lists.search(data[at], own, lists.home[at], self.k, probes, dtype=dtype, n_jobs=self.n_jobs)
                return dict(zip(("indices", "distances"), found, strict=True))

            found = kept(f"{self.seed}.{probes}.{block}", find)
            indices[rows], distances[rows] = found["indices"], found["distances"]
            progress.advance(len(rows))
        return indices, distances

    def _search(self, rows: Array, k: int, probes: int) -> Neighbors:
        lists: Lists = self.index
        rows = lists.space.rows(rows)
        home = lists.quantizer.homes(rows, lists.space.row_norms(rows, "query"), n_jobs=self.n_jobs)
        own, dtype = np.full(len(rows), -1), self._distance_type()
        return lists.search(rows, own, home, k, probes, dtype=dtype, n_jobs=self.n_jobs)
