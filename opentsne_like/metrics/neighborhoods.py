"""Whether neighbours in the data are neighbours in the map, and the other way round."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_k, check_matrix, check_n_jobs
from ..nearest_neighbors import Sklearn
from ._input import check_pair, class_codes, sample_rows
from ._ranks import excess_ranks

_TABLE = 2**24  # votes that are counted at a time, one for each row and class


def knn_recall(
    X: Any,
    Y: Any,
    k: int = 10,
    *,
    metric: Any = "euclidean",
    n_samples: int | None = 2000,
    random_state: Any = 0,
    n_jobs: int | None = -1,
) -> float:
    r"""Return the mean share of the k nearest neighbours in the data that are among the k nearest in the map.

    .. math::
        \frac{1}{|S| k} \sum_{i \in S} |N_k^X(i) \cap N_k^Y(i)|

    over a sample S of points, their neighbours being sought among all points by exact search; equal distances are
    decided by the lower index. A random map has k / (n - 1).

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances.
    k : int
        Number of neighbours, at most n - 1.
    metric : str or callable
        Of the data; what `nearest_neighbors.Sklearn` knows.
    n_samples : int, optional
        Size of the sample; None takes all points. 2,000 points give a standard error of about 0.005.
    random_state : None, int, RandomState or Generator
        Draws the sample.
    n_jobs : int
        Number of threads, -1 for all cores; it does not change the result.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    J. A. Lee & M. Verleysen, Quality assessment of dimensionality reduction: rank-based criteria, Neurocomputing 2009;
    "KNN" in D. Kobak & P. Berens, The art of using t-SNE for single-cell transcriptomics, Nature Communications 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> metrics.knn_recall(X, 3 * X[:, ::-1]), metrics.knn_recall(X, np.roll(X, 1, axis=0)) < 0.1
    (1.0, True)
    """
    data, points = check_pair(X, Y)
    n = len(points)
    k = check_k(k, n - 1)
    rows = sample_rows(n, n_samples, random_state)
    jobs = check_n_jobs(n_jobs)
    true = nearest(data, rows, k, metric, jobs)
    found = nearest(points, rows, k, "euclidean", jobs)
    return int(contained(true, found).sum()) / true.size


def knn_accuracy(
    Y: Any,
    labels: Any,
    k: int = 10,
    *,
    n_samples: int | None = 5000,
    random_state: Any = 0,
    n_jobs: int | None = -1,
) -> float:
    """Return how often the most frequent label among the k nearest neighbours in the map is the point's own.

    The accuracy of a k-nearest-neighbour classifier that leaves the point out. Among equally frequent labels the one
    whose neighbours are closer, by the sum of their ranks, is taken.

    Parameters
    ----------
    Y : array-like of shape (n_samples, n_components)
        The map.
    labels : array-like of shape (n_samples,)
        Classes of any type.
    k : int
        Number of neighbours, at most n - 1.
    n_samples : int, optional
        How many points are classified; None for all.
    random_state, n_jobs
        See `knn_recall`.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> Y = np.r_[np.zeros((20, 2)), np.ones((20, 2))]
    >>> metrics.knn_accuracy(Y, ["a"] * 20 + ["b"] * 20, k=5)
    1.0
    """
    points = check_matrix(Y, "Y", at_least_rows=2).astype(np.float64, copy=False)
    n = len(points)
    codes, n_classes = class_codes(labels, n)
    k = check_k(k, n - 1)
    rows = sample_rows(n, n_samples, random_state)
    votes = codes[nearest(points, rows, k, "euclidean", check_n_jobs(n_jobs))]
    own = codes if rows is None else codes[rows]
    weights = k * k + np.arange(k, 0, -1)  # one vote counts more than all ranks together
    correct = 0
    step = min(4096, max(1, _TABLE // n_classes, math.isqrt(_TABLE // k)))  # `step` rows have at most k step classes
    for low in range(0, len(own), step):
        present, part = np.unique(votes[low : low + step], return_inverse=True)
        part = part.reshape(-1, k)
        table = np.zeros((len(part), len(present)), np.int64)
        np.add.at(table, (np.arange(len(part))[:, None], part), weights)
        correct += int((present[table.argmax(axis=1)] == own[low : low + step]).sum())
    return correct / len(own)


def trustworthiness(
    X: Any,
    Y: Any,
    k: int = 10,
    *,
    metric: str = "euclidean",
    n_samples: int | None = 1000,
    random_state: Any = 0,
    n_jobs: int | None = -1,
) -> float:
    r"""Return how far the neighbours that the map claims are neighbours in the data.

    .. math::
        1 - \frac{2}{|S| k (2 n - 3 k - 1)} \sum_{i \in S} \sum_{j \in N_k^Y(i)} \max(0, r_X(i, j) - k)

    where :math:`r_X(i, j)` is the rank of j among the neighbours of i in the data, one more than the number of points
    that are strictly closer. Intruders cost more the farther they come from.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances.
    k : int
        Number of neighbours, below n / 2.
    metric : {"euclidean", "cosine"}
        Of the data.
    n_samples : int, optional
        Size of the sample S; None takes all points.
    random_state, n_jobs
        See `knn_recall`.

    Returns
    -------
    float
        Between 0 and 1; a random map has about 0.5.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    J. Venna & S. Kaski, Neighborhood preservation in nonlinear projection methods: an experimental study, ICANN 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> metrics.trustworthiness(X, 3 * X[:, ::-1])
    1.0
    """
    data, points = check_pair(X, Y)
    k = check_k(k, (len(points) - 1) // 2)
    rows = sample_rows(len(points), n_samples, random_state)
    jobs = check_n_jobs(n_jobs)
    claimed = nearest(points, rows, k, "euclidean", jobs)
    return _rank_score(data, rows, claimed, metric, jobs)


def continuity(
    X: Any,
    Y: Any,
    k: int = 10,
    *,
    metric: Any = "euclidean",
    n_samples: int | None = 1000,
    random_state: Any = 0,
    n_jobs: int | None = -1,
) -> float:
    """Return how close the neighbours in the data stay together in the map.

    `trustworthiness` with the parts of data and map exchanged: neighbours that the map has torn away cost more the
    farther it has put them.

    Parameters
    ----------
    X, Y, k, n_samples, random_state, n_jobs
        See `trustworthiness`.
    metric : str or callable
        Of the data; what `nearest_neighbors.Sklearn` knows.

    Returns
    -------
    float
        Between 0 and 1; a random map has about 0.5.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    J. Venna & S. Kaski, Neighborhood preservation in nonlinear projection methods: an experimental study, ICANN 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> metrics.continuity(X, X[:, :1]) < metrics.continuity(X, X * [1, 0.5]) < metrics.continuity(X, X) == 1
    True
    """
    data, points = check_pair(X, Y)
    k = check_k(k, (len(points) - 1) // 2)
    rows = sample_rows(len(points), n_samples, random_state)
    jobs = check_n_jobs(n_jobs)
    true = nearest(data, rows, k, metric, jobs)
    return _rank_score(points, rows, true, "euclidean", jobs)


def nearest(data: Any, rows: Array | None, k: int, metric: Any, n_jobs: int) -> Array:
    """Return the k nearest other points of some rows, or of all, by exact search."""
    index = Sklearn(data, k, metric, n_jobs=n_jobs)
    if rows is None:
        return index.build()[0]
    indices = index.query(data[rows], k + 1)[0]
    other = indices != rows[:, None]
    other[other.all(axis=1), -1] = False  # so many coincide with the point that it is not listed itself
    nearest: Array = indices[other].reshape(-1, k)
    return nearest


def contained(true: Array, found: Array) -> Array:
    """Return for every entry of `true` whether it is in the same row of `found`."""
    inside = np.zeros(true.shape, bool)
    for column in found.T:
        inside |= true == column[:, None]
    return inside


def _rank_score(data: Any, rows: Array | None, neighbors: Array, metric: str, n_jobs: int) -> float:
    """Return 1 minus the normalized sum of the ranks beyond k that `neighbors` have in `data`."""
    n, k = data.shape[0], neighbors.shape[1]
    sampled = np.arange(n) if rows is None else rows
    excess = excess_ranks(data, sampled, neighbors, metric, n_jobs)
    return float(1.0 - 2.0 * excess / (len(sampled) * k * (2 * n - 3 * k - 1)))
