"""Neighbours that somebody else found: a matrix of distances, a graph, or indices with distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, check_csr, check_distances, check_k, column_names
from .._validation.frames import column_order
from ..errors import InvalidParameterError, InvalidTypeError
from ._base import KNNIndex, Neighbors, log
from ._given import CURE, GivenNeighbors
from ._space import blocks, first_by_distance, index_type
from ._sparse_space import canonical


class PrecomputedDistanceMatrix(GivenNeighbors):
    """Neighbours by a matrix of distances between all rows, or by a sparse graph of the known ones.

    Parameters
    ----------
    distance_matrix : array-like of shape (n_samples, n_samples), or sparse matrix
        Finite and not negative; what rounding brought below 0 is 0, and the diagonal is not looked at. What a sparse
        matrix stores, zeros included, are the known distances, as in the graphs of scikit-learn's
        ``KNeighborsTransformer(mode="distance")`` and scanpy's ``adata.obsp["distances"]``; every row needs at least
        one besides the diagonal.
    k : int, optional
        Number of neighbours, between 1 and n_samples - 1. In a graph it is lowered to what every row has, which is
        also its default.

    Attributes
    ----------
    indices, distances : ndarray of shape (n_samples, k)
    k : int
        The number of neighbours every row has.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import PrecomputedDistanceMatrix
    >>> index = PrecomputedDistanceMatrix([[0, 1, 3], [1, 0, 2], [3, 2, 0]], k=1)
    >>> index.build()[0].ravel().tolist()
    [1, 0, 1]
    >>> index.query([[0.5, 0.4, 2.0]], k=2)[0].tolist()
    [[1, 0]]
    """

    def __init__(self, distance_matrix: Any, k: int | None = None) -> None:
        matrix = _distances(distance_matrix, "distance_matrix", own=True)
        n = matrix.shape[0]
        self.columns = column_names(distance_matrix)
        if hasattr(matrix, "tocsr"):
            most = _fewest(matrix, "distance_matrix")
            if k is not None and check_k(k, n - 1) > most:
                log.warning("Some rows of the graph have only %d neighbours: k is %d instead of %d.", most, most, k)
            super().__init__(*_from_graph(matrix, most if k is None else min(int(k), most)), n)
            return
        if k is None:
            raise InvalidTypeError("`k` must be given with a dense matrix of distances, got None")
        super().__init__(*_from_matrix(matrix, np.arange(n), check_k(k, n - 1)), n)

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the k nearest rows: of the data, see `with_data`, else by distances to the rows of the matrix.

        Parameters
        ----------
        query : array-like of shape (m, n_features) or (m, n_samples), or sparse matrix
            New rows, or without data distances; a sparse matrix stores the known ones.
        k : int
            Between 1 and n_samples; at most what every row of a sparse matrix stores.

        Returns
        -------
        indices : ndarray of shape (m, k), int32
        distances : ndarray of shape (m, k)
        """
        if self.data is not None or self.unmatched:
            return self.require_searcher().query(query, k)
        matrix = _distances(query, "query", columns=self.columns, to=self.n_samples)
        k = check_k(k, self.n_samples)
        if not hasattr(matrix, "tocsr"):
            return _from_matrix(matrix, np.full(len(matrix), -1), k)
        counts = np.diff(matrix.indptr)
        if counts.min() < k:
            raise InvalidParameterError(
                f"`query` must store at least k = {k} distances per row, got {counts.min()} in row {counts.argmin()}"
            )
        return _from_graph(matrix, k)


