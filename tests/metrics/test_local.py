"""Recall and scale of each point, against all distances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from opentsne_like import metrics
from opentsne_like.errors import InvalidParameterError


def by_distance(table):
    """Return for each row the other rows from near to far, and their distances."""
    gaps = np.linalg.norm(table[:, None] - table[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    order = np.argsort(gaps, axis=1, kind="stable")
    return order, np.take_along_axis(gaps, order, axis=1)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("clustered", [False, True])
def test_each_point_against_all_distances(rng, dims, clustered):
    X = rng.normal(size=(150, 6)) + clustered * 8 * rng.integers(0, 3, (150, 1))
    Y = X[:, :dims] + rng.normal(scale=0.3, size=(150, dims))
    (near_X, gaps_X), (near_Y, gaps_Y) = by_distance(X), by_distance(Y)
    shared = [len(set(near_X[i, :7]) & set(near_Y[i, :7])) / 7 for i in range(150)]
    np.testing.assert_allclose(metrics.point_recall(X, Y, 7), shared, rtol=1e-12)
    scale = np.log2(gaps_Y[:, :7].mean(axis=1) / gaps_X[:, :7].mean(axis=1))
    np.testing.assert_allclose(metrics.local_scale(X, Y, 7), scale - np.median(scale), atol=1e-9)
    assert metrics.point_recall(X, Y, 7).mean() == pytest.approx(metrics.knn_recall(X, Y, 7, n_samples=None))


def test_sparse_data_and_other_metrics(rng):
    X, Y = np.abs(rng.normal(size=(80, 5))), rng.normal(size=(80, 2))
    for measure in (metrics.point_recall, metrics.local_scale):
        np.testing.assert_allclose(measure(csr_matrix(X), Y), measure(X, Y), atol=1e-6)
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
        assert measure(X, Y, metric="cosine").shape == (80,)
    np.testing.assert_array_equal(metrics.point_recall(X, Y, metric="cosine"), metrics.point_recall(unit, Y))


def test_points_without_a_scale_have_none(rng):
    X = np.repeat(rng.normal(size=(10, 3)), 5, axis=0)
    X[25:] = rng.normal(size=(25, 3))
    scale = metrics.local_scale(X, rng.normal(size=(50, 2)), 3)
    assert np.isnan(scale[:25]).all()
    assert np.isfinite(scale[25:]).all()
    assert np.isnan(metrics.local_scale(np.ones((6, 2)), rng.normal(size=(6, 2)), 3)).all()


def test_bad_input(rng):
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    for measure in (metrics.point_recall, metrics.local_scale):
        with pytest.raises(InvalidParameterError, match="`k` must be at most 19"):
            measure(X, Y, 20)
        with pytest.raises(InvalidParameterError, match="`Y` must have as many rows as `X`"):
            measure(X, Y[1:])
