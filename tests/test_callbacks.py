"""What happens between iterations: who is called, when, with what, and what it may do."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import opentsne_like
from opentsne_like import OptimizationInterrupt, TSNEEmbedding, callbacks, kl_divergence, storage
from opentsne_like.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    ErrorApproximations,
    ErrorLogger,
    ExaggerationStopping,
    History,
    Hook,
    ProgressBar,
    Snapshots,
    StopReason,
    TimeLimit,
    VerifyExaggerationError,
)
from opentsne_like.errors import StorageError


@pytest.fixture(scope="module")
def start():
    X = np.random.default_rng(0).normal(size=(120, 5))
    return opentsne_like.TSNE(perplexity=10, random_state=0).prepare_initial(X)


class Recorder(Callback):
    def __init__(self, stop_at=None):
        self.starts, self.seen, self.stop_at = 0, [], stop_at

    def optimization_about_to_start(self):
        self.starts += 1

    def __call__(self, iteration, error, embedding):
        self.seen.append((iteration, error, np.array(embedding)))
        return iteration == self.stop_at


class Steps(Hook):
    def __init__(self, kl_every=0):
        self.kl_every, self.told = kl_every, []

    def start(self, progress):
        self.told.append(("start", progress.iteration, np.array(progress.embedding)))

    def iteration(self, progress):
        self.told.append(("iteration", progress.iteration, np.array(progress.embedding)))

    def end(self, progress):
        self.told.append(("end", progress.iteration, np.array(progress.embedding)))


def test_a_callback_sees_the_map_before_the_step_and_a_hook_after_it(start):
    before, after = Recorder(), Steps()
    end = start.optimize(3, callbacks=[before, after], callbacks_every_iters=1)
    maps = [np.asarray(start), *(told[2] for told in after.told if told[0] == "iteration")]
    for (iteration, _, seen), expected in zip(before.seen, maps, strict=False):
        np.testing.assert_array_equal(seen, expected, err_msg=f"iteration {iteration}")
    np.testing.assert_array_equal(maps[-1], end)
    assert [told[:2] for told in after.told] == [
        ("start", 0), ("iteration", 1), ("iteration", 2), ("iteration", 3), ("end", 3)
    ]  # fmt: skip


def test_callbacks_run_every_so_many_iterations_and_are_told_once_per_call_that_it_begins(start):
    recorder = Recorder()
    Y = start.optimize(10, callbacks=recorder, callbacks_every_iters=4)
    assert [seen[0] for seen in recorder.seen] == [4, 8]
    Y.optimize(5, callbacks=recorder, callbacks_every_iters=5, inplace=True)
    assert [seen[0] for seen in recorder.seen] == [4, 8, 5]
    assert recorder.starts == 2


@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_the_error_is_that_of_P_without_exaggeration(start, method):
    recorder = Recorder()
    params = {"negative_gradient_method": method, "exaggeration": 12, "callbacks_every_iters": 5}
    start.optimize(20, callbacks=[recorder, VerifyExaggerationError(start)], **params)
    for _, error, points in recorder.seen:
        expected = kl_divergence.kl_divergence_exact(start.affinities.P, points)
        assert error == pytest.approx(expected, abs=1e-6 if method != "fft" else 1e-3)


def test_a_wrong_error_is_reported(start):
    check = VerifyExaggerationError(start)
    with pytest.raises(RuntimeError, match="in iteration 7"):
        check(7, start.kl_divergence + 1e-3, start)


def test_approximations_are_near_the_exact_divergence(start, capsys):
    errors = ErrorApproximations(start.affinities.P)
    start.optimize(60, callbacks=errors, callbacks_every_iters=20)
    assert len(errors.exact_errors) == 3
    np.testing.assert_allclose(errors.bh_errors, errors.exact_errors, atol=1e-6)
    np.testing.assert_allclose(errors.fft_errors, errors.exact_errors, atol=1e-3)
    errors.report()
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in shown] == ["Barnes-Hut", "Interpolation"]


def test_a_callback_that_stops_leaves_the_map_as_it_saw_it(start):
    recorder, other = Recorder(stop_at=4), Recorder()
    Y = start.optimize(10, callbacks=[recorder, other], callbacks_every_iters=2)
    np.testing.assert_array_equal(Y, recorder.seen[-1][2])
    assert [seen[0] for seen in recorder.seen] == [seen[0] for seen in other.seen] == [2, 4]
    assert Y.stop_reason is StopReason.CALLBACK
    assert Y.n_iter_ == 3
    with pytest.raises(OptimizationInterrupt) as caught:
        start.optimize(10, callbacks=Recorder(stop_at=4), callbacks_every_iters=2, propagate_exception=True)
    np.testing.assert_array_equal(caught.value.final_embedding, Y)
    assert caught.value.error == recorder.seen[-1][1]


def test_a_callback_that_stops_ends_both_stages_of_adding_points(start):
    recorder = Recorder(stop_at=50)
    placed = start.transform(start.affinities.knn_index.data[:5], early_exaggeration_iter=60, callbacks=recorder)
    assert [seen[0] for seen in recorder.seen] == [50]
    assert placed.n_iter_ == 49


@pytest.mark.parametrize("callback", ["ErrorLogger", 3, [None], object()])
def test_what_cannot_be_called_is_refused(start, callback):
    with pytest.raises(TypeError, match="`callbacks` must be callables or Hooks, got"):
        start.optimize(1, callbacks=callback)
    with pytest.raises(ValueError, match="`callbacks` must be callables or Hooks, got"):
        start.optimize(1, callbacks=callback)


def test_callbacks_that_can_be_gone_through_once_only_are_refused(start):
    heard = []
    for given in (iter([heard.append]), (call for call in [heard.append]), map(callable, [heard.append])):
        with pytest.raises(TypeError, match=r"`callbacks` must be a list, got .*; use list\(callbacks\)"):
            start.optimize(2, callbacks=given)
    assert not heard


def test_an_exception_passes_unchanged_and_leaves_the_last_finished_iteration(start):
    class BrokenError(Exception):
        pass

    def fail(iteration, error, embedding):
        if iteration == 3:
            raise BrokenError

    Y, steps = start.copy(), Steps()
    P = start.affinities.P.copy()
    with pytest.raises(BrokenError):
        Y.optimize(5, exaggeration=12, callbacks=[fail, steps], callbacks_every_iters=1, inplace=True)
    assert Y.n_iter_ == 2
    assert steps.told[-1][0] == "end"
    np.testing.assert_array_equal(Y, start.optimize(2, exaggeration=12))
    assert (start.affinities.P != P).nnz == 0
    np.testing.assert_array_equal(Y.optimize(3, exaggeration=12), start.optimize(5, exaggeration=12))


def test_the_divergence_is_computed_only_where_someone_asked(start):
    Y = start.optimize(12, callbacks=Steps(kl_every=5))
    assert [r.iteration for r in Y.history if not np.isnan(r.kl_divergence)] == [5, 10]
    assert all(np.isnan(r.kl_divergence) for r in start.optimize(12).history)


def test_callbacks_of_one_call_do_not_leak_into_the_next(start):
    recorder = Recorder()
    start.optimize(2, callbacks=recorder, callbacks_every_iters=1).optimize(2)
    assert len(recorder.seen) == 2


def test_watching_changes_no_bit(start):
    watched = start.optimize(30, callbacks=[Recorder(), Steps(7), History(3), Snapshots(9)], callbacks_every_iters=4)
    np.testing.assert_array_equal(watched, start.optimize(30))


def test_early_stopping_stops_when_the_divergence_stands_still(start):
    Y = start.optimize(2000, callbacks=EarlyStopping(tolerance=1e-3, patience=2, every=20))
    assert Y.stop_reason is StopReason.CONVERGED
    assert 40 < Y.n_iter_ < 2000
    half = EarlyStopping(tolerance=1e-3, patience=2, every=20)
    start.optimize(Y.n_iter_ - 20, callbacks=half)
    other = EarlyStopping(tolerance=1e-3, patience=2, every=20)
    other.restore(half.state())
    assert other.state() == half.state()
    assert other.state()["fails"] == 1


def test_early_stopping_begins_anew_with_every_map_but_not_where_a_run_goes_on(start):
    stopping = EarlyStopping(tolerance=1e-3, patience=2, every=20)
    counts = [start.optimize(2000, callbacks=stopping).n_iter_ for _ in range(2)]
    assert counts[0] == counts[1]
    half = EarlyStopping(tolerance=1e-3, patience=2, every=20)
    Y = start.optimize(counts[0] - 20, callbacks=half)
    resumed = EarlyStopping(tolerance=1e-3, patience=2, every=20)
    resumed.restore(half.state())
    Y.optimize(2000, first_iteration=Y.n_iter_, callbacks=resumed, inplace=True)
    assert Y.n_iter_ == counts[0]


def test_exaggeration_stops_once_the_clusters_have_come_apart(digits):
    X, _ = digits
    stopping = ExaggerationStopping()
    Y = opentsne_like.TSNE(random_state=0, callbacks=stopping).fit(X)
    early = sum(record.exaggeration > 1 for record in Y.history)
    assert 20 < early < 125
    assert len(Y.history) == early + 500
    assert Y.kl_divergence < 0.76
    fewer = Y.optimize(40, callbacks=stopping)
    assert fewer.n_iter_ == Y.n_iter_ + 40, "a phase without exaggeration is left alone"


@pytest.fixture(scope="module")
def clusters():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 5)) + 8 * rng.integers(4, size=(200, 1))


def test_a_later_phase_with_exaggeration_is_left_alone(clusters):
    X = clusters
    stopping = ExaggerationStopping(every=3)
    Y = opentsne_like.TSNE(perplexity=10, n_iter=90, exaggeration=1.5, random_state=0, callbacks=stopping).fit(X)
    early = sum(record.exaggeration == 12 for record in Y.history)
    assert early < 250
    assert len(Y.history) == early + 90
    late = [record for record in Y.history if record.exaggeration == 1.5]
    assert all(np.isnan(record.kl_divergence) for record in late), "nobody looks there"


def test_exaggeration_stops_in_the_same_iteration_in_a_run_that_goes_on(clusters):
    start = opentsne_like.TSNE(perplexity=10, random_state=0).prepare_initial(clusters)
    call = {"exaggeration": 12.0, "momentum": 0.8}
    whole = start.optimize(400, callbacks=ExaggerationStopping(every=3), **call)
    assert whole.stop_reason is StopReason.CONVERGED
    half, done = ExaggerationStopping(every=3), whole.n_iter_ - 4
    Y = start.optimize(done, callbacks=half, **call)
    resumed = ExaggerationStopping(every=3)
    resumed.restore(half.state())
    Y.optimize(400, first_iteration=done, callbacks=resumed, inplace=True, **call)
    assert Y.n_iter_ == whole.n_iter_


def test_early_stopping_waits_for_the_digits_to_come_apart(digits):
    X, _ = digits
    both = [ExaggerationStopping(), EarlyStopping(tolerance=2e-3, patience=1, every=10)]
    Y = opentsne_like.TSNE(random_state=0, callbacks=both).fit(X)
    assert sum(record.exaggeration > 1 for record in Y.history) > 30


def test_early_stopping_waits_until_an_exaggerated_map_has_begun_to_move(clusters):
    both = [ExaggerationStopping(), EarlyStopping(tolerance=2e-3, patience=1, every=5)]
    Y = opentsne_like.TSNE(perplexity=10, random_state=0, callbacks=both).fit(clusters)
    early = [record for record in Y.history if record.exaggeration > 1]
    looks = [record.kl_divergence for record in early if record.kl_divergence == record.kl_divergence]
    assert looks[1] > looks[0] * (1 - 2e-3), "the map stands still at first"
    assert looks[-1] < 0.95 * looks[0]


def test_time_limit(start):
    Y = start.optimize(10**6, callbacks=TimeLimit(0.05))
    assert Y.stop_reason is StopReason.TIME
    assert 0 < Y.n_iter_ < 10**6


def test_history_and_snapshots_keep_what_happened_and_travel(start):
    history, frames = History(kl_every=2), Snapshots(every=3)
    Y = start.optimize(7, callbacks=[history, frames])
    assert [record["iteration"] for record in history.records] == [*range(1, 8)]
    assert not np.isnan(history.records[-1]["kl_divergence"])
    assert [total for total, _ in frames.frames] == [3, 6]
    np.testing.assert_array_equal(frames.frames[1][1], np.float32(start.optimize(6)))
    for hook, fresh in ((history, History(2)), (frames, Snapshots(3))):
        fresh.restore(hook.state())
        Y.optimize(7, callbacks=fresh)
    assert [record["iteration"] for record in history.records] == [*range(1, 8)]


def test_snapshots_are_stored_with_their_map(start, tmp_path):
    path, frames = tmp_path / "map.npz", Snapshots(every=4)
    Y = TSNEEmbedding(np.asarray(start), start.affinities, callbacks=[History(), frames]).optimize(12)
    Y.save(path)
    assert np.array_equal(opentsne_like.load(path), Y)
    found = Snapshots.load(path)
    assert found.every == 4
    assert [total for total, _ in found.frames] == [4, 8, 12]
    np.testing.assert_array_equal([frame for _, frame in found.frames], [frame for _, frame in frames.frames])
    opentsne_like.load(path).optimize(8, callbacks=found)
    assert [total for total, _ in found.frames] == [4, 8, 12, 16, 20]
    start.optimize(6, callbacks=[Snapshots(every=3), Checkpoint(tmp_path / "run.npz")])
    assert [total for total, _ in Snapshots.load(tmp_path / "run.npz").frames] == [3, 6]


def test_snapshots_from_before_a_map_has_grown_are_left_out(clusters, tmp_path):
    estimator = opentsne_like.TSNE(perplexity=10, early_exaggeration_iter=4, n_iter=4, callbacks=Snapshots(every=4))
    grown = estimator.fit(clusters[:-5]).add(clusters[-5:])
    grown.optimize(8).save(tmp_path / "map.npz")
    assert {frame.shape for _, frame in Snapshots.load(tmp_path / "map.npz").frames} == {(len(clusters), 2)}


def test_files_without_snapshots_say_so(start, tmp_path):
    path = tmp_path / "map.npz"
    Y = TSNEEmbedding(np.asarray(start), start.affinities, callbacks=Snapshots(every=4)).optimize(8)
    Y.save(path, include="coordinates")
    with pytest.raises(StorageError, match=r"`path` must be of a map with snapshots, got '.*', which has none"):
        Snapshots.load(path)
    start.optimize(2, callbacks=[Snapshots(every=4), Checkpoint(path)])  # before the first frame
    with pytest.raises(StorageError, match="which has none"):
        Snapshots.load(path)
    frames = np.zeros((2, 5, 2), np.float32)
    for totals, every in ((np.arange(3), 4), (np.ones(2), 4), (np.ones((2, 1), int), 4), (np.arange(2), 0)):
        run = {"run": {"callbacks": [{"class": "Snapshots", "every": every}]}}
        storage.write(path, {"callbacks.0.totals": totals, "callbacks.0.frames": frames}, run)
        with pytest.raises(StorageError, match="its snapshots are no such thing"):
            Snapshots.load(path)
    with pytest.raises(StorageError, match="must be an existing file"):
        Snapshots.load(tmp_path / "no.npz")


def test_error_logger_and_verbose_write_lines_of_iteration_and_divergence(start, caplog, capsys):
    with caplog.at_level(logging.INFO, logger=callbacks.log.name):
        start.optimize(4, callbacks=ErrorLogger(), callbacks_every_iters=2)
    assert [record.message.split(",")[0].split() for record in caplog.records] == [
        ["Iteration", "2"],
        ["Iteration", "4"],
    ]
    assert capsys.readouterr().out == ""
    start.optimize(100, exaggeration=2, verbose=True)
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == "===> Running optimization with exaggeration=2.00, lr=60.00 for 100 iterations..."
    assert [line.split(",")[0] for line in lines] == ["Iteration   50", "Iteration  100"]
    assert last.startswith("   --> Time elapsed: ")


def test_progress_bar_shows_the_divergence(start, capsys):
    start.optimize(20, callbacks=ProgressBar("placing", kl_every=10))
    shown = capsys.readouterr().err
    assert "placing" in shown
    assert "20/20" in shown


def test_a_callback_without_call_says_so(start):
    with pytest.raises(TypeError, match="must define __call__"):
        start.optimize(1, callbacks=Callback(), callbacks_every_iters=1)


def looks(hook, losses, exaggeration=1.0):
    """Return how many looks at these losses a hook takes before it stops, or None."""
    hook.start(callbacks.Progress(None, 0, len(losses), 0, float("nan"), 0.0, exaggeration, 0.0))
    for i, loss in enumerate(losses, 1):
        if hook.iteration(callbacks.Progress(None, i, len(losses), i, loss, 0.0, exaggeration, 0.0)):
            return i
    return None


@pytest.mark.parametrize("shift", [0.0, -1.0, -2.5, -100.0])
def test_early_stopping_knows_losses_at_and_below_zero(shift):
    falling = [2.0 + shift + 2.0 * 0.5**i for i in range(40)]
    stop = looks(EarlyStopping(tolerance=1e-3, patience=3, every=1), falling)
    assert 8 <= stop <= 20
    rising = [shift + 1.0 + 0.1 * i for i in range(10)]
    assert looks(EarlyStopping(patience=3, every=1), rising) == 4
    steady = [shift - float(i) for i in range(40)]
    assert looks(EarlyStopping(tolerance=1e-3, patience=3, every=1), steady) is None


@pytest.mark.parametrize("shift", [0.0, -4.0, -50.0])
def test_exaggeration_stopping_knows_losses_at_and_below_zero(shift):
    falls = [0.0, 0.01, 0.05, 0.2, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    losses = [shift + 5.0 - sum(falls[: i + 1]) for i in range(len(falls))]
    assert looks(ExaggerationStopping(every=1, patience=3), losses, exaggeration=12.0) in (8, 9)


def test_names_of_t_sne_stay():
    assert History(kl_every=5).loss_every == History(5).kl_every == 5
    assert ProgressBar(kl_every=7).loss_every == 7
    hook = Hook()
    hook.kl_every = 3
    assert hook.loss_every == 3
    progress = callbacks.Progress(None, 1, 2, 1, 0.5, 0.0, 1.0, 0.0)
    assert progress.kl_divergence == progress.loss == 0.5


def test_hooks_that_name_kl_every_in_their_class_are_told(start):
    told = []

    class Old(Hook):
        kl_every = 4

        def iteration(self, progress):
            told.append(progress.kl_divergence)

    start.optimize(8, callbacks=Old())
    assert np.isnan(told[:3]).all()
    assert np.isfinite(told[3:]).all()


def test_an_answer_that_is_neither_yes_nor_no_is_refused_and_the_map_stays(start):
    class Asks(Hook):
        def iteration(self, progress):
            return np.ones(2)

    for callback in (lambda iteration, loss, embedding: np.ones(2), Asks()):
        Y = start.copy()
        before = Y.n_iter_
        with pytest.raises(TypeError, match="`callbacks` must return True to stop, else False or None, got ndarray"):
            Y.optimize(3, callbacks=callback, callbacks_every_iters=1, inplace=True)
        assert Y.n_iter_ <= before + 1
        assert np.isfinite(np.asarray(Y)).all()
