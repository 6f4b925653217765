"""Embeddings as arrays: slices, views, copies, arithmetic, pickles."""

from __future__ import annotations

import copy
import multiprocessing
import pickle

import joblib
import numpy as np
import pytest

from opentsne_like import PartialTSNEEmbedding, TSNEEmbedding
from opentsne_like.affinity import Affinities
from opentsne_like.callbacks import History, Hook
from opentsne_like.errors import DetachedError, InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.optimizer import StopReason
from opentsne_like.tsne import gradient_descent

from .makers import affinities, begin, finished, old_and_new


def partial() -> PartialTSNEEmbedding:
    return finished().prepare_partial(old_and_new()[1], perplexity=4).optimize(5)


KINDS = pytest.mark.parametrize("make", [finished, partial], ids=["full", "partial"])


@KINDS
def test_slices_and_views_hold_coordinates_only(make):
    Y = make()
    for part in (Y[:5], Y[[1, 3]], Y[:, 0], Y.T, Y.view(), Y.reshape(-1), np.concatenate([Y, Y]).view(type(Y))):
        assert isinstance(part, type(Y))
        for name in ("optimizer", "kl_divergence", "history", "random_state", "stop_reason", "n_iter_"):
            with pytest.raises(DetachedError, match="slice or a view"):
                getattr(part, name)
        with pytest.raises(DetachedError):
            part.optimize(1)
    np.testing.assert_array_equal(Y[:5].copy(), np.asarray(Y)[:5])
    assert "without state" in repr(Y[:2])


@KINDS
def test_arithmetic_gives_plain_arrays(make):
    Y = make()
    for result in (Y + 1, 2 * Y, Y - Y, -Y, np.sqrt(np.abs(Y)), Y @ np.eye(2), Y == Y, np.add.reduce(Y)):
        assert type(result) is np.ndarray
    assert isinstance(Y.mean(axis=0), np.ndarray)
    assert float(Y.max()) == np.asarray(Y).max()


@KINDS
def test_in_place_arithmetic_keeps_the_embedding(make):
    Y = make()
    before, state, expected = Y, Y._state, np.asarray(Y) * 2 + 1
    Y *= 2
    Y += np.ones((1, 2))
    assert Y is before
    assert Y._state is state
    np.testing.assert_array_equal(Y, expected)
    out = np.add(Y, 1, out=Y)
    assert out is Y


def assert_equal_and_apart(Y, Z):
    assert type(Z) is type(Y)
    np.testing.assert_array_equal(Z, Y)
    np.testing.assert_array_equal(Z.optimizer.gains, Y.optimizer.gains)
    np.testing.assert_array_equal(Z.optimizer.update, Y.optimizer.update)
    assert (Z.n_iter_, Z.stop_reason) == (Y.n_iter_, Y.stop_reason)
    np.testing.assert_array_equal(np.array(Z.history), np.array(Y.history))
    assert Z.gradient_descent_params == Y.gradient_descent_params
    assert Z.optimizer is not Y.optimizer
    before = np.array(Y)
    one, other = Z.optimize(3), Y.optimize(3)
    np.testing.assert_array_equal(one, other)
    Z.optimize(2, inplace=True)
    np.testing.assert_array_equal(Y, before)


@KINDS
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda Y: Y.copy(),
        copy.copy,
        copy.deepcopy,
        lambda Y: pickle.loads(pickle.dumps(Y, protocol=4)),
        lambda Y: pickle.loads(pickle.dumps(Y, protocol=5)),
    ],
    ids=["copy", "copy.copy", "deepcopy", "pickle 4", "pickle 5"],
)
def test_copies_keep_the_state(make, duplicate):
    Y = make()
    assert_equal_and_apart(Y, duplicate(Y))


def test_deepcopy_shares_nothing():
    Y = finished()
    Z = copy.deepcopy(Y)
    assert Z.affinities is not Y.affinities
    assert not np.shares_memory(Z.affinities.P.data, Y.affinities.P.data)
    assert Y.copy().affinities is Y.affinities


