"""PaCMAP's loss and pairs: by their formulas, by numbers of the package, and by what pairs have to be."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import sparse

import opentsne_like
from opentsne_like import Embedding, PaCMAP, affinity, load, metrics, objectives
from opentsne_like.affinity.neighbors import as_lists
from opentsne_like.affinity.scaled import nearest_by_scale, scales
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.nearest_neighbors import make_index
from opentsne_like.objectives import (
    Context,
    PairsObjective,
    Parts,
    Pull,
    further_pairs,
    mid_near_pairs,
    pair_edges,
)
from opentsne_like.objectives.pacmap import FURTHER, MID_NEAR, NEAR

from .test_kl import conditional, differences, joint

N = 60


def squared(Y, X):
    return ((Y[:, None] - X[None]) ** 2).sum(axis=2)


def points(n=N):
    """Return data and a map by formulas."""
    i = np.arange(n)
    X = np.c_[np.cos(1.1 * i) * (1 + 0.05 * i), np.sin(0.7 * i) + 0.1 * i, np.cos(i * i / 5), np.sin(2.1 * i)]
    return X.astype(np.float32), np.c_[np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)]


def graph(pairs):
    """Return pairs (count, 2) as edges, each direction by a half."""
    one_way = sparse.csr_matrix((np.full(len(pairs), 0.5), np.array(pairs).T), shape=(N, N))
    return objectives.Edges.of((one_way + one_way.T).tocsr())


@pytest.mark.parametrize(
    ("weights", "loss", "gradient"),
    [
        ((2, 500), 246.773895, [0.4921247661, -0.0862265899, -0.5456229448, 0.6037997603]),
        ((3, 3), 249.709030, [0.8138505220, -0.3803597986, -0.6149766445, 0.6920675039]),
        ((1, 0), 90.042518, [0.2358881235, -0.2759866118, -0.2540562152, 0.1300448179]),
    ],
)
def test_numbers_of_pacmap(weights, loss, gradient):
    """Of `pacmap` 0.9.1, in single precision: the same pairs and map in its three phases."""
    near = [(a, (a + t) % N) for a in range(N) for t in (1, 2)]
    mid_near = [(a, b) for a in range(N) if (b := (a * 7 + 3) % N) != a]
    further = [(a, b) for a in range(N) for t in range(2) if (b := (a * 11 + 5 + t * 13) % N) != a]
    parts = Pull(graph(near), NEAR, weights[0]), Pull(graph(mid_near), MID_NEAR, weights[1])
    of = PairsObjective(*parts, Pull(graph(further), FURTHER, -1.0), n_jobs=2)
    value, found = of.evaluate(points()[1], exaggeration=1.0, with_loss=True)
    assert value == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(4 * found[:2].ravel(), gradient, rtol=1e-5, atol=1e-6)


def test_near_pairs_of_pacmap():
    """Of `pacmap` 0.9.1: the five scaled neighbours of the first four points, and a sum over all."""
    X, _ = points()
    lists = as_lists(*make_index(X, 55, method="exact").build())
    kept = nearest_by_scale(lists, 5, scales(lists), scales(lists)).indices.reshape(N, 5)
    golden = [[6, 5, 1, 16, 17], [16, 0, 10, 6, 5], [8, 14, 15, 3, 5], [9, 15, 14, 25, 2]]
    assert [sorted(row) for row in kept[:4].tolist()] == [sorted(row) for row in golden]
    assert (np.arange(N)[:, None] * kept).sum() == 331126


def slow(loss, P, Y, mid_near, further):
    """Return the loss by its formula."""
    apart = 1 + squared(Y, Y)
    rows = np.arange(len(Y))[:, None]
    near = loss.w_near * len(Y) * loss.n_neighbors * (P.toarray() * (apart / (10 + apart))).sum()
    middle = (apart / (10000 + apart))[rows, mid_near].sum()
    return near + loss.w_mid_near * middle + loss.w_further * (1 / (1 + apart))[rows, further].sum()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_value_and_gradient_are_those_of_the_formula(d):
    rng = np.random.default_rng(d)
    P, X, Y = joint(40), rng.normal(size=(40, 5)), 3 * rng.normal(size=(40, d))
    loss = objectives.PaCMAP(w_near=2.0, w_mid_near=400.0, w_further=1.5, seed=3)
    pairs = mid_near_pairs(X, 5, 3), further_pairs(P, 20, 3)
    of = loss.bind(P, Context(2, None, Parts(), (X,)))
    value, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(lambda y: slow(loss, P, y, *pairs), Y) / 4
    assert value == pytest.approx(slow(loss, P, Y, *pairs), rel=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=5e-6 * np.abs(expected).max())
    assert of.point_losses(Y).sum() == pytest.approx(value)
    tiny = 1e-5 * Y
    of_pulls = PairsObjective(of.near, of.mid_near, None, n_jobs=1).evaluate(tiny, exaggeration=1.0, with_loss=False)[1]
    np.testing.assert_allclose(of.attractive_laplacian() @ tiny, of_pulls, atol=1e-6 * np.abs(of_pulls).max())
    heavier = objectives.PaCMAP(w_near=2.0, w_mid_near=1200.0, w_further=1.5, seed=3)
    plain, made, gradient = of.evaluate_exaggerated(Y, exaggeration=3.0)
    assert plain == pytest.approx(value)
    assert made == pytest.approx(slow(heavier, P, Y, *pairs), rel=1e-6)
    expected = differences(lambda y: slow(heavier, P, y, *pairs), Y) / 4
    np.testing.assert_allclose(gradient, expected, atol=5e-6 * np.abs(expected).max())


def test_placed_points_have_the_loss_of_the_formula():
    rng = np.random.default_rng(0)
    P, old, Y = conditional(6, 300), 3 * rng.normal(size=(300, 2)), rng.normal(size=(6, 2))

    def formula(y):
        apart = 1 + squared(y, old)
        return (P.toarray() * apart / (10 + apart)).sum() + 2 * (1 / (1 + apart)).mean(axis=1).sum()

    placed = objectives.PaCMAP().place(P, old, Context(1, None, Parts()))
    value, gradient = placed.evaluate(Y, exaggeration=1.0, with_loss=True)
    assert value == pytest.approx(formula(Y), rel=1e-3)
    expected = differences(formula, Y) / 2
    np.testing.assert_allclose(gradient, expected, atol=5e-3 * np.abs(expected).max())


@pytest.mark.parametrize("n", [2, 3, 8, 200])
def test_pairs_are_drawn_as_they_should_be(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3))
    P = sparse.random(n, n, density=0.1, random_state=0, format="csr")
    middle, far = mid_near_pairs(X, 4, seed=5), further_pairs(P, 20, seed=5)
    assert middle.shape == (n, 4)
    assert far.shape == (n, min(20, n - 1))
    itself = np.arange(n)[:, None]
    for drawn in (middle, far):
        assert drawn.min() >= 0
        assert drawn.max() < n
        assert not (drawn == itself).any()
    assert all(len(set(row)) == len(row) for row in far.tolist())
    np.testing.assert_array_equal(mid_near_pairs(X, 4, seed=5), middle)
    np.testing.assert_array_equal(further_pairs(P, 20, seed=5), far)
    if n == 200:
        assert not (P[np.repeat(np.arange(n), 20), far.ravel()] > 0).any()
        assert not np.array_equal(mid_near_pairs(X, 4, seed=6), middle)
        assert not np.array_equal(further_pairs(P, 20, seed=6), far)


def test_further_pairs_are_uniform_and_mid_near_ones_of_middle_rank():
    n = 300
    P = sparse.csr_matrix((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    steps = np.concatenate([(further_pairs(P, 20, seed) - np.arange(n)[:, None]) % n for seed in range(10)]).ravel()
    counts = np.bincount(steps, minlength=n)
    assert counts[:2].tolist() == [0, 0]
    assert np.abs(counts[2:] / counts[2:].mean() - 1).max() < 6 / np.sqrt(counts[2:].mean())
    line = np.arange(float(n))[:, None]
    ranks = np.argsort(np.argsort(np.abs(line - line.T), axis=1), axis=1)
    drawn = np.concatenate([ranks[np.arange(n)[:, None], mid_near_pairs(line, 5, seed)] for seed in range(5)])
    assert drawn.mean() / n == pytest.approx(2 / 7, rel=0.03)  # the second of six


@functools.cache
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(150, 5)) + 4 * rng.normal(size=(3, 5))[rng.integers(3, size=150)]


SHORT = {"num_iters": (20, 20, 30), "random_state": 0}


def test_the_estimator_is_its_stages():
    assert opentsne_like.PaCMAP is PaCMAP
    whole = PaCMAP(**SHORT).fit(data())
    begun = PaCMAP(**SHORT).prepare_initial(data())
    last, rate = begun.loss, {"momentum": 0.9}
    weights = [1000 * (1 - i / 20) + 3 * i / 20 for i in range(20)]
    for weight in weights:  # the weight of mid-near pairs itself, in the place of exaggeration
        loss = objectives.PaCMAP(w_near=2.0, w_mid_near=weight)
        begun = begun.optimize(1, loss=loss, **rate)
    begun = begun.optimize(20, loss=objectives.PaCMAP(w_near=3.0, w_mid_near=3.0), **rate).optimize(30, **rate)
    np.testing.assert_allclose(begun, whole, atol=1e-2 * np.ptp(whole))
    assert whole.loss == last == objectives.PaCMAP()
    assert whole.n_iter_ == 70


def test_counts_of_pairs_are_rounded():
    """As `pacmap` 0.9.1 does; 50 times 0.58 is less than 29 in binary numbers."""
    loss = PaCMAP(n_neighbors=50, MN_ratio=0.58, FP_ratio=0.31)._loss(100)
    assert (loss.n_mid_near, loss.n_further) == (29, 16)


def test_threads_do_not_show_and_seeds_do(tmp_path):
    whole = PaCMAP(**SHORT).fit(data())
    np.testing.assert_array_equal(PaCMAP(**SHORT, n_jobs=1).fit(data()), whole)
    assert not np.array_equal(PaCMAP(**{**SHORT, "random_state": 1}).fit(data()), whole)
    whole.save(tmp_path / "map.npz", include="affinities")
    again = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(again.optimize(5), whole.optimize(5))
    with pytest.raises(UnavailableError, match="`w_mid_near` weighs pairs that are chosen by distances in the data"):
        again.optimize(5, w_mid_near=3.0)


def test_neighbours_and_classes_are_kept(digits):
    X, y = digits
    Y = PaCMAP(random_state=0).fit(X)
    assert metrics.knn_recall(X, np.asarray(Y), k=10) > 0.35
    assert metrics.knn_accuracy(np.asarray(Y), y) > 0.95


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (PaCMAP(n_neighbors=0), "`n_neighbors` must be"),
        (PaCMAP(n_neighbors=150), "`n_neighbors` must be at most 149, got 150"),
        (PaCMAP(MN_ratio=-1), "`MN_ratio` must be"),
        (PaCMAP(FP_ratio="x"), "`FP_ratio` must be"),
        (PaCMAP(num_iters=(1, 2)), "`num_iters` must be three numbers"),
        (PaCMAP(num_iters=450), "`num_iters` must be three numbers"),
        (PaCMAP(num_iters=(1, 2, -3)), "`num_iters` must be"),
    ],
    ids=repr,
)
def test_parameters_that_mean_nothing_are_refused(estimator, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        estimator.fit(data())


def test_scaled_neighbours_are_affinities(tmp_path):
    given = affinity.ScaledNeighbors(data()[:100], k_neighbors=5)
    P = given.P
    assert P.sum() == pytest.approx(1)
    assert abs(P - P.T).max() == 0
    rows = given.to_new(data()[100:])
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert (np.diff(rows.indptr) == 5).all()
    whole = affinity.ScaledNeighbors(data(), k_neighbors=5)
    grown = given.extended(data()[100:])
    np.testing.assert_array_equal(grown.P.toarray(), whole.P.toarray())
    Y = Embedding(data()[:100, :2], given)
    Y.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz").affinities
    np.testing.assert_array_equal(again.to_new(data()[100:]).toarray(), rows.toarray())
    with pytest.raises(InvalidParameterError, match="`k_neighbors` must be"):
        affinity.ScaledNeighbors(data(), k_neighbors=0)


def test_edges_of_pairs_weigh_a_half_in_either_direction():
    edges = pair_edges(np.array([[1, 2], [0, 2], [0, 1]]), n_jobs=1)
    assert edges.mass == 6
    np.testing.assert_array_equal(edges.weights, 1.0)
