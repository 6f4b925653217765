"""Exact distances between the rows of sparse matrices, for neighbours that were proposed elsewhere."""

from __future__ import annotations

import math

import numpy as np

from .._types import Array
from ._jit import ordered_helper, ordered_kernel

# The codes of ``kernels.knn`` that are served here.
EUCLIDEAN, COSINE, MANHATTAN = range(3)


@ordered_helper
def _merge(kind: int, xi: Array, xv: Array, yi: Array, yv: Array, x_norm: float, y_norm: float) -> float:
    """Return the sum over the coordinates of two rows, divided by their norms, that a distance is made of."""
    total = 0.0
    a = b = 0
    while a < len(xi) or b < len(yi):
        x = y = 0.0
        if b == len(yi) or (a < len(xi) and xi[a] < yi[b]):
            x = np.float64(xv[a]) / x_norm
            a += 1
        elif a == len(xi) or yi[b] < xi[a]:
            y = np.float64(yv[b]) / y_norm
            b += 1
        else:
            x, y = np.float64(xv[a]) / x_norm, np.float64(yv[b]) / y_norm
            a += 1
            b += 1
        if kind == EUCLIDEAN:
            total += (x - y) * (x - y)
        elif kind == COSINE:
            total += x * y
        else:
            total += abs(x - y)
    return total


@ordered_kernel
def distances(
    kind: int,
    query_start: Array,
    query_column: Array,
    query_value: Array,
    start: Array,
    column: Array,
    value: Array,
    query_norms: Array,
    norms: Array,
    candidates: Array,
    out: Array,
) -> None:
    """Write the distances from every query to its candidates.

    Parameters
    ----------
    kind : int
    query_start, query_column, query_value
        The queries in CSR form, columns sorted: (m + 1,), (nnz,) integers, (nnz,) float32 or float64.
    start, column, value
        The data in CSR form, likewise.
    query_norms, norms : (m,) and (n,) float64
        Euclidean norms of the rows, read for ``COSINE`` only.
    candidates : (m, c) int64
        Rows of the data; negative entries give infinity.
    out : (m, c) float64, out
    """
    for i in range(len(candidates)):
        xi = query_column[query_start[i] : query_start[i + 1]]
        xv = query_value[query_start[i] : query_start[i + 1]]
        for c in range(candidates.shape[1]):
            j = candidates[i, c]
            if j < 0:
                out[i, c] = math.inf
                continue
            yi, yv = column[start[j] : start[j + 1]], value[start[j] : start[j + 1]]
            if kind != COSINE:
                total = _merge(kind, xi, xv, yi, yv, 1.0, 1.0)
                out[i, c] = math.sqrt(total) if kind == EUCLIDEAN else total
                continue
            cosine = _merge(COSINE, xi, xv, yi, yv, query_norms[i], norms[j])
            if cosine < 1 - 1e-6:
                out[i, c] = 1 - max(cosine, -1.0)
            else:  # 1 - cos cancels here; it is half the squared distance of the unit vectors
                out[i, c] = 0.5 * _merge(EUCLIDEAN, xi, xv, yi, yv, query_norms[i], norms[j])
