"""P in the form that the compiled loops want."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import _parallel, kernels
from .locality import Layout, Locality

Array = np.ndarray[Any, Any]

GRAIN = 2**15


def checksum(values: Array, n_jobs: int) -> int:
    """Return a number that changes when `values`, an array of a multiple of 8 bytes or of 4, is written to."""
    raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
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
    n_jobs : int
        Threads for sums over the edges.
    """

    indptr: Array
    indices: Array
    values: Array
    weights: Array
    n_jobs: int

    @classmethod
    def of(cls, P: Any, *, dtype: type = np.float32, n_jobs: int = -1) -> Edges:
        """Return the edges of the sparse matrix `P`."""
        P = P.tocsr()
        return cls(P.indptr, P.indices, P.data.astype(dtype, copy=False), P.data, n_jobs)

    @cached_property
    def _sums(self) -> tuple[float, float]:
        chunks = _parallel.chunk_bounds(len(self.weights), GRAIN)
        tasks = [(kernels.attraction.entropy, (*chunk, self.weights)) for chunk in chunks]
        parts = _parallel.run_tasks(tasks, n_jobs=self.n_jobs)
        return float(sum(part[0] for part in parts)), float(sum(part[1] for part in parts))

    @cached_property
    def _places(self) -> Array:
        return np.arange(len(self.indptr) - 1, dtype=np.int32)

    @cached_property
    def _locality(self) -> Locality:
        return Locality(self.indptr, self.indices, self.values)

    @property
    def entropy(self) -> float:
        """``sum p log p``."""
        return self._sums[0]

    @property
    def mass(self) -> float:
        """``sum p``."""
        return self._sums[1]

    def add_attraction(
        self, points: Array, others: Array, dof: float, exaggeration: float, repulsion: Array, scale: float, n_jobs: int
    ) -> Array:
        """Return attraction plus ``scale * repulsion``, shape (m, d), in the precision of `values`."""
        matrix = Layout(self._places, self.indptr, self.indices, self.values)
        return _attract(matrix, points, others, dof, exaggeration, repulsion, scale, n_jobs)

    def add_mutual_attraction(
        self, points: Array, dof: float, exaggeration: float, repulsion: Array, scale: float, n_jobs: int
    ) -> Array:
        """Return what `add_attraction` does for points that attract each other, float32; they stay (n, d) float64.

        Where there are many points, the edges are kept in an order that suits the map.
        """
        layout = self._locality.layout(points, n_jobs)
        if layout is None:
            with np.errstate(over="ignore"):  # the step that comes of it is refused
                near = points.astype(np.float32)
            return self.add_attraction(near, near, dof, exaggeration, repulsion, scale, n_jobs)
        near = np.empty(points.shape, np.float32)
        args = (layout.order, points, near)
        _parallel.for_chunks(kernels.attraction.take_rows, len(points), args, n_jobs=n_jobs, grain=GRAIN // 4)
        return _attract(layout, near, near, dof, exaggeration, repulsion, scale, n_jobs)

    def tail(self, points: Array, others: Array, dof: float, n_jobs: int) -> float:
        """Return ``sum p [log(1 + u) - u / (1 + u)]`` with ``u = d² / dof``, the derivative of `loss` in `dof`."""
        args = (self.indptr, self.indices, self.weights, points, others, float(dof))
        return _parallel.sum_chunks(kernels.attraction.attraction_tail, len(points), args, n_jobs=n_jobs, grain=256)

    def loss(self, points: Array, others: Array, dof: float, n_jobs: int) -> float:
        """Return ``sum p [log p + dof log(1 + d² / dof)]`` in float64."""
        args = (self.indptr, self.indices, self.weights, points, others, float(dof))
        kernel = kernels.attraction.attraction_loss
        return self.entropy + _parallel.sum_chunks(kernel, len(points), args, n_jobs=n_jobs, grain=256)


def _attract(
    matrix: Layout,
    points: Array,
    others: Array,
    dof: float,
    exaggeration: float,
    repulsion: Array,
    scale: float,
    n_jobs: int,
) -> Array:
    dtype = matrix.values.dtype.type
    gradient = np.empty(points.shape, dtype)
    kernel, columns = kernels.attraction.add_attraction, others
    if dtype is np.float32 and points.shape[1] == 2:
        kernel = kernels.attraction.add_attraction_in_plane
        columns = np.ascontiguousarray(others).view(np.uint64).reshape(-1)
    graph = (matrix.indptr, matrix.indices, matrix.values, points, columns)
    numbers = (dtype(1.0 / dof), dtype(exaggeration), matrix.order)
    args = (*graph, *numbers, repulsion, dtype(scale), gradient)
    _parallel.for_chunks(kernel, len(points), args, n_jobs=n_jobs, grain=256)
    return gradient
