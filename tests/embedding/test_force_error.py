"""The error of the forces that an embedding knows of, and refinements that travel with it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from opentsne_like import Embedding, affinity, load, storage
from opentsne_like.callbacks import History
from opentsne_like.errors import StorageError
from opentsne_like.objectives import ElasticEmbedding, KullbackLeibler, NegativeSampling

N = 1200
SETTINGS = {"method": "fft", "learning_rate": 0.5, "n_jobs": 2}


@pytest.fixture(scope="module")
def start():
    angles = 2 * np.pi * np.arange(N) / N
    points = 50.0 * np.column_stack([np.cos(angles), np.sin(angles)])
    return Embedding(points, affinity.Uniform(points, k_neighbors=6, method="exact"), **SETTINGS)


@pytest.fixture(scope="module")
def whole(start):
    return start.optimize(60)


def assert_same(one, other):
    np.testing.assert_array_equal(one, other)
    for name in ("gains", "update"):
        np.testing.assert_array_equal(one.optimizer.state[name], other.optimizer.state[name])
    np.testing.assert_array_equal(one.optimizer.state.carried["verdict"], other.optimizer.state.carried["verdict"])
    assert one.force_error == other.force_error


def is_refined(Y):
    return Y.optimizer.state.carried["verdict"][0] > 0


def test_the_error_is_known(start, whole):
    assert np.isnan(start.force_error)
    assert 0 < whole.force_error < 5e-3
    assert is_refined(whole)
    assert np.isnan(start.optimize(2, method="exact").force_error)
    by_tree = start.optimize(2, method="bh", theta=0.9)
    assert by_tree.force_error > 5e-3
    assert by_tree.force_error > start.optimize(2, method="bh", theta=0.75).force_error > 0


def test_calls_of_any_length_take_the_same_steps(start, whole):
    by_one = start.copy()
    for _ in range(60):
        by_one.optimize(1, inplace=True)
    assert_same(by_one, whole)
    assert_same(start.optimize(60, n_jobs=1, callbacks=History(loss_every=7)), whole)


def test_looking_at_the_loss_changes_no_step(start, whole):
    half = start.optimize(30)
    assert np.isfinite(half.loss_value)
    assert np.isfinite(half.evaluate(method="exact"))
    assert_same(half.optimize(30), whole)


@pytest.mark.parametrize("done", [1, 50, 51])
def test_files_and_copies_go_on_with_the_same_steps(start, whole, tmp_path, done):
    half = start.optimize(done)
    assert is_refined(half)
    half.save(tmp_path / "half.npz")
    for again in (half.copy(), copy.deepcopy(half), pickle.loads(pickle.dumps(half)), load(tmp_path / "half.npz")):
        assert again.force_error == half.force_error
        assert_same(again.optimize(60 - done), whole)


def test_stale_forces_are_as_good(start, tmp_path):
    settings = {"loss": KullbackLeibler(repulsion_every=7, method="fft")}
    whole = start.optimize(60, **settings)
    half = start.optimize(24, **settings)
    assert is_refined(half)
    half.save(tmp_path / "half.npz")
    for again in (half, load(tmp_path / "half.npz")):
        assert_same(again.optimize(36, **settings), whole)
    fresh = half.optimize(1)
    assert set(fresh.optimizer.state.carried) == {"verdict"}


@pytest.mark.parametrize(
    "loss",
    [KullbackLeibler("learn"), KullbackLeibler(0.7), NegativeSampling(c=0.1), ElasticEmbedding(lam=10.0)],
    ids=lambda loss: type(loss).__name__,
)
def test_every_loss_keeps_its_tolerance(start, loss):
    Y = Embedding(start, start.affinities, loss=loss, method="fft", learning_rate=1e-3).optimize(3)
    assert 0 < Y.force_error < loss.tolerance


def test_points_that_were_moved_have_no_known_error(start, tmp_path):
    moved = start.optimize(5)
    moved *= 0.01
    assert np.isnan(moved.force_error)
    moved.save(tmp_path / "moved.npz")
    again = load(tmp_path / "moved.npz")
    assert np.isnan(again.force_error)
    assert_same(again.optimize(1), moved.optimize(1))
    assert not is_refined(moved.optimize(1))


def changed(path, **changes):
    arrays, header = storage.read(path)
    for name, array in changes.items():
        arrays.pop(f"optimizer.carried.{name}", None)
        if array is not None:
            arrays[f"optimizer.carried.{name}"] = array
    storage.write(path, arrays, header)
    return path


def test_files_of_maps_whose_error_was_not_known_go_on(start, tmp_path):
    path = tmp_path / "map.npz"
    start.optimize(5).save(path)
    old = load(changed(path, verdict=None))
    assert np.isnan(old.force_error)
    assert is_refined(old.optimize(1))


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": np.full(9, 1e300)},
        {"verdict": np.full(9, np.nan)},
        {"verdict": np.zeros(5)},
        {"judgement": np.zeros(9)},
        {"total": np.zeros(1)},
    ],
)
def test_what_is_carried_is_checked(start, tmp_path, changes):
    path = tmp_path / "map.npz"
    start.optimize(2).save(path)
    with pytest.raises(StorageError):
        load(changed(path, **changes))
