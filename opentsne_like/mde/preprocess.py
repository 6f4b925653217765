"""From data or graphs to the edges of a problem: neighbours, distances, samples of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, check_integer, check_matrix, check_real
from ..affinity import NeighborEdges, check_edges, sample_pairs
from ..errors import InvalidParameterError
from .geometry import all_edges, deduplicate_edges
from .graph import Graph, check_room, nearest_by_paths, shortest_paths
from .randomness import generator

__all__ = [
    "Graph",
    "deduplicate_edges",
    "dissimilar_edges",
    "distances",
    "k_nearest_neighbors",
    "sample_edges",
    "scale",
    "shortest_paths",
]

CELLS = 2**22  # features of edges that are held at a time


def distances(data: Any, retain_fraction: float = 1.0, verbose: bool = False) -> Graph:
    """Return distances between pairs of items, all of them or a sample: Euclidean ones, or lengths of shortest paths.

    They are computed in blocks, which never hold the features of all edges.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_items, n_features), or Graph
    retain_fraction : float
        The share of all pairs that is kept.
    verbose : bool
        Of PyMDE; not used.

    Returns
    -------
    Graph
        Pairs at a distance of 0 are left out.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.distances([[0.0], [1.0], [3.0]]).distances.tolist()
    [1.0, 3.0, 2.0]
    """
    if isinstance(data, Graph):
        return shortest_paths(data, retain_fraction=retain_fraction)
    edges, lengths = pair_distances(data, retain_fraction)
    return Graph.from_edges(edges, lengths, n_items=check_matrix(data, "data", accept_sparse=True).shape[0])


def pair_distances(data: Any, retain_fraction: float) -> tuple[Array, Array]:
    """Return pairs of rows and their Euclidean distances, those of 0 among them.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_items, n_features)
    retain_fraction : float
        The share of all pairs, drawn by the seed of the room.

    Examples
    --------
    >>> pair_distances([[0.0], [1.0], [1.0]], 1.0)[1].tolist()
    [1.0, 1.0, 0.0]
    """
    table = check_matrix(data, "data", at_least_rows=2, accept_sparse=True)
    share = check_real(retain_fraction, "retain_fraction", above=0, at_most=1)
    n = table.shape[0]
    count = max(1, int(share * (n * (n - 1) // 2)))
    check_room(count)
    edges = all_edges(n) if share == 1.0 else sample_edges(n, count)
    lengths = np.empty(len(edges))
    step = max(1, CELLS // max(1, table.shape[1]))
    for low in range(0, len(edges), step):
        here = edges[low : low + step]
        lengths[low : low + step] = _apart(table[here[:, 0]], table[here[:, 1]])
    return edges, lengths


def _apart(one: Any, other: Any) -> Any:
    """Return the distances of rows, dense or sparse."""
    apart = one - other
    if hasattr(apart, "multiply"):
        return np.sqrt(np.asarray(apart.multiply(apart).sum(axis=1)).ravel())
    return np.sqrt(np.einsum("ij,ij->i", apart, apart, dtype=np.float64))


def k_nearest_neighbors(
    data: Any,
    k: int,
    max_distance: float | None = None,
    knn_method: str | None = None,
    verbose: bool = False,
) -> Graph:
    """Return the graph of the nearest neighbours: an edge weighs 1, or 2 where they are mutual.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_items, n_features), or Graph
        Of a graph, the nearest items by shortest paths.
    k : int
    max_distance : float, optional
        Neighbours that are farther away do not count.
    knn_method : {None, "exact", "approximate"} or str
        By default the method is chosen by the number of items; also a name of `nearest_neighbors`.
    verbose : bool

    Returns
    -------
    Graph
        Items without neighbours are in it, too.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.k_nearest_neighbors([[0.0], [1.0], [3.0]], 1).weights.tolist()
    [2.0, 1.0]
    """
    if isinstance(data, Graph):
        count = check_integer(k, "k", at_least=1)
        if max_distance is not None:
            check_real(max_distance, "max_distance", above=0)
        return nearest_by_paths(data, count, max_distance)
    table = check_matrix(data, "data", at_least_rows=2, accept_sparse=True)
    check_integer(k, "k", at_least=1, at_most=table.shape[0] - 1)
    made = NeighborEdges(data, k, method=search_method(knn_method), max_distance=max_distance, verbose=verbose)
    return Graph(made.P + made.P.T)


def search_method(knn_method: str | None) -> str:
    """Return PyMDE's name of a way to find neighbours as this package's.

    Examples
    --------
    >>> search_method("approximate")
    'approx'
    """
    return {None: "auto", "approximate": "approx"}.get(knn_method, str(knn_method))


def sample_edges(n: int, num_edges: int, exclude: Any = None, seed: int | None = None) -> Array:
    """Return pairs of different items, drawn without replacement, sorted.

    Parameters
    ----------
    n : int
        Number of items.
    num_edges : int
    exclude : array-like of shape (m, 2), optional
        Pairs that are not drawn.
    seed : int, optional
        By default that of the room, see `mde.seed`.

    Returns
    -------
    int64 ndarray of shape (num_edges, 2)

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.sample_edges(3, 2, exclude=[[1, 0]]).tolist()
    [[0, 2], [1, 2]]
    """
    items = check_integer(n, "n", at_least=1)
    count = check_integer(num_edges, "num_edges", at_least=0)
    left_out = None if exclude is None else check_edges(deduplicate_edges(exclude), items)
    return sample_pairs(items, count, generator(seed), exclude=left_out)


def dissimilar_edges(n_items: int, similar_edges: Any, num_edges: int | None = None, seed: int | None = None) -> Array:
    """Return pairs that are not among some edges, by default as many as these.

    Parameters
    ----------
    n_items : int
    similar_edges : array-like of shape (m, 2)
    num_edges : int, optional
    seed : int, optional

    Returns
    -------
    int64 ndarray of shape (num_edges, 2)

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.dissimilar_edges(3, [[0, 1]], num_edges=2).tolist()
    [[0, 2], [1, 2]]
    """
    count = len(as_array(similar_edges, "similar_edges")) if num_edges is None else num_edges
    return sample_edges(n_items, count, exclude=similar_edges, seed=seed)


def scale(distances: Any, natural_length: float) -> Array:
    """Return distances multiplied such that their root mean square is `natural_length`.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.scale([1.0, 1.0], 3.0).tolist()
    [3.0, 3.0]
    """
    lengths = np.asarray(as_array(distances, "distances"), np.float64)
    wanted, rms = check_real(natural_length, "natural_length", above=0), float(np.sqrt(np.mean(lengths**2)))
    if not rms > 0.0:
        raise InvalidParameterError("`distances` must not all be 0 to be scaled")
    return np.asarray(lengths * (wanted / rms))
