"""Pairs of points that are drawn at random once, the same for a seed whoever draws them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array

CANDIDATES = 6  # among which a mid-near point is the second nearest
ROWS = 4096  # whose distances are computed at a time


def mid_near_pairs(data: Array, count: int, seed: int) -> Array:
    """Return partners that are neither near nor far: each the second nearest of six points drawn at random.

    Parameters
    ----------
    data : ndarray of shape (n, n_features)
        Euclidean distances count.
    count : int
        Partners of a point.
    seed : int

    Returns
    -------
    int64 ndarray of shape (n, count)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import mid_near_pairs
    >>> mid_near_pairs(np.arange(50.0)[:, None], count=3, seed=0).shape
    (50, 3)
    """
    n = len(data)
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    of = min(CANDIDATES, n - 1)
    partners = np.empty((n, count), np.int64)
    for draw in range(count):
        ranks = distinct_ranks(rng, np.full(n, n - 1), of)
        ranks += ranks >= np.arange(n)[:, np.newaxis]
        for low in range(0, n, ROWS):
            rows = slice(low, low + ROWS)
            apart = data[ranks[rows]].astype(np.float64) - data[rows, np.newaxis]
            order = np.argsort(np.einsum("ijk,ijk->ij", apart, apart), axis=1, kind="stable")
            partners[rows, draw] = np.take_along_axis(ranks[rows], order[:, min(1, of - 1), np.newaxis], axis=1)[:, 0]
    return partners


def further_pairs(P: Any, count: int, seed: int) -> Array:
    """Return partners drawn at random from the points that a point has no edge to.

    Where a point has too few of these, all points count for all.

    Parameters
    ----------
    P : csr_matrix of shape (n, n)
    count : int
        Partners of a point; all others where these are fewer.
    seed : int

    Returns
    -------
    int64 ndarray of shape (n, min(count, n - 1))

    Examples
    --------
    >>> from scipy.sparse import eye
    >>> from opentsne_like.objectives import further_pairs
    >>> further_pairs(eye(50, format="csr"), count=20, seed=0).shape
    (50, 20)
    """
    n, rng = P.shape[0], np.random.Generator(np.random.Philox(key=[seed, 1]))
    count = min(count, n - 1)
    itself = np.arange(n, dtype=np.int64)
    rows, columns = np.repeat(itself, np.diff(P.indptr)), P.indices.astype(np.int64)
    excluded = np.unique(np.concatenate([rows * n + columns, itself * n + itself]))
    if (n - np.bincount(excluded // n, minlength=n)).min() < count:
        excluded = itself * n + itself
    sizes = np.bincount(excluded // n, minlength=n)
    starts = np.append(0, np.cumsum(sizes))
    ranks = distinct_ranks(rng, n - sizes, count)
    # the r-th point that is not excluded is r plus how many excluded ones have a place, less those before them, up to r
    row = excluded // n
    before = excluded % n - (np.arange(len(excluded)) - starts[row])
    at = np.searchsorted(row * (n + 1) + before, itself[:, np.newaxis] * (n + 1) + ranks, side="right")
    return np.asarray(ranks + at - starts[:-1, np.newaxis])


def distinct_ranks(rng: np.random.Generator, sizes: Array, count: int) -> Array:
    """Return numbers from 0 to below each of `sizes`, no two in a row alike.

    Parameters
    ----------
    rng : Generator
    sizes : int ndarray of shape (n,)
        At least `count`.
    count : int

    Returns
    -------
    int64 ndarray of shape (n, count)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import distinct_ranks
    >>> np.sort(distinct_ranks(np.random.default_rng(0), np.array([3, 3]), 3)).tolist()
    [[0, 1, 2], [0, 1, 2]]
    """
    ranks = np.empty((len(sizes), count), np.int64)
    for t in range(count):
        drawn = rng.integers(0, sizes - t)
        for taken in np.sort(ranks[:, :t], axis=1).T:
            drawn += drawn >= taken
        ranks[:, t] = drawn
    return ranks
