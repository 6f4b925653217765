"""Embeddings that are eigenvectors: of quadratic distortions under a standardization, and principal components."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import initialization, optimizer
from .._parallel import serial_blas
from .._types import Array
from .._validation import check_integer, check_matrix
from ..affinity import check_edges, check_numbers, upper_matrix
from ..errors import InvalidParameterError
from ..initialization import smallest_pairs
from .randomness import generator

__all__ = ["pca", "spectral", "start"]


def pca(Y: Any, embedding_dim: int) -> Array:
    """Return the principal components of a data matrix, each with a mean square of 1.

    Parameters
    ----------
    Y : array-like of shape (n, k)
    embedding_dim : int
        At most k and n.

    Returns
    -------
    float64 ndarray of shape (n, embedding_dim)
        With covariance 1, if the data have so many dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> X = mde.pca(np.random.default_rng(0).normal(size=(50, 4)), 2)
    >>> bool(np.allclose(X.T @ X / 50, np.eye(2)))
    True
    """
    data = check_matrix(Y, "Y", accept_sparse=True)
    d = check_integer(embedding_dim, "embedding_dim", at_least=1)
    if d > min(data.shape):
        raise InvalidParameterError(
            f"`embedding_dim` must be at most {min(data.shape)} for data of this shape, got {d}"
        )
    found = initialization.pca(data, d, random_state=0, add_jitter=False)
    return np.asarray(found / np.maximum(np.sqrt((found**2).mean(axis=0)), np.finfo(float).tiny))


def spectral(
    n_items: int,
    embedding_dim: int,
    edges: Any,
    weights: Any,
    cg: bool = False,
    max_iter: int = 40,
    device: str = "cpu",
) -> Array:
    r"""Return the standardized embedding of the least :math:`\sum w_{ij} d_{ij}^2`.

    Its columns are the eigenvectors of the graph Laplacian of the weights with the smallest eigenvalues, without the
    constant one.

    Parameters
    ----------
    n_items, embedding_dim : int
    edges : array-like of shape (p, 2)
    weights : array-like of shape (p,)
        Of either sign.
    cg, max_iter, device
        Of PyMDE; not used.

    Returns
    -------
    float64 ndarray of shape (n_items, embedding_dim)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> X = mde.quadratic.spectral(5, 1, [[0, 1], [1, 2], [2, 3], [3, 4]], np.ones(4))
    >>> np.abs(X).round(3).ravel().tolist()
    [1.345, 0.831, 0.0, 0.831, 1.345]
    """
    n = check_integer(n_items, "n_items", at_least=2)
    d = check_integer(embedding_dim, "embedding_dim", at_least=1, at_most=n - 1)
    pairs = check_edges(edges, n)
    W = upper_matrix(pairs, check_numbers(weights, len(pairs), "weights"), n)
    with serial_blas():
        found = smallest_pairs((W + W.T).tocsr(), d)[1]
    return np.asarray(optimizer.Standardized().project(found, found))


def start(n_items: int, embedding_dim: int, edges: Array, weights: Array) -> Array:
    """Return a standardized start for a problem whose edges pull: `spectral`, or components side by side.

    The least distortion of a graph that falls apart is that of its components in one place each, which is no start.

    Parameters
    ----------
    n_items, embedding_dim : int
    edges : ndarray of shape (p, 2)
    weights : ndarray of shape (p,)
        Not negative.

    Examples
    --------
    >>> import numpy as np
    >>> found = start(4, 1, np.array([[0, 1], [2, 3]]), np.ones(2))
    >>> len(np.unique(found.round(6)))
    4
    """
    from scipy.sparse import csgraph

    W = upper_matrix(edges, weights, n_items)
    if csgraph.connected_components(W, directed=False, return_labels=False) == 1:
        return spectral(n_items, embedding_dim, edges, weights)
    beside = initialization.spectral(W + W.T, embedding_dim, random_state=0)
    spread = beside + 1e-3 * beside.std() * generator().normal(size=beside.shape)
    return np.asarray(optimizer.Standardized().project(spread, spread))