@KINDS
def test_joblib_and_processes(make, tmp_path):
    Y = make()
    joblib.dump(Y, tmp_path / "map.joblib")
    assert_equal_and_apart(Y, joblib.load(tmp_path / "map.joblib"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_equal_and_apart(Y, pool.apply(copy.copy, (Y,)))


def test_a_detached_array_can_be_pickled():
    part = finished()[:3]
    again = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(again, part)
    assert copy.deepcopy(part).shape == (3, 2)


def test_repr():
    Y = begin()
    assert repr(Y) == (
        "<TSNEEmbedding of 240 points in 2 dimensions, 0 iterations done, KL divergence not computed, not begun>"
    )
    Y = Y.optimize(3, exaggeration=4)
    kl = Y.kl_divergence
    assert repr(Y).endswith(f"3 iterations done, KL divergence {kl:.4f}, exaggeration 4>")
    Y += 1.0
    assert "not computed" in repr(Y)
    seen = Y.optimize(45, callbacks=History(loss_every=20))
    assert f"KL divergence {seen.history[-6].loss:.4f} in iteration 43, no exaggeration>" in repr(seen)
    assert "not computed" in repr(seen.optimize(50))
    assert "1 dimension," in repr(begin(1))
    assert str(Y) == str(np.asarray(Y))


def test_outside_is_float64_whatever_comes_in():
    start = np.asarray(begin(), dtype=np.float32)
    Y = TSNEEmbedding(start.tolist(), affinities())
    assert Y.dtype == np.float64
    Z = TSNEEmbedding(np.asfortranarray(start), affinities()).optimize(2)
    assert Z.flags.c_contiguous
    assert {Z.dtype, Z.optimizer.gains.dtype, Z.optimizer.update.dtype} == {np.dtype(np.float64)}


def test_the_callers_arrays_stay_as_they_were():
    start = np.array(begin())
    before, P = start.copy(), affinities().P.copy()
    TSNEEmbedding(start, affinities()).optimize(5, exaggeration=12, inplace=True)
    np.testing.assert_array_equal(start, before)
    np.testing.assert_array_equal(affinities().P.data, P.data)


def test_writing_into_coordinates_and_affinities_is_seen():
    Y = TSNEEmbedding(np.array(begin()), copy.deepcopy(affinities()))
    Y.optimize(5, inplace=True)
    kl = Y.kl_divergence
    Y[0] += 10.0
    moved = Y.kl_divergence
    assert moved != kl
    fresh = TSNEEmbedding(np.array(Y), affinities())
    assert moved == fresh.kl_divergence
    Y.affinities.P.data[::2] *= 2
    Y.kl_divergence = 7.0
    assert Y.kl_divergence == 7.0
    exaggerated = TSNEEmbedding(np.array(Y), Y.affinities).optimize(3)
    Y.optimizer.state = None
    np.testing.assert_array_equal(Y.optimize(3), exaggerated)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda: TSNEEmbedding(np.zeros((5, 2)), affinities()), InvalidParameterError, "240 rows, one per point"),
        (lambda: TSNEEmbedding(np.full((240, 2), np.nan), affinities()), InvalidParameterError, "`embedding`"),
        (lambda: TSNEEmbedding(np.zeros(240), affinities()), InvalidParameterError, "`embedding`"),
        (lambda: TSNEEmbedding(np.zeros((240, 2)), "P"), InvalidTypeError, "Affinities object, got str"),
        (lambda: begin(optimizer=3), InvalidTypeError, "gradient_descent object, .* got int"),
        (lambda: begin(negative_gradient_method="fast"), InvalidParameterError, "`negative_gradient_method`"),
        (lambda: begin().optimize(-1), InvalidParameterError, "`n_iter` must be"),
        (lambda: begin().optimize(1.5), InvalidParameterError, "`n_iter`"),
        (lambda: begin().optimize(1, momentum=1), InvalidParameterError, "`momentum`"),
        (lambda: begin().optimize(1, learning_rate=0), InvalidParameterError, "`learning_rate`"),
        (lambda: begin().optimize(1, exaggeration=-1), InvalidParameterError, "`exaggeration`"),
        (lambda: begin().optimize(1, speed=3), InvalidTypeError, "does not know `speed`"),
        (lambda: begin().optimize(1, fixed=[True]), InvalidParameterError, "240 booleans"),
        (lambda: begin().optimize(1, callbacks=[3]), InvalidTypeError, "`callbacks`"),
        (lambda: begin().optimize(1, n_jobs=0), InvalidParameterError, "`n_jobs`"),
        (lambda: begin().save("map.npz", include="all"), InvalidParameterError, "`include`"),
        (lambda: finished().transform(old_and_new()[1], k=0), InvalidParameterError, "`k`"),
        (lambda: finished().transform(old_and_new()[1], initialization="pca"), InvalidParameterError, "median"),
        (lambda: finished().transform(old_and_new()[1][:, :3]), InvalidParameterError, "columns"),
        (
            lambda: finished().transform(np.zeros((2, 6)), initialization=np.zeros((3, 2))),
            InvalidParameterError,
            "shape",
        ),
    ],
)
def test_bad_input_is_refused_and_nothing_changes(bad, error, message):
    with pytest.raises(error, match=message):
        bad()


