"""Attraction along the edges of P, and the part of the loss that goes with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import kernel
from .forms import height, shape, value_and_slope, weighted_slope

FETCHED = 1024  # neighbours that are brought together at a time, 8 KB
ROWS = 256  # that are put to their places at a time


@kernel
def add_attraction(
    low: int,
    high: int,
    indptr: Array,
    indices: Array,
    values: Array,
    points: Array,
    others: Array,
    form: Any,
    exaggeration: float,
    order: Array,
    repulsion: Array,
    scale: float,
    gradient: Array,
    losses: Array | None,
) -> None:
    """Write ``exaggeration * sum_j p_ij A'(d²) (y_i - x_j) + scale * repulsion_i`` for a range of points.

    Parameters
    ----------
    low, high : int
        The range of rows of P.
    indptr : (m + 1,) int32 or int64
    indices : (edges,) int32 or int64
    values : (edges,) float32 or float64
    points : (m, d), dtype of `values`
    others : (n, d), dtype of `values`
        What the columns of P stand for: the points themselves or a frozen reference.
    form : NamedTuple
        The attraction A, one of `forms`.
    exaggeration : float
        In the dtype of `values`, as is `scale`.
    order : (m,) int32
        Which place of the next and of `gradient` each row belongs to.
    repulsion : (m, d)
        Gradient of the potential.
    scale : float
    gradient : (m, d), out
    losses : (m,) float64, out, or None
        ``sum_j p_ij A(d²)``. None is a type of its own, for which the compiler leaves them out.
    """
    d = points.shape[1]
    zero = values.dtype.type(0)
    for i in range(low, high):
        place = order[i]
        row = indices[indptr[i] : indptr[i + 1]]
        weights = values[indptr[i] : indptr[i + 1]]
        for k in range(d):
            gradient[place, k] = scale * repulsion[place, k]
        loss = zero
        for e in range(len(row)):
            j = np.uint64(row[e])
            square = zero
            for k in range(d):
                delta = points[i, k] - others[j, k]
                square += delta * delta
            if losses is None:
                w = weighted_slope(form, exaggeration * weights[e], square)
            else:
                value, slope = value_and_slope(form, square)
                w = exaggeration * weights[e] * slope
                loss += weights[e] * value
            for k in range(d):
                gradient[place, k] += w * (points[i, k] - others[j, k])
        if losses is not None:
            losses[place] = loss


@kernel
def add_attraction_in_plane(
    low: int,
    high: int,
    indptr: Array,
    indices: Array,
    values: Array,
    points: Array,
    pairs: Array,
    form: Any,
    exaggeration: float,
    order: Array,
    repulsion: Array,
    scale: float,
    gradient: Array,
    losses: Array | None,
) -> None:
    """Write what `add_attraction` does for float32 coordinates in the plane.

    Both coordinates of a point are fetched as one number of 64 bits. The neighbours of a row are brought together
    first, by plain loads, and then computed with: instructions that gather from many addresses at once are slow on most
    processors, and a loop that reads in sequence becomes vectors. Rows are put to their places by blocks, because a
    write to a far place holds up those that follow it.

    Parameters
    ----------
    low, high, indptr, indices, values, points, form, exaggeration, order, repulsion, scale, gradient, losses
        As in `add_attraction`.
    pairs : (n,) uint64
        The coordinates that the columns stand for, (n, 2) float32, seen as such numbers.
    """
    zero, room = np.float32(0), np.uint64(FETCHED)
    two, one = np.uint64(2), np.uint64(1)
    fetched, sums = np.empty(FETCHED, np.uint64), np.empty((ROWS, 2), np.float32)
    others = fetched.view(np.float32)
    for first in range(low, high, ROWS):
        last = min(first + ROWS, high)
        for i in range(first, last):
            xi, yi = points[i, 0], points[i, 1]
            sx = sy = loss = zero
            begin, end = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
            while begin < end:
                count = min(room, end - begin)
                for e in range(count):
                    fetched[e] = pairs[np.uint64(indices[begin + e])]
                for e in range(count):
                    dx, dy, weight = xi - others[two * e], yi - others[two * e + one], values[begin + e]
                    if losses is None:
                        w = weighted_slope(form, weight, dx * dx + dy * dy)
                    else:
                        value, slope = value_and_slope(form, dx * dx + dy * dy)
                        w = weight * slope
                        loss += weight * value
                    sx += w * dx
                    sy += w * dy
                begin += count
            sums[i - first, 0], sums[i - first, 1] = sx, sy
            if losses is not None:
                losses[order[i]] = loss
        for i in range(first, last):
            place = order[i]
            gradient[place, 0] = exaggeration * sums[i - first, 0] + scale * repulsion[place, 0]
            gradient[place, 1] = exaggeration * sums[i - first, 1] + scale * repulsion[place, 1]


@kernel
def edge_loss(
    low: int,
    high: int,
    indptr: Array,
    indices: Array,
    values: Array,
    points: Array,
    others: Array,
    form: Any,
    before: float,
) -> tuple[float, float]:
    """Return ``sum p_ij A(d²)`` over the edges of a range of rows, in float64, and what a sum goes on from after it.

    Rows are added one after the other, so a range that is cut between rows and gone on with has the same bits.

    Parameters
    ----------
    low, high, indptr, indices, values, points, others, form
        As in `add_attraction`; the coordinates are float64.
    before : float
        What the sum goes on from, 0 at its beginning.
    """
    d = points.shape[1]
    total = before
    for i in range(low, high):
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            square = 0.0
            for k in range(d):
                square += (points[i, k] - others[j, k]) ** 2
            total += values[e] * shape(form, square)
    return height(form) * total, total


@kernel
def entropy(low: int, high: int, values: Array) -> tuple[float, float]:
    """Return ``sum p log p`` and ``sum p`` over a range of edges; an edge of weight zero counts as zero."""
    total = mass = 0.0
    for e in range(low, high):
        p = values[e]
        if p > 0:
            total += p * math.log(p)
        mass += p
    return total, mass


@kernel
def checksum(low: int, high: int, words: Array) -> np.uint64:
    """Return a sum over ``words`` (uint64) that tells whether an array changed: every word counts by its place."""
    total, part = np.uint64(0), words[low:high]
    once = np.uint64(0x9E3779B97F4A7C15)
    factor, twice = np.uint64(2 * low + 1) * once, np.uint64(2) * once
    for e in range(len(part)):
        total += (part[e] ^ (part[e] >> np.uint64(29))) * factor
        factor += twice
    return total


@kernel
def reorder(
    low: int,
    high: int,
    order: Array,
    rank: Array,
    indptr: Array,
    indices: Array,
    values: Array,
    new_indptr: Array,
    new_indices: Array,
    new_values: Array,
) -> None:
    """Write a range of rows of a matrix whose rows and columns take another order; edges keep theirs within a row.

    Parameters
    ----------
    low, high : int
        The range of new rows.
    order : (n,) int32
        The old row of each new one.
    rank : (n,) int32
        The new column of each old one.
    indptr, indices, values
        Of the CSR matrix.
    new_indptr : (n + 1,)
    new_indices : (edges,), out
    new_values : (edges,), out
    """
    for r in range(low, high):
        begin, at = np.uint64(indptr[order[r]]), np.uint64(new_indptr[r])
        count = np.uint64(new_indptr[r + 1]) - at
        for k in range(count):
            new_indices[at + k] = rank[np.uint64(indices[begin + k])]
        for k in range(count):
            new_values[at + k] = values[begin + k]


@kernel
def take_rows(low: int, high: int, order: Array, points: Array, offset: Array, out: Array) -> None:
    """Write ``points[order[low:high]] - offset`` (n, d) to the same rows of `out`, in its precision."""
    if points.shape[1] == 2:  # two thirds of the time of the other loop
        for r in range(low, high):
            i = order[r]
            out[r, 0], out[r, 1] = points[i, 0] - offset[0], points[i, 1] - offset[1]
    else:
        for r in range(low, high):
            for k in range(points.shape[1]):
                out[r, k] = points[order[r], k] - offset[k]
