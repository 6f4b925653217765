"""Distances of pairs, triplets and class means against their definitions."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from opentsne_like import metrics
from opentsne_like.errors import InvalidParameterError


@pytest.fixture
def pair(rng):
    X = rng.normal(size=(60, 5))
    return X, X[:, :2] + 0.3 * rng.normal(size=(60, 2))


def test_correlation_of_all_pairs_is_spearmans(pair):
    X, Y = pair
    Y = np.round(4 * Y)  # ties
    expected = spearmanr(pdist(X), pdist(Y)).statistic
    assert metrics.distance_correlation(X, Y) == pytest.approx(expected, abs=1e-12)
    assert metrics.distance_correlation(X, Y, n_pairs=None) == pytest.approx(expected, abs=1e-12)


def test_correlation_of_a_sample_is_close_and_repeats_itself(rng):
    X = rng.normal(size=(500, 5))
    Y = X[:, :2]
    exact = metrics.distance_correlation(X, Y, n_pairs=None)
    sampled = [metrics.distance_correlation(X, Y, n_pairs=20_000, random_state=s) for s in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
    np.testing.assert_allclose(sampled, exact, atol=0.02)


def test_triplets_agree_with_all_triplets(rng):
    X = rng.normal(size=(25, 3))
    Y = X[:, :2]
    DX, DY = squareform(pdist(X)), squareform(pdist(Y))
    agree = [(DX[i, j] < DX[i, k]) == (DY[i, j] < DY[i, k]) for i, j, k in itertools.permutations(range(25), 3)]
    assert metrics.random_triplet_accuracy(X, Y) == pytest.approx(np.mean(agree), abs=0.005)
    assert metrics.random_triplet_accuracy(X, Y) == metrics.random_triplet_accuracy(X, Y)
    assert metrics.random_triplet_accuracy(X, Y, random_state=1) != metrics.random_triplet_accuracy(X, Y)


def test_triplets_without_an_answer(rng):
    X = rng.normal(size=(20, 3))
    assert metrics.random_triplet_accuracy(X, np.zeros((20, 2))) == 0.5
    assert np.isnan(metrics.random_triplet_accuracy(np.zeros((20, 3)), X))
    assert metrics.random_triplet_accuracy([[0.0], [1.0], [3.0]], [[0.0], [1.0], [3.0]]) == 1.0


def test_a_reversed_order_is_all_wrong():
    X = np.array([[0.0], [1.0], [3.0]])
    assert metrics.distance_correlation(X, np.array([[0.0], [3.0], [1.0]])) < 0
    assert metrics.random_triplet_accuracy(X, np.array([[1.0], [-9.0], [2.0]])) < 0.5


def test_correlation_of_a_constant_map_is_undefined(pair):
    X, Y = pair
    assert np.isnan(metrics.distance_correlation(X, np.zeros_like(Y)))
    assert np.isnan(metrics.distance_correlation(np.zeros_like(X), Y))


def class_preservation_twin(X, Y, labels, k):
    classes = sorted(set(labels))
    shared = 0
    for a in classes:
        nearest = []
        for Z in (X, Y):
            means = {c: Z[labels == c].mean(axis=0) for c in classes}
            others = sorted((np.linalg.norm(means[c] - means[a]), c) for c in classes if c != a)
            nearest.append({c for _, c in others[:k]})
        shared += len(nearest[0] & nearest[1])
    return shared / (len(classes) * k)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_class_preservation_is_its_definition(rng, k):
    labels = rng.integers(0, 8, 200)
    X = rng.normal(size=(8, 5))[labels] + 0.1 * rng.normal(size=(200, 5))
    Y = X[:, :2]
    assert metrics.class_preservation(X, Y, labels, k) == pytest.approx(class_preservation_twin(X, Y, labels, k))
    names = np.array(list("abcdefgh"))[labels]
    assert metrics.class_preservation(X, Y, names) == metrics.class_preservation(X, Y, labels, 2)


@pytest.mark.parametrize(
    "metric",
    [
        metrics.distance_correlation,
        metrics.random_triplet_accuracy,
        lambda X, Y: metrics.class_preservation(X, Y, np.arange(len(Y)) % 5),
    ],
)
def test_all_kinds_of_input_say_the_same(metric, pair):
    X, Y = pair
    expected = metric(X, Y)
    assert metric(X.tolist(), Y.tolist()) == expected
    assert metric(np.asfortranarray(X), Y) == expected
    assert metric(sp.csr_matrix(X), Y) == pytest.approx(expected, abs=1e-12)
    assert metric(3 * X + 1e3, Y) == pytest.approx(expected, abs=1e-6)
    X32 = X.astype(np.float32)
    assert metric(X32, Y) == metric(X32.astype(np.float64), Y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, Y: metrics.distance_correlation(X, Y[1:]), "`Y` must have as many rows as `X`, 60"),
        (lambda X, Y: metrics.distance_correlation(X, Y, n_pairs=1), "`n_pairs` must be at least 2"),
        (lambda X, Y: metrics.distance_correlation(X[:2], Y[:2]), "`X` must have at least 3 rows"),
        (lambda X, Y: metrics.random_triplet_accuracy(X, Y, n_triplets=0), "`n_triplets` must be at least 1"),
        (lambda X, Y: metrics.class_preservation(X, Y, [0, 1] * 30), "`labels` must have at least 3 classes, got 2"),
        (lambda X, Y: metrics.class_preservation(X, Y, [0, 1, 2] * 20, 2), "`k` must be at most 1"),
        (lambda X, Y: metrics.class_preservation(X, Y, [0, 1, 2]), "`labels` must be one per row"),
    ],
)
def test_bad_input(pair, call, message):
    with pytest.raises(InvalidParameterError, match=message):
        call(*pair)


def test_class_preservation_does_not_depend_on_the_blocks(rng, monkeypatch):
    X = rng.normal(size=(200, 4))
    Y = X[:, :2] + 0.3 * rng.normal(size=(200, 2))
    labels = rng.integers(23, size=200)
    whole = metrics.class_preservation(X, Y, labels)
    monkeypatch.setattr("opentsne_like.metrics.distances._BLOCK", 50)
    assert metrics.class_preservation(X, Y, labels) == whole


def test_many_classes_do_not_need_a_table_of_all_pairs(rng, monkeypatch):
    monkeypatch.setattr("opentsne_like.metrics.distances._BLOCK", 2**16)
    n = 1500
    X = rng.normal(size=(n, 2))
    tracemalloc.start()
    assert metrics.class_preservation(X, -X, np.arange(n)) == 1.0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n * n
