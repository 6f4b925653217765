"""Nearest neighbours of rows in partitions, with the bits of the search of one machine."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_choice, check_integer, check_random_state
from ..errors import UnavailableError
from ..nearest_neighbors import IVF
from ..nearest_neighbors._cells import sample_rows
from ..nearest_neighbors._factory import exact_rows
from ..nearest_neighbors._lists import SAMPLE_PER_CELL
from ..nearest_neighbors._measured import MARGIN, check_cells, check_recall, measuring_rows, more_probes
from ..nearest_neighbors._prefilter import typical_rows
from . import search
from .cluster import gathered, mapped
from .memory import bytes_of_search, check_workers
from .rows import PartitionedRows
from .tasks import stacked, submitted

METHODS = ("auto", "ivf")

log = logging.getLogger(__name__)


class PartitionedNeighbors:
    """The nearest neighbours of rows in partitions: what `IVF`, or exact search of few rows, finds on one machine.

    Parameters
    ----------
    rows : PartitionedRows
    k : int
        Number of neighbours, between 1 and n_samples - 1.
    metric : str
        One of `IVF.VALID_METRICS`.
    method : {"auto", "ivf"}
        "auto" searches exactly up to about 20,000 rows, as `make_index` does.
    random_state : None, int, RandomState or Generator
    knn_kwargs : dict, optional
        ``n_cells``, ``n_probes`` and ``recall``.

    Attributes
    ----------
    n_samples, k, metric
    recall_ : float or None
        Recall of `build`, measured on up to 512 rows; None before, and where the search is exact.
    n_probes_ : int or None
        Number of cells that are looked in.
    """

    def __init__(
        self,
        rows: PartitionedRows,
        k: int,
        metric: str = "euclidean",
        *,
        method: str = "auto",
        random_state: Any = None,
        knn_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.rows = rows
        self.client = rows.client
        self.n_samples = rows.shape[0]
        self.k = check_integer(k, "k", at_least=1, at_most=self.n_samples - 1)
        self.metric = check_choice(metric, "metric", IVF.VALID_METRICS)
        options = dict(knn_kwargs or {})
        self.recall = check_recall(options.pop("recall", None))
        self._n_cells, self._asked_probes = check_cells(options, self.n_samples, IVF.CELLS, "IVF")
        self.exact = check_choice(method, "method", METHODS) == "auto" and self.n_samples <= exact_rows(rows.shape[1])
        if self.exact:
            self._n_cells, self._asked_probes = 1, 1
        self.random_state = random_state
        self._seed: int | None = 0 if self.exact else None
        self.recall_: float | None = None
        self.n_probes_: int | None = None
        self._quantizer: Any = None
        self._homes: list[Any] = []
        self._truth: search.Found | None = None

    def __deepcopy__(self, memo: Any) -> PartitionedNeighbors:
        other = copy.copy(self)  # all of it is results of tasks, which nobody can write into
        other.rows = copy.copy(self.rows)
        return other

    @property
    def seed(self) -> int:
        """The seed that `random_state` gave, drawn when it is first needed."""
        if self._seed is None:
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return self._seed

    def build(self) -> list[Any]:
        """Return the futures of the neighbours of each partition.

        Returns
        -------
        list of distributed.Future
            Of indices (m, k), int32, and distances (m, k), dtype of the data: nearest first, equal distances by index,
            never the row itself.
        """
        probes = self._prepare()
        while True:
            found = self._search(probes)
            if self.exact:
                return found
            self.recall_ = self._measured(found)
            if self.recall_ >= self.recall or probes >= self._n_cells or self._asked_probes is not None:
                return found
            log.info("Recall %.4f with %d probes; looking in more cells.", self.recall_, probes)
            self.n_probes_ = probes = more_probes(probes, self._n_cells)

    def release(self) -> None:
        """Let go of the rows and of all that was made of them."""
        self.rows.release()
        self._quantizer, self._homes, self._truth = None, [], None

    def _prepare(self) -> int:
        """Return the number of probes; first make what is missing."""
        if self._quantizer is None:
            self._quantizer = self._trained()
            self._homes = mapped(
                self.client, search.homes, self.rows.parts, quantizer=self._quantizer, metric=self.metric
            )
        if self.n_probes_ is None:
            self.n_probes_ = self._asked_probes
        if self.n_probes_ is None:
            self.n_probes_ = self._calibrated()
        return self.n_probes_

    def _trained(self) -> Any:
        """Return the future of a quantizer, made in one task of a sample of the rows."""
        n, rng = self.n_samples, np.random.RandomState(self.seed)
        ends = self.rows.each(search.extremes, metric=self.metric)
        typical = self.rows.taken(typical_rows(n))
        self._frame = submitted(self.client, search.framed, typical, ends, self.metric)
        sample = self.rows.taken(sample_rows(n, SAMPLE_PER_CELL * self._n_cells, rng))
        return submitted(self.client, search.trained, sample, self._frame, self._n_cells, rng, self.metric)

    def _known(self) -> search.Found:
        """Return the true neighbours of the rows that calibrate and of those that measure."""
        if self._truth is None:
            own = np.unique(np.concatenate(measuring_rows(self.n_samples, self.seed)))
            queries = self.rows.taken(own)
            parts = self.rows.each(
                search.exactly, queries=queries, own=own, frame=self._frame, k=self.k, metric=self.metric
            )
            self._truth = gathered(self.client, [submitted(self.client, search.nearest, parts, self.k)])[0]
        return self._truth

    def _calibrated(self) -> int:
        """Return the number of probes that the recall needs."""
        truth = self._known()
        wanted = [self.recall + MARGIN * (1 - self.recall), self.recall]
        probes = []
        for rows, recall in zip(measuring_rows(self.n_samples, self.seed), wanted, strict=True):
            indices = truth.indices[np.searchsorted(truth.rows, rows)]
            every, at = np.unique(np.concatenate([rows, indices.ravel()]), return_inverse=True)
            cells = self._of_rows(search.cells_of, self._homes, every)[at]
            homes = (cells[: len(rows)], cells[len(rows) :].reshape(indices.shape))
            probes.append(submitted(self.client, search.probes_for, self._quantizer, recall, *homes))
        return int(max(gathered(self.client, probes)))

    def _measured(self, found: list[Any]) -> float:
        """Return the share of the true neighbours that were found, by distance: of rows equally far, any will do."""
        truth, rows = self._known(), measuring_rows(self.n_samples, self.seed)[1]
        distances = truth.distances[np.searchsorted(truth.rows, rows)].astype(self.rows.dtype)
        return float(np.mean(self._of_rows(search.farthest_of, found, rows) <= distances[:, -1:]))

    def _of_rows(self, function: Callable[..., Any], parts: list[Any], rows: Array) -> Array:
        """Return ``function(part, rows within it)`` of the partitions for some rows, ascending."""
        ends = np.searchsorted(rows, self.rows.bounds)
        met = [
            (part, rows[first:last] - low)
            for part, low, (first, last) in zip(parts, self.rows.bounds[:-1], itertools.pairwise(ends), strict=True)
            if last > first
        ]
        asked = mapped(self.client, function, *map(list, zip(*met, strict=True)))
        together: Array = gathered(self.client, [submitted(self.client, stacked, asked)])[0]
        return together

    def _search(self, probes: int) -> list[Any]:
        """Return the futures of the neighbours of each partition that a number of probes finds."""
        plan, pieces = self._planned(self.k, probes)
        found = [
            submitted(self.client, search.searched, part, self._quantizer, plan, g, self.k, probes, self.metric)
            for g, part in enumerate(pieces)
        ]
        return self._in_order(found, self.rows.spans)

    def query(self, parts: list[Any], spans: list[tuple[int, int]], k: int) -> list[Any]:
        """Return the futures of the neighbours of new rows among all.

        Parameters
        ----------
        parts : list of distributed.Future
            Of checked rows, ndarray of shape (high - low, n_features).
        spans : list of tuple of int
            The numbers [low, high) of the rows of each part.
        k : int
            Between 1 and n_samples.

        Returns
        -------
        list of distributed.Future
            Of indices and distances of each part, as of `build`: those of `IVF.query`.
        """
        if not self.rows.parts:
            raise UnavailableError("the rows that new ones could be compared with were dropped by `release()`")
        probes = self._prepare()
        plan, pieces = self._planned(k, probes)
        shared = {"quantizer": self._quantizer, "metric": self.metric}
        asked = mapped(self.client, search.query_homes, parts, dtype=self.rows.dtype, **shared)
        lows = [low for low, _ in spans]
        found = []
        for g, part in enumerate(pieces):
            questions = mapped(self.client, search.questions, asked, lows, group=g, plan=plan)
            arguments = (part, questions, self._quantizer, k, probes, self.metric)
            found.append(submitted(self.client, search.answered, *arguments))
        return self._in_order(found, spans)

    def _planned(self, k: int, probes: int) -> tuple[Any, Iterator[list[Any]]]:
        """Return the future of a plan, and for each of its groups those of the pieces of rows that it looks at.

        Pieces are asked for at the turn of their group: what is asked for first is done first, so that those of a few
        groups are there at a time.
        """
        client, together = self.client, max(high - low for low, high in self.rows.spans)
        sizes = sum(gathered(client, mapped(client, search.sizes_of, self._homes, n_cells=self._n_cells)))
        plan = submitted(client, search.planned, self._quantizer, sizes, together, k, probes)
        looked = gathered(client, [submitted(client, search.looked_at, plan, sizes)])[0]
        n, d = self.rows.shape
        itemsize = self.rows.dtype.itemsize
        held = n * (d * itemsize + 4 + k * (4 + itemsize))
        most = bytes_of_search(int(looked.max()), d, itemsize, self._n_cells)
        check_workers(client, held, most, f"{n} rows of {d} columns and {k} neighbours of each")
        return plan, (self.rows.each(search.piece, self._homes, plan=plan, group=g) for g in range(len(looked)))

    def _in_order(self, found: list[Any], spans: list[tuple[int, int]]) -> list[Any]:
        """Return the futures of what was found for each partition of rows."""
        ends = list(zip(*spans, strict=True))
        sections = [mapped(self.client, search.section, [part] * len(spans), *ends) for part in found]
        return mapped(self.client, search.in_order, list(map(list, zip(*sections, strict=True))), *ends)
