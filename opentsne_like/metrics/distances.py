"""Whether what is far in the data is far in the map: distances of pairs, triplets and classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_integer, check_k, check_random_state
from ..errors import InvalidParameterError
from ._input import check_pair, class_codes

_BLOCK = 2**20  # numbers of the rows, and pairs of classes, that are worked on at a time


def distance_correlation(X: Any, Y: Any, *, n_pairs: int | None = 500_000, random_state: Any = 0) -> float:
    """Return Spearman's correlation of the Euclidean distances of pairs in the data and in the map.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map.
    n_pairs : int, optional
        How many random pairs of different points are compared, repetitions possible; where there are no more pairs than
        that, or with None, every pair is taken once.
    random_state : None, int, RandomState or Generator
        Draws the pairs.

    Returns
    -------
    float
        Between -1 and 1; NaN if all distances in the data or in the map are equal.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    "CPD" in D. Kobak & P. Berens, The art of using t-SNE for single-cell transcriptomics, Nature Communications 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 3))
    >>> round(metrics.distance_correlation(X, 2 * X), 6), round(metrics.distance_correlation(X, X[:, :2]), 2)
    (1.0, 0.81)
    """
    data, points = check_pair(X, Y)
    first, second = _pairs(len(points), n_pairs, random_state)
    ranks = []
    for Z in (data, points):
        squares = _squared_distances(Z, first, second)
        if squares.min() == squares.max():
            return float("nan")
        ranks.append(_centred_ranks(squares))
    a, b = ranks
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def random_triplet_accuracy(X: Any, Y: Any, *, n_triplets: int = 500_000, random_state: Any = 0) -> float:
    """Return how often the map agrees with the data on which of two points is closer to a third.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances in both.
    n_triplets : int
        How many random triplets of three different points are asked. Those without an answer in the data, because the
        distances are equal, are left out; a map without an answer counts one half.
    random_state : None, int, RandomState or Generator
        Draws the triplets.

    Returns
    -------
    float
        Between 0 and 1; a random map has 0.5. NaN if no triplet has an answer in the data.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    Y. Wang, H. Huang, C. Rudin & Y. Shaposhnik, Understanding how dimension reduction tools work, JMLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.random.RandomState(0).normal(size=(200, 3))
    >>> metrics.random_triplet_accuracy(X, 2 * X), round(metrics.random_triplet_accuracy(X, X[:, :2]), 2)
    (1.0, 0.83)
    """
    data, points = check_pair(X, Y)
    n = len(points)
    count = check_integer(n_triplets, "n_triplets", at_least=1)
    generator = check_random_state(random_state)
    anchor = generator.randint(0, n, count)
    to_one = generator.randint(1, n, count)
    to_two = generator.randint(1, n - 1, count)
    to_two += to_two >= to_one  # two different steps from the anchor
    one, two = (anchor + to_one) % n, (anchor + to_two) % n
    signs = [np.sign(_squared_distances(Z, anchor, one) - _squared_distances(Z, anchor, two)) for Z in (data, points)]
    asked = signs[0] != 0
    if not asked.any():
        return float("nan")
    return float((1 + signs[0] * signs[1])[asked].mean() / 2)


def class_preservation(X: Any, Y: Any, labels: Any, k: int | None = None) -> float:
    r"""Return the mean share of the k nearest class means in the data that are among the k nearest in the map.

    Known as KNC: the same as `knn_recall`, for the means of the classes instead of the points, so it says whether
    similar classes were put side by side.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The data.
    Y : array-like of shape (n_samples, n_components)
        The map; Euclidean distances in both.
    labels : array-like of shape (n_samples,)
        At least three classes.
    k : int, optional
        Number of neighbouring classes, at most their number less 2; by default a third of the other classes, between 1
        and 10.

    Returns
    -------
    float
        Between 0 and 1; a random map has k / (number of classes - 1).

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    "KNC" in D. Kobak & P. Berens, The art of using t-SNE for single-cell transcriptomics, Nature Communications 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> X = np.repeat([0.0, 1.0, 3.0, 7.0], 5)[:, None]
    >>> labels = np.repeat(["a", "b", "c", "d"], 5)
    >>> shuffled = np.repeat([0.0, 5.0, 3.0, 1.0], 5)[:, None]
    >>> metrics.class_preservation(X, -X, labels), metrics.class_preservation(X, shuffled, labels)
    (1.0, 0.25)
    """
    data, points = check_pair(X, Y)
    codes, n_classes = class_codes(labels, len(points))
    if n_classes < 3:
        raise InvalidParameterError(f"`labels` must have at least 3 classes, got {n_classes}")
    k = min(10, max(1, (n_classes - 1) // 3)) if k is None else check_k(k, n_classes - 2)
    true, found = (_nearest_means(Z, codes, n_classes, k) for Z in (data, points))
    return float((true[:, :, None] == found[:, None, :]).sum() / true.size)


def _pairs(n: int, n_pairs: int | None, random_state: Any) -> tuple[Array, Array]:
    """Return random pairs of different rows, or all pairs if they are no more than asked for."""
    if n_pairs is None or check_integer(n_pairs, "n_pairs", at_least=2) >= n * (n - 1) // 2:
        first, second = np.triu_indices(n, 1)
        return first, second
    generator = check_random_state(random_state)
    first = generator.randint(0, n, int(n_pairs))
    return first, (first + generator.randint(1, n, int(n_pairs))) % n


def _squared_distances(Z: Any, first: Array, second: Array) -> Array:
    """Return the squared distances of pairs of rows, in float64, a block at a time."""
    squares = np.empty(len(first))
    step = max(1, _BLOCK // Z.shape[1])
    for low in range(0, len(first), step):
        part = slice(low, low + step)
        if hasattr(Z, "tocsr"):
            step_rows = (Z[first[part]] - Z[second[part]]).astype(np.float64)
            squares[part] = np.asarray(step_rows.multiply(step_rows).sum(axis=1)).ravel()
        else:
            steps = np.subtract(Z[first[part]], Z[second[part]], dtype=np.float64)
            squares[part] = np.einsum("ij,ij->i", steps, steps)
    return squares


def _centred_ranks(values: Array) -> Array:
    """Return ranks with the mean taken off; equal values share the mean of their ranks."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks: Array = (ends - 0.5 * (sizes - 1))[group]
    return ranks - 0.5 * (len(values) + 1)


def _nearest_means(Z: Any, codes: Array, n_classes: int, k: int) -> Array:
    """Return the k classes whose means are nearest to the mean of each class, ties by the order of the labels."""
    from scipy import sparse

    one = np.ones(len(codes))
    members = sparse.csr_matrix((one, (codes, np.arange(len(codes)))), shape=(n_classes, len(codes)))
    sums = members @ Z
    sums = sums.toarray() if hasattr(sums, "toarray") else sums
    means = sums / np.bincount(codes, minlength=n_classes)[:, None]
    nearest = np.empty((n_classes, k), np.intp)
    step = max(1, _BLOCK // n_classes)
    for low in range(0, n_classes, step):
        rows = np.arange(low, min(low + step, n_classes))
        first, second = np.repeat(rows, n_classes), np.tile(np.arange(n_classes), len(rows))
        squares = _squared_distances(means, first, second).reshape(len(rows), n_classes)
        squares[np.arange(len(rows)), rows] = np.inf
        nearest[rows] = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return nearest
