"""From the weights of a neighbour graph to a sparse affinity matrix that sums to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import kernels
from .._parallel import chunk_bounds, run_tasks
from .._types import Array
from ..errors import InvalidParameterError
from .memory import hand_back
from .neighbors import NeighborLists

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Writes the weights of the rows [low, high) one after the other into the start of an array. It is called twice for
# each row and has to give the same bits both times, which one compiled function does.
Evaluate = Callable[[int, int, Array], None]

JOINS = {"mean": 0, "max": 1, "union": 2}  # the modes of kernels.symmetrize: sum (scaled later), maximum, t-conorm
LARGEST_INT32 = 2**31 - 1
BLOCK = 2048  # rows whose weights are held at a time
COUNTERS = 8  # chunks of the counting sort; each needs one counter per point
LEAST = {np.dtype(np.float64): 1e-300, np.dtype(np.float32): 1e-30}  # weights below it count as it: no edge is lost


def assemble(
    lists: NeighborLists,
    evaluate: Evaluate,
    *,
    join: str | None,
    normalize: bool = True,
    dtype: Any = np.float64,
    n_jobs: int | None = -1,
) -> csr_matrix:
    """Return the weights of a neighbour graph as a sparse matrix, symmetric if wanted.

    Nothing but the result and the transposed graph's indices is held, so the peak is about 16 bytes per neighbour
    above the lists and the result. Rows are sorted. The bits do not depend on `n_jobs`.

    Parameters
    ----------
    lists : NeighborLists
    evaluate : callable
        ``evaluate(low, high, out)`` writes the weights of the rows [low, high) into the start of `out`, an array of
        type `dtype`.
    join : {"mean", "max", "union"} or None
        How the two directions of an edge are joined: (a + b) / 2, max(a, b) or a + b - a b. None: the graph as it is.
    normalize : bool
        Divide by the sum of all values; without it "mean" gives a + b.
    dtype : dtype
        float64 or float32.
    n_jobs : int, optional

    Returns
    -------
    csr_matrix of shape (n_rows, n_columns)
        Index arrays are int32, or int64 where the matrix has 2**31 values or more.

    Raises
    ------
    InvalidParameterError
        If a row lists a neighbour twice.
    """
    jobs = -1 if n_jobs is None else n_jobs
    parts = _assembled(lists, evaluate, join, normalize, np.dtype(dtype), jobs)
    hand_back()
    matrix = as_csr(*parts, (lists.n_rows, lists.n_columns))
    matrix.symmetric = join is not None  # which edges need not look through while nobody can write into it
    return matrix


def _assembled(
    lists: NeighborLists, evaluate: Evaluate, join: str | None, normalize: bool, dtype: np.dtype[Any], jobs: int
) -> tuple[Array, Array, Array]:
    """Return the values, columns and row pointers of the matrix."""

    def weights(low: int, high: int) -> Array:
        return evaluated(lists, evaluate, low, high, dtype)

    places, sources, counts = _transpose(lists, jobs) if join else _nothing(lists)
    row_ends = _row_ends(lists, places, sources, jobs)
    columns = np.empty(row_ends[-1], dtype=row_ends.dtype)
    values = np.empty(row_ends[-1], dtype=dtype)
    chunks = row_chunks(lists.n_rows)
    if join:
        _scatter_values(lists, weights, _value_places(places, row_ends, chunks), counts, values, jobs)
    totals = _merge(lists, weights, places, sources, join, chunks, row_ends, columns, values, jobs)
    if normalize:
        np.multiply(values, dtype.type(1.0 / sum(totals)), out=values)
    return values, columns, row_ends


def evaluated(lists: NeighborLists, evaluate: Evaluate, low: int, high: int, dtype: np.dtype[Any]) -> Array:
    """Return the weights of the rows [low, high), none of them so small that an edge would be lost."""
    out = np.empty(lists.n_edges(low, high), dtype=dtype)
    evaluate(low, high, out)
    return np.maximum(out, LEAST[dtype], out=out)


def row_chunks(n: int) -> list[tuple[int, int]]:
    """Return the ranges of rows whose values are added apart, for the sum of the values of a matrix of `n` rows."""
    return chunk_bounds(n, BLOCK, most=max(1, n))


def merge_rows(
    lists: NeighborLists,
    weights: Array,
    places: Array,
    sources: Array,
    arrived: Array,
    chunks: list[tuple[int, int]],
    *,
    join: str,
    n_jobs: int,
) -> tuple[Array, Array, Array, list[float]]:
    """Return some rows of the symmetric matrix of a graph, not divided by the sum of all values.

    Parameters
    ----------
    lists : NeighborLists
        Those of these rows.
    weights : ndarray of shape (n_edges,)
        Theirs.
    places : int64 ndarray of shape (n_rows + 1,)
        Where the entries of each transposed row begin in `sources` and `arrived`.
    sources : int32 ndarray of shape (m,)
        The points that list these rows, ascending in each row.
    arrived : ndarray of shape (m,)
        The weights of those edges.
    chunks : list of tuple of int
        As of `row_chunks` of the whole matrix, counted from the first of these rows.
    join : {"mean", "max", "union"}
        See `assemble`.
    n_jobs : int

    Returns
    -------
    values, columns, row_ends : ndarray
        Of a CSR matrix.
    totals : list of float
        The sum of the values of each chunk.
    """
    row_ends = _row_ends(lists, places, sources, n_jobs)
    columns, values = np.empty(row_ends[-1], dtype=row_ends.dtype), np.empty(row_ends[-1], dtype=weights.dtype)
    for low, high in chunks:
        values[row_ends[high] - (places[high] - places[low]) : row_ends[high]] = arrived[places[low] : places[high]]
    ends = np.concatenate([[0], np.cumsum(lists.sizes())])

    def own(low: int, high: int) -> Array:
        return weights[ends[low] : ends[high]]

    totals = _merge(lists, own, places, sources, join, chunks, row_ends, columns, values, n_jobs)
    return values, columns, row_ends, totals


def _merge(
    lists: NeighborLists,
    weights: Callable[[int, int], Array],
    places: Array,
    sources: Array,
    join: str | None,
    chunks: list[tuple[int, int]],
    row_ends: Array,
    columns: Array,
    values: Array,
    n_jobs: int,
) -> list[float]:
    """Write the rows of the matrix, at whose ends the transposed weights wait, and return the sums of the chunks."""
    graph = (lists.indices, lists.starts, lists.width)
    mode = JOINS[join or "mean"]

    def fill(low: int, high: int) -> float:
        own = weights(low, high)
        return float(kernels.symmetrize.merge(low, high, *graph, own, places, sources, mode, row_ends, columns, values))

    return run_tasks([(fill, chunk) for chunk in chunks], n_jobs=n_jobs)


def rows_to_one(P: Any) -> Any:
    """Divide each row by its sum, in place."""
    sums = np.asarray(P.sum(axis=1)).ravel()
    P.data /= np.repeat(sums, np.diff(P.indptr))
    return P


def as_csr(values: Array, columns: Array, row_ends: Array, shape: tuple[int, int]) -> csr_matrix:
    """Return a CSR matrix on the given arrays, whose rows are sorted and hold no column twice."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((values, columns, row_ends), shape=shape, copy=False)
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix


