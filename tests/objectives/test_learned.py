"""Degrees of freedom that are learned: their gradient, and what the loop and the embedding make of it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import opentsne_like
from opentsne_like import TSNE, TSNEEmbedding, affinity, initialization, metrics
from opentsne_like.objectives import Edges, KullbackLeibler, LearnedDivergence, divergence, dof_gradient
from opentsne_like.optimizer import LearningObjective, State
from opentsne_like.repulsion import RepulsionEngine, StudentT, StudentTTail

N = 160


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 5)) + 3 * rng.integers(3, size=(N, 1)), rng.normal(size=(9, 5))


@pytest.fixture(scope="module")
def affinities(data):
    return affinity.PerplexityBasedNN(data[0], perplexity=10)


@pytest.fixture
def start(affinities, data):
    Y = TSNEEmbedding(initialization.pca(data[0], random_state=0), affinities, dof="learn", random_state=0)
    return Y.optimize(60, exaggeration=12)


@pytest.mark.parametrize("squared", [0.0, 1e-3, 0.7, 30.0])
@pytest.mark.parametrize("dof", [0.4, 1.0, 5.0])
def test_the_tail_is_the_derivative_of_the_kernel(dof, squared):
    step = 1e-5
    slope = (StudentT(dof - step)(squared) - StudentT(dof + step)(squared)) / (2 * step)
    assert StudentTTail(dof)(np.float64(squared)) == pytest.approx(slope, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_gradient_is_that_of_finite_differences(affinities, dof, method, scale):
    points = np.random.default_rng(1).normal(scale=scale, size=(N, 2))
    step = 1e-4 * dof
    above, below = (metrics.kl_divergence(affinities.P, points, dof + sign * step) for sign in (1, -1))
    objective = divergence(Edges.of(affinities.P), dof, RepulsionEngine(StudentT(dof), method=method))
    found = dof_gradient(objective, points)
    assert found == pytest.approx((above - below) / (2 * step), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_gradient_on_the_grid(dimension):
    n = 900
    everyone = np.arange(n)
    from scipy.sparse import csr_matrix

    ring = csr_matrix((np.ones(n), (everyone, (everyone + 1) % n)), shape=(n, n))
    P = (ring + ring.T) / (2 * n)
    points = np.random.default_rng(2).normal(scale=4, size=(n, dimension))
    above, below = (metrics.kl_divergence(P, points, dof) for dof in (1.501, 1.499))
    objective = divergence(Edges.of(P), 1.5, RepulsionEngine(StudentT(1.5), method="fft"))
    assert dof_gradient(objective, points) == pytest.approx((above - below) / 2e-3, rel=2e-3)


def test_same_bits_for_any_number_of_threads(affinities):
    points = np.random.default_rng(3).normal(scale=5, size=(N, 2))
    found = [
        dof_gradient(divergence(Edges.of(affinities.P), 1.5, RepulsionEngine(StudentT(1.5), n_jobs=n_jobs)), points)
        for n_jobs in (1, 2, -1)
    ]
    assert found[0] == found[1] == found[2]


def test_it_is_what_an_optimizer_asks_for(affinities):
    edges, state = Edges.of(affinities.P), State(KullbackLeibler("learn").parameters())
    state["log_dof"][0] = np.log(2.0)
    objective = LearnedDivergence(state, lambda dof: divergence(edges, dof, RepulsionEngine(StudentT(dof))))
    assert isinstance(objective, LearningObjective)
    assert not isinstance(objective.now, LearningObjective)
    assert objective.now.engine.radial.dof == pytest.approx(2)
    points = np.random.default_rng(4).normal(size=(N, 2))
    assert objective.parameter_gradient(points) == pytest.approx(2 * dof_gradient(objective.now, points))
    state["log_dof"][0] = 0.0
    assert objective.now.engine.radial.dof == 1
    assert [objective.is_due(i, 1.0) for i in range(6)] == [True, False, False, False, False, True]
    assert not objective.is_due(0, 4.0)


def test_the_divergence_ends_lower(start):
    plain = TSNEEmbedding(start, start.affinities, optimizer=start.optimizer.copy()).optimize(300)
    learned = start.optimize(300)
    assert learned.kl_divergence < plain.kl_divergence
    assert learned.optimizer.dof != 1
    exact = metrics.kl_divergence(start.affinities.P, np.asarray(learned), learned.optimizer.dof)
    assert learned.kl_divergence == pytest.approx(exact, rel=1e-4)


def test_nothing_is_learned_while_attraction_is_exaggerated(start):
    assert start.optimizer.dof == 1
    assert start.optimize(10, exaggeration=1.5).optimizer.dof == 1
    assert start.optimize(10).optimizer.dof != 1


def test_one_by_one_is_the_same_as_all_at_once(start):
    Y = start.copy()
    for _ in range(23):
        Y.optimize(1, inplace=True)
    whole = start.optimize(23)
    np.testing.assert_array_equal(Y, whole)
    assert Y.optimizer.dof == whole.optimizer.dof


@pytest.mark.parametrize("way", ["copy", "pickle", "file"])
def test_what_was_learned_travels(start, way, tmp_path):
    half, whole = start.optimize(17), start.optimize(30)
    if way == "copy":
        other = half.copy()
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(half))
    else:
        half.save(tmp_path / "map.npz")
        other = opentsne_like.load(tmp_path / "map.npz")
    assert other.optimizer.dof == half.optimizer.dof
    np.testing.assert_array_equal(other.optimize(13), whole)


def test_an_interrupted_iteration_learns_nothing(start):
    def fail(iteration, error, embedding):
        raise KeyboardInterrupt

    Y = start.optimize(7)
    before = Y.optimizer.dof, np.array(Y)
    with pytest.raises(KeyboardInterrupt):
        Y.optimize(10, inplace=True, callbacks=fail, callbacks_every_iters=1)
    assert Y.optimizer.dof == before[0]
    np.testing.assert_array_equal(Y, before[1])


def test_new_points_are_placed_with_what_was_learned(start, data):
    Y = start.optimize(60)
    number = TSNEEmbedding(Y, Y.affinities, dof=Y.optimizer.dof, random_state=0)
    np.testing.assert_array_equal(Y.transform(data[1], n_iter=20), number.transform(data[1], n_iter=20))


def test_a_function_gets_a_number(start):
    seen = []

    def objective(embedding, P, dof, **_):
        seen.append(dof)
        return 0.0, np.zeros_like(embedding)

    start.optimize(10).optimize(1, negative_gradient_method=objective)
    assert isinstance(seen[0], float)
    assert seen[0] != 1


def test_one_value_per_stage(data):
    options = {"perplexity": 10, "early_exaggeration_iter": 30, "n_iter": 40, "random_state": 0}
    Y = TSNE(dof=[2, "learn"], **options).fit(data[0])
    by_hand = TSNE(dof="learn", **options).prepare_initial(data[0])
    by_hand = by_hand.optimize(30, exaggeration=12, dof=2, momentum=0.8).optimize(40)
    np.testing.assert_array_equal(Y, by_hand)
    assert Y.optimizer.dof != 1
    np.testing.assert_array_equal(TSNE(dof=[2, 2], **options).fit(data[0]), TSNE(dof=2, **options).fit(data[0]))


@pytest.mark.parametrize("dof", ["lern", 0, -1, np.nan, [1], [1, 2, 3], [1, "x"], None])
def test_values_that_mean_nothing_are_refused(data, dof):
    with pytest.raises((TypeError, ValueError), match="`dof` must be"):
        TSNE(dof=dof, perplexity=10).fit(data[0])


def test_reading_the_divergence_begins_nothing(affinities, data):
    Y = TSNEEmbedding(initialization.pca(data[0], random_state=0), affinities, dof="learn", random_state=0)
    assert np.isfinite(Y.kl_divergence)
    assert Y.optimizer.state is None
    Y = Y.optimize(1)
    assert Y.optimizer.state["log_dof"].shape == (3, 1)