class PrecomputedNeighbors(GivenNeighbors):
    """Neighbours given as indices and distances. New rows can be looked up once the data are known, see `with_data`.

    Parameters
    ----------
    neighbors : array-like of shape (n_samples, k), integers
        Row i holds the neighbours of row i, not i itself, in any order.
    distances : array-like of shape (n_samples, k)
        Finite and not negative.

    Attributes
    ----------
    indices, distances : ndarray of shape (n_samples, k)
        Sorted by (distance, index).

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import PrecomputedNeighbors
    >>> index = PrecomputedNeighbors([[1], [0], [1]], [[1.0], [1.0], [2.0]])
    >>> index.n_samples, index.k
    (3, 1)
    """

    def __init__(self, neighbors: Any, distances: Any) -> None:
        numbers = _distances(distances, "distances")
        indices = as_array(neighbors, "neighbors")
        if indices.dtype.kind not in "iu":
            raise InvalidTypeError(f"`neighbors` must be integers, got dtype {indices.dtype}")
        if indices.shape != numbers.shape:
            raise InvalidParameterError(
                f"`neighbors` and `distances` must have the same shape, got {indices.shape} and {numbers.shape}"
            )
        n, k = indices.shape
        check_k(k, n - 1)
        for low, high in blocks(n, k):
            _check_indices(indices[low:high], low, n)
        in_order, sorted_numbers = first_by_distance(indices.astype(np.int64), numbers, np.full(n, -1), k)
        super().__init__(in_order.astype(index_type(n)), sorted_numbers, n)

    def query(self, query: Any, k: int) -> Neighbors:
        """Return the k nearest rows of the data; see `KNNIndex.query` and `with_data`.

        Parameters
        ----------
        query : array-like or sparse matrix of shape (m, n_features)
        k : int

        Returns
        -------
        indices, distances : ndarray of shape (m, k)

        Raises
        ------
        UnavailableError
            The data are not known.
        """
        return self.require_searcher().query(query, k)


def from_neighbors(neighbors: Any, k: int | None = None) -> KNNIndex:
    """Return an index of neighbours that already exist, in any of the usual forms.

    Parameters
    ----------
    neighbors : sparse matrix, (indices, distances), array-like of shape (n, n), or KNNIndex
        A graph of distances as of scikit-learn's ``KNeighborsTransformer`` or scanpy's ``.obsp["distances"]``, two
        arrays of shape (n, k), a dense matrix of distances (with `k`), or an index, which is returned as it is.
    k : int, optional
        Number of neighbours that are used, by default all that every row has.

    Returns
    -------
    KNNIndex

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsTransformer
    >>> from opentsne_like.nearest_neighbors import from_neighbors
    >>> graph = KNeighborsTransformer(n_neighbors=2).fit_transform([[0.0], [1.0], [3.0], [7.0]])
    >>> index = from_neighbors(graph)
    >>> index.k, index.build()[0].tolist()
    (2, [[1, 2], [0, 2], [1, 0], [2, 1]])
    """
    if isinstance(neighbors, KNNIndex):
        if k is not None and k != neighbors.k:
            raise InvalidParameterError(f"`k` must be that of the index, {neighbors.k}, got {k}")
        return neighbors
    if isinstance(neighbors, tuple):
        if len(neighbors) != 2:
            raise InvalidParameterError(f"`neighbors` must be (indices, distances), got {len(neighbors)} entries")
        index = PrecomputedNeighbors(*neighbors)
        if k is None or check_k(k, index.k) == index.k:
            return index
        return PrecomputedNeighbors(index.indices[:, :k], index.distances[:, :k])
    return PrecomputedDistanceMatrix(neighbors, k)


def distances_among(values: Any, name: str) -> Any:
    """Return a matrix of distances among points, whose diagonal is not looked at, or say what is none.

    Parameters
    ----------
    values : array-like of shape (n, n)
        A negative distance within rounding of the largest counts as 0.
    name : str
        Of the argument.

    Returns
    -------
    ndarray of shape (n, n)

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import distances_among
    >>> distances_among([[float("nan"), 2.0], [2.0, -1.0]], "X")[0, 1].item()
    2.0
    """
    return _distances(values, name, own=True)