class _Transposed(NamedTuple):
    """The transposed graph: row pointers and indices, and how full its rows are when each chunk of edges begins."""

    places: Array
    sources: Array
    filled: Array


def _transpose(lists: NeighborLists, n_jobs: int) -> _Transposed:
    """Return the graph in which everybody is found by those that it lists."""
    chunks = chunk_bounds(lists.n_rows, BLOCK, COUNTERS)
    graph = (lists.indices, lists.starts, lists.width)
    filled = np.zeros((len(chunks) + 1, lists.n_columns), dtype=np.int32)
    count, scatter = kernels.symmetrize.count, kernels.symmetrize.scatter_sources
    run_tasks([(count, (*chunk, *graph, filled[q + 1])) for q, chunk in enumerate(chunks)], n_jobs=n_jobs)
    np.cumsum(filled, axis=0, out=filled)
    places = np.zeros(lists.n_columns + 1, dtype=np.int64)
    np.cumsum(filled[-1], out=places[1:])
    sources = np.empty(places[-1], dtype=np.int32)
    tasks = [(scatter, (*chunk, *graph, places, filled[q], sources)) for q, chunk in enumerate(chunks)]
    run_tasks(tasks, n_jobs=n_jobs)
    filled[1:] = filled[:-1]  # each chunk has advanced its row to where the next chunk begins
    filled[0] = 0
    return _Transposed(places, sources, filled)


def _nothing(lists: NeighborLists) -> _Transposed:
    """Return a transposed graph without edges."""
    places = np.zeros(lists.n_rows + 1, dtype=np.int64)
    return _Transposed(places, np.empty(0, dtype=np.int32), np.empty((0, 0), dtype=np.int32))


def _row_ends(lists: NeighborLists, places: Array, sources: Array, n_jobs: int) -> Array:
    """Return the row pointers of the result."""
    sizes = np.empty(lists.n_rows, dtype=np.int64)
    graph = (lists.indices, lists.starts, lists.width)
    args = (*graph, places, sources, lists.n_columns, sizes)
    chunks = chunk_bounds(lists.n_rows, BLOCK)
    twice = run_tasks([(kernels.symmetrize.union_sizes, (*chunk, *args)) for chunk in chunks], n_jobs=n_jobs)
    if max(twice) >= 0:
        row = next(row for row in twice if row >= 0)
        raise InvalidParameterError(f"`indices` must not list a neighbour twice, got such a list in row {row}")
    n_values = int(sizes.sum())
    row_ends = np.zeros(lists.n_rows + 1, dtype=np.int32 if n_values <= LARGEST_INT32 else np.int64)
    np.cumsum(sizes, out=row_ends[1:])
    return row_ends


def _value_places(places: Array, row_ends: Array, chunks: list[tuple[int, int]]) -> Array:
    """Return where the weights of each transposed row wait: at the end of what their chunk of rows will fill."""
    waiting = places[:-1].copy()
    for low, high in chunks:
        waiting[low:high] += row_ends[high] - places[high]
    return waiting


def _scatter_values(
    lists: NeighborLists,
    weights: Callable[[int, int], Array],
    value_places: Array,
    filled: Array,
    values: Array,
    n_jobs: int,
) -> None:
    """Evaluate all weights and write them to their places as weights of the transposed graph."""
    graph = (lists.indices, lists.starts, lists.width)

    def scatter(first: int, last: int, counts: Array) -> None:
        for low in range(first, last, BLOCK):
            high = min(low + BLOCK, last)
            kernels.symmetrize.scatter_values(low, high, *graph, weights(low, high), value_places, counts, values)

    chunks = chunk_bounds(lists.n_rows, BLOCK, COUNTERS)
    run_tasks([(scatter, (*chunk, filled[q])) for q, chunk in enumerate(chunks)], n_jobs=n_jobs)
