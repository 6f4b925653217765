"""Where new points start in an existing map: among their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError
from ..utils import Timer

BLOCK = 2**20  # coordinates gathered at a time


def median(embedding: Any, neighbors: Any, verbose: bool = False) -> Array:
    """Place each new point at the median of its neighbours in the map, in each coordinate.

    Parameters
    ----------
    embedding : array-like of shape (n_samples, n_components)
        The map of the old points.
    neighbors : integer array-like of shape (n_new, k) or sparse matrix of shape (n_new, n_samples)
        Indices of neighbours, or affinities, whose stored entries are the neighbours.
    verbose : bool
        Print how long it took.

    Returns
    -------
    float64 ndarray of shape (n_new, n_components)

    Examples
    --------
    >>> median([[0.0, 0.0], [1.0, 5.0], [9.0, 6.0]], [[0, 1, 2], [1, 1, 2]]).tolist()
    [[1.0, 5.0], [1.0, 5.0]]
    """
    Y = _reference(embedding)
    with Timer("Calculating median initialization...", verbose):
        if hasattr(neighbors, "tocsr"):
            P = _affinities(neighbors, len(Y))
            rows = np.split(P.indices, P.indptr[1:-1])
            return np.array([np.median(Y[row], axis=0) for row in rows])
        indices = _indices(neighbors, len(Y))
        out = np.empty((len(indices), Y.shape[1]))
        step = max(1, BLOCK // (indices.shape[1] * Y.shape[1]))
        for start in range(0, len(indices), step):
            out[start : start + step] = np.median(Y[indices[start : start + step]], axis=1)
        return out


def weighted_mean(
    X: Any, embedding: Any, neighbors: Any, distances: Any = None, verbose: bool = False, *, weights: Any = None
) -> Array:
    r"""Place each new point at the weighted mean of its neighbours in the map.

    The weights are given, or are the affinities, or :math:`1 / d_{ij}`, so that near neighbours count most; neighbours
    at distance zero then share all the weight.

    Parameters
    ----------
    X : array-like of shape (n_new, n_features) or None
        The new points; only their number is compared.
    embedding : array-like of shape (n_samples, n_components)
        The map of the old points.
    neighbors : integer array-like of shape (n_new, k) or sparse matrix of shape (n_new, n_samples)
        Indices of neighbours, or affinities.
    distances : array-like of shape (n_new, k), optional
        Distances to the neighbours, not negative.
    verbose : bool
        Print how long it took.
    weights : array-like of shape (n_new, k), optional, keyword only
        Weights of the neighbours, not negative, instead of distances.

    Returns
    -------
    float64 ndarray of shape (n_new, n_components)

    Raises
    ------
    InvalidParameterError
        For shapes that do not fit, negative values, or a row of weights without a positive one.

    Examples
    --------
    >>> weighted_mean(None, [[0.0], [8.0]], [[0, 1], [0, 1]], [[1.0, 3.0], [2.0, 0.0]]).tolist()
    [[2.0], [8.0]]
    """
    Y = _reference(embedding)
    with Timer("Calculating weighted-mean initialization...", verbose):
        if hasattr(neighbors, "tocsr"):
            P = _affinities(neighbors, len(Y))
            _check_rows(X, P.shape[0])
            sums = np.asarray(P.sum(axis=1)).reshape(-1, 1)
            if not (sums > 0).all():
                raise InvalidParameterError(
                    f"`neighbors` must have a positive affinity in each row, got none in row {int(np.argmin(sums))}"
                )
            return np.asarray(P @ Y / sums)
        indices = _indices(neighbors, len(Y))
        _check_rows(X, len(indices))
        return _gather(Y, indices, _weights(distances, weights, indices.shape))


def _gather(Y: Array, indices: Array, weights: Array) -> Array:
    """Return the weighted means of rows of `Y`, block by block."""
    out = np.empty((len(indices), Y.shape[1]))
    step = max(1, BLOCK // (indices.shape[1] * Y.shape[1]))
    for start in range(0, len(indices), step):
        w = weights[start : start + step]
        near = Y[indices[start : start + step]]
        out[start : start + step] = (near * w[:, :, np.newaxis]).sum(axis=1) / w.sum(axis=1)[:, np.newaxis]
    return out


def _weights(distances: Any, weights: Any, shape: tuple[int, int]) -> Array:
    """Return weights of the given shape whose largest in each row is 1."""
    if (distances is None) == (weights is None):
        raise InvalidParameterError("`distances` or `weights` must be given, one of them, got both or none")
    name = "weights" if distances is None else "distances"
    values: Array = check.check_matrix(distances if weights is None else weights, name).astype(np.float64)
    if values.shape != shape:
        raise InvalidParameterError(f"`{name}` must have the shape of `neighbors`, {shape}, got {values.shape}")
    if values.min() < 0:
        row = int(np.argmax((values < 0).any(axis=1)))
        raise InvalidParameterError(f"`{name}` must not be negative, got {values[row].min():g} in row {row}")
    if weights is None:
        nearest = values.min(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(nearest > 0, nearest / values, values == 0), dtype=np.float64)
    largest = values.max(axis=1, keepdims=True)
    if not (largest > 0).all():
        raise InvalidParameterError(
            f"`weights` must have a positive value in each row, got none in row {int(np.argmin(largest))}"
        )
    return np.asarray(values / largest)


def _reference(embedding: Any) -> Array:
    return np.asarray(check.check_matrix(embedding, "embedding"), dtype=np.float64)


def _indices(neighbors: Any, n_samples: int) -> Array:
    indices = check.as_array(neighbors, "neighbors")
    if indices.dtype.kind not in "iu":
        raise InvalidTypeError(f"`neighbors` must be integers or a sparse matrix, got dtype {indices.dtype}")
    if indices.ndim != 2 or indices.shape[1] == 0:
        raise InvalidParameterError(f"`neighbors` must have shape (n_new, k), got shape {indices.shape}")
    if indices.size and (indices.min() < 0 or indices.max() >= n_samples):
        row = int(np.argmax(((indices < 0) | (indices >= n_samples)).any(axis=1)))
        raise InvalidParameterError(f"`neighbors` must lie in 0..{n_samples - 1}, got another index in row {row}")
    return indices


def _affinities(neighbors: Any, n_samples: int) -> Any:
    P = check.check_csr(neighbors, "neighbors")
    if P.shape[1] != n_samples:
        raise InvalidParameterError(f"`neighbors` must have {n_samples} columns, got shape {P.shape}")
    empty = np.diff(P.indptr) == 0
    if empty.any():
        raise InvalidParameterError(
            f"`neighbors` must have an entry in each row, got none in row {int(np.argmax(empty))}"
        )
    return P


def _check_rows(X: Any, n_new: int) -> None:
    rows = n_new if X is None else check.as_table(X, "X").shape[0]
    if rows != n_new:
        raise InvalidParameterError(f"`neighbors` must have one row for each of the {rows} rows of `X`, got {n_new}")
