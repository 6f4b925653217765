"""Affinities of rows in partitions, whose matrix stays on the workers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._validation import check_choice, check_integer, check_matrix
from ..affinity import Affinities
from ..affinity.base import answer, check_dtype
from ..affinity.multiscale import effective_perplexities, wanted_neighbors
from ..errors import UnavailableError
from ..utils import Timer
from . import weights
from .cluster import gathered, mapped, sent
from .matrix import PartitionedMatrix
from .memory import bytes_of_edges, bytes_of_joining, check_workers
from .neighbors import METHODS, PartitionedNeighbors
from .rows import PartitionedRows, row_bounds
from .tasks import submitted


class DaskAffinities(Affinities):
    """Affinities of rows in partitions, with the bits of those that `TSNE` makes of the same rows on one machine.

    Neighbours are searched, weighed and made symmetric by tasks, and what they make stays on the workers. Should one of
    these die, others make again what it held.

    Parameters
    ----------
    rows : PartitionedRows
    perplexity : float or sequence of float
        As of `affinity.MultiscaleMixture`.
    n_neighbors : int, optional
        Equal weights of that many neighbours, as of `affinity.Uniform`, in the place of a perplexity.
    metric : str
        Such as "euclidean", "cosine", "correlation" and "manhattan".
    neighbors : {"auto", "ivf"}
        How neighbours are found; "auto" is exact up to about 20,000 rows.
    random_state : int, RandomState, Generator or None
    knn_kwargs : dict, optional
        ``n_cells``, ``n_probes`` and ``recall`` of the inverted file.
    verbose : bool
    dtype : dtype
        float64 or float32.

    Attributes
    ----------
    P : PartitionedMatrix of shape (n_samples, n_samples)
    effective_perplexities_ : list of float or None
        As used.
    knn_index : PartitionedNeighbors

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or rows that cannot work.
    InsufficientMemoryError
        A MemoryError, before the work, if a worker cannot hold its share.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from opentsne_like.dask import DaskAffinities, PartitionedRows
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     rows = PartitionedRows(da.random.random((100_000, 20)), client)
    ...     P = DaskAffinities(rows, perplexity=30, random_state=0).P
    """

    def __init__(
        self,
        rows: PartitionedRows,
        perplexity: Any = 30,
        *,
        n_neighbors: int | None = None,
        metric: str = "euclidean",
        neighbors: str = "auto",
        random_state: Any = None,
        knn_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(verbose=verbose)
        self.dtype = check_dtype(dtype)
        check_choice(neighbors, "neighbors", METHODS)
        n = rows.shape[0]
        self.effective_perplexities_: list[float] | None = None
        if n_neighbors is None:
            self.effective_perplexities_ = effective_perplexities(perplexity, n)
            k = wanted_neighbors(n, self.effective_perplexities_)
        else:
            k = check_integer(n_neighbors, "n_neighbors", at_least=1, at_most=n - 1)
        self.knn_index = PartitionedNeighbors(
            rows, k, metric, method=neighbors, random_state=random_state, knn_kwargs=knn_kwargs
        )
        held = n * rows.shape[1] * rows.dtype.itemsize + bytes_of_edges(n, k, self.dtype.itemsize)
        most = bytes_of_joining(max(high - low for low, high in rows.spans), n, k, self.dtype.itemsize)
        check_workers(rows.client, held, most, f"affinities of {n} rows with {k} neighbours each")
        with Timer(f"Finding {k} neighbours of {n} rows in {len(rows.parts)} partitions...", self.verbose):
            weighted = self._weighted()
        with Timer("Calculating affinity matrix...", self.verbose):
            self._hold(self._matrix(rows, weighted))

    def _weighted(self) -> list[Any]:
        """Return the futures of the neighbours of each partition, and of their weights."""
        shared = {"n": self.n_samples, "perplexities": self.effective_perplexities_, "dtype": self.dtype}
        return mapped(self.knn_index.client, weights.weigh, self.knn_index.build(), **shared)

    def _matrix(self, rows: PartitionedRows, weighted: list[Any]) -> PartitionedMatrix:
        """Return P of the weights of each partition."""
        client, n = rows.client, rows.shape[0]
        edges = mapped(client, weights.outgoing, weighted, rows.bounds[:-1], bounds=rows.bounds)
        join = "max" if self.effective_perplexities_ is None else "mean"
        joined = []
        for to, (low, high) in enumerate(rows.spans):  # in turn, so that few edges are on their way at a time
            arrived = mapped(client, weights.sent, edges, to=to)
            joined.append(submitted(client, weights.joined, weighted[to], arrived, low, high, join))
        del edges
        totals = gathered(client, mapped(client, weights.totals_of, joined))
        total = sum(itertools.chain.from_iterable(totals))
        return PartitionedMatrix(
            client, mapped(client, weights.scaled, joined, total=total), rows.bounds, (n, n), self.dtype
        )

    def to_new(  # type: ignore[override]
        self, data: Any, perplexities: Any = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points of this process to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        perplexities : float or sequence of float, optional
            Default: those of this object. Weights of `n_neighbors` are equal ones and have none.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1 and depends on its own point alone.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.

        Raises
        ------
        UnavailableError
            The rows were dropped by `release()`.
        """
        index = self.known_index()
        X = check_matrix(data, "data", n_columns=index.rows.shape[1], columns=index.rows.columns)
        spans = list(itertools.pairwise(row_bounds(*X.shape)))
        effective, k = self.effective_perplexities_, self._neighbors_of_new()
        if effective is not None and perplexities is not None:
            effective = effective_perplexities(perplexities, self.n_samples)
            k = wanted_neighbors(self.n_samples, effective)
        parts = [sent(index.client, X[low:high]) for low, high in spans]
        found = gathered(index.client, index.query(parts, spans, min(max(k, int(return_distances)), self.n_samples)))
        indices, distances = (np.concatenate(pieces) for pieces in zip(*found, strict=True))
        P = weights.rows_of_new((indices[:, :k], distances[:, :k]), self.n_samples, effective)
        return answer(P, indices, distances, return_distances)

    def extended(self, data: Any) -> Affinities:
        """Refuse: maps on a cluster take no new points up.

        Raises
        ------
        UnavailableError
        """
        raise UnavailableError(
            "affinities on a cluster cannot be extended by new points; make a map of all rows, or place new ones by "
            "`dask.transform`"
        )

    def known_index(self) -> PartitionedNeighbors:
        """Return what finds neighbours among the rows.

        Raises
        ------
        UnavailableError
            It was dropped by `release()`.
        """
        if self.knn_index is None:
            raise UnavailableError(
                "these DaskAffinities have no data that new points could be compared with: they were dropped by "
                "`release()`"
            )
        index: PartitionedNeighbors = self.knn_index
        return index

    def _neighbors_of_new(self) -> int:
        return min(self.known_index().k, self.n_samples)

    def release(self) -> None:
        """Let go of the rows and of what finds neighbours among them, and keep `P`."""
        if self.knn_index is not None:
            self.knn_index.release()
        super().release()
