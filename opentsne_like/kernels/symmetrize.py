"""A symmetric sparse matrix from the weights of a neighbour graph, with nothing of its size beside it.

The transposed graph is laid out by a counting sort: `count` the arrivals at every point for a few fixed chunks of rows,
then `scatter_sources`. `union_sizes` gives the length of every row of the result. The weights of the transposed graph
are put by `scatter_values` at the end of the stretch of the result's own array that their chunk of rows will fill, and
`merge` walks forward through the stretch, always writing at or before the place that it reads next.

Rows of the graph are ``starts[i] : starts[i] + min(width, starts[i + 1] - starts[i])`` of the flat array `indices`; the
weights of a range of rows are handed over one row after the other from ``weights[0]`` on. The transposed graph has
the rows ``places[i] : places[i + 1]`` of `sources`, which come out sorted.
"""

from __future__ import annotations

import numpy as np

from .._types import Array
from ._jit import helper, kernel

SUM, MAXIMUM, UNION = 0, 1, 2  # how the weights a, b of an edge are joined: a + b, max(a, b), a + b - a b
ABSENT = 2**40  # beyond every column


@kernel
def count(low: int, high: int, indices: Array, starts: Array, width: int, counts: Array) -> None:
    """Add to `counts` (int32, one per column) how often each column occurs in the rows."""
    for i in range(low, high):
        for e in range(starts[i], min(starts[i] + width, starts[i + 1])):
            counts[indices[e]] += 1


@kernel
def scatter_sources(
    low: int, high: int, indices: Array, starts: Array, width: int, places: Array, counts: Array, sources: Array
) -> None:
    """Write the number of each row into the transposed rows; `counts` holds, and advances, how full they are."""
    for i in range(low, high):
        for e in range(starts[i], min(starts[i] + width, starts[i + 1])):
            j = indices[e]
            sources[places[j] + counts[j]] = i
            counts[j] += 1


@kernel
def scatter_values(
    low: int,
    high: int,
    indices: Array,
    starts: Array,
    width: int,
    weights: Array,
    places: Array,
    counts: Array,
    values: Array,
) -> None:
    """Write the weight of each edge into the transposed rows, as `scatter_sources` does with its row."""
    end = 0
    for i in range(low, high):
        for e in range(starts[i], min(starts[i] + width, starts[i + 1])):
            j = indices[e]
            values[places[j] + counts[j]] = weights[end]
            counts[j] += 1
            end += 1


@kernel
def union_sizes(
    low: int,
    high: int,
    indices: Array,
    starts: Array,
    width: int,
    places: Array,
    sources: Array,
    n_columns: int,
    sizes: Array,
) -> int:
    """Write how many columns each row has in the graph and its transpose together.

    Returns the first row that has a column twice, or -1: `merge` has no room for such rows.
    """
    seen = np.full(n_columns, -1, dtype=np.int32)
    for i in range(low, high):
        size = 0
        for e in range(starts[i], min(starts[i] + width, starts[i + 1])):
            if seen[indices[e]] == i:
                return i
            size += 1
            seen[indices[e]] = i
        for e in range(places[i], places[i + 1]):
            size += seen[sources[e]] != i
            seen[sources[e]] = i
        sizes[i] = size
    return -1


@helper
def _sort(keys: Array, m: int) -> None:
    """Sort the first `m` keys in place (Shell sort, the gaps of Ciura)."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, m):
            key = keys[i]
            j = i
            while j >= gap and keys[j - gap] > key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key


@kernel
def merge(
    low: int,
    high: int,
    indices: Array,
    starts: Array,
    width: int,
    weights: Array,
    places: Array,
    sources: Array,
    mode: int,
    row_ends: Array,
    columns: Array,
    values: Array,
) -> float:
    """Write the rows of the result, sorted by column, and return the sum of their values.

    Parameters
    ----------
    low, high : int
        Range of rows: the stretch at whose end `scatter_values` left the weights of the transposed rows.
    indices, starts, width
        The graph; no row has a column twice.
    weights : float32 or float64 array
        Weights of the edges of the rows from `low` on.
    places, sources : int64 array (n_rows + 1,), int32 array
        The transposed graph.
    mode : int
        SUM, MAXIMUM or UNION.
    row_ends : int32 or int64 array (n_rows + 1,)
        Row pointers of the result.
    columns, values : arrays (nnz,)
        Written.
    """
    keys = np.empty(width, dtype=np.int64)
    shift = row_ends[high] - places[high]
    begin = 0
    total = 0.0
    for i in range(low, high):
        m = min(width, starts[i + 1] - starts[i])
        for j in range(m):
            keys[j] = (np.int64(indices[starts[i] + j]) << 32) | j
        _sort(keys, m)
        a = 0
        b = places[i]
        last = places[i + 1]
        for out in range(row_ends[i], row_ends[i + 1]):
            here = keys[a] >> 32 if a < m else ABSENT
            there = np.int64(sources[b]) if b < last else ABSENT
            columns[out] = min(here, there)
            own = 0.0
            if here <= there:
                own = np.float64(weights[begin + (keys[a] & 0xFFFFFFFF)])
                a += 1
            other = 0.0
            if there <= here:
                other = np.float64(values[b + shift])
                b += 1
            larger = max(own, other)
            smaller = min(own, other)  # ordered, so that both directions of an edge round alike
            if mode == SUM:
                value = larger + smaller
            elif mode == UNION:
                value = larger + smaller * (1.0 - larger)
            else:
                value = larger
            values[out] = value
            total += values[out]
        begin += m
    return total
