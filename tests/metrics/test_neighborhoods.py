"""Neighbourhood metrics against their definitions, written as slowly as they are defined."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import metrics
from opentsne_like.errors import InvalidParameterError, InvalidTypeError

RANKED = [metrics.trustworthiness, metrics.continuity]


@pytest.fixture
def pair(rng):
    """Data and a map that keeps some of its neighbourhoods."""
    X = rng.normal(size=(150, 5))
    return X, X[:, :2] + 0.3 * rng.normal(size=(150, 2))


def distances(Z):
    return np.sqrt(((Z[:, None, :] - Z[None, :, :]) ** 2).sum(axis=2))


def neighbors(Z, k):
    D = distances(Z)
    np.fill_diagonal(D, np.inf)
    return np.argsort(D, axis=1, kind="stable")[:, :k]


def recall_twin(X, Y, k, rows):
    true, found = neighbors(X, k), neighbors(Y, k)
    return np.mean([len(set(true[i]) & set(found[i])) / k for i in rows])


def trustworthiness_twin(X, Y, k, rows):
    D, claimed, n = distances(X), neighbors(Y, k), len(X)
    cost = 0
    for i in rows:
        for j in claimed[i]:
            rank = 1 + sum(D[i, other] < D[i, j] for other in range(n) if other not in (i, j))
            cost += max(0, rank - k)
    return 1 - 2 * cost / (len(rows) * k * (2 * n - 3 * k - 1))


def accuracy_twin(Y, labels, k, rows):
    found = neighbors(Y, k)
    right = 0
    for i in rows:
        votes = labels[found[i]]
        # the most frequent; among those, the one whose members are closest by the sum of (k - rank)
        score = {c: (np.sum(votes == c), np.sum((k - np.arange(k))[votes == c])) for c in sorted(set(votes))}
        right += max(score, key=lambda c: score[c]) == labels[i]
    return right / len(rows)


@pytest.mark.parametrize("k", [1, 7, 30])
def test_recall_is_its_definition(pair, k):
    X, Y = pair
    assert metrics.knn_recall(X, Y, k) == pytest.approx(recall_twin(X, Y, k, range(150)), abs=1e-15)


@pytest.mark.parametrize("k", [1, 7, 49])
def test_trustworthiness_and_continuity_are_their_definitions(pair, k):
    X, Y = pair
    assert metrics.trustworthiness(X, Y, k) == pytest.approx(trustworthiness_twin(X, Y, k, range(150)), abs=1e-14)
    assert metrics.continuity(X, Y, k) == pytest.approx(trustworthiness_twin(Y, X, k, range(150)), abs=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_trustworthiness_agrees_with_scikit_learn(rng, metric):
    from sklearn.manifold import trustworthiness

    X = rng.normal(size=(500, 20)) + 1
    Y = X[:, :2]
    expected = trustworthiness(X, Y, n_neighbors=12, metric=metric)
    assert metrics.trustworthiness(X, Y, 12, metric=metric) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("k", [1, 4, 10])
def test_accuracy_is_its_definition(pair, rng, k):
    _, Y = pair
    labels = rng.integers(0, 4, 150)
    assert metrics.knn_accuracy(Y, labels, k) == accuracy_twin(Y, labels, k, range(150))


def test_samples_are_subsets(pair, seed):
    X, Y = pair
    rows = np.sort(np.random.RandomState(seed).choice(150, 40, replace=False))
    options = {"n_samples": 40, "random_state": seed}
    assert metrics.knn_recall(X, Y, 5, **options) == pytest.approx(recall_twin(X, Y, 5, rows), abs=1e-15)
    assert metrics.trustworthiness(X, Y, 5, **options) == pytest.approx(trustworthiness_twin(X, Y, 5, rows), abs=1e-14)
    assert metrics.continuity(X, Y, 5, **options) == pytest.approx(trustworthiness_twin(Y, X, 5, rows), abs=1e-14)
    labels = X[:, 0] > 0
    assert metrics.knn_accuracy(Y, labels, 5, **options) == accuracy_twin(Y, labels, 5, rows)


@pytest.mark.parametrize("metric", [metrics.knn_recall, *RANKED])
def test_a_perfect_and_a_random_map(metric, rng):
    X = rng.normal(size=(400, 2))
    assert metric(X, 5 * X + 3, 10) == 1.0
    random = metric(X, rng.normal(size=(400, 2)), 10)
    assert random == pytest.approx(10 / 399 if metric is metrics.knn_recall else 0.5, abs=0.04)


@pytest.mark.parametrize("metric", [metrics.knn_recall, *RANKED])
def test_any_number_of_threads_gives_the_same_bits(metric, rng):
    X = rng.normal(size=(3000, 20))
    Y = X[:, :2].copy()
    values = {metric(X, Y, n_samples=700, n_jobs=n_jobs) for n_jobs in (1, 2, 5, -1)}
    assert len(values) == 1


@pytest.mark.parametrize("metric", [metrics.knn_recall, *RANKED])
def test_all_kinds_of_input_say_the_same(metric, pair):
    X, Y = pair
    expected = metric(X, Y)
    assert metric(X.tolist(), Y.tolist()) == expected
    assert metric(np.asfortranarray(X), Y) == expected
    assert metric(sp.csr_matrix(X), Y) == expected
    assert metric(X + 1e5, Y - 1e5) == pytest.approx(expected, abs=2e-3)
    X32 = X.astype(np.float32)
    assert metric(X32, Y) == metric(X32.astype(np.float64), Y)


@pytest.mark.parametrize("metric", [metrics.knn_recall, *RANKED])
def test_one_far_point_changes_little(metric, pair):
    X, Y = pair
    far = np.vstack([X, np.full((1, 5), 1e8)])
    assert metric(far, np.vstack([Y, [[1e8, 1e8]]]), 10) == pytest.approx(metric(X, Y, 10), abs=0.02)


@pytest.mark.parametrize("metric", [metrics.knn_recall, *RANKED])
def test_duplicates_and_constant_data_are_finite(metric, pair):
    X, Y = pair
    assert 0 <= metric(np.zeros_like(X), Y, 5) <= 1
    assert 0 <= metric(X, np.zeros_like(Y), 5) <= 1
    assert metric(np.zeros_like(X), np.zeros_like(Y), 5, n_samples=20) == 1.0


def test_callable_and_other_metrics_of_the_data(pair):
    X, Y = pair
    assert metrics.knn_recall(X, Y, metric=lambda a, b: np.abs(a - b).sum()) == metrics.knn_recall(
        X, Y, metric="manhattan"
    )


def test_labels_of_any_type(pair):
    _, Y = pair
    codes = (Y[:, 0] > 0).astype(int)
    expected = metrics.knn_accuracy(Y, codes)
    mixed = np.array([None if code else "b" for code in codes], dtype=object)
    for labels in (codes.tolist(), codes.astype(float), codes.astype(bool), np.where(codes, "b", "a"), mixed):
        assert metrics.knn_accuracy(Y, labels) == expected


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda X, Y: metrics.knn_recall(X, Y[:-1]), InvalidParameterError, "`Y` must have as many rows as `X`, 150"),
        (lambda X, Y: metrics.knn_recall(X, Y, 0), InvalidParameterError, "`k` must be at least 1, got 0"),
        (lambda X, Y: metrics.knn_recall(X, Y, 150), InvalidParameterError, "`k` must be at most 149"),
        (lambda X, Y: metrics.trustworthiness(X, Y, 75), InvalidParameterError, "`k` must be at most 74"),
        (lambda X, Y: metrics.continuity(X, Y, 75), InvalidParameterError, "`k` must be at most 74"),
        (lambda X, Y: metrics.trustworthiness(X, Y, metric="l7"), InvalidParameterError, "`metric` must be one of"),
        (lambda X, Y: metrics.continuity(X, Y, metric="l7"), InvalidParameterError, "`metric` must be one of"),
        (lambda X, Y: metrics.knn_recall(X, Y, n_samples=0), InvalidParameterError, "`n_samples` must be at least 1"),
        (lambda X, Y: metrics.knn_recall(X, Y, n_jobs=0), InvalidParameterError, "`n_jobs`"),
        (lambda X, Y: metrics.knn_recall(X * np.nan, Y), InvalidParameterError, "`X` must be finite"),
        (lambda X, Y: metrics.knn_recall(X, Y * np.inf), InvalidParameterError, "`Y` must be finite"),
        (lambda X, Y: metrics.knn_recall("X", Y), InvalidTypeError, "`X` must be an array of numbers, got 'X'"),
        (lambda X, Y: metrics.knn_accuracy(Y, [1, 2]), InvalidParameterError, "`labels` must be one per row"),
        (lambda X, Y: metrics.knn_accuracy(Y, [np.nan] * 150), InvalidParameterError, "`labels` must not be missing"),
    ],
)
def test_bad_input(pair, call, error, message):
    with pytest.raises(error, match=message):
        call(*pair)


@pytest.mark.parametrize("n_classes", [3, 60, 150])
def test_accuracy_does_not_depend_on_the_blocks(pair, n_classes, rng, monkeypatch):
    _, Y = pair
    labels = rng.integers(n_classes, size=len(Y))
    whole = metrics.knn_accuracy(Y, labels, k=7)
    monkeypatch.setattr("opentsne_like.metrics.neighborhoods._TABLE", 400)
    assert metrics.knn_accuracy(Y, labels, k=7) == whole


def test_accuracy_of_as_many_classes_as_points_fits_into_memory(rng):
    n = 20_000
    tracemalloc.start()
    assert metrics.knn_accuracy(rng.normal(size=(n, 2)), np.arange(n), n_samples=4096) == 0.0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 8 * 2**24 < 8 * 4096 * n
