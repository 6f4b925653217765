"""Elastic embedding whose pairs are weighted by distances in the data, against sums over all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import ElasticEmbedding as Estimator
from opentsne_like import Embedding, NeighborEmbedding, PaCMAP, affinity, load
from opentsne_like.errors import InvalidParameterError, UnavailableError
from opentsne_like.objectives import Context, ElasticEmbedding, Parts
from opentsne_like.optimizer import LBFGS, Schedule, SpectralDirection
from opentsne_like.repulsion import Control, Gaussian, SquaredDistances, WeightedEngine

from ..repulsion.oracle import make
from .test_kl import conditional, differences, joint

LOSS = ElasticEmbedding(lam=7.0, repulsion="distance")


def squared(Y, X):
    return ((Y[:, None] - X[None]) ** 2).sum(axis=2)


def weights(X, new=None):
    """Return squared distances, (n, n) or (m, n), of which those of all pairs of X are 1 on average."""
    n = len(X)
    return squared(X if new is None else new, X) * n * (n - 1) / squared(X, X).sum()


def data(n, seed=0):
    """Return columns of different widths, far from the origin."""
    return np.random.default_rng(seed).normal(size=(n, 4)) * [1.0, 3.0, 0.1, 10.0] + 100


def slow(loss, P, Y, X):
    pushed = weights(X) * np.exp(-squared(Y, Y))
    return (P.toarray() * squared(Y, Y)).sum() + loss.lam * pushed.sum() / (len(X) * (len(X) - 1))


def bound(loss, P, X, n_jobs=2):
    return loss.bind(P, Context(n_jobs, None, Parts(), (X,)))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_value_and_gradient_are_those_of_the_formula(d):
    P, X, Y = joint(25), data(25), np.random.default_rng(d).normal(size=(25, d))
    value, gradient = bound(LOSS, P, X).evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(lambda y: slow(LOSS, P, y, X), Y) / 4
    assert value == pytest.approx(slow(LOSS, P, Y, X), rel=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("shape", ["gaussian", "clusters", "duplicates", "line", "two far clusters"])
def test_every_method_keeps_its_tolerance(shape, d):
    """On maps of any shape, with data that are as near as the map says, and with others. Trees say what theirs is."""
    n = 600
    for X in (data(n), make(shape, d, n)):
        for scale in (1e-4, 0.5, 5.0 if d < 3 else 2.0):
            Y = scale * make(shape, d, n)
            k = weights(X) * np.exp(-squared(Y, Y))
            expected = -2 * (k.sum(axis=1, keepdims=True) * Y - k @ Y)
            for method in ("exact", "bh", "fft"):
                engine = WeightedEngine(Gaussian(), method=method, weights=SquaredDistances(X))
                control = Control()
                found = control.evaluate(engine, Y)
                error = np.linalg.norm(found.gradient - expected) / np.linalg.norm(expected)
                bound = {"exact": 1e-9, "fft": 5e-3, "bh": 1.5 * np.nan_to_num(control.error) + 1e-6}[method]
                assert error < bound, (method, scale, error, control.error)
                # pairs at one place, each 1 without its weight, cancel: their error stays
                assert found.total == pytest.approx(k.sum(), rel=1e-9 if method == "exact" else 2e-2)


@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_placed_points_have_the_weights_of_what_they_are_in_the_data(method):
    rng = np.random.default_rng(0)
    P, X, old, Y = conditional(6, 900), data(900), rng.normal(size=(900, 2)) * 2, rng.normal(size=(6, 2))
    Y[5] = 30.0  # beyond the field
    pairs = weights(X, P @ X)

    def formula(y):
        return (P.toarray() * squared(y, old)).sum() + LOSS.lam * (pairs * np.exp(-squared(y, old))).sum() / 900

    loss = ElasticEmbedding(lam=7.0, repulsion="distance", method=method)
    value, gradient = loss.place(P, old, Context(2, None, Parts(), (X,))).evaluate(Y, exaggeration=1.0, with_loss=True)
    assert value == pytest.approx(formula(Y), rel=2e-3)
    expected = differences(formula, Y) / 2
    np.testing.assert_allclose(gradient[:5], expected[:5], atol=5e-3 * np.abs(expected[:5]).max())
    np.testing.assert_allclose(gradient[5], expected[5], rtol=1e-5)


def test_numbers_of_neuralee():
    """Of NeuralEE's elastic embedding: exp(-|x_i - x_j|²) attracts, |x_i - x_j|² repels, both sum to 1; lam = 10."""
    n, i = 12, np.arange(12)
    Y = np.c_[np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)]
    X = np.c_[np.cos(1.1 * i), np.sin(0.7 * i) + 0.1 * i, np.cos(i * i / 5)]
    P = np.exp(-squared(X, X)) * ~np.eye(n, dtype=bool)
    of = bound(ElasticEmbedding(lam=10.0, repulsion="distance"), sparse.csr_matrix(P / P.sum()), X)
    value, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    assert value == pytest.approx(6.87483024597168, rel=1e-6)
    golden = [0.8778203725814819, -0.05594630539417267, 0.15220040082931519, 0.4631894528865814]
    np.testing.assert_allclose(4 * gradient[:2].ravel(), golden, rtol=2e-5, atol=2e-6)


