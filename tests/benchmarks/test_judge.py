"""The judge against slow, obvious twins."""

import numpy as np
import pytest

from benchmarks import judge


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(150, 6)), rng.normal(5, 1, size=(100, 6)), np.ones((3, 6))])


@pytest.fixture(scope="module")
def neighbors(points):
    return judge.exact_neighbors(points, 30)


def test_exact_neighbors(points, neighbors):
    indices, distances = neighbors
    between = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    np.fill_diagonal(between, np.inf)
    order = np.argsort(between, axis=1, kind="stable")[:, :30]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, np.take_along_axis(between, order, axis=1), atol=1e-12)


def test_affinities_have_the_perplexity(points, neighbors):
    indices, distances = neighbors
    conditional = np.empty(distances.shape)
    judge.loops.conditional(distances**2, 10.0, conditional)
    np.testing.assert_allclose(np.exp(-(conditional * np.log(conditional)).sum(axis=1)), 10, rtol=1e-8)
    dense = np.zeros((len(points), len(points)))
    np.put_along_axis(dense, indices, conditional, axis=1)
    P = judge.exact_affinities(indices, distances, 10)
    np.testing.assert_allclose(P.toarray(), (dense + dense.T) / dense.sum() / 2, atol=1e-15)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_kl_divergence(points, neighbors, dimensions):
    P = judge.exact_affinities(*neighbors, 10)
    Y = np.random.default_rng(1).normal(size=(len(points), dimensions))
    weights = 1 / (1 + ((Y[:, None] - Y[None]) ** 2).sum(axis=2))
    np.fill_diagonal(weights, 0)
    rows, columns = P.nonzero()
    p, q = P.toarray()[rows, columns], (weights / weights.sum())[rows, columns]
    assert judge.kl_divergence(P, Y) == pytest.approx(float((p * np.log(p / q)).sum()), rel=1e-12)


def test_map_neighbors_leave_out_the_point_itself_even_among_copies():
    Y = np.concatenate([np.zeros((20, 2)), np.random.default_rng(2).normal(size=(30, 2))])
    indices, distances = judge.map_neighbors(Y, 5)
    assert indices.shape == distances.shape == (50, 5)
    assert not (indices == np.arange(50)[:, None]).any()
    assert (distances[:20] == 0).all()


def test_recall_and_class_accuracy():
    assert judge.recall(np.array([[1, 2], [0, 2]]), np.array([[2, 5], [0, 2]])) == 0.75
    assert judge.class_accuracy(np.array([7, 7, 3]), np.array([[1, 1], [0, 2], [0, 1]])) == pytest.approx(1 / 3)


def test_distance_correlation_of_a_scaled_copy_is_one(points):
    assert judge.distance_correlation(points, 3 * points, pairs=2000) == pytest.approx(1)


def test_exact_repulsion():
    points = np.random.default_rng(3).normal(size=(60, 3))
    targets = np.array([5, 0, 41])
    forces, potentials = np.empty((3, 3)), np.empty(3)
    judge.loops.repulsion(points, targets, forces, potentials)
    difference = points[targets][:, None] - points[None]
    w = 1 / (1 + (difference**2).sum(axis=2))
    np.testing.assert_allclose(forces, (w[..., None] ** 2 * difference).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(potentials, w.sum(axis=1) - 1, rtol=1e-12)


def test_maps_that_differ_in_width_alone_have_one_divergence_at_matched_width(points, neighbors):
    judged = judge.Judge.__new__(judge.Judge)
    judged.X, judged.labels, judged.n = points, np.arange(len(points)) % 3, len(points)
    judged.indices, judged.distances = neighbors
    judged.P = judge.exact_affinities(*neighbors, 10)
    Y = np.random.default_rng(4).normal(size=(len(points), 2))
    narrow, wide, other = judged.compare([Y, 5 * Y + 3, np.random.default_rng(5).normal(size=Y.shape)])
    assert narrow["kl"] != pytest.approx(wide["kl"], rel=1e-3)
    assert narrow["matched"] == pytest.approx(wide["matched"], rel=1e-12)
    assert wide["matched"] == pytest.approx(wide["kl"], rel=1e-12)
    assert other["matched"] != pytest.approx(wide["matched"], rel=1e-3)
    assert narrow["recall"] == wide["recall"]


def test_spread_is_the_distance_from_the_mean():
    assert judge.spread(np.array([[0.0, 0.0], [6.0, 8.0]]) - 1000) == pytest.approx(5)
