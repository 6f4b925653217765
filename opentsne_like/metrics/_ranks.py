"""Ranks of chosen points by their distance, counted over all points without sorting them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks, serial_blas
from .._types import Array
from .._validation import check_choice

_ROWS, _COLUMNS = 64, 4096  # of a tile of scores: 2 MiB
_ROUNDING = 4 * np.finfo(np.float64).eps


def excess_ranks(data: Any, rows: Array, neighbors: Array, metric: str, n_jobs: int) -> int:
    """Return the sum of ``max(0, rank - k)`` over the k neighbours claimed for each of some rows.

    The rank of a point is one more than the number of points that are closer, by more than rounding can tell.

    Parameters
    ----------
    data : ndarray or csr_matrix of shape (n, d)
    rows : ndarray of shape (m,)
    neighbors : ndarray of shape (m, k)
        Rows of `data`.
    metric : {"euclidean", "cosine"}
    n_jobs : int
    """
    check_choice(metric, "metric", ["euclidean", "cosine"])
    vectors = _centred(data, metric)
    tasks = [
        (_excess, (vectors, rows[low : low + _ROWS], neighbors[low : low + _ROWS]))
        for low in range(0, len(rows), _ROWS)
    ]
    with serial_blas():
        return sum(run_tasks(tasks, n_jobs=n_jobs))


def _centred(data: Any, metric: str) -> Any:
    """Return float64 rows whose Euclidean distances rank like the distances of the metric, near the origin if dense."""
    if metric == "cosine":
        from sklearn.preprocessing import normalize

        data = normalize(data.astype(np.float64))
    if hasattr(data, "tocsr"):
        return data.astype(np.float64)
    return data - data.mean(axis=0, dtype=np.float64)


def _excess(vectors: Any, rows: Array, neighbors: Array) -> int:
    """Return the sum for one block of rows, by scores ``|y|² - 2 x·y = |x - y|² - |x|²``."""
    n, k = vectors.shape[0], neighbors.shape[1]
    x = vectors[rows]
    squares = _squares(x)
    near = np.stack([_squares(x - vectors[column]) for column in neighbors.T], axis=1)
    doubt = _ROUNDING * (vectors.shape[1] + 8) * (np.sqrt(squares)[:, None] + np.sqrt(near)) ** 2
    limits = near - squares[:, None] - doubt
    counts = np.zeros((len(rows), k), np.int64)
    for low in range(0, n, _COLUMNS):
        y = vectors[low : low + _COLUMNS]
        products = x @ y.T
        tile = products.toarray() if hasattr(products, "toarray") else products
        tile *= -2.0
        tile += _squares(y)
        own = np.flatnonzero((rows >= low) & (rows < low + len(tile[0])))
        tile[own, rows[own] - low] = np.inf
        kernels.ranks.count_below(tile, limits, counts)
    return int(np.maximum(0, counts + 1 - k).sum())


def _squares(rows: Any) -> Array:
    """Return the squared norms of dense or sparse rows."""
    if hasattr(rows, "tocsr"):
        return np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    squares: Array = np.einsum("ij,ij->i", rows, rows)
    return squares