def test_an_optimizer_belongs_to_one_shape():
    optimizer = gradient_descent()
    TSNEEmbedding(np.array(begin()), affinities(), optimizer=optimizer).optimize(1, inplace=True)
    with pytest.raises(InvalidParameterError, match="optimizer of its own"):
        begin(3, optimizer=optimizer).optimize(1)


def test_the_kl_divergence_follows_what_it_depends_on():
    Y = TSNEEmbedding(np.array(finished()), copy.deepcopy(affinities()))
    first = Y.kl_divergence
    Y.affinities.set_perplexity(5)
    fresh = TSNEEmbedding(np.array(Y), Y.affinities)
    assert Y.kl_divergence == fresh.kl_divergence != first
    Y.gradient_descent_params["dof"] = 2
    assert Y.kl_divergence != fresh.kl_divergence


def test_parameters_are_checked_at_the_door():
    with pytest.raises(InvalidTypeError, match="learning_rat"):
        begin(learning_rat=5)
    with pytest.raises(InvalidParameterError, match="`theta`"):
        begin(theta=-1)
    with pytest.raises(InvalidParameterError, match="matrix P"):
        TSNEEmbedding(np.zeros((3, 2)), Affinities())
    P = partial().P
    with pytest.raises(InvalidParameterError, match="`reference_embedding` must have shape"):
        PartialTSNEEmbedding(np.zeros((20, 3)), finished(), P)


def test_new_points_without_their_reference_are_refused(tmp_path):
    from opentsne_like import load

    partial().save(tmp_path / "new.npz", include="affinities")
    Z = load(tmp_path / "new.npz")
    for ask in (lambda: Z.kl_divergence, lambda: Z.optimize(1)):
        with pytest.raises(UnavailableError, match="without the map"):
            ask()


def test_stop_reasons_explain_themselves():
    assert begin().stop_reason is None
    assert finished().stop_reason is StopReason.FINISHED
    assert str(StopReason.FINISHED) == "all iterations were done"


def test_what_was_not_stored_is_named(tmp_path):
    from opentsne_like import load

    finished().save(tmp_path / "map.npz", include="optimizer")
    with pytest.raises(UnavailableError, match="without its affinities"):
        load(tmp_path / "map.npz").optimize(1)


def test_copies_share_engines_and_may_move_at_the_same_time():
    from concurrent.futures import ThreadPoolExecutor

    Y = begin(negative_gradient_method="fft").optimize(20, exaggeration=12)
    expected = Y.optimize(60)
    with ThreadPoolExecutor(4) as pool:
        for moved in pool.map(lambda copied: copied.optimize(60), [Y.copy() for _ in range(8)]):
            np.testing.assert_array_equal(moved, expected)


