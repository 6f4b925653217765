"""A symmetric sparse matrix that lies on the device until the host asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from . import device
from .edges import Graph
from .grid import total_of
from .sums import precision

MOST_INT32 = 2**31 - 1
MOST_KEYS = 2**32 - 1  # what the number of an edge has room for


class Matrix:
    """A sparse matrix of n rows and columns on the device, each row sorted by column.

    Parameters
    ----------
    starts : ndarray of the device, shape (n + 1,), int64
    columns : ndarray of the device, shape (entries,), int32
    values : ndarray of the device, shape (entries,), float32 or float64

    Attributes
    ----------
    shape : (int, int)
    on_gpu : bool
        True: what tells it from a matrix of the host.
    """

    on_gpu = True

    def __init__(self, starts: Array, columns: Array, values: Array) -> None:
        self.starts, self.columns, self.values = starts, columns, values
        self.shape = (len(starts) - 1,) * 2

    def graph(self, dtype: Any) -> Graph:
        """Return the matrix as operations take it, with weights of a precision, at most that of the values."""
        card, n = device.current(), self.shape[0]
        places = card.xp.asarray(np.arange(n, dtype=np.int32))
        return Graph.paired(places, self.starts, self.columns, self.values.astype(dtype, copy=False))

    def tocsr(self) -> Any:
        """Return the matrix on the host, a csr_matrix of sorted rows."""
        from scipy.sparse import csr_matrix

        values, columns, starts = map(device.current().read, (self.values, self.columns, self.starts))
        kind = np.int32 if len(columns) <= MOST_INT32 else np.int64
        matrix = csr_matrix((values, columns.astype(kind, copy=False), starts.astype(kind)), self.shape, copy=False)
        matrix.has_sorted_indices = matrix.has_canonical_format = True
        return matrix

    def __reduce__(self) -> Any:
        return self.tocsr().__reduce__()


def symmetrized(indices: Array, weights: Array, mode: int, normalize: bool) -> Matrix:
    """Return the weights of a neighbour graph as a symmetric matrix, see `kernels.symmetrize`.

    Its bits depend on no order: sums of weights have none, and rows are sorted.

    Parameters
    ----------
    indices : ndarray of the device, shape (n, k), int32
        No row has a column twice.
    weights : ndarray of the device, shape (n, width), float32 or float64
        Of the first `width` neighbours of each row, at most `MOST_KEYS` altogether.
    mode : int
        How the weights a, b of an edge are joined, as in `kernels.symmetrize`.
    normalize : bool
        Divide by the sum of all values.

    Returns
    -------
    Matrix
    """
    card, (n, k), width = device.current(), indices.shape, weights.shape[1]
    xp, graph, each = card.xp, (n, width, k, indices), (device.blocks_for(n * width),)
    counts = xp.zeros(n, np.int64)
    card.launch("count_keys", each, (*graph, counts))
    starts = _ends(counts)
    keys, filled = xp.empty(2 * n * width, np.uint64), xp.zeros(n, np.int32)
    card.launch("scatter_keys", each, (*graph, starts, filled, keys))
    card.launch("sort_rows", (device.blocks_for(n, 1),), (n, starts, keys, counts))
    row_ends = _ends(counts)
    size = int(card.read(row_ends[n:])[0])
    columns, values = xp.empty(size, np.int32), xp.empty(size, weights.dtype)
    merged = (n, mode, starts, keys, weights, row_ends, columns, values)
    card.launch(f"merge_{precision(weights)}", (device.blocks_for(n, most=n),), merged)
    if normalize:
        factor = values.dtype.type(1.0 / total_of(values))
        card.launch(f"multiply_{precision(values)}", (device.blocks_for(size),), (np.int64(size), factor, values))
    return Matrix(row_ends, columns, values)


def _ends(counts: Array) -> Array:
    """Return where rows of these lengths (n,) begin, and the end, shape (n + 1,)."""
    xp = device.current().xp
    starts: Array = xp.zeros(len(counts) + 1, np.int64)
    xp.cumsum(counts, out=starts[1:])
    return starts


def entropy(weights: Array, n_jobs: int) -> tuple[float, float]:
    """Return ``sum p log p`` and ``sum p`` of weights, see `ops.entropy`.

    Parameters
    ----------
    weights : ndarray of the device, shape (edges,), float32 or float64
    n_jobs : int

    Returns
    -------
    two floats
    """
    card, count = device.current(), len(weights)
    out = card.xp.empty(count)
    card.launch(f"entropies_{precision(weights)}", (device.blocks_for(count),), (np.int64(count), weights, out))
    return total_of(out), total_of(weights)
