"""Entropic, fuzzy and self-tuning affinities against their definitions."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.spatial.distance import cdist

from opentsne_like import affinity, nearest_neighbors
from opentsne_like.errors import InvalidParameterError, UnavailableError

from . import twins


@pytest.fixture
def X(rng):
    return rng.normal(size=(90, 4))


def exact(X, k, new=None):
    return nearest_neighbors.Sklearn(X, k=k).build() if new is None else nearest_neighbors.Sklearn(X, k=k).query(new, k)


def strengths(d, target, connectivity=1.0):
    """Return the fuzzy memberships of one row of ascending distances, its rho and sigma, by the definition."""
    positive = d[d > 0]
    whole, part = int(connectivity), connectivity - int(connectivity)
    if len(positive) >= connectivity and len(positive):
        ends = np.r_[0.0, positive]
        rho = ends[whole] + part * (positive[min(whole, len(positive) - 1)] - ends[whole])
    else:
        rho = positive.max() if len(positive) else 0.0

    def row(sigma):
        return np.exp(-np.maximum(0, d - rho) / sigma)

    sigma = brentq(lambda s: row(s).sum() - target, 1e-9, 1e9, xtol=1e-13, rtol=1e-14)
    return row(sigma), rho, sigma


@pytest.mark.parametrize("connectivity", [0.0, 0.5, 1.0, 1.5, 3.0])
def test_fuzzy_agrees_with_the_definition(X, connectivity):
    k = 12
    indices, distances = exact(X, k - 1)
    expected = [strengths(d, np.log2(k), connectivity) for d in distances]
    made = affinity.Fuzzy(X, k_neighbors=k, local_connectivity=connectivity, method="exact", normalize=False)
    np.testing.assert_allclose(made.rhos_, [rho for _, rho, _ in expected], rtol=1e-12)
    np.testing.assert_allclose(made.sigmas_, [sigma for _, _, sigma in expected], rtol=1e-9)
    one_way = twins.dense(indices, [row for row, _, _ in expected], len(X))
    np.testing.assert_allclose(made.P.toarray(), one_way + one_way.T - one_way * one_way.T, rtol=1e-7)
    assert abs(made.P - made.P.T).max() == 0
    normalized = affinity.Fuzzy(X, k_neighbors=k, local_connectivity=connectivity, method="exact")
    np.testing.assert_allclose(normalized.P.toarray(), twins.joint(one_way, "union"), rtol=1e-7)
    directed = affinity.Fuzzy(X, k, local_connectivity=connectivity, method="exact", symmetrize=False, normalize=False)
    np.testing.assert_allclose(directed.P.toarray(), one_way, rtol=1e-7)


def test_fuzzy_rows_that_cannot_reach_their_sum(rng):
    X = np.repeat(rng.normal(size=(12, 3)), 8, axis=0)
    made = affinity.Fuzzy(X, k_neighbors=10, method="exact", normalize=False)
    assert np.isfinite(made.P.data).all()
    _, distances = exact(X, 9)
    np.testing.assert_allclose(made.sigmas_, 1e-3 * distances.sum(axis=1) / 10, rtol=1e-12)
    same = affinity.Fuzzy(np.zeros((30, 2)), k_neighbors=5)
    assert same.P.sum() == pytest.approx(1)
    assert len(np.unique(same.P.data)) == 1


def test_fuzzy_places_new_points(X, rng):
    new = rng.normal(size=(10, 4))
    indices, distances = exact(X, 11, new)
    made = affinity.Fuzzy(X, k_neighbors=12, method="exact")
    P, found, _ = made.to_new(new, return_distances=True)
    np.testing.assert_array_equal(found, indices)
    rows = np.array([strengths(d, np.log2(12), 0.0)[0] for d in distances])
    np.testing.assert_allclose(
        P.toarray(), twins.dense(indices, rows / rows.sum(axis=1, keepdims=True), len(X)), rtol=1e-7
    )
    assert made.to_new(new, k_neighbors=5).nnz == 50


def self_tuning(d, own, others):
    return np.exp(-(d**2) / np.outer(own, others))


def test_self_tuning_agrees_with_the_definition(X, rng):
    d = cdist(X, X)
    order = np.sort(d, axis=1)
    sigma = order[:, 7]
    edge = (d <= order[:, [15]]) & ~np.eye(len(X), dtype=bool)
    expected = self_tuning(d, sigma, sigma) * (edge | edge.T)
    made = affinity.SelfTuning(X, k_neighbors=15, method="exact", normalize=False)
    np.testing.assert_allclose(made.sigmas_, sigma, rtol=1e-12)
    np.testing.assert_allclose(made.P.toarray(), expected, rtol=1e-9)
    assert abs(made.P - made.P.T).max() == 0
    P = affinity.SelfTuning(X, k_neighbors=15, method="exact").P
    np.testing.assert_allclose(P.toarray(), expected / expected.sum(), rtol=1e-9)
    new = rng.normal(size=(10, 4))
    indices, distances = exact(X, 15, new)
    rows = np.exp(-(distances**2) / (distances[:, [6]] * sigma[indices]))
    np.testing.assert_allclose(
        made.to_new(new).toarray(),
        twins.dense(indices, rows / rows.sum(axis=1, keepdims=True), len(X)),
        rtol=1e-9,
    )


def test_self_tuning_of_repeated_rows(rng):
    X = np.repeat(rng.normal(size=(8, 3)), 12, axis=0)
    made = affinity.SelfTuning(X, k_neighbors=20, scale_neighbor=3)
    assert np.isfinite(made.P.data).all()
    assert (made.sigmas_ > 0).all()
    assert affinity.SelfTuning(np.zeros((30, 2)), k_neighbors=9).P.sum() == pytest.approx(1)


def test_magic_agrees_with_the_definition(X, rng):
    indices, distances = exact(X, 15)
    sigma = distances[:, 6]
    one_way = twins.dense(indices, np.exp(-((distances / sigma[:, np.newaxis]) ** 2)), len(X))
    made = affinity.MAGIC(X, k_neighbors=15, method="exact", normalize=False)
    np.testing.assert_allclose(made.sigmas_, sigma, rtol=1e-12)
    np.testing.assert_allclose(made.P.toarray(), (one_way + one_way.T) / 2, rtol=1e-9)
    assert abs(made.P - made.P.T).max() == 0
    P = affinity.MAGIC(X, k_neighbors=15, method="exact").P
    np.testing.assert_allclose(P.toarray(), twins.joint(one_way), rtol=1e-9)
    new = rng.normal(size=(10, 4))
    indices, distances = exact(X, 15, new)
    rows = np.exp(-((distances / distances[:, [6]]) ** 2))
    np.testing.assert_allclose(
        affinity.MAGIC(X, k_neighbors=15, method="exact").to_new(new).toarray(),
        twins.dense(indices, rows / rows.sum(axis=1, keepdims=True), len(X)),
        rtol=1e-9,
    )


@pytest.mark.parametrize("k", [30, "all", "auto"])
def test_entropic_agrees_with_the_definition(X, k):
    number = {"all": 89, "auto": 24, 30: 30}[k]
    indices, distances = exact(X, number)
    conditional = twins.dense(indices, twins.conditional(distances, [8]), len(X))
    made = affinity.Entropic(X, perplexity=8, k_neighbors=k, method="exact")
    np.testing.assert_allclose(made.P.toarray(), conditional / len(X), rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(made.bandwidths_, [1 / twins.precision(d, 8) for d in distances], rtol=1e-9)
    np.testing.assert_allclose(
        affinity.Entropic(X, perplexity=8, k_neighbors=k, method="exact", symmetrize=True).P.toarray(),
        twins.joint(conditional),
        rtol=1e-7,
        atol=1e-13,
    )


def test_the_bandwidths_follow_the_perplexity(X):
    made = affinity.Entropic(X, perplexity=8, method="exact", k_neighbors=30)
    made.set_perplexity(4)
    fresh = affinity.Entropic(X, perplexity=4, method="exact", k_neighbors="auto")
    np.testing.assert_array_equal(made.bandwidths_, fresh.bandwidths_)
    np.testing.assert_array_equal(made.P.toarray(), fresh.P.toarray())


def test_entropic_rows_without_a_bandwidth(rng, caplog):
    X = np.repeat(rng.normal(size=(5, 3)), 10, axis=0)
    assert (affinity.Entropic(X, perplexity=4).bandwidths_ == 0).all()
    assert np.isinf(affinity.Entropic(rng.normal(size=(10, 2)), perplexity=9).bandwidths_).all()
    assert not caplog.text


MAKERS = {
    "entropic": lambda X=None, **kw: affinity.Entropic(X, perplexity=5, k_neighbors=20, **kw),
    "fuzzy": lambda X=None, **kw: affinity.Fuzzy(X, k_neighbors=21, **kw),
    "self-tuning": lambda X=None, **kw: affinity.SelfTuning(X, k_neighbors=20, **kw),
    "MAGIC": lambda X=None, **kw: affinity.MAGIC(X, k_neighbors=20, **kw),
}


@pytest.mark.parametrize("name", MAKERS)
def test_what_all_affinities_do(name, X, rng):
    made = MAKERS[name](X, method="exact")
    assert made.P.sum() == pytest.approx(1)
    for n_jobs in (1, 3):
        assert (MAKERS[name](X, method="exact", n_jobs=n_jobs).P != made.P).nnz == 0
    index = nearest_neighbors.Sklearn(X, k=20)
    assert (MAKERS[name](knn_index=index).P != made.P).nnz == 0
    small = MAKERS[name](X, method="exact", dtype="float32").P
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.toarray(), made.P.toarray(), rtol=1e-3, atol=1e-8)
    scaled = MAKERS[name](X * 1e6, method="exact").P
    np.testing.assert_allclose(scaled.toarray(), made.P.toarray(), rtol=1e-6, atol=1e-13)
    new = rng.normal(size=(6, 4))
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(other.to_new(new).toarray(), made.to_new(new).toarray())
    made.release()
    with pytest.raises(UnavailableError, match="release"):
        made.to_new(new)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: affinity.Fuzzy(X, k_neighbors=1), "`k_neighbors` must be at least 2, got 1"),
        (lambda X: affinity.Fuzzy(X, k_neighbors=91), "`k_neighbors` must be at most 90, got 91"),
        (lambda X: affinity.Fuzzy(X, local_connectivity=-1), "`local_connectivity` must be at least 0, got -1"),
        (lambda X: affinity.Fuzzy(X, bandwidth=0), "`bandwidth` must be positive, got 0"),
        (lambda X: affinity.SelfTuning(X, k_neighbors=90), "`k_neighbors` must be at most 89, got 90"),
        (lambda X: affinity.SelfTuning(X, scale_neighbor=31), "`scale_neighbor` must be at most 30, got 31"),
        (lambda X: affinity.SelfTuning(X).to_new(X, k_neighbors=3), "`k_neighbors` must be at least 7, got 3"),
        (lambda X: affinity.Entropic(X, perplexity=0), "`perplexity` must be positive, got 0"),
        (lambda X: affinity.Entropic(X, k_neighbors="some"), "`k_neighbors` must be one of 'all', 'auto', got 'some'"),
    ],
)
def test_one_clear_error(call, message, X):
    with pytest.raises(InvalidParameterError) as caught:
        call(X)
    assert message in str(caught.value)
