"""Neighbour lists as the kernels want them, checked once, and the index that finds them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..devices import is_on_gpu, on_host
from ..errors import InvalidParameterError, InvalidTypeError, OpenTSNEError

log = logging.getLogger(__name__)


_SOME_ROWS = 500  # rows that tell weights from distances
_ROUNDING = 1e-6  # of weights in single precision
_TREND = (
    0.05  # correlation with the number of shared neighbours, about 0.2 to 0.9 for weights and the reverse otherwise
)


@dataclass(frozen=True, eq=False)
class NeighborLists:
    """The neighbours of every row, one row after the other, nearest first.

    Attributes
    ----------
    indices : int32 ndarray of shape (n_edges,)
        On a GPU where they were found there, as many of every row; the distances, too.
    distances : float32 or float64 ndarray of shape (n_edges,)
    starts : int64 ndarray of shape (n_rows + 1,)
        Row i begins at ``starts[i]``.
    width : int
        At most so many entries of a row count.
    n_columns : int
        Number of points that indices refer to.
    """

    indices: Array
    distances: Array
    starts: Array
    width: int
    n_columns: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.starts) - 1

    def sizes(self) -> Array:
        """Return how many entries of each row count, as int64 of shape (n_rows,)."""
        return np.minimum(np.diff(self.starts), self.width)

    def n_edges(self, low: int, high: int) -> int:
        """Return how many entries of the rows [low, high) count."""
        return int(np.minimum(np.diff(self.starts[low : high + 1]), self.width).sum())

    def on_host(self) -> NeighborLists:
        """Return the lists on the host: themselves if they lie there."""
        return replace(self, indices=on_host(self.indices), distances=on_host(self.distances))

    def nearest(self, k: int) -> NeighborLists:
        """Return the lists cut to the `k` nearest neighbours; nothing is copied."""
        return replace(self, width=min(self.width, max(1, k)))


def as_lists(
    indices: Any, distances: Any, n_columns: int | None = None, *, self_allowed: bool = False
) -> NeighborLists:
    """Return neighbour arrays of shape (n, k) as checked `NeighborLists`.

    Parameters
    ----------
    indices : array-like of shape (n, k), integer
    distances : array-like of shape (n, k)
        Finite and not negative; what rounding brought below 0 is 0, and rows that do not ascend are sorted.
    n_columns : int, optional
        Number of points that the indices refer to; default n.
    self_allowed : bool
        True where rows are new points and columns reference points.

    Raises
    ------
    InvalidParameterError
        For shapes that differ, indices out of range or equal to their own row, distances that are negative or not
        finite. The message names the first such row.
    """
    if is_on_gpu(indices):  # where our own search found them
        n, k = indices.shape
        return NeighborLists(indices.reshape(-1), distances.reshape(-1), np.arange(n + 1) * k, k, n)
    indices, distances = check.as_array(indices, "indices"), check.as_array(distances, "distances")
    if indices.dtype.kind not in "iu":
        raise InvalidTypeError(f"`indices` must be integers, got dtype {indices.dtype}")
    if indices.ndim != 2 or indices.shape != distances.shape or 0 in indices.shape:
        raise InvalidParameterError(
            "`indices` and `distances` must have one shape (n, k) with at least 1 row and 1 neighbour, "
            f"got {indices.shape} and {distances.shape}"
        )
    n, k = indices.shape
    columns = n if n_columns is None else n_columns
    _check_indices(indices, columns, self_allowed)
    distances = check.check_distances(distances, "distances")
    if not _ascending(distances):
        order = np.argsort(distances, axis=1, kind="stable")
        indices, distances = np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)
    wide = distances.dtype if distances.dtype in (np.float32, np.float64) else np.float64
    return NeighborLists(
        np.ascontiguousarray(indices, dtype=np.int32).ravel(),
        np.ascontiguousarray(distances, dtype=wide).ravel(),
        np.arange(n + 1, dtype=np.int64) * k,
        k,
        columns,
    )


def _blocks(n: int, k: int) -> list[slice]:
    """Return slices of rows of about a megabyte, so that checks make no temporary of the size of the graph."""
    rows = max(1, 2**17 // k)
    return [slice(i, i + rows) for i in range(0, n, rows)]


def _check_indices(indices: Array, n_columns: int, self_allowed: bool) -> None:
    n, k = indices.shape
    for block in _blocks(n, k):
        part = indices[block]
        if part.min() < 0 or part.max() >= n_columns:
            row, column = np.argwhere((part < 0) | (part >= n_columns))[0]
            raise InvalidParameterError(
                f"`indices` must lie in 0..{n_columns - 1}, got {part[row, column]} in row {block.start + row}"
            )
        own = part == np.arange(block.start, block.start + len(part), dtype=part.dtype)[:, np.newaxis]
        if not self_allowed and own.any():
            row = block.start + int(np.argwhere(own)[0, 0])
            raise InvalidParameterError(
                f"`indices` must not contain the point itself, got {row} in row {row}; drop the first column if it "
                "holds the points themselves"
            )


def _ascending(distances: Array) -> bool:
    """Say whether all rows ascend."""
    parts = (distances[block] for block in _blocks(*distances.shape))
    return all(bool((part[:, 1:] >= part[:, :-1]).all()) for part in parts)


def lists_from_graph(graph: Any) -> NeighborLists:
    """Return the rows of a checked sparse matrix of distances, which may differ in length, as `NeighborLists`.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Entries on the diagonal do not count; other stored zeros are neighbours at distance zero.
    """
    graph = graph.tocsr()
    n = graph.shape[0]
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(graph.indptr))
    others = graph.indices != rows
    rows, columns, distances = rows[others], graph.indices[others].astype(np.int32), graph.data[others]
    sizes = np.bincount(rows, minlength=n)
    distances = check.check_distances(distances, "data", starts=np.append(0, np.cumsum(sizes)))
    order = np.lexsort((columns, distances, rows))
    starts = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    wide = distances.dtype if distances.dtype in (np.float32, np.float64) else np.float64
    return NeighborLists(columns[order], distances[order].astype(wide), starts, int(sizes.max()), n)


def graph_from_lists(lists: NeighborLists, *further: Array) -> Any:
    """Return lists of neighbours, and those of further points, as a sparse matrix of distances among all.

    Parameters
    ----------
    lists : NeighborLists
        Of n rows.
    *further : ndarray
        Indices and distances of shape (m, k).

    Returns
    -------
    csr_matrix of shape (n + m, n + m)
    """
    from scipy.sparse import csr_matrix

    indices, distances = further or (np.empty((0, 0), np.int32), np.empty((0, 0)))
    counted = np.arange(len(lists.indices)) - np.repeat(lists.starts[:-1], np.diff(lists.starts)) < lists.width
    sizes = np.append(lists.sizes(), np.full(len(indices), indices.shape[1]))
    columns = np.concatenate([lists.indices[counted], indices.ravel()])
    values = np.concatenate([lists.distances[counted], distances.ravel()], dtype=lists.distances.dtype)
    return csr_matrix((values, columns, np.append(0, np.cumsum(sizes))), shape=(len(sizes), len(sizes)))


def neighbors_of_rows(graph: Any) -> Array:
    """Return how many neighbours every row of a CSR graph has, itself not counted, as int64 of shape (n,).

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
    """
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    return np.bincount(rows[graph.indices != rows], minlength=graph.shape[0])


def refuse_similarities(graph: Any, name: str) -> None:
    """Raise an error if a graph that should hold distances holds weights, which are large where points are close.

    Weights are symmetric and at most 1, as a few graphs of distances are. But of the neighbours of a point those that
    share more neighbours with it have the smaller distances and the larger weights.

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
    name : str
        How the caller calls it.
    """
    if (
        graph.shape[0] != graph.shape[1]
        or not graph.nnz
        or not (graph.data.min() > 0 and graph.data.max() <= 1 + _ROUNDING)
    ):
        return
    if abs(graph - graph.T).max() > _ROUNDING:
        return
    edges = graph.copy()
    edges.data = np.ones(graph.nnz)
    some = np.unique(np.linspace(0, graph.shape[0] - 1, min(graph.shape[0], _SOME_ROWS)).astype(np.int64))
    shared = (edges[some] @ edges).tocsr()
    trends = []
    for i, row in enumerate(some):
        at, values = (part[graph.indptr[row] : graph.indptr[row + 1]] for part in (graph.indices, graph.data))
        counts = shared[i].toarray().ravel()[at[at != row]]
        values = values[at != row]
        if len(counts) > 2 and np.ptp(counts) > 0 and np.ptp(values) > 0:
            by_value, by_count = (np.unique(x, return_inverse=True)[1] for x in (values, counts))
            trends.append(float(np.corrcoef(by_value, by_count)[0, 1]))
    if len(trends) > 2 and np.mean(trends) > _TREND:
        raise InvalidParameterError(
            f"`{name}` must hold distances, got a symmetric matrix of weights up to {graph.data.max():g}, larger where "
            "points share more neighbours; pass distances, such as adata.obsp['distances'], or weights as "
            "affinity.PrecomputedAffinities(...)"
        )


@contextmanager
def naming_what_was_handed_on(metric: Any, metric_params: Any, knn_kwargs: Any) -> Iterator[None]:
    """Let a backend's complaint about arguments that were handed on to it name them."""
    try:
        yield
    except Exception as error:
        given = {"metric_params": metric_params, "knn_kwargs": knn_kwargs}
        named = [f"{name}={value!r}" for name, value in given.items() if value]
        if not named or callable(metric) or isinstance(error, (OpenTSNEError, MemoryError, OSError)):
            raise
        reason = " ".join(str(error).split())
        raise InvalidParameterError(
            f"`metric_params` and `knn_kwargs` must be what the search takes, got {', '.join(named)}: {reason}"
        ) from error


