"""A start for many points from a map of some of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.initialization import landmarks


@pytest.fixture
def clusters(rng):
    centers = rng.normal(size=(6, 8)) * 20
    centers[:, 0], centers[:, 1] = 50 * np.cos(np.arange(6)), 50 * np.sin(np.arange(6))
    label = rng.integers(6, size=3000)
    return centers[label] + rng.normal(size=(3000, 8)), label


def test_points_lie_among_their_landmarks(clusters):
    X, label = clusters
    seen = []

    def embed(rows):
        seen.append(rows)
        return rows[:, :2] * 7 + 100

    Y = initialization.multiscale(X, embed, n_landmarks=300, random_state=0, add_jitter=False)
    assert seen[0].shape == (300, 8)
    assert Y[:, 0].std() == pytest.approx(1e-4)
    for i in range(6):
        inside = np.linalg.norm(Y[label == i] - np.median(Y[label == i], axis=0), axis=1).mean()
        outside = np.linalg.norm(Y[label != i] - np.median(Y[label == i], axis=0), axis=1).min()
        assert inside < outside
    is_landmark = (X[:, None, 0] == seen[0][None, :, 0]).any(axis=1)
    scale = Y[is_landmark][:, 0].std() / seen[0][:, 0].std()
    np.testing.assert_allclose(np.diff(Y[is_landmark], axis=0), np.diff(seen[0][:, :2], axis=0) * scale, rtol=1e-6)


def test_same_seed_same_start_whatever_the_blocks(clusters, monkeypatch):
    X, _ = clusters
    options = {"n_landmarks": 200, "random_state": 3}
    expected = initialization.multiscale(X, initialization.pca, **{**options, "n_jobs": 1}, add_jitter=False)
    monkeypatch.setattr(landmarks, "BLOCK", 500)

    def embed(rows):
        return initialization.pca(rows, random_state=0)

    first = initialization.multiscale(X, embed, **options)
    np.testing.assert_array_equal(initialization.multiscale(X, embed, **options, n_jobs=2), first)
    assert expected.shape == first.shape
    assert len(np.unique(first, axis=0)) == len(X)
    thin = initialization.multiscale(sparse.csr_matrix(X), lambda rows: embed(rows.toarray()), **options)
    np.testing.assert_allclose(thin, first, atol=1e-9)


def test_fewer_points_than_landmarks(clusters):
    X, _ = clusters
    Y = initialization.multiscale(X[:50], initialization.pca, random_state=0, add_jitter=False)
    assert abs(np.corrcoef(Y[:, 0], initialization.pca(X[:50])[:, 0])[0, 1]) > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_landmarks": 1}, "`n_landmarks` must be at least 2, got 1"),
        ({"k_neighbors": 100}, "`k_neighbors` must be at most 99, got 100"),
        ({"embed": lambda rows: rows[:5]}, "`embed` must return a row for each of the 100 landmarks, got 5"),
        ({"embed": lambda rows: rows * np.nan}, "`embed(landmarks)` must be finite"),
    ],
)
def test_one_clear_error(clusters, change, message):
    arguments = {"X": clusters[0], "embed": initialization.pca, "n_landmarks": 100, **change}
    with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
        initialization.multiscale(**arguments)
    assert message in str(caught.value)
