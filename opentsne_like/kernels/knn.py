"""Nearest neighbours: exact distances, ranked by (distance, index)."""

from __future__ import annotations

import math

import numpy as np

from .._types import Array
from ._jit import helper, ordered_helper, ordered_kernel

EUCLIDEAN, COSINE, MANHATTAN, CHEBYSHEV, HAMMING, DOT, BRAYCURTIS, CANBERRA, RUSSELLRAO = range(9)
FEW = 256  # neighbours that are ranked by counting


@helper
def _square(x: Array, data: Array, j: int) -> float:
    """Return the squared distance of x and a row, added in float64 in an order that their length decides."""
    total = 0.0
    for t in range(len(x)):
        step = np.float64(x[t]) - data[j, t]
        total += step * step
    return total


@ordered_helper
def _dot(x: Array, data: Array, j: int) -> float:
    """Return the product of x and a row: even and odd coordinates are added apart, as SciPy's cosine distance does."""
    even = odd = 0.0
    for t in range(0, len(x) - 1, 2):
        even += np.float64(x[t]) * data[j, t]
        odd += np.float64(x[t + 1]) * data[j, t + 1]
    total = even + odd
    if len(x) % 2 == 1:
        total += np.float64(x[-1]) * data[j, len(x) - 1]
    return total


@ordered_helper
def _distance(kind: int, x: Array, data: Array, j: int, x_norm: float, y_norm: float) -> float:
    """Return the distance of x and a row."""
    if kind == EUCLIDEAN:
        return math.sqrt(_square(x, data, j))
    if kind == COSINE:
        cosine = _dot(x, data, j) / (x_norm * y_norm)
        if cosine < 1 - 1e-6:
            return 1 - max(cosine, -1.0)
        total = 0.0  # 1 - cos cancels here; it is half the squared distance of the unit vectors
        for t in range(len(x)):
            step = np.float64(x[t]) / x_norm - np.float64(data[j, t]) / y_norm
            total += step * step
        return 0.5 * total
    if kind == DOT:
        return 1 - _dot(x, data, j)
    total = whole = 0.0
    for t in range(len(x)):
        a, b = np.float64(x[t]), np.float64(data[j, t])
        if kind == MANHATTAN:
            total += abs(a - b)
        elif kind == CHEBYSHEV:
            total = max(total, abs(a - b))
        elif kind == HAMMING:
            total += a != b
        elif kind == BRAYCURTIS:
            total += abs(a - b)
            whole += abs(a + b)
        elif kind == CANBERRA:
            total += abs(a - b) / (abs(a) + abs(b)) if a != b else 0.0
        else:
            total += a == 0 or b == 0
    if kind == BRAYCURTIS:
        return total / whole if total > 0 else 0.0
    return total / len(x) if kind in (HAMMING, RUSSELLRAO) else total


@ordered_helper
def _sink(distance: Array, index: Array, n: int) -> None:
    """Restore the heap of ``[:n]``, the last by (distance, index) on top, after its top was replaced."""
    d, j = distance[0], index[0]
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= n:
            break
        other = child + 1
        if other < n and (
            distance[other] > distance[child] or (distance[other] == distance[child] and index[other] > index[child])
        ):
            child = other
        if distance[child] < d or (distance[child] == d and index[child] < j):
            break
        distance[hole], index[hole] = distance[child], index[child]
        hole = child
    distance[hole], index[hole] = d, j


@ordered_helper
def _push(distance: Array, index: Array, n: int, d: float, j: int) -> int:
    """Offer a neighbour to the heap of the `len(index)` first by (distance, index) and return its new length."""
    if n == len(index):
        if d < distance[0] or (d == distance[0] and j < index[0]):
            distance[0], index[0] = d, j
            _sink(distance, index, n)
        return n
    hole = n
    while hole > 0:
        parent = (hole - 1) >> 1
        if distance[parent] > d or (distance[parent] == d and index[parent] > j):
            break
        distance[hole], index[hole] = distance[parent], index[parent]
        hole = parent
    distance[hole], index[hole] = d, j
    return n + 1


@ordered_helper
def _sort(distance: Array, index: Array, n: int) -> None:
    """Sort a heap by (distance, index)."""
    for last in range(n - 1, 0, -1):
        distance[0], distance[last] = distance[last], distance[0]
        index[0], index[last] = index[last], index[0]
        _sink(distance, index, last)


