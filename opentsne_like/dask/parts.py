"""Some rows of P, and what tasks on workers do with them: pure functions of what they are given."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import ops
from .._types import Array
from ..repulsion import Radial

BLOCK = 2**20  # edges that are looked at together
ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)  # factors of words


class Part(NamedTuple):
    """Some rows of a sparse matrix, in their order.

    Attributes
    ----------
    low, high : int
        Which: [low, high).
    indptr : ndarray of shape (high - low + 1,)
        From 0 on.
    indices : ndarray of shape (edges,), int32
        Columns of the whole matrix.
    values : ndarray of shape (edges,), float32 or float64

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.dask import Part
    >>> Part(3, 4, np.array([0, 1], np.int32), np.array([0], np.int32), np.array([0.5])).high
    4
    """

    low: int
    high: int
    indptr: Array
    indices: Array
    values: Array


class Laid(NamedTuple):
    """The rows of a partition in the order of the map, weights in single precision.

    Attributes
    ----------
    places : ndarray of shape (m,), int32
        Where the points of the rows stand among all, in the order of the map.
    graph : Graph
        Columns are places, too; `order` tells rows of the partition.
    """

    places: Array
    graph: ops.Graph


def part(low: int, high: int, indptr: Array, indices: Array, values: Array) -> Part:
    """Return a `Part`, in a task."""
    return Part(low, high, indptr, indices, values)


def size(part: Part) -> int:
    """Return the number of edges of a partition."""
    return len(part.values)


def mixed(part: Part) -> tuple[int, int]:
    """Return two sums over the entries of a partition of words that rows, columns and values are mixed to.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.dask.parts import Part, mixed
    >>> whole = Part(0, 2, np.array([0, 1, 2]), np.array([1, 0], np.int32), np.array([0.5, 0.5]))
    >>> halves = [Part(i, i + 1, np.array([0, 1]), np.array([1 - i], np.int32), np.array([0.5])) for i in range(2)]
    >>> sums = np.array([mixed(half) for half in halves], np.uint64).sum(axis=0)
    >>> bool((sums == np.array(mixed(whole), np.uint64)).all())
    True
    """
    sums = np.zeros(2, np.uint64)
    rows = np.repeat(np.arange(part.low, part.high, dtype=np.uint64), np.diff(part.indptr))
    for low in range(0, len(rows), BLOCK):
        here = slice(low, low + BLOCK)
        places = (rows[here] << np.uint64(32)) | part.indices[here].astype(np.uint64)
        values = np.ascontiguousarray(part.values[here], np.float64).view(np.uint64)
        for k in range(2):
            words = places * np.uint64(ODD[2 * k]) ^ values
            words = (words ^ (words >> np.uint64(29))) * np.uint64(ODD[2 * k + 1])
            sums[k] += (words ^ (words >> np.uint64(32))).sum(dtype=np.uint64)
    return int(sums[0]), int(sums[1])


def lay_out(part: Part, order: Array | None) -> Laid:
    """Return a partition in an order of the points; edges keep their sequence within a row, so that no bit shows it.

    Parameters
    ----------
    part : Part
    order : ndarray of shape (n,), int32, or None
        The point at each place; None for the order of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.dask.parts import Part, lay_out
    >>> part = Part(1, 3, np.array([0, 1, 3], np.int32), np.array([0, 0, 1], np.int32), np.ones(3))
    >>> laid = lay_out(part, np.array([2, 1, 0], np.int32))
    >>> laid.places.tolist(), laid.graph.order.tolist(), laid.graph.indices.tolist()
    ([0, 1], [1, 0], [2, 1, 2])
    """
    from scipy.sparse import csr_matrix

    rows = np.arange(part.high - part.low, dtype=np.int32)
    indices, values = own(part.indices, np.int32), own(part.values, np.float32)
    if order is None:
        return Laid(rows + np.int32(part.low), ops.Graph(rows, own(part.indptr, np.int32), indices, values))
    n = len(order)
    rank = np.empty(n, np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    places = rank[part.low : part.high]
    rows = np.argsort(places).astype(np.int32)
    turned = csr_matrix((values, rank[indices], part.indptr), shape=(len(rows), n))[rows]
    return Laid(places[rows], ops.Graph(rows, own(turned.indptr, np.int32), own(turned.indices, np.int32), turned.data))


def own(values: Array, dtype: Any) -> Array:
    """Return an array that can be written into, as loops are compiled for: those that came over a network cannot."""
    return np.require(values, dtype, ["C", "A", "W"])


def attract_rows(
    laid: Laid, repulsion: Array, near: Array, attraction: Radial, exaggeration: float, scale: float
) -> Array:
    """Return attraction plus ``scale * repulsion`` for the rows of a partition, (m, d) float32, in their order.

    Parameters
    ----------
    laid : Laid
    repulsion : ndarray of shape (m, d)
    near : ndarray of shape (n, d), float32
        All points, in the order of the map.
    attraction : Radial
    exaggeration, scale : float
    """
    return ops.attract(*_operands(laid, repulsion, near, attraction, exaggeration, scale))


def attract_rows_with_losses(
    laid: Laid, repulsion: Array, near: Array, attraction: Radial, exaggeration: float, scale: float
) -> tuple[Array, Array]:
    """Return what `attract_rows` does, and ``sum_j p_ij A(d²)`` of each row, (m,) float64."""
    return ops.attract_with_losses(*_operands(laid, repulsion, near, attraction, exaggeration, scale))


def _operands(
    laid: Laid, repulsion: Array, near: Array, attraction: Radial, exaggeration: float, scale: float
) -> tuple[Any, ...]:
    others = own(near, np.float32)
    numbers = (attraction.form, exaggeration, own(repulsion, repulsion.dtype), scale, 1)
    return (laid.graph, others[laid.places], others, *numbers)


def add_losses(
    part: Part, before: tuple[float, float], points: Array, attraction: Radial, low: int, high: int
) -> tuple[float, float]:
    """Return the loss of a chunk of rows up to some rows of a partition, and what the sum goes on from after them.

    Parameters
    ----------
    part : Part
    before : (float, float)
        The same of the rows before.
    points : ndarray of shape (n, d), float64
    attraction : Radial
    low, high : int
        Rows of the partition.
    """
    others = own(points, np.float64)
    rows = np.arange(part.high - part.low, dtype=np.int32)
    arrays = (own(part.indptr, np.int32), own(part.indices, np.int32), own(part.values, part.values.dtype))
    mine = others[part.low : part.high]
    return ops.partial_edge_loss(ops.Graph(rows, *arrays), mine, others, attraction.form, low, high, before[1])


def weights_of(part: Part, low: int, high: int) -> Array:
    """Return a range of the weights of a partition."""
    return part.values[low:high]


def entropy_of(*pieces: Array) -> tuple[float, float]:
    """Return ``sum p log p`` and ``sum p`` of weights that stand one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.dask.parts import entropy_of
    >>> entropy_of(np.ones(2), np.ones(1))
    (0.0, 3.0)
    """
    weights = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    return ops.partial_entropy(own(weights, weights.dtype))
