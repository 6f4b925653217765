"""The size of a start, and starts that need no data."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import InvalidTypeError

TARGET_STD = 1e-4  # of the first column: so small that the forces at the start are those of one cluster

NO_SPREAD = 1e-12  # relative to the largest value: what rounding makes of equal values


def rescale(x: Any, inplace: bool = False, target_std: float = TARGET_STD) -> Array:
    """Scale a start so that its first column has a given standard deviation.

    Parameters
    ----------
    x : array-like of shape (n_samples, n_components)
    inplace : bool
        Change `x` itself, which must be an array of floats.
    target_std : float
        In the units of the map. A first column without spread leaves `x` as it is.

    Returns
    -------
    ndarray of shape (n_samples, n_components)

    Examples
    --------
    >>> rescale(np.array([[0.0, 2.0], [4.0, 2.0]])).tolist()
    [[0.0, 0.0001], [0.0002, 0.0001]]
    """
    y = _floating(x, inplace)
    largest = np.abs(y).max()
    if largest > 0:
        y /= largest  # neither huge nor tiny values leave the range of their type
        spread = np.std(y[:, 0])
        y *= target_std / spread if spread > NO_SPREAD else largest
    return y


def jitter(x: Any, inplace: bool = False, scale: float = 0.01, random_state: Any = None) -> Array:
    """Add small Gaussian noise, so that points that coincide can be told apart.

    Parameters
    ----------
    x : array-like of shape (n_samples, n_components)
    inplace : bool
        Change `x` itself, which must be an array of floats.
    scale : float
        Standard deviation of the noise, in standard deviations of the first column; where that has no spread, in units
        of 1e-4.
    random_state : int, RandomState, Generator or None

    Returns
    -------
    ndarray of shape (n_samples, n_components)

    Examples
    --------
    >>> y = jitter(np.zeros((2, 2)), random_state=0)
    >>> bool((y[0] != y[1]).all())
    True
    """
    y = _floating(x, inplace)
    spread = float(np.std(y[:, 0]))
    width = (spread if spread > 0 else TARGET_STD) * scale
    y += check.check_random_state(random_state).normal(0, width, y.shape)
    return y


def random(n_samples: Any, n_components: int = 2, random_state: Any = None, verbose: bool = False) -> Array:
    """Return a Gaussian start with standard deviation 1e-4.

    Parameters
    ----------
    n_samples : int or array-like of shape (n_samples, n_features)
        Number of points, or data with one row for each.
    n_components : int
        Dimension of the map.
    random_state : int, RandomState, Generator or None
    verbose : bool
        Accepted for the sake of one signature; there is nothing to time.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)

    Examples
    --------
    >>> random(3, random_state=0).shape
    (3, 2)
    """
    n: Any = n_samples
    if getattr(n, "shape", ()) or isinstance(n, (list, tuple)) or check.column_names(n) is not None:
        n = n.shape[0] if hasattr(n, "shape") else len(n)
    n = check.check_integer(n, "n_samples", at_least=1)
    d = check.check_integer(n_components, "n_components", at_least=1)
    return np.asarray(check.check_random_state(random_state).normal(0, TARGET_STD, (n, d)))


def finish(embedding: Array, add_jitter: bool, random_state: Any) -> Array:
    """Scale a start and add noise if wanted, both in place.

    Parameters
    ----------
    embedding : float64 ndarray of shape (n_samples, n_components)
    add_jitter : bool
    random_state : int, RandomState, Generator or None

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
    """
    rescale(embedding, inplace=True)
    return jitter(embedding, inplace=True, random_state=random_state) if add_jitter else embedding


def oriented(vectors: Array) -> Array:
    """Turn each column so that its first entry of largest magnitude, give or take rounding, is positive.

    Parameters
    ----------
    vectors : float64 ndarray of shape (n, k)

    Returns
    -------
    float64 ndarray of shape (n, k)
    """
    size = np.abs(vectors)
    first = (size >= size.max(axis=0) * (1 - 1e-9)).argmax(axis=0)
    return np.asarray(vectors * np.where(vectors[first, np.arange(vectors.shape[1])] < 0, -1.0, 1.0))


def _floating(x: Any, inplace: bool) -> Array:
    """Return `x` as a finite table of floats: itself if it is to be changed, else a copy."""
    array: Array = check.check_matrix(x, "x")
    if inplace and array is not x:
        raise InvalidTypeError("`x` must be an array of floats where `inplace` is True, got something else")
    return array if inplace else np.array(array)