def test_data_of_any_unit_and_place_have_the_same_weights():
    X = np.random.default_rng(0).normal(size=(30, 4))
    usual = SquaredDistances(X)
    np.testing.assert_allclose(usual.rows @ usual.columns.T, weights(X), atol=1e-12)
    for other in (1e6 + X, 1e-100 * X, 1e100 * X, X.astype(np.float32)):
        found = SquaredDistances(other)
        np.testing.assert_allclose(found.rows @ found.columns.T, weights(X), atol=1e-6)
    assert usual == SquaredDistances(X.copy())
    assert usual != SquaredDistances(X + 1e-9)
    with pytest.raises(InvalidParameterError, match="`data` must have rows that differ"):
        _ = SquaredDistances(np.ones((5, 3))).rows


@pytest.mark.parametrize("optimizer", [LBFGS(), SpectralDirection()], ids=repr)
def test_optimizers_that_search_take_the_same_steps_in_pieces(optimizer, rng):
    X = rng.normal(size=(80, 5))
    Y = Embedding(0.1 * X[:, :2], affinity.PerplexityBasedNN(X, perplexity=10), loss=LOSS, optimizer=optimizer)
    whole = Y.optimize(12)
    assert whole.loss_value < Y.loss_value
    for _ in range(12):
        Y = Y.optimize(1)
    np.testing.assert_array_equal(Y, whole)


def test_the_value_follows_the_data(rng):
    X = rng.normal(size=(40, 5))
    given = affinity.Uniform(X, k_neighbors=5)
    Y = Embedding(X[:, :2], given, loss=LOSS)
    before = Y.loss_value
    given.knn_index.data = X[::-1].copy()
    assert Y.loss_value != before
    given.knn_index.data = X
    assert Y.loss_value == before


def test_affinities_without_data_are_refused_by_name(rng, tmp_path):
    X = rng.normal(size=(40, 5))
    released = affinity.Uniform(X, k_neighbors=5)
    released.release()
    precomputed = affinity.Uniform(np.sqrt(squared(X, X)), k_neighbors=5, metric="precomputed")
    for given in (released, affinity.PrecomputedAffinities(affinity.Uniform(X, k_neighbors=5).P), precomputed):
        Y = Embedding(X[:, :2], given, loss=LOSS)
        before = np.array(Y)
        for use in (lambda Y=Y: Y.optimize(5), lambda Y=Y: Y.loss_value, Y.point_losses):
            with pytest.raises(UnavailableError, match="`repulsion` 'distance' weighs pairs by their distances"):
                use()
        np.testing.assert_array_equal(Y, before)
        with pytest.raises(UnavailableError, match="make affinities from data"):
            Estimator(repulsion="distance", perplexity=5).fit(affinities=given, initialization=X[:, :2])
    thin = Embedding(X[:, :2], affinity.Uniform(sparse.csr_matrix(X), k_neighbors=5), loss=LOSS)
    with pytest.raises(UnavailableError, match="got a sparse one"):
        thin.optimize(5)
    Y = Embedding(X[:, :2], affinity.Uniform(X, k_neighbors=5), loss=LOSS).optimize(5)
    Y.save(tmp_path / "map.npz", include="affinities")
    with pytest.raises(UnavailableError, match="store maps with their data"):
        load(tmp_path / "map.npz").optimize(5)


@pytest.mark.parametrize(
    "estimator",
    [
        Estimator(repulsion="distance", perplexity=5),
        PaCMAP(n_neighbors=5),
        NeighborEmbedding(loss=LOSS),
    ],
    ids=repr,
)
def test_data_without_columns_are_refused_before_any_work(estimator, rng, monkeypatch):
    X = rng.normal(size=(40, 5))
    given = affinity.PrecomputedAffinities(affinity.Uniform(X, k_neighbors=5).P)
    for name in ("_affinities", "_starts_from"):
        monkeypatch.setattr(type(estimator), name, lambda *_: pytest.fail("work was begun"))
    with pytest.raises(UnavailableError, match="got a sparse one; reduce its columns"):
        estimator.fit(sparse.csr_matrix(X))
    with pytest.raises(UnavailableError, match="which are not known here; make affinities from data"):
        estimator.fit(affinities=given, initialization="spectral")
    if "metric" in estimator.get_params():
        with pytest.raises(UnavailableError, match="which are not known here; make affinities from data"):
            type(estimator)(**{**estimator.get_params(), "metric": "precomputed"}).fit(np.sqrt(squared(X, X)))


def test_given_neighbours_with_data_beside_them_do(rng):
    X = rng.normal(size=(40, 5))
    found = affinity.Uniform(X, k_neighbors=5)
    given = affinity.from_neighbors(*found.knn_index.build(), perplexity=None)
    Y = NeighborEmbedding(loss=LOSS, schedule=Schedule(5), init_scaling=0.1, random_state=0).fit(X, affinities=given)
    Z = NeighborEmbedding(loss=LOSS, schedule=Schedule(5), init_scaling=0.1, random_state=0).fit(X, affinities=found)
    np.testing.assert_allclose(Y, Z, rtol=1e-6)


def test_the_estimator_has_both_repulsions(rng):
    X = rng.normal(size=(60, 5))
    made = [Estimator(perplexity=10, n_iter=20, repulsion=by, random_state=0).fit(X) for by in ("uniform", "distance")]
    assert [Y.loss.repulsion for Y in made] == ["uniform", "distance"]
    assert not np.array_equal(*made)
    with pytest.raises(InvalidParameterError, match="`repulsion` must be one of 'uniform', 'distance', got 'far'"):
        Estimator(repulsion="far").fit(X)
