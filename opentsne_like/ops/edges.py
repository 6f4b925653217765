"""Sums along the edges of a sparse matrix: attraction, its loss, and what is known of the weights alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .forms import check_form

GRAIN = 2**15  # edges of a chunk
ROWS = 256  # of a chunk, at least
REORDERED = 4096  # rows of a chunk


class Graph(NamedTuple):
    """A CSR matrix (m, n) whose row r stands for point ``order[r]``; if it is square, so does column r.

    Attributes
    ----------
    order : ndarray of shape (m,), int32
    indptr : ndarray of shape (m + 1,), int32 or int64
    indices : ndarray of shape (edges,), int32 or int64
    values : ndarray of shape (edges,), float32 or float64

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like import ops
    >>> P = csr_matrix(np.array([[0, 0.5], [0.5, 0]]))
    >>> ops.Graph(np.arange(2, dtype=np.int32), P.indptr, P.indices, P.data).values.tolist()
    [0.5, 0.5]
    """

    order: Array
    indptr: Array
    indices: Array
    values: Array


def attract(
    graph: Graph,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    n_jobs: int,
) -> Array:
    """Return ``exaggeration * sum_j p_ij A'(d²) (y_i - x_j) + scale * repulsion_i``, a quarter of a gradient.

    Parameters
    ----------
    graph : Graph
        Of the weights p.
    points : ndarray of shape (m, d), dtype of the weights
        In the order of the graph.
    others : ndarray of shape (n, d), dtype of the weights
        What the columns stand for, in their order: the points themselves or a frozen reference.
    form : NamedTuple
        The attraction A, one of `kernels.forms`.
    exaggeration : float
    repulsion : ndarray of shape (m, d)
        In the order of the points, as is what is returned.
    scale : float
    n_jobs : int
        Threads; the result has the same bits for any number.

    Returns
    -------
    ndarray of shape (m, d), dtype of the weights

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> ops.attract(graph, points, points, forms.Square(), 2.0, np.zeros((2, 2)), 1.0, n_jobs=1).tolist()
    [[-3.0, -4.0], [0.0, 0.0]]
    """
    return _attract(graph, points, others, form, exaggeration, repulsion, scale, None, n_jobs)


def attract_with_loss(
    graph: Graph,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    n_jobs: int,
) -> tuple[Array, float]:
    """Return what `attract` does, and ``sum_ij p_ij A(d²)`` from the same pass along the edges.

    A row is summed in the precision of the weights, the rows in float64 and in the order of the points.

    Parameters
    ----------
    graph, points, others, form, exaggeration, repulsion, scale, n_jobs
        As in `attract`.

    Returns
    -------
    gradient : ndarray of shape (m, d), dtype of the weights
    loss : float
        Without exaggeration.

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> ops.attract_with_loss(graph, points, points, forms.Square(), 2.0, np.zeros((2, 2)), 1.0, n_jobs=1)[1]
    12.5
    """
    gradient, losses = attract_with_losses(graph, points, others, form, exaggeration, repulsion, scale, n_jobs)
    return gradient, float(losses.sum())


def attract_with_losses(
    graph: Graph,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    n_jobs: int,
) -> tuple[Array, Array]:
    """Return what `attract_with_loss` does, with the losses of the points (m,) float64 in the place of their sum.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> numbers = (forms.Square(), 2.0, np.zeros((2, 2)), 1.0)
    >>> ops.attract_with_losses(graph, points, points, *numbers, n_jobs=1)[1].tolist()
    [12.5, 0.0]
    """
    losses = np.empty(len(points))
    return _attract(graph, points, others, form, exaggeration, repulsion, scale, losses, n_jobs), losses


def _attract(
    graph: Graph,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    losses: Array | None,
    n_jobs: int,
) -> Array:
    check_form(form, kernels.forms.value_and_slope)
    dtype = graph.values.dtype.type
    gradient = np.empty(points.shape, dtype)
    kernel, columns = kernels.attraction.add_attraction, others
    if dtype is np.float32 and points.shape[1] == 2:
        kernel = kernels.attraction.add_attraction_in_plane
        columns = np.ascontiguousarray(others).view(np.uint64).reshape(-1)
    numbers = (form, dtype(exaggeration), graph.order, repulsion, dtype(scale))
    args = (graph.indptr, graph.indices, graph.values, points, columns, *numbers, gradient, losses)
    grain = max(ROWS, GRAIN * len(points) // max(1, len(graph.values)))  # short rows do not pay for a call
    _parallel.for_chunks(kernel, len(points), args, n_jobs=n_jobs, grain=grain)
    return gradient


def edge_loss(graph: Graph, points: Array, others: Array, form: Any, n_jobs: int) -> float:
    """Return ``sum_ij p_ij A(d²)`` in float64.

    Parameters
    ----------
    graph, form, n_jobs
        As in `attract`.
    points : ndarray of shape (m, d), float64
    others : ndarray of shape (n, d), float64

    Returns
    -------
    float

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> ops.edge_loss(graph, points, points, forms.Square(), n_jobs=1)
    12.5
    """
    parts = _parallel.run_tasks(
        [(partial_edge_loss, (graph, points, others, form, *chunk)) for chunk in edge_loss_chunks(len(points))],
        n_jobs=n_jobs,
    )
    return float(sum(loss for loss, _ in parts))


def edge_loss_chunks(n: int) -> list[tuple[int, int]]:
    """Return the ranges of the rows of n points whose losses `edge_loss` adds together first.

    Examples
    --------
    >>> from opentsne_like import ops
    >>> ops.edge_loss_chunks(600)
    [(0, 300), (300, 600)]
    """
    return _parallel.chunk_bounds(n, ROWS)


def partial_edge_loss(
    graph: Graph, points: Array, others: Array, form: Any, low: int, high: int, before: float = 0.0
) -> tuple[float, float]:
    """Return what the rows [low, high) add to `edge_loss`, and what a sum goes on from after them.

    Parameters
    ----------
    graph, points, others, form
        As in `edge_loss`.
    low, high : int
    before : float
        What the sum goes on from, 0 at its beginning: a range that is cut and gone on with has the same bits.

    Returns
    -------
    loss, after : float

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 2]), np.array([1, 0]), np.array([0.5, 0.5]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> _, after = ops.partial_edge_loss(graph, points, points, forms.Square(), 0, 1)
    >>> ops.partial_edge_loss(graph, points, points, forms.Square(), 1, 2, after)
    (25.0, 25.0)
    """
    check_form(form, kernels.forms.value_and_slope)
    args = (graph.indptr, graph.indices, graph.values, points, others, form, before)
    loss, after = kernels.attraction.edge_loss(low, high, *args)
    return loss, after


def entropy(weights: Array, n_jobs: int) -> tuple[float, float]:
    """Return ``sum p log p`` and ``sum p`` of weights (edges,); a weight of zero counts as nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> total, mass = ops.entropy(np.array([0.5, 0.5, 0.0]), n_jobs=1)
    >>> round(total, 3), mass
    (-0.693, 1.0)
    """
    chunks = entropy_chunks(len(weights))
    parts = _parallel.run_tasks([(kernels.attraction.entropy, (*chunk, weights)) for chunk in chunks], n_jobs=n_jobs)
    return float(sum(part[0] for part in parts)), float(sum(part[1] for part in parts))


def entropy_chunks(edges: int) -> list[tuple[int, int]]:
    """Return the ranges of edges that `entropy` adds together first: the sum over their own entropies has its bits.

    Examples
    --------
    >>> from opentsne_like import ops
    >>> ops.entropy_chunks(2**16)
    [(0, 32768), (32768, 65536)]
    """
    return _parallel.chunk_bounds(edges, GRAIN)


def partial_entropy(weights: Array) -> tuple[float, float]:
    """Return ``sum p log p`` and ``sum p`` of one of `entropy_chunks`, weights (edges,).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ops.partial_entropy(np.ones(3))
    (0.0, 3.0)
    """
    total, mass = kernels.attraction.entropy(0, len(weights), weights)
    return total, mass


def take_rows(graph: Graph, points: Array, offset: Array, n_jobs: int) -> Array:
    """Return points (m, d) float64 around an offset (d,), in float32 and in the order of the graph.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> graph = ops.Graph(np.array([1, 0], np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> ops.take_rows(graph, np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([1.0, 1.0]), n_jobs=1).tolist()
    [[2.0, 3.0], [-1.0, -1.0]]
    """
    near = np.empty(points.shape, np.float32)
    args = (graph.order, points, offset, near)
    _parallel.for_chunks(kernels.attraction.take_rows, len(points), args, n_jobs=n_jobs, grain=GRAIN // 4)
    return near


def reorder(graph: Graph, order: Array, n_jobs: int) -> Graph:
    """Return a square graph with its rows and columns in another order; edges keep theirs within a row.

    Values are rounded to float32, as attraction takes them.

    Parameters
    ----------
    graph : Graph
        Whose row r stands for point r.
    order : ndarray of shape (n,), int32
        The point that each new row and column stands for.
    n_jobs : int

    Returns
    -------
    Graph

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> graph = ops.Graph(np.arange(2, dtype=np.int32), np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
    >>> turned = ops.reorder(graph, np.array([1, 0], np.int32), n_jobs=1)
    >>> turned.indptr.tolist(), turned.indices.tolist()
    ([0, 0, 1], [0])
    """
    n = len(order)
    rank = np.empty(n, np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    indptr = np.zeros_like(graph.indptr)  # of the same type as before, or kernels would be compiled in mid-run
    np.cumsum(np.diff(graph.indptr)[order], dtype=indptr.dtype, out=indptr[1:])
    indices, values = np.empty_like(graph.indices), np.empty(len(graph.values), np.float32)
    args = (order, rank, *graph[1:], indptr, indices, values)
    _parallel.for_chunks(kernels.attraction.reorder, n, args, n_jobs=n_jobs, grain=REORDERED)
    return Graph(order, indptr, indices, values)


def checksum(values: Array, n_jobs: int) -> int:
    """Return a number that changes when `values`, an array of a multiple of 8 bytes or of 4, is written to.

    It is the same in every process, so what is kept by it can be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> values = np.arange(4.0)
    >>> before = ops.checksum(values, n_jobs=1)
    >>> values[2] = 7.0
    >>> ops.checksum(values, n_jobs=1) == before
    False
    """
    raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    whole = len(raw) // 8 * 8
    words = raw[:whole].view(np.uint64)
    chunks = _parallel.chunk_bounds(len(words), GRAIN)
    parts = _parallel.run_tasks([(kernels.attraction.checksum, (*c, words)) for c in chunks], n_jobs=n_jobs)
    rest = int.from_bytes(raw[whole:].tobytes(), "little")  # the hash of bytes is another one in each process
    return hash((len(raw), rest, *(int(part) for part in parts)))