@ordered_helper
def _place(ahead: Array, rows: Array, n: int, distance: Array, index: Array) -> None:
    """Write the first of n neighbours by (distance, index), each to the place that is the number of those before it.

    Many comparisons, but none that a branch waits for: faster than a heap while there are `FEW`.
    """
    for c in range(n):
        d, j = ahead[c], rows[c]
        place = equal = 0
        for other in range(n):
            place += ahead[other] < d
            equal += ahead[other] == d
        if equal > 1:
            for other in range(n):
                place += ahead[other] == d and rows[other] < j
        if place < len(index):
            distance[place], index[place] = d, j


@ordered_kernel
def rank(
    queries: Array,
    data: Array,
    kind: int,
    query_norms: Array,
    data_norms: Array,
    own: Array,
    candidates: Array,
    count: Array,
    index: Array,
    distance: Array,
    found: Array,
) -> None:
    """Keep the first candidates by (distance, index), the distances computed from the rows themselves.

    Parameters
    ----------
    queries : (m, d) float32 or float64
    data : (n, d), same dtype
    kind : int
        ``EUCLIDEAN``, ``COSINE``, ...
    query_norms, data_norms : (m,) and (n,) float64
        Euclidean norms of the rows, read for ``COSINE`` only.
    own : (m,) int64
        The row of `data` that each query is, which is not its own neighbour, or -1.
    candidates : (m, c) int32 or int64
        Rows of `data`, each at most once; negative entries are skipped.
    count : (m,) int64
        How many of each row of `candidates` there are.
    index : (m, k) int32 or int64, out
    distance : (m, k) float64, out
    found : (m,) int64, out
        How many neighbours there were, at most k.
    """
    ahead = np.empty(candidates.shape[1])  # all distances of a row first: they do not wait for each other
    rows = np.empty(candidates.shape[1], candidates.dtype)
    for i in range(len(queries)):
        x, n = queries[i], 0
        for c in range(count[i]):
            j = candidates[i, c]
            if j >= 0 and j != own[i]:
                x_norm, y_norm = (query_norms[i], data_norms[j]) if kind == COSINE else (1.0, 1.0)
                ahead[n], rows[n] = _distance(kind, x, data, j, x_norm, y_norm), j
                n += 1
        found[i] = min(n, index.shape[1])
        if n <= FEW:
            _place(ahead, rows, n, distance[i], index[i])
            continue
        held = 0
        for c in range(n):
            held = _push(distance[i], index[i], held, ahead[c], rows[c])
        _sort(distance[i], index[i], held)


@ordered_kernel
def rank_below(
    tile: Array,
    rows: Array,
    limit: Array,
    queries: Array,
    data: Array,
    kind: int,
    query_norms: Array,
    data_norms: Array,
    own: Array,
    index: Array,
    distance: Array,
    found: Array,
) -> None:
    """Offer every row of the data whose score is at most the limit of the query to the heap of the query.

    Parameters
    ----------
    tile : (m, >= w) float32
        Scores of m queries; one that is not a number counts as low.
    rows : (w,) int32 or int64
        The rows of `data` behind the columns of the tile.
    limit : (m,) float64
    queries, data, kind, query_norms, data_norms, own
        As in `rank`.
    index, distance, found
        As in `rank`, in and out: heaps until `sort_heaps`.
    """
    k = index.shape[1]
    for i in range(len(queries)):
        x, n = queries[i], found[i]
        for c in range(len(rows)):
            j = rows[c]
            if tile[i, c] > limit[i] or j == own[i]:
                continue
            if n == k and distance[i, 0] == 0 and j > index[i, 0]:
                continue  # only rows of lower index come before a neighbour at distance 0
            x_norm, y_norm = (query_norms[i], data_norms[j]) if kind == COSINE else (1.0, 1.0)
            n = _push(distance[i], index[i], n, _distance(kind, x, data, j, x_norm, y_norm), j)
        found[i] = n


@ordered_kernel
def sort_heaps(index: Array, distance: Array, found: Array) -> None:
    """Sort the heaps of `rank_below` by (distance, index).

    Parameters
    ----------
    index, distance, found
        As in `rank_below`, in and out.
    """
    for i in range(len(found)):
        _sort(distance[i], index[i], found[i])


@ordered_kernel
def norms(rows: Array, out: Array) -> None:
    """Write the Euclidean norm of every row, summed in float64 in the order of the products of cosine distances.

    Parameters
    ----------
    rows : (m, d) float32 or float64
    out : (m,) float64, out
    """
    for i in range(len(rows)):
        out[i] = math.sqrt(_dot(rows[i], rows, i))