def test_copies_of_a_map_in_motion_are_of_one_iteration(tmp_path):
    from threading import Thread

    from opentsne_like import load

    Y = begin(negative_gradient_method="exact")
    seen = {}

    class Keep(Hook):
        def iteration(self, progress):
            seen[progress.total] = np.array(progress.embedding)

    worker = Thread(target=lambda: Y.optimize(300, inplace=True, callbacks=Keep()))
    worker.start()
    taken = []
    while worker.is_alive() and len(taken) < 200:
        taken.append(Y.copy())
        if len(taken) % 20 == 0:
            Y.save(tmp_path / "map.npz")
            taken.append(load(tmp_path / "map.npz"))
    worker.join()
    for Z in taken:
        assert [record.iteration for record in Z.history] == list(range(1, Z.n_iter_ + 1))
        if Z.n_iter_:
            np.testing.assert_array_equal(Z, seen[Z.n_iter_])


def test_a_callback_that_optimizes_its_own_map_is_refused():
    Y = begin()
    with pytest.raises(UnavailableError, match="being optimized already"):
        Y.optimize(5, callbacks=lambda iteration, error, embedding: embedding.optimize(1, inplace=True),
                   callbacks_every_iters=2, inplace=True)  # fmt: skip
    assert Y.n_iter_ == 1
    Y.optimize(5, callbacks=lambda iteration, error, embedding: bool(embedding.optimize(1) is None),
               callbacks_every_iters=2, inplace=True)  # fmt: skip
    assert Y.n_iter_ == 6


def test_a_matrix_that_cannot_be_written_into_is_looked_through_once(monkeypatch):
    from opentsne_like.objectives import base

    looked = []
    monkeypatch.setattr(base, "checksum", lambda part, n_jobs: looked.append(part) or len(looked))
    Y = TSNEEmbedding(np.array(begin()), copy.deepcopy(affinities()))
    for part in (Y.affinities.P.data, Y.affinities.P.indices, Y.affinities.P.indptr):
        part.setflags(write=False)
    for _ in range(3):
        Y.optimize(1, inplace=True)
    assert len(looked) == 3
    Y.affinities.P.data.setflags(write=True)
    Y.optimize(1, inplace=True)
    assert len(looked) == 6


@pytest.mark.parametrize(
    "change",
    [{"dof": 2.0}, {"theta": 0.05}, {"min_num_intervals": 500}, {"ints_in_interval": 0.2}, {"grid_tolerance": 1e-4}],
)
@pytest.mark.parametrize("method", ["bh", "fft"])
def test_the_divergence_is_that_of_the_parameters_as_they_are(change, method):
    Y = TSNEEmbedding(np.array(finished()), affinities(), negative_gradient_method=method)
    before = Y.kl_divergence
    for name, value in change.items():
        Y.gradient_descent_params[name] = value
        assert Y.gradient_descent_params[name] == value
    fresh = TSNEEmbedding(np.array(finished()), affinities(), negative_gradient_method=method, **change)
    assert Y.kl_divergence == fresh.kl_divergence
    for name in change:
        del Y.gradient_descent_params[name]
    assert Y.kl_divergence == before


def test_the_divergence_of_a_map_with_learned_degrees_of_freedom_follows_them():
    Y = begin(dof="learn").optimize(30, exaggeration=12)
    before = Y.kl_divergence
    Y.optimizer.state["log_dof"][0] = np.log(0.5)
    assert Y.kl_divergence != before
    assert Y.kl_divergence == TSNEEmbedding(np.array(Y), affinities(), dof=Y.optimizer.dof).kl_divergence


def test_a_map_that_could_not_be_read_is_not_written_over_a_good_one(tmp_path):
    Y = finished()
    Y.save(tmp_path / "map.npz")
    before = (tmp_path / "map.npz").read_bytes()
    Y[0] = np.nan
    with pytest.raises(InvalidParameterError, match="`embedding` must be finite"):
        Y.save(tmp_path / "map.npz")
    assert (tmp_path / "map.npz").read_bytes() == before


def test_a_map_of_memory_maps_and_one_that_is_read_only(tmp_path):
    Y = finished()
    joblib.dump(Y, tmp_path / "map.joblib")
    Z = joblib.load(tmp_path / "map.joblib", mmap_mode="r")
    np.testing.assert_array_equal(Z.optimize(3, inplace=True), Y.optimize(3))
    Y.flags.writeable = False
    with pytest.raises(InvalidParameterError, match="writeable"):
        Y.optimize(1, inplace=True)
    assert Y.optimize(1).n_iter_ == Y.n_iter_ + 1