def _distances(values: Any, name: str, *, own: bool = False, columns: Any = None, to: int | None = None) -> Any:
    """Return a dense or CSR matrix of floats, or say which row holds something that is no distance.

    With `own` it is a matrix of points among themselves, whose diagonal is not looked at and not kept in CSR; with `to`
    one of distances to so many points.
    """
    sparse = hasattr(values, "tocsr")
    matrix: Any = canonical(check_csr(values, name)) if sparse else as_array(values, name)
    order = column_order(values, columns, name)
    given = matrix.dtype
    if given.kind not in "fiub":
        raise InvalidTypeError(f"`{name}` must be numeric, got dtype {given}")
    if given not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64 if given.kind != "f" or given.itemsize > 8 else np.float32)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InvalidParameterError(f"`{name}` must be two-dimensional and not empty, got shape {matrix.shape}")
    if own and (matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 2):
        raise InvalidParameterError(f"`{name}` must be square with at least 2 rows, got shape {matrix.shape}")
    if to is not None and matrix.shape[1] != to:
        raise InvalidParameterError(
            f"new rows must be distances to all {to} rows of the given neighbours, which know no data, got shape "
            f"{matrix.shape}; to compare rows of data, {CURE}"
        )
    if not sparse:
        checked = check_distances(matrix, name, own=own, dtype=given)
        return checked if order is None else checked[:, order]
    if own:
        matrix = _without_diagonal(matrix)
    numbers = check_distances(matrix.data, name, starts=matrix.indptr, dtype=given)
    return type(matrix)((numbers, matrix.indices, matrix.indptr), shape=matrix.shape)


def _check_indices(indices: Array, low: int, n: int) -> None:
    wrong = (indices < 0) | (indices >= n)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InvalidParameterError(
            f"`neighbors` must be between 0 and {n - 1}, got {indices[row, column]} in row {low + row}"
        )
    own = indices == np.arange(low, low + len(indices))[:, None]
    if own.any():
        row = low + np.argwhere(own)[0][0]
        raise InvalidParameterError(
            f"`neighbors` must not contain the row itself, got {row} in row {row}; drop that column"
        )
    ordered = np.sort(indices, axis=1)
    twice = ordered[:, 1:] == ordered[:, :-1]
    if twice.any():
        row, column = np.argwhere(twice)[0]
        raise InvalidParameterError(
            f"`neighbors` must be different within a row, got {ordered[row, column]} twice in row {low + row}"
        )


def _without_diagonal(graph: Any) -> Any:
    """Return a CSR graph without its diagonal; zeros stored elsewhere stay, they are duplicates."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    kept = graph.indices != rows
    start = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=graph.shape[0]))])
    return type(graph)((graph.data[kept], graph.indices[kept], start), shape=graph.shape)


def _fewest(graph: Any, name: str) -> int:
    counts = np.diff(graph.indptr)
    if counts.min() == 0:
        raise InvalidParameterError(
            f"`{name}` must have a neighbour in every row, got none in row {counts.argmin()}; remove such rows"
        )
    return int(counts.min())


def _from_graph(graph: Any, k: int) -> Neighbors:
    """Return the first k by (distance, index) of what each row stores."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    order = np.lexsort((graph.indices, graph.data, rows))
    first = order[graph.indptr[:-1, None] + np.arange(k)]
    return graph.indices[first].astype(index_type(graph.shape[1])), graph.data[first]


def _from_matrix(matrix: Array, own: Array, k: int) -> Neighbors:
    """Return the first k by (distance, index) of every row, without the row itself."""
    indices = np.empty((len(matrix), k), index_type(matrix.shape[1]))
    distances = np.empty((len(matrix), k), matrix.dtype)
    for i, row in enumerate(matrix):
        if own[i] >= 0:
            row = row.copy()
            row[own[i]] = np.inf
        near = np.flatnonzero(row <= np.partition(row, k - 1)[k - 1])
        near = near[np.lexsort((near, row[near]))[:k]]
        indices[i], distances[i] = near, row[near]
    return indices, distances
