"""Approximate search that looks as far as an asked recall needs, and says what it reached."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_integer, check_real
from ..errors import InvalidParameterError
from ._base import KNNIndex, Neighbors, log
from ._kept import kept
from ._space import Space

RECALL = 0.99
SAMPLE = 512  # rows that measure the recall; twice as many others calibrate the probes
MARGIN = 0.2  # share of the permitted loss that is kept back for the error of the calibration


class Measured(KNNIndex):
    """An index over cells of rows, of which as many are probed as the recall on a sample needs; see `KNNIndex`.

    Parameters
    ----------
    *args, **kwargs
        See `KNNIndex`. `knn_kwargs` are ``n_cells`` and ``n_probes``.
    recall : float, optional
        Share of the true neighbours to find, in (0, 1]; by default 0.99.

    Attributes
    ----------
    recall_ : float or None
        Recall of `build`, measured on a random sample of at most 512 rows; None before.
    n_probes_ : int or None
        Number of cells that are looked in; None before the index is made.
    """

    VALID_METRICS: ClassVar[list[str]] = ["correlation", "cosine", "euclidean", "l2"]
    SPARSE_METRICS = frozenset()
    CALLABLE_METRICS = False
    LEARNED = ("recall_", "n_probes_")
    CELLS: ClassVar[float]  # cells per square root of the number of rows

    def __init__(self, *args: Any, recall: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recall = check_recall(recall)
        name = type(self).__name__
        self._n_cells, self._asked_probes = check_cells(self.knn_kwargs, self.n_samples, self.CELLS, name)
        self.recall_: float | None = None
        self.n_probes_: int | None = None

    def build(self) -> Neighbors:
        """Return the neighbours of every row of the data; see `KNNIndex.build`."""
        self._require_data()
        with self._timer(f"Finding {self.k} approximate neighbours"):
            drawn = {"seed": np.array(self.seed)}  # also where one is kept: a generator goes on after it
            self._seed = int(kept("seed", lambda: drawn)["seed"])
            found = kept("neighbors", self._built)
            self.n_probes_, self.recall_ = int(found["probes"]), float(found["recall"])
            return found["indices"], found["distances"]

    def _built(self) -> dict[str, Array]:
        """Return the neighbours of every row, the number of probes that found them, and their recall."""
        probes = self._prepare()
        rows = self._samples()[1]
        truth = self._exact(rows)[1].astype(self._distance_type())
        while True:
            indices, distances = self._search_data(probes)
            # By distance: of rows that are equally far, any will do.
            recall = float(np.mean(distances[rows] <= truth[:, -1:]))
            if recall >= self.recall or probes >= self._n_cells or self._asked_probes is not None:
                learned = {"probes": np.array(probes), "recall": np.array(recall)}
                return {"indices": indices, "distances": distances, **learned}
            log.info("Recall %.4f with %d probes; looking in more cells.", recall, probes)
            self.n_probes_ = probes = more_probes(probes, self._n_cells)

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the neighbours of new rows; see `KNNIndex.query`. A row's neighbours do not depend on the others."""
        X, k = self._check_query(query, k)
        with self._timer(f"Finding {k} approximate neighbours of {len(X)} new rows"):
            probes = self._prepare()
            return self._search(X, k, probes)

    def trim(self) -> None:
        """Drop what can be made again; see `KNNIndex.trim`."""
        self.index = None

    def _options(self) -> dict[str, Any]:
        return {"recall": self.recall}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "index": None}  # made again from the data, with the same bits, when it is needed

    @abstractmethod
    def _fit(self, space: Space, rng: np.random.RandomState) -> Any:
        """Return what is searched."""

    @abstractmethod
    def _calibrated(self, recall: float, rows: Array, truth: Array) -> int:
        """Return the number of probes that finds a share of the true neighbours of some rows."""

    @abstractmethod
    def _exact(self, rows: Array) -> Neighbors:
        """Return the true neighbours of some rows of the data, with distances in float64."""

    @abstractmethod
    def _search_data(self, probes: int) -> Neighbors:
        """Return the neighbours of all rows of the data."""

    @abstractmethod
    def _search(self, rows: Array, k: int, probes: int) -> Neighbors:
        """Return the neighbours of new rows."""

    def _prepare(self) -> int:
        """Return the number of probes; first make what is missing."""
        if self.index is None:
            space = Space(self.data, str(self.metric))
            self.index = self._fit(space, np.random.RandomState(self.seed))
        if self.n_probes_ is None:
            self.n_probes_ = self._asked_probes
        if self.n_probes_ is None:
            rows, others = self._samples()
            self.n_probes_ = max(
                self._calibrated(self.recall + MARGIN * (1 - self.recall), rows, self._exact(rows)[0]),
                self._calibrated(self.recall, others, self._exact(others)[0]),
            )
        return self.n_probes_

    def _samples(self) -> tuple[Array, Array]:
        """Return the rows that calibrate the number of probes and those that measure the recall."""
        return measuring_rows(self.n_samples, self.seed)


def check_recall(recall: Any) -> float:
    """Return the share of the true neighbours to find, 0.99 where none is asked for."""
    return RECALL if recall is None else check_real(recall, "recall", above=0, at_most=1)


def check_cells(options: Mapping[str, Any] | None, n: int, per_root: float, name: str) -> tuple[int, int | None]:
    """Return the number of cells of `n` rows, and of those to look in where that is asked for.

    Parameters
    ----------
    options : dict, optional
        ``n_cells`` and ``n_probes``.
    n : int
    per_root : float
        By default so many cells for each square root of the number of rows.
    name : str
        Of the class that has these options.
    """
    options = {"n_cells": None, "n_probes": None, **(options or {})}
    if unknown := sorted(set(options) - {"n_cells", "n_probes"}):
        raise InvalidParameterError(f"`knn_kwargs` must be n_cells or n_probes for {name}, got {unknown[0]!r}")
    for key, value in options.items():
        if value is not None:
            check_integer(value, key, at_least=1, at_most=n)
    return int(options["n_cells"] or max(1, min(n, round(per_root * n**0.5)))), options["n_probes"]


def measuring_rows(n: int, seed: int) -> tuple[Array, Array]:
    """Return the rows that calibrate the number of probes and those that measure the recall, both sorted."""
    rows = np.random.RandomState(seed).permutation(n)[: 3 * SAMPLE]
    apart = -(-len(rows) // 3)
    return np.sort(rows[min(apart, len(rows) - 1) :]), np.sort(rows[:apart])


def more_probes(probes: int, n_cells: int) -> int:
    """Return how many cells are looked in next where `probes` of them were too few."""
    return min(n_cells, probes + max(1, probes // 2))
