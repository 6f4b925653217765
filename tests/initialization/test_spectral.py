"""Diffusion maps: right order and scale, graphs in pieces, what happens when the iteration fails."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

from opentsne_like import affinity, initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.initialization import eigen


def twin(A, k):
    """Return eigenvectors times eigenvalues of the random walk, all of them computed, scaled."""
    values, vectors = eigh(A, np.diag(A.sum(axis=1)))
    found = vectors[:, ::-1][:, 1 : k + 1]
    found = found * np.sign(found[np.abs(found).argmax(axis=0), np.arange(k)]) * values[::-1][1 : k + 1]
    return found / found[:, 0].std() * 1e-4


def blob(n, rng):
    """Return the weights between points of a stretched cloud."""
    x = rng.normal(size=(n, 3)) * [6, 4, 2]
    return np.exp(-cdist(x, x, "sqeuclidean") / 8) * (1 - np.eye(n))


def path(n):
    """Return a path, on which the iteration takes long."""
    return sparse.csr_matrix(np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1))


@pytest.mark.parametrize("n", [50, 450])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_agrees_with_the_twin(rng, n, k):
    A = blob(n, rng)
    Y = initialization.spectral(A, n_components=k, tol=0, random_state=0, add_jitter=False)
    np.testing.assert_allclose(Y, twin(A, k), atol=1e-11)
    assert Y[:, 0].std() == pytest.approx(1e-4)
    loose = initialization.spectral(A, n_components=k, random_state=0, add_jitter=False)
    np.testing.assert_allclose(loose, twin(A, k), atol=2e-5)


def test_negative_eigenvalues_are_not_leading(rng):
    half = rng.random((210, 210))
    A = np.zeros((420, 420))
    A[:210, 210:] = half  # almost bipartite: eigenvalues near -1
    A += A.T + blob(420, rng) * 0.1
    np.testing.assert_allclose(
        initialization.spectral(A, tol=0, random_state=0, add_jitter=False), twin(A, 2), atol=1e-10
    )


def test_kinds_of_input(rng):
    A = blob(80, rng)
    expected = initialization.spectral(A, random_state=0)
    before = A.copy()
    for given in (sparse.csr_matrix(A), sparse.csc_array(A), sparse.coo_matrix(A), A.tolist()):
        np.testing.assert_allclose(initialization.spectral(given, random_state=0), expected, atol=1e-15)
    np.testing.assert_array_equal(A, before)
    one_way = np.triu(A) * 2
    np.testing.assert_allclose(initialization.spectral(one_way, random_state=0), expected, atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_pieces_lie_side_by_side(rng, k):
    sizes = [450, 60, 9, 1, 1]
    A = sparse.block_diag([blob(m, rng) if m > 6 else np.zeros((1, 1)) for m in sizes]).toarray()
    shuffled = rng.permutation(len(A))
    label = np.repeat(np.arange(5), sizes)[shuffled]
    Y = initialization.spectral(A[np.ix_(shuffled, shuffled)], n_components=k, random_state=0, add_jitter=False)
    assert np.isfinite(Y).all()
    assert Y[:, 0].std() == pytest.approx(1e-4)
    centers = np.array([Y[label == i].mean(axis=0) for i in range(5)])
    for i in range(5):
        radius = np.linalg.norm(Y[label == i] - centers[i], axis=1).mean()
        others = np.linalg.norm(np.delete(centers, i, axis=0) - centers[i], axis=1)
        assert (others > radius).all()
    spread = [np.sqrt(Y[label == i].var(axis=0).sum()) for i in range(2)]
    assert spread[1] / spread[0] == pytest.approx(np.sqrt(60 / 450) if k > 1 else 60 / 450)


def test_degenerate_graphs_give_distinct_finite_starts():
    complete = np.ones((30, 30)) - np.eye(30)
    for A in (complete, np.zeros((30, 30)), np.eye(30), np.diag(np.ones(29), 1) + np.diag(np.ones(29), -1)):
        Y = initialization.spectral(A, random_state=0)
        assert np.isfinite(Y).all()
        assert len(np.unique(Y, axis=0)) == 30
    complete = np.ones((500, 500)) - np.eye(500)
    assert np.isfinite(initialization.spectral(complete, random_state=0)).all()
    assert initialization.spectral(np.array([[0, 1.0], [1, 0]]), n_components=1, random_state=0).shape == (2, 1)


def helix(n, noise, rng):
    """Return the affinities of a long thin data set, and the order of its points."""
    t = rng.random(n)
    X = np.c_[np.cos(6 * np.pi * t), np.sin(6 * np.pi * t), 20 * t]
    return affinity.PerplexityBasedNN(X + noise * rng.normal(size=X.shape), perplexity=30).P, t


def order(column, t):
    return abs(spearmanr(column, t)[0])


@pytest.mark.parametrize("noise", [0, 0.1])
@pytest.mark.parametrize("n", [3_000, 10_000])
def test_a_long_thin_data_set_is_unrolled_whatever_the_seed(rng, n, noise, caplog):
    P, t = helix(n, noise, rng)
    starts = [initialization.spectral(P, random_state=seed) for seed in range(3)]
    assert all(order(Y[:, 0], t) > 0.99 for Y in starts)
    assert not caplog.text
    again = initialization.spectral(P, random_state=2)
    np.testing.assert_array_equal(again, starts[2])


@pytest.mark.slow
def test_a_very_long_one_too(rng, caplog):
    P, t = helix(40_000, 0, rng)
    assert order(initialization.spectral(P, random_state=1)[:, 0], t) > 0.99
    assert not caplog.text


def test_a_long_path():
    """Eigenvalues are known: the cosines of the path's frequencies."""
    n = 10_000
    A = path(n)
    Y = initialization.spectral(A, tol=1e-8, random_state=0, add_jitter=False)
    waves = np.cos(np.pi * np.arange(n)[:, None] / (n - 1) * np.arange(1, 3))
    for ours, true in zip(Y.T, waves.T, strict=True):
        assert abs(np.corrcoef(ours, true)[0, 1]) > 0.9999


