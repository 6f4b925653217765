"""Graphs whose edges carry distances or weights, and the lengths of their shortest paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, check_choice, check_csr, check_integer, check_matrix, check_real
from ..affinity import check_numbers
from ..affinity.memory import available_memory
from ..embedding import Embedding
from ..errors import InsufficientMemoryError, InvalidParameterError, InvalidTypeError
from . import losses, penalties
from .constraints import Standardized
from .problem import MDE
from .randomness import generator

BLOCK = 2**24  # lengths of paths that are held at a time
MOST_PATHS = 10_000_000  # that `draw` takes
PAIR_BYTES = 56  # of a distance between two items: ends, number, and the copies that sorting them needs


class Graph:
    """An undirected graph whose edges carry a number each.

    Parameters
    ----------
    adjacency_matrix : array-like or sparse matrix of shape (n_items, n_items)
        Symmetric; zeros of a dense one, and infinities, are no edges. Graphs of networkx are given by
        ``networkx.to_scipy_sparse_array(graph)``, neighbours of scanpy by the maximum of ``adata.obsp["distances"]``
        and its transpose.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For a matrix that is not square or not symmetric, or has items that are joined to themselves.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> path = mde.Graph.from_edges([[0, 1], [1, 2]], [1.0, 2.0])
    >>> path.edges.tolist(), path.distances.tolist(), path.neighbors(1).tolist()
    ([[0, 1], [1, 2]], [1.0, 2.0], [0, 2])
    """

    def __init__(self, adjacency_matrix: Any) -> None:
        from scipy.sparse import csr_matrix

        if hasattr(adjacency_matrix, "adjacency"):
            raise InvalidTypeError(
                "`adjacency_matrix` must be a matrix, got a graph of networkx; networkx.to_scipy_sparse_array(graph) "
                "makes one"
            )
        if hasattr(adjacency_matrix, "tocsr"):
            given = check_csr(adjacency_matrix, "adjacency_matrix")
        else:
            dense = np.array(as_array(adjacency_matrix, "adjacency_matrix"))
            if dense.dtype.kind == "f":
                dense[np.isposinf(dense)] = 0.0
            given = check_matrix(dense, "adjacency_matrix")
        A = csr_matrix(given, dtype=np.float64, copy=True)
        A.data[np.isposinf(A.data)] = 0.0
        A.sum_duplicates()
        A.eliminate_zeros()
        if A.shape[0] != A.shape[1]:
            raise InvalidParameterError(f"`adjacency_matrix` must be square, got shape {A.shape}")
        if not np.isfinite(A.data).all():
            raise InvalidParameterError("`adjacency_matrix` must hold numbers, got NaN or minus infinity")
        if len(own := np.flatnonzero(A.diagonal())):
            raise InvalidParameterError(f"`adjacency_matrix` must join different items, got item {own[0]} with itself")
        if abs(A - A.T).max() > 1e-9 * abs(A).max():
            raise InvalidParameterError(
                "`adjacency_matrix` must be symmetric, got another number for the other direction of an edge; take "
                "A.maximum(A.T) or the mean of both"
            )
        self.adjacency_matrix = A

    @staticmethod
    def from_edges(edges: Any, weights: Any = None, n_items: int | None = None) -> Graph:
        """Return the graph of a list of edges; the numbers of edges that are repeated are added.

        Parameters
        ----------
        edges : array-like of shape (n_edges, 2), integer
        weights : array-like of shape (n_edges,), optional
            Weights or distances; 1 by default.
        n_items : int, optional
            By default the largest item and all before it; items without edges at the end need it.
        """
        from scipy.sparse import coo_matrix

        pairs = as_array(edges, "edges")
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
            raise InvalidTypeError(f"`edges` must be pairs of integers, got {pairs.dtype} of shape {pairs.shape}")
        numbers = check_numbers(1.0 if weights is None else weights, len(pairs), "weights")
        n = int(pairs.max(initial=-1)) + 1 if n_items is None else check_integer(n_items, "n_items", at_least=1)
        if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
            raise InvalidParameterError(
                f"`edges` must name items from 0 to {n - 1}, got {pairs.min()} to {pairs.max()}"
            )
        if not n:
            raise InvalidParameterError("`edges` must be one at least where `n_items` is not given, got none")
        one_way = coo_matrix((numbers, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
        return Graph(one_way + one_way.T)

    @property
    def A(self) -> Any:
        """The adjacency matrix, csr_matrix of shape (n_items, n_items)."""
        return self.adjacency_matrix

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return int(self.A.shape[0])

    @property
    def n_edges(self) -> int:
        """How many edges there are."""
        return int(self.A.nnz // 2)

    @property
    def n_all_edges(self) -> int:
        """How many there could be."""
        return self.n_items * (self.n_items - 1) // 2

    def _upper(self) -> Any:
        from scipy.sparse import triu

        upper = triu(self.A, k=1, format="csr")
        upper.sort_indices()
        return upper.tocoo()

    @property
    def edges(self) -> Array:
        """All edges, the smaller item first, shape (n_edges, 2), int64."""
        upper = self._upper()
        return np.stack([upper.row, upper.col], axis=1).astype(np.int64)

    @property
    def distances(self) -> Array:
        """The number of each edge, shape (n_edges,)."""
        return np.asarray(self._upper().data)

    weights = distances

    def neighbors(self, node: int) -> Array:
        """Return the items that one has an edge with."""
        return np.asarray(self.A.indices[self._row(node)])

    def neighbor_distances(self, node: int) -> Array:
        """Return the numbers of the edges of an item, in the order of `neighbors`."""
        return np.asarray(self.A.data[self._row(node)])

    def _row(self, node: int) -> slice:
        i = check_integer(node, "node", at_least=0, at_most=self.n_items - 1)
        return slice(self.A.indptr[i], self.A.indptr[i + 1])

    def __getitem__(self, key: Any) -> Any:
        """Return what is at a place of the adjacency matrix."""
        return self.A[key]

    def check_distances(self, what: str) -> None:
        """Refuse numbers below 0, which are no distances.

        Parameters
        ----------
        what : str
            What they are needed for.
        """
        if self.A.nnz and self.A.data.min() < 0:
            raise InvalidParameterError(
                f"`graph` must have distances of 0 or more for {what}, got {self.A.data.min():g}"
            )

    def __repr__(self) -> str:
        return f"<Graph of {self.n_items:,} items and {self.n_edges:,} edges>"

    def draw(
        self, embedding_dim: int = 2, standardized: bool = False, device: str = "cpu", verbose: bool = False
    ) -> Embedding:
        """Return an embedding in which lengths are like those of shortest paths, by weights of their inverse squares.

        Parameters
        ----------
        embedding_dim : int
        standardized : bool
            Pull by cubic penalties under a standardization, in the place of keeping lengths.
        device : {"cpu"}
        verbose : bool

        Returns
        -------
        Embedding of shape (n_items, embedding_dim)

        Examples
        --------
        >>> from opentsne_like import mde
        >>> ring = mde.Graph.from_edges([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]])
        >>> ring.draw().shape
        (5, 2)
        """
        check_choice(device, "device", ("cpu",))
        self.check_distances("a graph that is drawn")
        fraction = min(1.0, MOST_PATHS / max(1, self.n_all_edges))
        paths = self if self.n_edges == self.n_all_edges else shortest_paths(self, retain_fraction=fraction)
        function: Any = losses.WeightedQuadratic(paths.distances)
        if standardized:
            function = penalties.Cubic(1.0 / paths.distances)
        constraint = Standardized() if standardized else None
        problem = MDE(self.n_items, embedding_dim, paths.edges, function, constraint)
        return problem.embed(verbose=verbose)


def shortest_paths(
    graph: Any,
    max_length: float | None = None,
    retain_fraction: float = 1.0,
    n_workers: Any = None,
    verbose: bool = False,
) -> Graph:
    """Return the lengths of the shortest paths between items as a graph; items without a path have no edge.

    Parameters
    ----------
    graph : Graph or sparse matrix
        Its numbers are distances, not negative.
    max_length : float, optional
        Longer paths are left out.
    retain_fraction : float
        The share of all pairs that is kept, drawn by the seed of the room.
    n_workers, verbose
        Of PyMDE; not used.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidParameterError
        For negative distances, among others.
    InsufficientMemoryError
        Before any work, if so many lengths have no room.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> path = mde.Graph.from_edges([[0, 1], [1, 2]])
    >>> mde.preprocess.shortest_paths(path).distances.tolist()
    [1.0, 2.0, 1.0]
    """
    from scipy.sparse import csr_matrix, vstack

    given = graph if isinstance(graph, Graph) else Graph(graph)
    share = check_real(retain_fraction, "retain_fraction", above=0, at_most=1)
    limit = np.inf if max_length is None else check_real(max_length, "max_length", above=0)
    given.check_distances("shortest paths")
    if max_length is None:
        check_room(share * given.n_all_edges)
    rng, rows = generator(), []
    for block in _blocks(given.n_items):
        lengths = np.triu(_lengths(given, block, limit), k=1 + int(block[0]))
        lengths[np.isinf(lengths)] = 0.0
        if share < 1.0:
            lengths[rng.random(lengths.shape) >= share] = 0.0
        rows.append(csr_matrix(lengths))
    upper = vstack(rows, format="csr")
    return Graph(upper + upper.T)


def _blocks(n: int) -> Iterator[Array]:
    rows = max(1, BLOCK // max(1, n))
    for low in range(0, n, rows):
        yield np.arange(low, min(n, low + rows))


def _lengths(graph: Graph, items: Array, limit: float) -> Array:
    """Return the lengths of the shortest paths from some items to all; infinite where there is none."""
    from scipy.sparse import csgraph

    unweighted = bool((graph.A.data == 1.0).all())
    found = csgraph.dijkstra(graph.A, directed=False, indices=items, limit=limit, unweighted=unweighted)
    return np.array(found)


def check_room(pairs: float) -> None:
    """Refuse to hold distances between more pairs of items than there is room for.

    Parameters
    ----------
    pairs : float

    Raises
    ------
    InsufficientMemoryError

    Examples
    --------
    >>> check_room(1000)
    """
    needed, free = pairs * PAIR_BYTES, available_memory()
    if free is not None and needed > free:
        raise InsufficientMemoryError(
            f"{pairs:.3g} distances need about {needed / 1e9:.1f} GB, got {free / 1e9:.1f} GB of free memory; lower "
            "`max_distances` or `retain_fraction`"
        )


def nearest_by_paths(graph: Graph, k: int, max_distance: float | None) -> Graph:
    """Return the graph of the `k` nearest items by shortest paths: weights of 1, or 2 where both are of the nearest.

    Parameters
    ----------
    graph : Graph
    k : int
    max_distance : float or None

    Examples
    --------
    >>> nearest_by_paths(Graph.from_edges([[0, 1], [1, 2], [2, 3]], [1.0, 3.0, 1.0]), 1, None).weights.tolist()
    [2.0, 2.0]
    """
    from scipy.sparse import csr_matrix, vstack

    limit, rows = np.inf if max_distance is None else max_distance, []
    n = graph.n_items
    for block in _blocks(n):
        lengths = _lengths(graph, block, limit)
        lengths[np.arange(len(block)), block] = np.inf
        order = np.argsort(lengths, axis=1, kind="stable")[:, : min(k, n - 1)]
        near = np.isfinite(np.take_along_axis(lengths, order, axis=1))
        ends = np.append(0, np.cumsum(near.sum(axis=1)))
        rows.append(csr_matrix((np.ones(int(near.sum())), order[near], ends), shape=(len(block), n)))
    one_way = vstack(rows, format="csr")
    return Graph(one_way + one_way.T)
