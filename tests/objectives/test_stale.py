"""Repulsion that serves several iterations: the same steps however the run is cut."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import TSNE, affinity, load
from opentsne_like.callbacks import History
from opentsne_like.errors import InvalidParameterError, StorageError
from opentsne_like.objectives import StaleForces
from opentsne_like.optimizer import State
from opentsne_like.repulsion import Control, RepulsionEngine, StudentT
from opentsne_like.tsne import TSNEEmbedding

EVERY = {"repulsion_every": 3, "exaggeration": 4.0, "momentum": 0.8}


@pytest.fixture
def start():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 6)) + 3 * rng.integers(3, size=(150, 1))
    Y = rng.normal(size=(150, 2))
    return TSNEEmbedding(Y, affinity.PerplexityBasedNN(X, 10, random_state=0))


def test_one_evaluation_serves_several_iterations():
    rng = np.random.default_rng(0)
    state = State({})
    stale = StaleForces(3, state, Control(state.carried, state.counter))
    engine = RepulsionEngine(StudentT(), method="exact", n_jobs=1)
    places = rng.normal(size=(6, 20, 2))
    found = []
    for i, points in enumerate(places):
        state.counter[0] = i
        found.append(stale.evaluate(engine, points, engine.extent(points)))
    for i, potential in enumerate(found):
        fresh = engine.evaluate(places[i - i % 3])
        np.testing.assert_array_equal(potential.gradient, fresh.gradient)
        assert potential.total == fresh.total
    other = RepulsionEngine(StudentT(0.5), method="exact", n_jobs=1)
    fresh = other.evaluate(places[5])
    np.testing.assert_array_equal(stale.evaluate(other, places[5], other.extent(places[5])).gradient, fresh.gradient)


def test_calls_of_any_length_take_the_same_steps(start):
    whole = start.optimize(20, **EVERY)
    by_one = start.copy()
    for _ in range(20):
        by_one.optimize(1, inplace=True, **EVERY)
    np.testing.assert_array_equal(by_one, whole)
    watched = start.optimize(20, callbacks=History(kl_every=1), n_jobs=2, **EVERY)
    np.testing.assert_array_equal(watched, whole)


def test_looking_at_the_divergence_changes_no_step(start):
    whole = start.optimize(13, **EVERY)
    Y = TSNEEmbedding(start, start.affinities, repulsion_every=3)
    looked = Y.optimize(7, **EVERY)
    assert np.isfinite(looked.kl_divergence)
    np.testing.assert_array_equal(looked.optimize(6, **EVERY), whole)


def test_repulsion_is_never_older_than_asked_for(start):
    engine = RepulsionEngine(StudentT(), method="exact", n_jobs=1)
    state = State({})
    old, new = np.random.default_rng(0).normal(size=(2, 20, 2))
    StaleForces(100, state, Control(state.carried, state.counter)).evaluate(engine, old, engine.extent(old))
    state.counter[0] = 100
    potential = StaleForces(7, state, Control(state.carried, state.counter)).evaluate(engine, new, engine.extent(new))
    np.testing.assert_array_equal(potential.gradient, engine.evaluate(new).gradient)
    half = start.optimize(4, **EVERY)

    def pull(embedding, P, **_):
        return 0.0, 1e-3 * np.asfortranarray(embedding)

    pulled = half.optimize(2, negative_gradient_method=pull, repulsion_every=3)
    assert pulled.optimizer.state.carried == {}


def test_a_file_of_moved_points_holds_no_old_repulsion(start, tmp_path):
    half = start.optimize(4, **EVERY)
    half[:] = 2.0 * np.asarray(half)
    half.save(tmp_path / "moved.npz")
    expected = half.optimize(2, **EVERY)
    np.testing.assert_array_equal(load(tmp_path / "moved.npz").optimize(2, **EVERY), expected)


@pytest.mark.parametrize("done", [4, 6])
def test_files_and_copies_go_on_with_the_same_steps(start, tmp_path, done):
    whole = start.optimize(12, **EVERY)
    half = start.optimize(done, **EVERY)
    half.save(tmp_path / "half.npz")
    for again in (half.copy(), load(tmp_path / "half.npz")):
        np.testing.assert_array_equal(again.optimize(12 - done, **EVERY), whole)


def test_a_checkpointed_run_goes_on_with_the_same_steps(start, tmp_path):
    X = np.random.default_rng(1).normal(size=(120, 4))
    settings = {"perplexity": 10, "early_exaggeration_iter": 20, "n_iter": 20, "random_state": 0, "repulsion_every": 3}
    whole = TSNE(**settings).fit(X)

    def stop(iteration, error, embedding):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TSNE(**settings, callbacks=stop, callbacks_every_iters=11).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(TSNE(**settings).fit(X, checkpoint=tmp_path / "run.npz"), whole)


def test_points_that_were_moved_get_new_repulsion(start):
    half = start.optimize(4, **EVERY)
    moved = half.copy()
    moved[:] = np.asarray(moved) + np.array([[3.0, 0.0], [0.0, 2.0]] * 75)
    moved.optimizer.state.counter[0] = 4
    fresh = moved.copy()
    fresh.optimizer.state.carried.clear()
    np.testing.assert_array_equal(moved.optimize(1, **EVERY), fresh.optimize(1, **EVERY))
    assert half.optimize(1, momentum=0.8).optimizer.state.carried == {}


def test_the_map_is_nearly_as_good(digits):
    X, _ = digits
    settings = {"random_state": 0, "n_jobs": 2}
    exact, reused = (TSNE(**settings, repulsion_every=every).fit(X) for every in (1, 3))
    assert reused.kl_divergence < 1.1 * exact.kl_divergence
    assert not np.array_equal(exact, reused)


def test_bad_values_are_refused(start, tmp_path):
    with pytest.raises(InvalidParameterError, match="`repulsion_every`"):
        start.optimize(1, repulsion_every=0)
    half = start.optimize(4, **EVERY)
    half.optimizer.state.carried["gradient"] = np.zeros((3, 2), np.float32)
    half.save(tmp_path / "bad.npz")
    with pytest.raises(StorageError, match="does not belong"):
        load(tmp_path / "bad.npz")
    half.optimizer.state.carried["gradient"] = np.full(half.shape, np.nan, np.float32)
    half.save(tmp_path / "worse.npz")
    with pytest.raises(StorageError, match="not finite"):
        load(tmp_path / "worse.npz")
