"""P in the form that the compiled loops want."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _parallel, kernels

Array = np.ndarray[Any, Any]

GRAIN = 2**15


def checksum(values: Array, n_jobs: int) -> int:
    """Return a number that changes when `values`, an array of a multiple of 8 bytes or of 4, is written to."""
    raw = np.ascontiguousarray(values).view(np.uint8)
    whole = len(raw) // 8 * 8
    words = raw[:whole].view(np.uint64)
    chunks = _parallel.chunk_bounds(len(words), GRAIN)
    parts = _parallel.run_tasks([(kernels.attraction.checksum, (*c, words)) for c in chunks], n_jobs=n_jobs)
    return hash((len(raw), raw[whole:].tobytes(), *(int(part) for part in parts)))


@dataclass(frozen=True)
class Edges:
    """The edges of P, with what the KL divergence needs of them.

    Attributes
    ----------
    indptr, indices : ndarray
        Of the CSR matrix.
    values : ndarray of shape (edges,), float32 or float64
        In the precision of the gradient.
    weights : ndarray of shape (edges,)
        As they are in P.
    entropy : float
        ``sum p log p``.
    mass : float
        ``sum p``.
    """

    indptr: Array
    indices: Array
    values: Array
    weights: Array
    entropy: float
    mass: float

    @classmethod
    def of(cls, P: Any, *, dtype: type = np.float32, n_jobs: int = -1) -> Edges:
        """Return the edges of the sparse matrix `P`."""
        P = P.tocsr()
        chunks = _parallel.chunk_bounds(len(P.data), GRAIN)
        parts = _parallel.run_tasks([(kernels.attraction.entropy, (*c, P.data)) for c in chunks], n_jobs=n_jobs)
        values = P.data.astype(dtype, copy=False)
        entropy, mass = (float(sum(part[k] for part in parts)) for k in range(2))
        return cls(P.indptr, P.indices, values, P.data, entropy, mass)

    def add_attraction(
        self, points: Array, others: Array, dof: float, exaggeration: float, repulsion: Array, scale: float, n_jobs: int
    ) -> Array:
        """Return attraction plus ``scale * repulsion``, shape (m, d), in the precision of `values`."""
        dtype = self.values.dtype.type
        gradient = np.empty(points.shape, dtype)
        graph = (self.indptr, self.indices, self.values, points, others)
        args = (*graph, dtype(1.0 / dof), dtype(exaggeration), repulsion, dtype(scale), gradient)
        _parallel.for_chunks(kernels.attraction.add_attraction, len(points), args, n_jobs=n_jobs, grain=256)
        return gradient

    def loss(self, points: Array, others: Array, dof: float, n_jobs: int) -> float:
        """Return ``sum p [log p + dof log(1 + d² / dof)]`` in float64."""
        args = (self.indptr, self.indices, self.weights, points, others, float(dof))
        kernel = kernels.attraction.attraction_loss
        return self.entropy + _parallel.sum_chunks(kernel, len(points), args, n_jobs=n_jobs, grain=256)
