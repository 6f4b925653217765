"""Compiled loops of the judge, in float64 throughout and independent of the package's own kernels."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

_compile: Any = numba.njit(cache=True, parallel=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


@_compile
def keep_nearest(  # type: ignore[no-untyped-def]
    products, row_squares, column_squares, first_row, first_column, nearest, indices
):
    """Merge a block of columns into the nearest candidates of each row, kept as heaps with the farthest on top.

    Parameters
    ----------
    products : (rows, columns) scalar products.
    row_squares, column_squares : squared norms.
    first_row, first_column : position of the block, so that a point does not become its own neighbour.
    nearest : (rows, k) squared distances, infinity at first, changed in place.
    indices : (rows, k) columns that belong to them, changed in place.
    """
    rows, columns = products.shape
    k = nearest.shape[1]
    for i in numba.prange(rows):
        worst = nearest[i, 0]
        for j in range(columns):
            square = row_squares[i] + column_squares[j] - 2.0 * products[i, j]
            if square < worst and first_column + j != first_row + i:
                at = 0
                while True:  # sift the new value down from the top
                    child = 2 * at + 1
                    if child >= k:
                        break
                    if child + 1 < k and nearest[i, child + 1] > nearest[i, child]:
                        child += 1
                    if nearest[i, child] <= square:
                        break
                    nearest[i, at] = nearest[i, child]
                    indices[i, at] = indices[i, child]
                    at = child
                nearest[i, at] = square
                indices[i, at] = first_column + j
                worst = nearest[i, 0]


@_compile
def conditional(squares, perplexity, out):  # type: ignore[no-untyped-def]
    """Write the Gaussian probabilities of each row whose perplexity is `perplexity`, by bisection of the precision.

    Parameters
    ----------
    squares : (n, k) squared distances to the neighbours.
    out : (n, k) probabilities; each row sums to 1.
    """
    target = math.log(perplexity)
    n, k = squares.shape
    for i in numba.prange(n):
        nearest = squares[i].min()
        mean = squares[i].mean() - nearest
        beta = 1.0 / mean if mean > 0.0 else 1.0
        low, high = 0.0, np.inf
        for _ in range(200):
            total, weighted = 0.0, 0.0
            for j in range(k):
                shifted = squares[i, j] - nearest
                out[i, j] = math.exp(-beta * shifted)
                total += out[i, j]
                weighted += out[i, j] * shifted
            entropy = math.log(total) + beta * weighted / total
            if abs(entropy - target) < 1e-12:
                break
            if entropy > target:
                low = beta
                beta = beta * 2.0 if high == np.inf else 0.5 * (low + high)
            else:
                high = beta
                beta = 0.5 * (low + high)
        for j in range(k):
            out[i, j] /= total


@_compile
def normalizer(x, y, z):  # type: ignore[no-untyped-def]
    """Return the sum of 1 / (1 + d^2) over all ordered pairs of different points with coordinates (x, y, z)."""
    n = len(x)
    total = 0.0
    for pair in numba.prange((n + 1) // 2):  # a short and a long row together, so that threads get equal work
        partial = 0.0
        for turn in range(2):
            first = np.int64(pair)
            i = first if turn == 0 else n - 1 - first
            if turn == 1 and i == first:
                continue
            for j in range(i + 1, n):
                dx, dy, dz = x[i] - x[j], y[i] - y[j], z[i] - z[j]
                partial += 1.0 / (1.0 + dx * dx + dy * dy + dz * dz)
        total += partial
    return 2.0 * total


@_compile
def attraction_term(indptr, indices, data, x, y, z):  # type: ignore[no-untyped-def]
    """Return the sum over the edges of ``p * (log p + log(1 + d^2))``."""
    total = 0.0
    for i in numba.prange(len(indptr) - 1):
        partial = 0.0
        for edge in range(indptr[i], indptr[i + 1]):
            p = data[edge]
            if p > 0.0:
                j = indices[edge]
                dx, dy, dz = x[i] - x[j], y[i] - y[j], z[i] - z[j]
                partial += p * (math.log(p) + math.log1p(dx * dx + dy * dy + dz * dz))
        total += partial
    return total


@_compile
def repulsion(points, targets, forces, potentials):  # type: ignore[no-untyped-def]
    """Write exact repulsive forces ``sum_j w^2 (y_i - y_j)`` and potentials ``sum_j w``, w = 1 / (1 + d^2), j != i.

    Parameters
    ----------
    points : (n, 3) coordinates, padded with zeros.
    targets : (m,) the rows i wanted.
    forces, potentials : (m, 3) and (m,) results.
    """
    for t in numba.prange(len(targets)):
        i = targets[t]
        fx, fy, fz, total = 0.0, 0.0, 0.0, -1.0  # minus the point's own weight, which is 1
        for j in range(len(points)):
            dx, dy, dz = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            w = 1.0 / (1.0 + dx * dx + dy * dy + dz * dz)
            total += w
            fx += w * w * dx
            fy += w * w * dy
            fz += w * w * dz
        forces[t, 0], forces[t, 1], forces[t, 2] = fx, fy, fz
        potentials[t] = total
