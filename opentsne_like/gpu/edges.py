"""Sums along the edges of a sparse matrix: attraction and its loss."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from .. import ops
from .._types import Array
from . import device
from .doors import check_dimension
from .extents import write_around
from .forms import numbers
from .grid import total_of

LANES = 16  # that share a row, as in `sources/edges.cu`
WARP = 32
WORDS = {np.dtype(np.float32): 2, np.dtype(np.float64): 4}  # integers of 32 bits that hold an edge, by its weight


class Graph(NamedTuple):
    """A sparse matrix on the device, see `ops.Graph`; each edge's column and weight stand side by side.

    Attributes
    ----------
    order : ndarray of the device, shape (m,), int32
    starts : ndarray of the device, shape (m + 1,), int64
        Where the edges of each row begin.
    edges : ndarray of the device, shape (edges, 2) or (edges, 4), int32
        With weights of single or of double precision.
    """

    order: Array
    starts: Array
    edges: Array

    @classmethod
    def of(cls, graph: ops.Graph) -> Self:
        """Return a graph of the host on the device.

        Parameters
        ----------
        graph : ops.Graph
        """
        xp = device.current().xp
        order, starts = xp.asarray(np.asarray(graph.order, np.int32)), xp.asarray(np.asarray(graph.indptr, np.int64))
        return cls.paired(order, starts, xp.asarray(np.asarray(graph.indices, np.int32)), xp.asarray(graph.values))

    @classmethod
    def paired(cls, order: Array, starts: Array, columns: Array, weights: Array) -> Self:
        """Return a graph of columns (edges,), int32, and weights (edges,), float32 or float64, of the device.

        Parameters
        ----------
        order, starts
            As of the graph.
        columns, weights : ndarray of the device
        """
        card, count = device.current(), len(columns)
        made = cls(order, starts, card.xp.empty((count, WORDS[weights.dtype]), np.int32))
        arguments = (np.int64(count), columns, weights, made.edges)
        card.launch(f"pair_up_{made.precision}", (device.blocks_for(count),), arguments)
        return made

    @property
    def dtype(self) -> type:
        """The type of the weights."""
        return np.float32 if self.edges.shape[1] == WORDS[np.dtype(np.float32)] else np.float64

    @property
    def precision(self) -> str:
        """By which name kernels for these weights go."""
        return "single" if self.dtype is np.float32 else "double"


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
    """Return exaggerated attraction plus scaled repulsion, a quarter of a gradient, see `ops.attract`.

    Parameters
    ----------
    graph : Graph
    points, others : ndarray of the device, shape (m, d) and (n, d), dtype of the weights
    form : NamedTuple
    exaggeration : float
    repulsion : ndarray of the device, shape (m, d)
    scale : float
    n_jobs : int

    Returns
    -------
    ndarray of the device, shape (m, d), dtype of the weights
    """
    return _attract(graph, points, others, form, exaggeration, repulsion, scale, None)


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
    """Return what `attract` does and the loss along the edges, see `ops.attract_with_loss`.

    Parameters
    ----------
    graph, points, others, form, exaggeration, repulsion, scale, n_jobs
        As in `attract`.

    Returns
    -------
    gradient : ndarray of the device, shape (m, d), dtype of the weights
    loss : float
    """
    losses = device.current().xp.empty(len(points))
    gradient = _attract(graph, points, others, form, exaggeration, repulsion, scale, losses)
    return gradient, total_of(losses)


def _attract(
    graph: Graph,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    losses: Array | None,
) -> Array:
    check_dimension(points)
    card, dtype, (m, d) = device.current(), graph.dtype, points.shape
    gradient: Array = card.xp.empty((m, d), dtype)
    pulled = (*graph, points, others, *numbers(form), dtype(exaggeration))
    arguments: tuple[Any, ...] = (d, m, *pulled, repulsion.astype(dtype, copy=False), dtype(scale), gradient, losses)
    card.launch(f"attract_{graph.precision}", (device.blocks_for(m * LANES, most=m),), arguments)
    return gradient


def edge_loss(graph: Graph, points: Array, others: Array, form: Any, n_jobs: int) -> float:
    """Return the loss along the edges in float64, see `ops.edge_loss`.

    Parameters
    ----------
    graph, form, n_jobs
        As in `attract`.
    points, others : ndarray of the device, shape (m, d) and (n, d), float64

    Returns
    -------
    float
    """
    check_dimension(points)
    card, (m, d) = device.current(), points.shape
    losses = card.xp.empty(m)
    arguments = (d, m, graph.starts, graph.edges, points, others, *numbers(form), losses)
    card.launch(f"row_losses_{graph.precision}", (device.blocks_for(m * LANES, most=m),), arguments)
    return total_of(losses)


def take_rows(graph: Graph, points: Array, offset: Array, n_jobs: int) -> Array:
    """Return points around an offset, in float32 and in the order of the graph, see `ops.take_rows`.

    Parameters
    ----------
    graph : Graph
    points : ndarray of the device, shape (m, d), float64
    offset : ndarray of shape (d,), float64
        On the host.
    n_jobs : int

    Returns
    -------
    ndarray of the device, shape (m, d), float32
    """
    return write_around(points, offset, graph.order, device.current().xp.empty(points.shape, np.float32))


def reorder(graph: Graph, order: Array, n_jobs: int) -> Graph:
    """Return a square graph with its rows and columns in another order, see `ops.reorder`.

    Parameters
    ----------
    graph : Graph
        Its values in float32, as they are on the device.
    order : ndarray of the device, shape (n,), int32
    n_jobs : int

    Returns
    -------
    Graph
    """
    card, n = device.current(), len(order)
    xp = card.xp
    counts, rank = xp.empty(n, np.int64), xp.empty(n, np.int32)
    card.launch("count_rows", (device.blocks_for(n),), (n, order, graph.starts, counts, rank))
    starts, edges = xp.zeros(n + 1, np.int64), xp.empty_like(graph.edges)
    xp.cumsum(counts, out=starts[1:])
    arguments = (n, edges.shape[1], order, rank, graph.starts, graph.edges, starts, edges)
    card.launch("reorder", (device.blocks_for(n * WARP, most=n),), arguments)
    return Graph(order, starts, edges)
