"""Rounding errors of distances are forgiven, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNE, affinity
from opentsne_like import nearest_neighbors as nn
from opentsne_like._validation import check_distances
from opentsne_like.errors import InvalidParameterError

N, K = 40, 6


@pytest.fixture(params=[np.float16, np.float32, np.float64])
def rounded(request, rng):
    """Cosine distances with pairs of equal rows, some of them below 0, and what they stand for."""
    rows = rng.normal(size=(N, 5))
    rows[N // 2 :] = 3 * rows[: N // 2]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    D = np.maximum(1 - rows @ rows.T, 0).astype(request.param)
    wrong = D.copy()
    twins = (np.arange(N) + N // 2) % N
    wrong[np.arange(N), twins] = -np.finfo(request.param).eps
    D[np.arange(N), twins] = 0
    return wrong, D


def lists_of(D):
    order = np.argsort(np.where(np.eye(N, dtype=bool), np.inf, D), axis=1, kind="stable")[:, :K]
    return order, np.take_along_axis(D, order, 1)


def graph_of(D):
    indices, distances = lists_of(D)
    if distances.dtype == np.float16:
        distances = distances.astype(np.float32)
    return sparse.csr_matrix((distances.ravel(), indices.ravel(), np.arange(N + 1) * K), shape=(N, N))


def same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert not (np.asarray(ours) < 0).any()


def test_forgiven_in_every_form(rounded):
    wrong, right = rounded
    before = wrong.copy()
    expected = nn.PrecomputedDistanceMatrix(right, K).build()
    same(nn.PrecomputedDistanceMatrix(wrong, K).build(), expected)
    if wrong.dtype != np.float16:
        same(nn.from_neighbors(graph_of(wrong)).build(), expected)
    same(nn.from_neighbors(lists_of(wrong)).build(), expected)
    index = nn.PrecomputedDistanceMatrix(right, K)
    same(index.query(wrong[:3], K), index.query(right[:3], K))
    np.testing.assert_array_equal(wrong, before)


def test_affinities_forgive(rounded):
    wrong, right = rounded
    for given, meant in ((wrong, right), (graph_of(wrong), graph_of(right))):
        if given.dtype == np.float16 or (sparse.issparse(given) and wrong.dtype == np.float16):
            continue
        ours, theirs = (affinity.PerplexityBasedNN(D, perplexity=2, metric="precomputed").P for D in (given, meant))
        np.testing.assert_array_equal(ours.toarray(), theirs.toarray())


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 7.0])
def test_the_diagonal_is_not_looked_at(rounded, value):
    _, right = rounded
    expected = nn.PrecomputedDistanceMatrix(right, K).build()
    filled = right.copy()
    np.fill_diagonal(filled, value)
    same(nn.PrecomputedDistanceMatrix(filled, K).build(), expected)
    graph = sparse.csr_matrix(filled.astype(np.float64) + 0.5)  # all of them stored
    same(nn.PrecomputedDistanceMatrix(graph, K).build()[:1], expected[:1])


@pytest.mark.parametrize(
    ("dtype", "share"), [(np.float16, 5e-3), (np.float32, 3e-6), (np.float64, 3e-12), (np.int64, 1)]
)
def test_more_than_rounding_is_refused(dtype, share):
    D = np.array([[9, 0, 2], [0, 9, 4], [2, 4, 9]], dtype)
    D[1, 0] = -share * 4
    with pytest.raises(
        InvalidParameterError, match=r"`distance_matrix` must be finite and not negative, got -.* row 1"
    ):
        nn.PrecomputedDistanceMatrix(D, 1)
    if dtype in (np.float32, np.float64):
        D[1, 0] /= 6
        assert nn.PrecomputedDistanceMatrix(D, 1).build()[1].tolist() == [[0], [0], [2]]


def test_rows_are_named_in_any_block():
    tall = np.ones((3_000_000, 1), np.float32)
    assert check_distances(tall, "d") is tall
    tall[2_999_990] = -1
    with pytest.raises(InvalidParameterError, match=r"got -1.0 in row 2999990"):
        check_distances(tall, "d")
    with pytest.raises(InvalidParameterError, match=r"got -1.0 in row 1"):
        check_distances(tall.ravel(), "d", starts=np.array([0, 5, 3_000_000]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -7.0])
def test_nobody_looks_at_the_diagonal_of_distances(value):
    X = np.random.default_rng(0).normal(size=(40, 3))
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    odd = D + np.diag(np.full(40, value))
    settings = {"metric": "precomputed", "perplexity": 5}
    estimator = TSNE(**settings, n_iter=5, early_exaggeration_iter=5, initialization="random", random_state=0)
    assert np.asarray(estimator.fit(odd)).tobytes() == np.asarray(estimator.fit(D)).tobytes()
    assert (affinity.PerplexityBasedNN(odd, **settings).P != affinity.PerplexityBasedNN(D, **settings).P).nnz == 0
    D[2, 3] = -1.0
    with pytest.raises(InvalidParameterError, match=r"`X` must be finite and not negative, got -1.0 in row 2"):
        estimator.fit(D)
    with pytest.raises(InvalidParameterError, match=r"`data` must be finite and not negative, got -1.0 in row 2"):
        affinity.PerplexityBasedNN(D, **settings)
