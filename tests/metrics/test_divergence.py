"""The exact KL divergence against its definition, and the criterion made of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import affinity, metrics
from opentsne_like.errors import InvalidParameterError, InvalidTypeError


def kl_twin(P, Y, dof):
    """KL as a double loop over pairs."""
    n = len(Y)
    W = np.array(
        [[0.0 if i == j else (1 + ((Y[i] - Y[j]) ** 2).sum() / dof) ** -dof for j in range(n)] for i in range(n)]
    )
    return sum(
        P[i, j] * (np.log(P[i, j]) - np.log(W[i, j] / W.sum())) for i in range(n) for j in range(n) if P[i, j] > 0
    )


@pytest.fixture
def P(rng):
    P = rng.random((40, 40)) * (rng.random((40, 40)) < 0.3)
    P += P.T
    np.fill_diagonal(P, 0)
    return P / P.sum()


@pytest.mark.parametrize("dof", [1, 0.5, 3.0])
@pytest.mark.parametrize("dims", [1, 2, 3, 5])
@pytest.mark.parametrize("span", [1e-4, 1.0, 1e3])
def test_kl_is_its_definition(P, rng, dof, dims, span):
    Y = span * rng.normal(size=(40, dims))
    expected = kl_twin(P, Y, dof)
    assert metrics.kl_divergence(P, Y, dof) == pytest.approx(expected, rel=1e-11)
    assert metrics.kl_divergence(sp.csr_matrix(P), Y, dof) == pytest.approx(expected, rel=1e-11)


def test_kl_of_an_affinity_that_does_not_sum_to_one(P, rng):
    Y = rng.normal(size=(40, 2))
    np.testing.assert_allclose(
        metrics.kl_divergence(3 * P, Y), 3 * metrics.kl_divergence(P, Y) + 3 * np.log(3), rtol=1e-12
    )


@pytest.mark.parametrize("dof", [1, 2.5])
def test_kl_of_a_sample_of_rows(rng, dof):
    n = 3000
    Y = rng.normal(size=(n, 2)) * rng.choice([1, 20], size=(n, 1))
    P = sp.random_array((n, n), density=1e-3, rng=rng, format="csr")
    P = (P + P.T) / (2 * P.sum())
    exact = metrics.kl_divergence(P, Y, dof)
    assert metrics.kl_divergence(P, Y, dof, n_samples=n) == exact
    found = [metrics.kl_divergence(P, Y, dof, n_samples=1000, random_state=seed) for seed in (0, 0, 1, 2)]
    assert found[0] == found[1] != found[2]
    np.testing.assert_allclose(found, exact, atol=0.1)
    jobs = [metrics.kl_divergence(P, Y, dof, n_samples=1000, n_jobs=n_jobs) for n_jobs in (1, 3)]
    assert jobs == [found[0], found[0]]


def test_kl_takes_every_kind_of_matrix_and_any_number_of_threads(P, rng):
    Y = rng.normal(size=(40, 2))
    expected = metrics.kl_divergence(sp.csr_matrix(P), Y)
    whole = sp.coo_matrix(P)
    rows = whole.tocsr()
    halves = sp.csr_matrix((np.repeat(rows.data / 2, 2), np.repeat(rows.indices, 2), 2 * rows.indptr), shape=(40, 40))
    for same in (P.tolist(), whole, sp.csc_array(P), sp.csr_matrix(P + np.eye(40)), halves):
        assert metrics.kl_divergence(same, Y.tolist()) == pytest.approx(expected, rel=1e-14)
    assert halves.nnz == 2 * rows.nnz
    X = rng.normal(size=(3000, 2))
    Q = sp.random(3000, 3000, density=0.001, format="csr", random_state=0)
    assert len({metrics.kl_divergence(Q, X, n_jobs=n_jobs) for n_jobs in (1, 2, 3, -1)}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": np.zeros((3, 3))}, r"`P` must have shape \(40, 40\) for this map, got \(3, 3\)"),
        ({"P": -np.ones((40, 40))}, "`P` must not be negative, got -1"),
        ({"P": np.full((40, 40), np.nan)}, "`P` must be finite"),
        ({"Y": np.zeros(40)}, "`Y` must be two-dimensional"),
        ({"dof": 0}, "`dof` must be positive, got 0"),
    ],
)
def test_bad_input(P, change, message):
    with pytest.raises(InvalidParameterError, match=message):
        metrics.kl_divergence(**{"P": P, "Y": np.zeros((40, 2)), **change})


# --- pBIC ----------------------------------------------------------------------------------------


def a_map(affinities, n=200, kl=0.5):
    return SimpleNamespace(shape=(n, 2), kl_divergence=kl, affinities=affinities)


def test_pbic_of_the_usual_and_of_the_default_affinities(small_digits):
    X, _ = small_digits
    expected = 2 * 0.5 + np.log(300) * 20 / 300
    for affinities in (
        affinity.PerplexityBasedNN(X, perplexity=20),
        affinity.MultiscaleMixture(X, perplexities=20),  # what TSNE makes
        affinity.Multiscale(X, perplexities=[20]),
    ):
        assert metrics.pBIC(a_map(affinities, 300)) == pytest.approx(expected, rel=1e-15)


def test_pbic_takes_the_perplexity_that_was_used(small_digits):
    X, _ = small_digits
    affinities = affinity.PerplexityBasedNN(X[:31], perplexity=60)
    assert affinities.effective_perplexity_ == 10
    assert metrics.pBIC(a_map(affinities, 31)) == pytest.approx(1 + np.log(31) * 10 / 31)


def test_pbic_needs_one_perplexity(small_digits):
    X, _ = small_digits
    for affinities in (affinity.Uniform(X, k_neighbors=5), affinity.Multiscale(X, perplexities=[5, 20]), None):
        with pytest.raises(InvalidTypeError, match="must have affinities of one perplexity"):
            metrics.pBIC(a_map(affinities))