def get_knn_index(
    data: Any,
    method: Any,
    k: int,
    metric: Any,
    metric_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = -1,
    random_state: Any = None,
    verbose: bool = False,
    knn_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Return the neighbour index that `method` names, not built yet.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        With ``metric="precomputed"``: distances of shape (n_samples, n_samples), dense, or sparse with the distances
        to some neighbours in each row.
    method : str or KNNIndex
        "auto", "exact", "approx", "annoy", "pynndescent", "hnsw", "faiss", or an index of the same data, which is
        returned as it is.
    k : int
        Number of neighbours, without the point itself; at most n_samples - 1.
    metric : str or callable
    metric_params : dict, optional
    n_jobs : int, optional
        Threads; -1 means all cores. The neighbours do not depend on it.
    random_state : int, RandomState, Generator or None
    verbose : bool
    knn_kwargs : dict, optional
        Passed on to the backend.

    Returns
    -------
    KNNIndex

    Examples
    --------
    >>> index = get_knn_index(np.eye(5), "exact", 2, "euclidean")
    >>> index.build()[0].shape
    (5, 2)
    """
    from .. import nearest_neighbors

    data = check.as_table(data, "data", at_least_rows=2)
    if isinstance(method, nearest_neighbors.KNNIndex):
        log.info("A neighbour index was given; the parameters of the neighbour search are not used.")
    return nearest_neighbors.make_index(
        data,
        check.check_integer(k, "k", at_least=1, at_most=data.shape[0] - 1),
        method=method,
        metric=metric,
        metric_params=metric_params,
        n_jobs=-1 if n_jobs is None else n_jobs,
        random_state=random_state,
        verbose=verbose,
        knn_kwargs=knn_kwargs,
    )


def farthest(lists: NeighborLists) -> Array:
    """Return the largest distance of each row, as float64 of shape (n_rows,)."""
    last = lists.starts[:-1] + lists.sizes() - 1
    return np.asarray(lists.distances[last], dtype=np.float64)
