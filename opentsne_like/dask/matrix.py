"""P in partitions of its rows, which stay on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._types import Array
from .cluster import gathered

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


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
    """

    low: int
    high: int
    indptr: Array
    indices: Array
    values: Array


class PartitionedMatrix:
    """A symmetric sparse matrix P of shape (n, n) whose rows stand on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
    parts : sequence of distributed.Future
        Of a `Part` each, in order.
    bounds : sequence of int
        The first row of each, and n.
    shape : (int, int)
    dtype : dtype
        Of the values.
    """

    def __init__(
        self, client: Any, parts: Sequence[Any], bounds: Sequence[int], shape: tuple[int, int], dtype: Any
    ) -> None:
        self.client = client
        self.parts = list(parts)
        self.bounds = np.asarray(bounds, np.int64)
        self.shape = (int(shape[0]), int(shape[1]))
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def gather(self) -> csr_matrix:
        """Return the matrix in this process, whose memory has to hold it."""
        from scipy.sparse import csr_matrix

        parts = gathered(self.client, self.parts)
        steps = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)])
        indptr = np.cumsum(steps, dtype=np.int64)
        indices, values = (np.concatenate(arrays) for arrays in zip(*(part[3:] for part in parts), strict=True))
        return csr_matrix((values, indices, indptr), shape=self.shape)
