"""Nearest neighbours: a running selection over tiles of products, and exact distances ranked by (distance, index)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.extending import intrinsic

from ._jit import helper, kernel, ordered_helper, ordered_kernel

Array = np.ndarray[Any, Any]

EUCLIDEAN, COSINE, MANHATTAN, CHEBYSHEV, HAMMING, DOT, BRAYCURTIS, CANBERRA, RUSSELLRAO = range(9)
LANE = 32  # columns that are tested against the threshold at once, and the room a buffer must have left
FULL, ONE = np.uint32(2**32 - 1), np.uint32(1)


def _below_bits(typing: Any, row: Any, start: Any, limit: Any) -> Any:
    """Return the 32 bits that say which of ``row[start : start + 32]`` are below `limit`, by one vector comparison."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.VectorType(ir.FloatType(), LANE)
        unset, zeros = ir.Constant(wide, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANE), [0] * LANE)
        first = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        values = builder.load(builder.bitcast(first, wide.as_pointer()))
        values.align = 4
        limits = builder.insert_element(unset, args[2], ir.Constant(ir.IntType(32), 0))
        limits = builder.shuffle_vector(limits, unset, zeros)
        return builder.bitcast(builder.fcmp_ordered("<", values, limits), ir.IntType(LANE))

    return types.uint32(row, types.int64, types.float32), generate


def _lowest_bit_of(typing: Any, mask: Any) -> Any:
    """Return the position of the lowest bit that is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), generate


if config.DISABLE_JIT:  # type: ignore[attr-defined]  # intrinsics are instructions, so plain Python needs its own

    def _python_below(row: Array, start: int, limit: float) -> Any:
        return np.uint32(sum(1 << t for t in range(LANE) if row[start + t] < limit))

    def _python_lowest_bit(mask: Any) -> Any:
        return (int(mask) & -int(mask)).bit_length() - 1

    _below: Any = _python_below
    _lowest_bit: Any = _python_lowest_bit

else:
    _below = intrinsic(_below_bits)
    _lowest_bit = intrinsic(_lowest_bit_of)


@helper
def _select(score: Array, column: Array, n: int, keep: int, most: int) -> tuple[int, float]:
    """Move the lowest of ``score[:n]`` to the front, at least `keep`, at best `most`; return their number and maximum.

    Quickselect that stops as soon as few enough are left.
    """
    low, high = 0, n - 1
    while low < high:
        a, b, c = score[low], score[(low + high) >> 1], score[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while score[i] < pivot:
                i += 1
            while score[j] > pivot:
                j -= 1
            if i <= j:
                score[i], score[j] = score[j], score[i]
                column[i], column[j] = column[j], column[i]
                i += 1
                j -= 1
        if keep - 1 <= j:
            high = j
            if high < most:
                break
        elif keep - 1 >= i:
            low = i
        else:
            high = keep - 1
            break
    highest = score[0]
    for i in range(1, high + 1):
        highest = max(highest, score[i])
    return high + 1, highest


@kernel
def differences(vectors: Array, block: Array, at: int, largest: bool, tile: Array) -> None:
    """Write the sums, or the largest, of the absolute differences between vectors and the columns of a block.

    Parameters
    ----------
    vectors : (m, d) float32
    block : (d, w) float32
    at : int
        The first column of `tile` to write.
    largest : bool
    tile : (m, v) float32, out
        v at least at + w.
    """
    m, d = vectors.shape
    width = block.shape[1]
    for i in range(m):
        row = tile[i, at : at + width]
        row[:] = 0
        for t in range(d):
            value, column = vectors[i, t], block[t]
            if largest:
                for j in range(width):
                    row[j] = max(row[j], abs(value - column[j]))
            else:
                for j in range(width):
                    row[j] += abs(value - column[j])


@kernel
def scan(tile: Array, first: int, keep: int, score: Array, column: Array, count: Array, threshold: Array) -> None:
    """Add what a tile of scores has below the threshold of its row to the buffer of the row.

    A full buffer is cut to about its `keep` lowest scores, the highest of which is the new threshold. So the work per
    row grows with the logarithm of the number of columns, but for the one test per score.

    Parameters
    ----------
    tile : (m, w) float32
        Scores of m queries against the columns `first`, `first` + 1, ...
    first : int
    keep : int
    score : (m, capacity) float32, in and out
        Capacity at least ``keep + keep // 4 + 64``.
    column : (m, capacity) int32 or int64, in and out
    count : (m,) int64, in and out
        How much of each buffer is filled.
    threshold : (m,) float32, in and out
        Nothing at or above it is kept; infinity at first.
    """
    m, width = tile.shape
    capacity = score.shape[1]
    most = keep + keep // 4
    whole = width - width % LANE
    for i in range(m):
        row, n, limit = tile[i], count[i], threshold[i]
        for start in range(0, width, LANE):
            mask = FULL
            if start < whole:
                mask = _below(row, start, limit)
                if mask == 0:
                    continue
            if n + LANE > capacity:
                n, limit = _select(score[i], column[i], n, keep, most)
            if start < whole:
                while mask != 0:
                    j = start + int(_lowest_bit(mask))
                    score[i, n] = row[j]
                    column[i, n] = first + j
                    n += 1
                    mask &= mask - ONE
            else:
                for j in range(start, width):
                    score[i, n] = row[j]
                    column[i, n] = first + j
                    n += row[j] < limit
        count[i], threshold[i] = n, limit


@kernel
def cut(keep: int, score: Array, column: Array, count: Array, threshold: Array) -> None:
    """Cut every buffer of `scan` to its `keep` lowest scores and set the threshold that holds for all others.

    Parameters
    ----------
    keep : int
    score, column, count, threshold
        As `scan` left them, in and out.
    """
    for i in range(len(count)):
        if count[i] > keep:
            count[i], threshold[i] = _select(score[i], column[i], count[i], keep, keep)


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
    for i in range(len(queries)):
        x, n = queries[i], 0
        for c in range(count[i]):
            j = candidates[i, c]
            if j >= 0:
                x_norm, y_norm = (query_norms[i], data_norms[j]) if kind == COSINE else (1.0, 1.0)
                ahead[c] = _distance(kind, x, data, j, x_norm, y_norm)
        for c in range(count[i]):
            j = candidates[i, c]
            if j >= 0 and j != own[i]:
                n = _push(distance[i], index[i], n, ahead[c], j)
        _sort(distance[i], index[i], n)
        found[i] = n


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
    tile : (m, w) float32
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
        for c in range(tile.shape[1]):
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
