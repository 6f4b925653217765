"""Exact search decides ties by the lower index, under every metric and however many rows are equally far."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like.nearest_neighbors import Sklearn

BOOLEAN = ["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "yule"]
METRICS = [*BOOLEAN, "hamming", "braycurtis", "canberra", "manhattan", "euclidean", "chebyshev", "minkowski"]


def first(D, k, own):
    """Return the first k columns by (distance, index) of every row of all distances."""
    D = D.copy()
    if own:
        np.fill_diagonal(D, np.inf)
    return np.argsort(D, axis=1, kind="stable")[:, :k]


def all_distances(X, Y, metric):
    """Return exact search's own distances from all of X to all of Y."""
    D = np.empty((len(X), len(Y)))
    np.put_along_axis(D, *Sklearn(Y, 3, metric).query(X, len(Y)), 1)
    return D


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 10, 40])
def test_the_lower_index_wins(metric, k, rng):
    X = (rng.random((150, 12)) < 0.3).astype(float)
    X[:, 0] = 1  # no empty rows
    new = np.roll(X[:30], 1, axis=1)
    index = Sklearn(X, k, metric)
    np.testing.assert_array_equal(index.build()[0], first(all_distances(X, X, metric), k, own=True))
    np.testing.assert_array_equal(index.query(new, k)[0], first(all_distances(new, X, metric), k, own=False))


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "minkowski", "sqeuclidean", "seuclidean", "canberra"])
def test_many_equal_rows(metric):
    X = np.repeat([[1.0, 0, 2, 0, 1], [0, 1, 1, 0, 3]], 100, axis=0)
    X[0] = 7
    index = Sklearn(X, 3, metric)
    assert index.build()[0][150].tolist() == [100, 101, 102]
    assert index.query(X[199:], 3)[0].tolist() == [[100, 101, 102]]


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_sparse_rows(metric, rng):
    X = (rng.random((150, 12)) < 0.3).astype(float)
    X[:, 0] = 1
    S = sparse.csr_matrix(X)
    D = np.empty((150, 150))
    np.put_along_axis(D, *Sklearn(S, 3, metric).query(S, 150), 1)
    np.testing.assert_array_equal(Sklearn(S, 10, metric).build()[0], first(D, 10, own=True))


def test_functions(rng):
    X = (rng.random((80, 12)) < 0.3).astype(float)
    found = Sklearn(X, 10, lambda a, b: np.abs(a - b).sum()).build()
    for ours, theirs in zip(found, Sklearn(X, 10, "manhattan").build(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