def test_neighbours_in_value_are_told_apart(rng):
    """A sheet a little longer than wide, whose first two eigenvalues nearly agree."""
    X = rng.random((6_000, 2)) * [1.1, 1]
    Y = initialization.spectral(affinity.Uniform(X, k_neighbors=10).P, random_state=0)
    assert order(Y[:, 0], X[:, 0]) > 0.98
    assert order(Y[:, 1], X[:, 1]) > 0.98


def test_large_graphs_without_small_ones(rng):
    """A complete graph, a star and a dense cloud are one neighbourhood each."""
    complete = np.ones((900, 900)) - np.eye(900)
    star = sparse.lil_array((900, 900))
    star[0, 1:] = star[1:, 0] = 1.0
    for A in (complete, star):
        assert np.isfinite(initialization.spectral(A, random_state=0)).all()
    A = blob(900, rng)
    np.testing.assert_allclose(
        initialization.spectral(A, tol=0, random_state=0, add_jitter=False), twin(A, 2), atol=1e-10
    )


def test_what_is_not_resolved_is_said(rng, caplog):
    P, _ = helix(3_000, 0, rng)
    shuffled = np.argsort(rng.random(3_000))
    with caplog.at_level(logging.WARNING, logger=eigen.__name__):
        Y = initialization.spectral(P[shuffled][:, shuffled], max_iter=1, random_state=0)
    assert "is not resolved: the eigenvalues have a relative error of" in caplog.text
    assert "more than 1 iterations" in caplog.text
    assert np.isfinite(Y).all()


@pytest.mark.parametrize("k", [1, 2, 6])
def test_compact_graphs_are_left_to_lanczos(rng, k, monkeypatch):
    monkeypatch.setattr(eigen, "_refined", None)
    P = affinity.Uniform(rng.normal(size=(900, 8)), k_neighbors=12).P
    found = initialization.spectral(P, k, tol=1e-8, random_state=0, add_jitter=False)
    np.testing.assert_allclose(found, twin(P.toarray(), k), atol=1e-7)
    again = initialization.spectral(P, k, tol=1e-8, random_state=1, add_jitter=False)
    np.testing.assert_allclose(found, again, atol=1e-7)


def test_compact_graphs_that_take_long_go_the_other_way(rng, monkeypatch):
    P = affinity.Uniform(rng.normal(size=(900, 8)), k_neighbors=12).P
    monkeypatch.setattr(eigen, "RESTARTS", 1)
    found = initialization.spectral(P, tol=0, random_state=0, add_jitter=False)
    np.testing.assert_allclose(found, twin(P.toarray(), 2), atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_few_points_have_a_start(n, k, caplog):
    A = np.ones((n, n)) - np.eye(n)
    Y = initialization.spectral(A, n_components=k, random_state=0)
    assert Y.shape == (n, k)
    assert np.isfinite(Y).all()
    assert len(np.unique(Y, axis=0)) == n
    assert not caplog.text


@pytest.mark.parametrize(
    ("A", "options", "message"),
    [
        (np.ones((3, 4)), {}, "`A` must be square, got shape (3, 4)"),
        (np.ones(4), {}, "`A` must be two-dimensional"),
        (-np.ones((4, 4)), {}, "`A` must not be negative, got -1"),
        (np.full((4, 4), np.nan), {}, "`A` must be finite"),
        (np.ones((4, 4)), {"n_components": 0}, "`n_components` must be at least 1, got 0"),
        (np.ones((4, 4)), {"tol": -1}, "`tol` must be at least 0, got -1"),
        (np.ones((4, 4)), {"max_iter": 0}, "`max_iter` must be at least 1, got 0"),
    ],
)
def test_one_clear_error(A, options, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
        initialization.spectral(A, **options)
    assert message in str(caught.value)


def test_stored_zeros_are_no_edges():
    path = np.diag(np.ones(4), 1)
    path[2, 3] = 0.0  # two components of three and two points
    A = sparse.csr_array(path + path.T + 2.0 * np.eye(5, k=4) + 2.0 * np.eye(5, k=-4))
    A.data[A.data == 2.0] = 0.0
    lone = sparse.csr_array(([0.0, 0.0, 1.0, 1.0], ([0, 1, 1, 2], [1, 0, 2, 1])), shape=(3, 3))
    for given in (A, lone):
        stored = given.nnz
        clean = given.copy()
        clean.eliminate_zeros()
        expected = initialization.spectral(clean, add_jitter=False, random_state=0)
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(initialization.spectral(given, add_jitter=False, random_state=0), expected)
        assert given.nnz == stored
