"""Approximate neighbours by an inverted file that is searched a cell at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._validation import check_integer, check_real
from ..errors import InvalidParameterError, InvalidTypeError
from ._base import KNNIndex, Neighbors, log
from ._cells import assign
from ._lists import Lists
from ._space import Array, Space, plain

RECALL = 0.99
CELLS = 2.0  # cells per square root of the number of rows
SAMPLE = 512  # rows whose exact neighbours calibrate the number of probes, and as many that measure the recall
MARGIN = 0.2  # share of the permitted loss that is kept back for the error of the calibration


class IVF(KNNIndex):
    """Approximate euclidean and cosine neighbours with a measured recall, for large dense data.

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

    VALID_METRICS: ClassVar[list[str]] = ["cosine", "euclidean", "l2"]

    def __init__(self, *args: Any, recall: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(self.data, "tocsr"):
            raise InvalidTypeError("`data` must be dense for IVF, got a sparse matrix; use neighbors='pynndescent'")
        if callable(self.metric):
            raise InvalidParameterError("`metric` must be a name for IVF, got a function; use neighbors='exact'")
        self.recall = RECALL if recall is None else check_real(recall, "recall", above=0, at_most=1)
        options = {"n_cells": None, "n_probes": None, **(self.knn_kwargs or {})}
        unknown = set(options) - {"n_cells", "n_probes"}
        if unknown:
            raise InvalidParameterError(f"`knn_kwargs` must be n_cells or n_probes for IVF, got {sorted(unknown)[0]!r}")
        for name, value in options.items():
            if value is not None:
                check_integer(value, name, at_least=1, at_most=self.n_samples)
        self._options = options
        self.recall_: float | None = None
        self.n_probes_: int | None = None

    def build(self) -> Neighbors:
        """Return the neighbours of every row of the data; see `KNNIndex.build`."""
        self._require_data()
        with self._timer(f"Finding {self.k} approximate neighbours"):
            lists, probes = self._fit()
            own = np.arange(self.n_samples)
            rows = self._samples()[1]
            truth = lists.exact(rows, self.k, n_jobs=self.n_jobs)
            while True:
                found = self._search(lists.space.data, own, lists.home, self.k, probes)
                hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, found[0][rows], strict=True)]
                self.recall_ = float(np.sum(hits)) / truth.size
                if self.recall_ >= self.recall or probes >= lists.n_cells or self._options["n_probes"] is not None:
                    return found
                log.info("Recall %.4f with %d probes; looking in more cells.", self.recall_, probes)
                self.n_probes_ = probes = min(lists.n_cells, probes + max(1, probes // 2))

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the neighbours of new rows; see `KNNIndex.query`. A row's neighbours do not depend on the others."""
        X, k = self._check_query(query, k)
        with self._timer(f"Finding {k} approximate neighbours of {len(X)} new rows"):
            lists, probes = self._fit()
            X = plain(X)
            vectors = lists.screen.vectors(X, lists.space.row_norms(X, "query"))
            home = assign(vectors, lists.cells, 1, n_jobs=self.n_jobs)[:, 0]
            return self._search(X, np.full(len(X), -1), home, k, probes)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "index": None}  # made again from the data, with the same bits, when it is needed

    def _fit(self) -> tuple[Lists, int]:
        """Return the lists and the number of probes; make them first where they are missing."""
        if self.index is None:
            n_cells = self._options["n_cells"] or max(1, min(self.n_samples, round(CELLS * self.n_samples**0.5)))
            rng = np.random.RandomState(self.seed)
            self.index = Lists(Space(self.data, str(self.metric)), n_cells, rng, n_jobs=self.n_jobs)
        if self.n_probes_ is None:
            self.n_probes_ = self._options["n_probes"] or self._calibrated()
        return self.index, self.n_probes_

    def _calibrated(self) -> int:
        rows = self._samples()[0]
        truth = self.index.exact(rows, self.k, n_jobs=self.n_jobs)
        return int(self.index.probes_for(self.recall + MARGIN * (1 - self.recall), rows, truth))

    def _samples(self) -> tuple[Array, Array]:
        """Return the rows that calibrate the number of probes and those that measure the recall."""
        rows = np.random.RandomState(self.seed).permutation(self.n_samples)[: 2 * SAMPLE]
        return np.sort(rows[: -(-len(rows) // 2)]), np.sort(rows[len(rows) // 2 :])

    def _search(self, rows: Array, own: Array, home: Array, k: int, probes: int) -> Neighbors:
        lists: Lists = self.index
        return lists.search(rows, own, home, k, probes, dtype=self._distance_type(), n_jobs=self.n_jobs)
