"""What a map does to the surroundings of each of its points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_k, check_n_jobs
from ..nearest_neighbors import Sklearn
from ._input import check_pair
from .neighborhoods import contained, nearest


def point_recall(X: Any, Y: Any, k: int = 10, *, metric: Any = "euclidean", n_jobs: int | None = -1) -> Array:
    r"""Return for each point the share of its k nearest neighbours in the data that are among its k nearest in the map.

    .. math::
        \frac{1}{k} |N_k^X(i) \cap N_k^Y(i)|

    by exact search; the mean over all points is `knn_recall`.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances.
    k : int
        Number of neighbours, at most n - 1.
    metric, n_jobs
        See `knn_recall`.

    Returns
    -------
    float64 ndarray of shape (n_samples,)
        Between 0 and 1.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> recall = metrics.point_recall(X, X[:, :1])
    >>> recall.shape, bool(np.isclose(recall.mean(), metrics.knn_recall(X, X[:, :1])))
    ((200,), True)
    """
    data, points = check_pair(X, Y)
    k, jobs = check_k(k, len(points) - 1), check_n_jobs(n_jobs)
    true = nearest(data, None, k, metric, jobs)
    shares: Array = contained(true, nearest(points, None, k, "euclidean", jobs)).mean(axis=1)
    return shares


def local_scale(X: Any, Y: Any, k: int = 10, *, metric: Any = "euclidean", n_jobs: int | None = -1) -> Array:
    r"""Return how much the map magnifies the surroundings of each point, in powers of 2.

    .. math::
        s_i = \log_2 \frac{r_i^Y}{r_i^X} - \operatorname{median}_j \log_2 \frac{r_j^Y}{r_j^X}

    with :math:`r_i` the mean distance of a point to its k nearest neighbours, those of the data in the data and those
    of the map in the map. A map of one scale has zeros everywhere. Most methods even out densities, so dense places of
    the data are magnified (above 0) and sparse ones reduced.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances.
    k : int
        Number of neighbours, at most n - 1.
    metric, n_jobs
        See `knn_recall`.

    Returns
    -------
    float64 ndarray of shape (n_samples,)
        NaN for points that coincide with their k nearest neighbours, in the data or in the map.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> bool(np.allclose(metrics.local_scale(X, 3 * X), 0))
    True
    """
    data, points = check_pair(X, Y)
    k, jobs = check_k(k, len(points) - 1), check_n_jobs(n_jobs)
    in_data, in_map = (
        Sklearn(table, k, kind, n_jobs=jobs).build()[1].mean(axis=1)
        for table, kind in ((data, metric), (points, "euclidean"))
    )
    known = (in_data > 0) & (in_map > 0)
    scale = np.full(len(points), np.nan)
    scale[known] = np.log2(in_map[known]) - np.log2(in_data[known])
    return scale - np.median(scale[known]) if known.any() else scale
