"""Small helpers about edges and coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array, check_integer, check_matrix
from ..errors import InvalidParameterError, InvalidTypeError
from ..utils import align

__all__ = ["align", "all_edges", "center", "deduplicate_edges", "rotate"]


def all_edges(n: int) -> Array:
    """Return all pairs of `n` items, shape (n (n - 1) / 2, 2), int64.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.all_edges(3).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    return np.stack(np.triu_indices(check_integer(n, "n", at_least=1), 1), axis=1).astype(np.int64)


def deduplicate_edges(edges: Any) -> Array:
    """Return each pair once, the smaller item first, sorted.

    Parameters
    ----------
    edges : array-like of shape (n_edges, 2), integer

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.preprocess.deduplicate_edges([[1, 0], [0, 1], [0, 2]]).tolist()
    [[0, 1], [0, 2]]
    """
    pairs = as_array(edges, "edges")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InvalidTypeError(f"`edges` must be pairs of integers, got {pairs.dtype} of shape {pairs.shape}")
    return np.unique(np.sort(pairs.astype(np.int64), axis=1), axis=0)


def center(X: Any) -> Array:
    """Return an embedding without its mean.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.center([[1.0, 1.0], [3.0, 1.0]]).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    points = np.asarray(check_matrix(X, "X"), np.float64)
    return np.asarray(points - points.mean(axis=0))


def rotate(X: Any, degrees: Any) -> Array:
    """Return an embedding turned about the origin.

    Parameters
    ----------
    X : array-like of shape (n, 2) or (n, 3)
    degrees : float, or three of them
        In the plane one angle, ``X R`` with R = [[cos, -sin], [sin, cos]]; in space one for each axis, in their order.

    Returns
    -------
    float64 ndarray of the same shape

    Examples
    --------
    >>> from opentsne_like import mde
    >>> mde.rotate([[1.0, 0.0]], 90).round(6).tolist()
    [[0.0, -1.0]]
    """
    points = np.asarray(check_matrix(X, "X"), np.float64)
    angles = np.deg2rad(np.atleast_1d(np.asarray(as_array(degrees, "degrees"), np.float64)))
    wanted = {2: 1, 3: 3}.get(points.shape[1])
    if wanted is None:
        raise InvalidParameterError(f"`X` must have 2 or 3 columns to be turned, got shape {points.shape}")
    if angles.shape != (wanted,):
        raise InvalidParameterError(
            f"`degrees` must be {wanted} numbers for {points.shape[1]} columns, got {degrees!r}"
        )
    if wanted == 1:
        return np.asarray(points @ _turn(float(angles[0])))
    turned = points
    for axis, angle in enumerate(angles):
        others = [k for k in range(3) if k != axis]
        sign = -1.0 if axis == 1 else 1.0
        matrix = np.eye(3)
        matrix[np.ix_(others, others)] = _turn(sign * float(angle))
        turned = turned @ matrix
    return np.asarray(turned)


def _turn(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
