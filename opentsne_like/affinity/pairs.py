"""Pairs of points with a number each: checks, samples, and the sparse matrix that holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError

SPARE = 1.2  # pairs drawn for each that is wanted, since some are drawn twice


def check_edges(edges: Any, n: int) -> Array:
    """Return edges with the smaller end first, or refuse what cannot be edges among `n` points.

    Parameters
    ----------
    edges : array-like of shape (edges, 2), integer
    n : int

    Returns
    -------
    int64 ndarray of shape (edges, 2)
        In the order in which they were given.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        The message names the first edge that is wrong.

    Examples
    --------
    >>> check_edges([[1, 0], [1, 1]], 2)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `edges` must join two different points, got (1, 1) in row 1
    """
    array = check.as_array(edges, "edges")
    if array.ndim != 2 or array.shape[1] != 2:
        raise InvalidParameterError(
            f"`edges` must have shape (n_edges, 2), one pair of points a row, got {array.shape}"
        )
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"`edges` must be integers, got dtype {array.dtype}")
    pairs = np.sort(array.astype(np.int64), axis=1)
    for wrong, needed in (
        ((pairs[:, 0] < 0) | (pairs[:, 1] >= n), f"name points from 0 to {n - 1}"),
        (pairs[:, 0] == pairs[:, 1], "join two different points"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InvalidParameterError(f"`edges` must {needed}, got {_shown(array[row])} in row {row}")
    codes = pairs[:, 0] * n + pairs[:, 1]
    order = np.argsort(codes, kind="stable")
    twice = np.flatnonzero(np.diff(codes[order]) == 0)
    if len(twice):
        row = int(order[twice + 1].min())
        raise InvalidParameterError(
            f"`edges` must not repeat a pair, got {_shown(array[row])} again in row {row}; "
            "mde.preprocess.deduplicate_edges keeps one of each"
        )
    return pairs


def _shown(edge: Array) -> str:
    return f"({edge[0]}, {edge[1]})"


def check_numbers(numbers: Any, count: int, name: str) -> Array:
    """Return one finite number for each edge.

    Parameters
    ----------
    numbers : array-like of shape (edges,) or float
    count : int
        How many edges there are.
    name : str
        How the caller calls them.

    Returns
    -------
    float64 ndarray of shape (edges,)

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> check_numbers([1.0, 2.0], 3, "weights")
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `weights` must be 3 numbers, one for each edge, got shape (2,)
    """
    array = check.as_array(numbers, name)
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"`{name}` must be numbers, got dtype {array.dtype}")
    if array.ndim == 0 or array.shape == (1,):
        array = np.full(count, array.item())
    if array.shape != (count,):
        raise InvalidParameterError(f"`{name}` must be {count} numbers, one for each edge, got shape {array.shape}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        k = int(np.argmin(np.isfinite(values)))
        raise InvalidParameterError(f"`{name}` must be finite, got {values[k]} for edge {k}")
    return values


def upper_matrix(pairs: Array, values: Array, n: int) -> Any:
    """Return numbers of edges as a sparse matrix, each in the row of its smaller end; zeros are kept.

    Parameters
    ----------
    pairs : ndarray of shape (edges, 2)
        The smaller end first, no pair twice.
    values : ndarray of shape (edges,)
    n : int

    Returns
    -------
    csr_matrix of shape (n, n)

    Examples
    --------
    >>> upper_matrix(np.array([[0, 1]]), np.array([0.0]), 2).nnz
    1
    """
    from scipy.sparse import csr_matrix

    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    index = np.int32 if len(pairs) < 2**31 else np.int64
    row_ends = np.zeros(n + 1, index)
    np.cumsum(np.bincount(pairs[:, 0], minlength=n), out=row_ends[1:])
    matrix = csr_matrix((values[order], pairs[order, 1].astype(index), row_ends), shape=(n, n))
    matrix.has_canonical_format = True
    return matrix


def sample_pairs(n: int, count: int, rng: np.random.Generator, *, exclude: Array | None = None) -> Array:
    """Return pairs of points drawn without replacement, sorted.

    Parameters
    ----------
    n : int
        Number of points.
    count : int
    rng : Generator
    exclude : ndarray of shape (m, 2), optional
        Pairs that are not drawn, the smaller end first, each once.

    Returns
    -------
    int64 ndarray of shape (count, 2)
        The smaller end first.

    Raises
    ------
    InvalidParameterError
        If there are not so many.

    Examples
    --------
    >>> sample_pairs(3, 2, np.random.default_rng(0), exclude=np.array([[0, 1]])).tolist()
    [[0, 2], [1, 2]]
    """
    all_pairs = n * (n - 1) // 2
    taken = np.zeros(0, np.int64) if exclude is None else np.unique(exclude[:, 0] * n + exclude[:, 1])
    if count > all_pairs - len(taken):
        raise InvalidParameterError(
            f"`num_edges` must be at most the {all_pairs - len(taken)} pairs of {n} points that are left, got {count}"
        )
    if 4 * (count + len(taken)) > all_pairs:
        rows, columns = np.triu_indices(n, 1)
        codes = np.setdiff1d(rows * n + columns, taken, assume_unique=True)
        codes = rng.choice(codes, count, replace=False, shuffle=False)
    else:
        codes = np.zeros(0, np.int64)
        while len(codes) < count:
            drawn = rng.integers(n, size=(int(SPARE * (count - len(codes))) + 8, 2))
            drawn = np.sort(drawn[drawn[:, 0] != drawn[:, 1]], axis=1)
            codes = np.union1d(codes, np.setdiff1d(drawn[:, 0] * n + drawn[:, 1], taken))
        codes = rng.choice(codes, count, replace=False, shuffle=False)
    codes = np.sort(codes)
    return np.stack([codes // n, codes % n], axis=1)
