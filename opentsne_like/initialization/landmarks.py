"""A start for very many points from a map of some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import InvalidParameterError
from ..utils import Timer
from .partial import median
from .scale import finish

LANDMARKS = 25_000
BLOCK = 2**16  # rows that are looked up at a time


def multiscale(
    X: Any,
    embed: Callable[[Any], Any],
    *,
    n_landmarks: int = LANDMARKS,
    k_neighbors: int = 10,
    method: Any = "auto",
    metric: Any = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    knn_kwargs: Mapping[str, Any] | None = None,
    random_state: Any = None,
    verbose: bool = False,
    add_jitter: bool = True,
    n_jobs: int | None = -1,
) -> Array:
    """Return a start in which all points lie among the landmarks that are nearest to them.

    A random sample of the points, the landmarks, is mapped first. Every other point is placed at the median of its
    nearest landmarks in that map. Large clusters of a million points and more so begin where they belong, which a run
    of usual length would not achieve (D. Kobak and P. Berens, The art of using t-SNE for single-cell transcriptomics,
    Nature Communications 2019).

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Large tables are read block by block.
    embed : callable
        Gets the landmarks, of shape (n_landmarks, n_features), and returns their map, of shape
        (n_landmarks, n_components); for example ``TSNE(random_state=0).fit``.
    n_landmarks : int
        Number of landmarks; all points if there are fewer.
    k_neighbors : int
        Number of nearest landmarks.
    method, metric, metric_params, knn_kwargs
        How landmarks are found, see `nearest_neighbors.make_index`.
    random_state : int, RandomState, Generator or None
        For the sample and the noise.
    verbose : bool
        Print how long each stage took.
    add_jitter : bool
        Add noise of 1 % of the spread; without it points with the same nearest landmarks coincide.
    n_jobs : int, optional
        Threads; -1 means all cores.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
        First column with standard deviation 1e-4.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For data or parameters that cannot work, or a map of the wrong shape.

    Examples
    --------
    >>> from opentsne_like.initialization import pca
    >>> X = np.random.default_rng(0).normal(size=(500, 10))
    >>> multiscale(X, pca, n_landmarks=100, random_state=0).shape
    (500, 2)
    """
    X = check.check_rows(X, "X", at_least_rows=2)

    def place(index: Any, Y: Array, k: int) -> Array:
        return np.concatenate([placed(index, Y, X[low : low + BLOCK], k) for low in range(0, X.shape[0], BLOCK)])

    return among_landmarks(
        X.shape[0],
        lambda rows: X[rows],
        place,
        embed,
        n_landmarks=n_landmarks,
        k_neighbors=k_neighbors,
        search={"method": method, "metric": metric, "metric_params": metric_params, "knn_kwargs": knn_kwargs},
        random_state=random_state,
        verbose=verbose,
        add_jitter=add_jitter,
        n_jobs=n_jobs,
    )


def among_landmarks(
    n: int,
    take: Callable[[Array], Any],
    place: Callable[[Any, Array, int], Array],
    embed: Callable[[Any], Any],
    *,
    n_landmarks: int,
    k_neighbors: int,
    search: Mapping[str, Any],
    random_state: Any,
    verbose: bool,
    add_jitter: bool,
    n_jobs: int | None,
) -> Array:
    """Return a start from a map of some of n points, wherever these are; see `multiscale`.

    Parameters
    ----------
    n : int
    take : callable
        Returns rows of the data by their numbers.
    place : callable
        ``place(index, Y, k)`` returns what `placed` does for all rows.
    embed, n_landmarks, k_neighbors, random_state, verbose, add_jitter, n_jobs
        As of `multiscale`.
    search : mapping
        What `nearest_neighbors.make_index` is told.
    """
    from ..nearest_neighbors import make_index

    m = min(n, check.check_integer(n_landmarks, "n_landmarks", at_least=2))
    k = check.check_integer(k_neighbors, "k_neighbors", at_least=1, at_most=m - 1)
    rng = check.check_random_state(random_state)
    rows = np.sort(rng.choice(n, m, replace=False))
    landmarks = take(rows)
    Y = _checked(embed(landmarks), m)
    with Timer("Placing points among the landmarks...", verbose):
        index = make_index(landmarks, k, n_jobs=n_jobs, random_state=rng.randint(2**31), **search)
        index.build()
        embedding = place(index, Y, k)
        embedding[rows] = Y
    return finish(embedding, add_jitter, rng)


def placed(index: Any, Y: Array, rows: Array, k: int) -> Array:
    """Return the medians of the places of the k landmarks that are nearest to some rows, float64."""
    return median(Y, index.query(rows, k)[0])


def _checked(Y: Any, m: int) -> Array:
    """Return the map of the landmarks as an array with a row for each."""
    embedding: Array = check.check_matrix(Y, "embed(landmarks)")
    if len(embedding) != m:
        raise InvalidParameterError(f"`embed` must return a row for each of the {m} landmarks, got {len(embedding)}")
    return embedding
