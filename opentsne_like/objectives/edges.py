"""P in the form that the compiled loops want."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from .. import ops
from .._parallel import chunk_bounds, run_tasks
from .._types import Array
from .._validation import check_csr_parts
from ..devices import graph_on_gpu, is_on_gpu, lies_on_gpu, operations
from ..errors import InvalidParameterError, InvalidTypeError
from ..ops import Graph
from ..repulsion import Radial
from .locality import Locality

ASYMMETRY = 1e-5  # of a row's sum: what is above is no rounding of single precision
AT_ONCE = 2**20  # edges whose symmetry is looked at together, or as many as there are points
ROWS = 1024  # whose edges are looked at together, each by itself


def check_shapes(P: Any, shape: tuple[int, ...], reference_shape: tuple[int, ...] | None = None) -> None:
    """Refuse a P whose rows are not the points, or whose columns are not what attracts them.

    Parameters
    ----------
    P : sparse matrix
    shape : (int, int)
        Of the map.
    reference_shape : (int, int), optional
        Of the frozen map that the points are placed on; by default they attract each other.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import check_shapes
    >>> check_shapes(csr_matrix((3, 3)), (3, 2))
    >>> check_shapes(csr_matrix((3, 3)), (4, 2))
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `P` must be of shape (4, 4), got (3, 3); make ...
    """
    if not hasattr(P, "tocsr"):
        raise InvalidTypeError(f"`P` must be a sparse matrix, got {type(P).__name__}; use scipy.sparse.csr_matrix(P)")
    source = shape if reference_shape is None else reference_shape
    if source[1:] != shape[1:]:
        raise InvalidParameterError(
            f"`reference_embedding` must have as many columns as the points that `P` places on it, {shape[1]}, "
            f"got shape {source}"
        )
    if tuple(P.shape) != (expected := (shape[0], source[0])):
        rows = "points" if reference_shape is None else "new points, given the reference"
        raise InvalidParameterError(
            f"`P` must be of shape {expected}, got {tuple(P.shape)}; make the affinities of these very {rows}"
        )


def is_read_only(P: Any) -> bool:
    """Say whether nobody can write into a CSR matrix."""
    return not any(part.flags.writeable for part in (P.data, P.indices, P.indptr))


@dataclass(frozen=True)
class Edges:
    """The edges of P, and the sums along them.

    Attributes
    ----------
    indptr, indices : ndarray
        Of the CSR matrix.
    weights : ndarray of shape (edges,)
        As they are in P.
    dtype : type
        float32 or float64, the precision of the gradient.
    n_jobs : int
        Threads for sums over the edges.
    symmetric : bool
        Whether P is known to be symmetric; otherwise it is looked through.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges
    >>> from opentsne_like.repulsion import Square
    >>> edges = Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]])))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> edges.mass, edges.loss(points, points, Square(), n_jobs=1)
    (1.0, 25.0)
    """

    indptr: Array
    indices: Array
    weights: Array
    dtype: type
    n_jobs: int
    symmetric: bool = False

    @classmethod
    def of(cls, P: Any, *, dtype: type = np.float32, n_jobs: int = -1) -> Edges:
        """Return the edges of the sparse matrix `P`, which may lie on a GPU.

        Raises
        ------
        InvalidParameterError
            If an index of P lies outside of it.
        """
        if lies_on_gpu(P):
            return EdgesOnGPU(P, dtype, n_jobs)
        P = P.tocsr()
        check_csr_parts(P.data, P.indices, P.indptr, P.shape, "P")  # compiled loops follow what they hold
        return cls(P.indptr, P.indices, P.data, dtype, n_jobs, getattr(P, "symmetric", False) and is_read_only(P))

    @property
    def n_rows(self) -> int:
        """The number of rows of P."""
        return len(self.indptr) - 1

    @cached_property
    def values(self) -> Array:
        """The weights in the precision of the gradient, shape (edges,)."""
        return self.weights.real.astype(self.dtype, copy=False)

    @cached_property
    def rows(self) -> Array:
        """The row of each edge, shape (edges,), int32."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def columns(self) -> Array:
        """The column of each edge, shape (edges,), int32."""
        return self.indices.astype(np.int32, copy=False)

    @property
    def mutual(self) -> Edges:
        """The edges of the symmetric part of P, these very ones where P is symmetric.

        A pair attracts both of its points, by both of its weights: the gradient of ``sum p A(d²)`` knows nothing else
        of P, and along the rows of a P that is not symmetric there is none.
        """
        return self._symmetric_part or self

    @cached_property
    def _symmetric_part(self) -> Edges | None:
        """None where P is symmetric, so that edges do not hold themselves."""
        if self.symmetric or self._is_symmetric():
            return None
        P = self._square(self.weights)
        return Edges.of((0.5 * (P + P.T)).tocsr(), dtype=self.dtype, n_jobs=self.n_jobs)

    def _is_symmetric(self) -> bool:
        """Say whether P, square and with weights that are not negative, is symmetric, by what it makes of one vector.

        ``P x`` is ``Pᵀ x`` then, and by no chance otherwise: no two numbers of x, multiples of the golden ratio modulo
        1, are alike. Two products take less time than a transpose, and edge by edge less memory than a copy.
        """
        n = len(self.indptr) - 1
        x = 0.5 + np.arange(n) * (0.5 * (np.sqrt(5.0) - 1.0)) % 1.0
        there, back = np.empty(n), np.zeros(n)
        low = 0
        while low < n:
            limit = int(self.indptr[low]) + max(AT_ONCE, n)
            high = max(low + 1, int(np.searchsorted(self.indptr, limit, side="right")) - 1)
            edges = slice(self.indptr[low], self.indptr[high])
            values, columns = self.weights.real[edges].astype(np.float64, copy=False), self.indices[edges]
            rows = np.repeat(np.arange(high - low), np.diff(self.indptr[low : high + 1]))
            there[low:high] = np.bincount(rows, values * x[columns], high - low)
            back += np.bincount(columns, values * x[low + rows], n)
            low = high
        return bool((np.abs(there - back) <= ASYMMETRY * np.maximum(np.abs(there), np.abs(back))).all())

    def _square(self, weights: Array) -> Any:
        from scipy import sparse

        n = len(self.indptr) - 1
        return sparse.csr_matrix((weights.astype(np.float64, copy=False), self.indices, self.indptr), shape=(n, n))

    @cached_property
    def _sums(self) -> tuple[float, float]:
        return ops.entropy(self.weights, self.n_jobs)

    @cached_property
    def _whole(self) -> Graph:
        places = np.arange(len(self.indptr) - 1, dtype=np.int32)
        return Graph(places, self.indptr, self.indices, self.weights.real)

    def _rounded(self) -> Graph:
        """Return the edges with weights in single precision, which are not kept."""
        return self._whole._replace(values=self._whole.values.astype(np.float32, copy=False))

    @cached_property
    def _locality(self) -> Locality:
        return Locality(self._rounded, partial(ops.reorder, self._whole))

    @cached_property
    def _on_gpu(self) -> Any:
        return graph_on_gpu(self._rounded())

    @cached_property
    def _weights_on_gpu(self) -> Any:
        return self._on_gpu if self.weights.dtype == np.float32 else graph_on_gpu(self._whole)

    @cached_property
    def _locality_on_gpu(self) -> Locality:
        graph = self._on_gpu
        return Locality(lambda: graph, partial(operations(graph.order).reorder, graph))

    def leave_gpu(self) -> None:
        """Drop what of the edges lies on a GPU."""
        for name in ("_on_gpu", "_weights_on_gpu", "_locality_on_gpu"):
            vars(self).pop(name, None)
        if (other := vars(self).get("_symmetric_part")) is not None:
            other.leave_gpu()

    def _graph(self, points: Array) -> Any:
        """Return the edges in the order of P, where the points lie."""
        return self._on_gpu if is_on_gpu(points) else self._whole._replace(values=self.values)

    @property
    def entropy(self) -> float:
        """``sum p log p``."""
        return self._sums[0]

    @property
    def mass(self) -> float:
        """``sum p``."""
        return self._sums[1]

    def check(self, points: Array) -> None:
        """Refuse points that are not those of the rows of P: compiled loops would read beyond their end.

        Parameters
        ----------
        points : ndarray of shape (m, d)
        """
        if len(points) != self.n_rows:
            raise InvalidParameterError(
                f"`points` must be {self.n_rows}, one per row of the P that the objective is bound to, got "
                f"{len(points)}; bind the loss to the affinities of these points"
            )

    def row_sums(self, values: Array) -> Array:
        """Return the sum of values of the edges (edges,) for each row, shape (m,)."""
        sums = np.add.reduceat(np.append(values, 0.0), self.indptr[:-1])
        return np.asarray(sums * (np.diff(self.indptr) > 0))

    @cached_property
    def row_masses(self) -> Array:
        """``sum_j p_ij`` of each row, shape (m,)."""
        return self.row_sums(self.weights.astype(np.float64, copy=False))

    @property
    def row_entropies(self) -> Array:
        """``sum_j p_ij log p_ij`` of each row, shape (m,); a weight of zero counts as nothing."""
        p = self.weights.astype(np.float64, copy=False)
        return self.row_sums(p * np.log(np.where(p > 0, p, 1.0)))

    def add_attraction(
        self,
        points: Array,
        others: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> Array:
        """Return attraction plus ``scale * repulsion``, shape (m, d), in the precision of `values`."""
        if attraction.form is None and not is_on_gpu(points):
            return self._attract_plainly(points, others, attraction, exaggeration, scale * repulsion)
        numbers = (attraction.form, exaggeration, repulsion, scale, n_jobs)
        gradient: Array = operations(points).attract(self._graph(points), points, others, *numbers)
        return gradient

    def add_mutual_attraction(
        self,
        points: Array,
        offset: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> Array:
        """Return what `add_attraction` does for points that attract each other, float32; they stay (n, d) float64.

        `offset` (d,), such as their mean, is taken off before they are rounded, so a map may lie anywhere. Where there
        are many points, the edges are kept in an order that suits the map.
        """
        if attraction.form is None and not is_on_gpu(points):
            return self._attract_plainly(points, points, attraction, exaggeration, scale * repulsion)
        graph, near = self._laid_out(points, offset, n_jobs)
        numbers = (attraction.form, exaggeration, repulsion, scale, n_jobs)
        gradient: Array = operations(points).attract(graph, near, near, *numbers)
        return gradient

    def add_mutual_attraction_with_loss(
        self,
        points: Array,
        offset: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> tuple[Array, float]:
        """Return what `add_mutual_attraction` does, and ``sum p A(d²)`` from the same pass, of rounded points.

        For searches, which want both at every trial point; `loss` is the value in float64.
        """
        if attraction.form is None and not is_on_gpu(points):
            gradient = self._attract_plainly(points, points, attraction, exaggeration, scale * repulsion)
            return gradient, self.loss(points, points, attraction, n_jobs)
        graph, near = self._laid_out(points, offset, n_jobs)
        numbers = (attraction.form, exaggeration, repulsion, scale, n_jobs)
        made: tuple[Array, float] = operations(points).attract_with_loss(graph, near, near, *numbers)
        return made

    def _laid_out(self, points: Array, offset: Array, n_jobs: int) -> tuple[Any, Array]:
        """Return the edges in an order that suits the map, and its points around `offset` in float32."""
        locality = self._locality_on_gpu if is_on_gpu(points) else self._locality
        graph = locality.layout(points, n_jobs)
        return graph, operations(points).take_rows(graph, points, offset, n_jobs)

    def near(self, points: Array, offset: Array, n_jobs: int) -> Array:
        """Return `points` (m, d), one per row, around `offset` (d,) in float32."""
        graph = self._on_gpu if is_on_gpu(points) else self._whole
        near: Array = operations(points).take_rows(graph, points, offset, n_jobs)
        return near

    def laplacian(self, factor: float) -> Any:
        """Return the graph Laplacian of `factor` times the symmetric part of P, a csr_matrix in float64."""
        from scipy import sparse

        P = self._square(self.weights)
        weights = 0.5 * factor * (P + P.T)
        return sparse.csr_matrix(sparse.diags(np.asarray(weights.sum(axis=1)).ravel()) - weights)

    def loss(self, points: Array, others: Array, attraction: Radial, n_jobs: int) -> float:
        """Return ``sum p A(d²)`` in float64."""
        on_gpu = is_on_gpu(points)
        if attraction.form is None and not on_gpu:
            return float((self.weights * attraction(self._apart(points, others)[1])).sum(dtype=np.float64))
        graph = self._weights_on_gpu if on_gpu else self._whole
        return float(operations(points).edge_loss(graph, points, others, attraction.form, n_jobs))

    def losses(self, points: Array, others: Array, attraction: Radial, n_jobs: int) -> Array:
        """Return ``p A(d²)`` of every edge, shape (edges,), in float64."""
        out = np.empty(len(self.weights))

        def fill(low: int, high: int) -> None:
            here = slice(self.indptr[low], self.indptr[high])
            rows = np.repeat(np.arange(low, high), np.diff(self.indptr[low : high + 1]))
            squares = np.square(points[rows] - others[self.indices[here]]).sum(axis=1)
            out[here] = self.weights[here] * attraction(squares)

        bounds = chunk_bounds(len(points), ROWS, most=len(points))
        run_tasks([(fill, chunk) for chunk in bounds], n_jobs=n_jobs)
        return out

    def _apart(self, points: Array, others: Array) -> tuple[Array, Array]:
        """Return differences (edges, d) and squared distances along the edges, in float64."""
        apart = points[self.rows].astype(np.float64) - others[self.indices]
        return apart, (apart * apart).sum(axis=1)

    def _attract_plainly(
        self, points: Array, others: Array, attraction: Radial, exaggeration: float, rest: Array
    ) -> Array:
        """Return attraction plus `rest` for a function that compiled loops do not know, by NumPy on one thread."""
        apart, square = self._apart(points, others)
        pulls = (exaggeration * self.values * attraction.slope(square))[:, None] * apart
        summed = [np.bincount(self.rows, weights=pulls[:, k], minlength=len(points)) for k in range(pulls.shape[1])]
        return np.asarray(np.column_stack(summed) + rest, self.dtype)


class EdgesOnGPU(Edges):
    """The edges of a symmetric P that lies on a GPU; they come to the host for what only the host does.

    Parameters
    ----------
    matrix : gpu.Matrix
    dtype : type
    n_jobs : int
    """

    matrix: Any
    symmetric = True

    def __init__(self, matrix: Any, dtype: type, n_jobs: int) -> None:
        vars(self).update(matrix=matrix, dtype=dtype, n_jobs=n_jobs)

    @cached_property
    def _home(self) -> Any:
        return self.matrix.tocsr()

    @property
    def indptr(self) -> Array:
        """Row pointers on the host."""
        return np.asarray(self._home.indptr)

    @property
    def indices(self) -> Array:
        """Columns on the host."""
        return np.asarray(self._home.indices)

    @property
    def weights(self) -> Array:
        """Weights on the host."""
        return np.asarray(self._home.data)

    @property
    def n_rows(self) -> int:
        """The number of rows of P."""
        return int(self.matrix.shape[0])

    @cached_property
    def _sums(self) -> tuple[float, float]:
        values = self.matrix.values
        found: tuple[float, float] = operations(values).entropy(values, self.n_jobs)
        return found

    @cached_property
    def _on_gpu(self) -> Any:
        return self.matrix.graph(np.float32)

    @cached_property
    def _weights_on_gpu(self) -> Any:
        return self._on_gpu if self.matrix.values.dtype == np.float32 else self.matrix.graph(np.float64)
