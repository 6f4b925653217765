"""Staged calls: the same bits however the iterations are cut, and nothing half done."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.callbacks import EarlyStopping, ErrorLogger, History, Hook, Snapshots, TimeLimit
from opentsne_like.errors import InvalidParameterError, NumericalError, OptimizationInterrupt
from opentsne_like.optimizer import StopReason

from .makers import begin, estimator, finished, old_and_new

METHODS = ["exact", "bh", "fft", "auto"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_many_times_one_is_once_many(method, dimension):
    steps = 15 if (method, dimension) == ("fft", 3) else 50  # each transform in space takes as long as a fit on a line
    Y = begin(dimension, negative_gradient_method=method)
    whole = Y.optimize(steps)
    for _ in range(steps):
        Y = Y.optimize(1)
    np.testing.assert_array_equal(Y, whole)
    assert Y.n_iter_ == whole.n_iter_ == steps
    assert [record.iteration for record in Y.history] == list(range(1, steps + 1))


@pytest.mark.parametrize("method", METHODS)
def test_same_bits_for_any_number_of_threads(method):
    maps = [begin(negative_gradient_method=method, n_jobs=jobs).optimize(30) for jobs in (1, 2, 3, 7, -1)]
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])
    assert len({Y.kl_divergence for Y in maps}) == 1


def test_fit_is_its_two_calls():
    X, _ = old_and_new()
    whole = estimator().fit(X)
    Y = estimator().prepare_initial(X)
    Y = Y.optimize(30, exaggeration=12, momentum=0.8).optimize(40, momentum=0.8)
    np.testing.assert_array_equal(Y, whole)
    np.testing.assert_array_equal(estimator(n_jobs=1).fit(X), whole)


def test_inplace_both_ways():
    Y = begin()
    before = np.array(Y)
    Z = Y.optimize(5)
    np.testing.assert_array_equal(Y, before)
    assert Y.n_iter_ == 0
    assert Y.optimize(5, inplace=True) is Y
    np.testing.assert_array_equal(Y, Z)


def test_parameters_of_one_call_do_not_leak():
    Y = begin()
    kept = dict(Y.gradient_descent_params)
    seen = []
    Y.optimize(2, inplace=True, exaggeration=4, learning_rate=1, callbacks=lambda *a: seen.append(a), verbose=False)
    assert Y.gradient_descent_params == kept
    seen.clear()
    Y.optimize(60, inplace=True)
    assert not seen
    assert Y.history[-1].exaggeration == 1


class Fails(Hook):
    """Raises after an iteration."""

    def __init__(self, iteration, error):
        self.when, self.error = iteration, error

    def iteration(self, progress):
        if progress.iteration == self.when:
            raise self.error


@pytest.mark.parametrize("error", [KeyError("lost"), KeyboardInterrupt(), MemoryError()])
def test_an_exception_leaves_the_last_finished_iteration(error):
    Y = begin()
    P = Y.affinities.P.copy()
    with pytest.raises(type(error)) as caught:
        Y.optimize(20, inplace=True, exaggeration=12, callbacks=Fails(7, error))
    assert caught.value is error
    assert Y.stop_reason is StopReason.INTERRUPTED
    np.testing.assert_array_equal(Y.affinities.P.data, P.data)
    np.testing.assert_array_equal(Y, begin().optimize(7, exaggeration=12))
    np.testing.assert_array_equal(Y.optimize(13, exaggeration=12), begin().optimize(20, exaggeration=12))


def test_an_exception_before_the_step_leaves_the_iteration_before():
    def fails(iteration, error, embedding):
        raise KeyError(iteration)

    Y = begin()
    with pytest.raises(KeyError, match="4"):
        Y.optimize(20, inplace=True, callbacks=fails, callbacks_every_iters=4)
    np.testing.assert_array_equal(Y, begin().optimize(3))


def test_divergence_keeps_the_last_good_coordinates():
    Y = begin()
    with pytest.raises(NumericalError, match=r"iteration.*learning_rate"):
        Y.optimize(50, inplace=True, learning_rate=1e300, max_step_norm=None)
    assert np.isfinite(Y).all()
    assert np.isfinite(Y.optimizer.gains).all()
    assert Y.n_iter_ == len(Y.history)


def test_a_callback_stops_the_run():
    Y = begin().optimize(20, callbacks=lambda i, error, Y: i == 8, callbacks_every_iters=4)
    assert Y.n_iter_ == 7
    assert Y.stop_reason is StopReason.CALLBACK
    with pytest.raises(OptimizationInterrupt) as caught:
        begin().optimize(20, callbacks=lambda *a: True, callbacks_every_iters=5, propagate_exception=True)
    assert caught.value.final_embedding.n_iter_ == 4
    assert caught.value.error > 0


def test_kl_is_computed_only_when_somebody_asks():
    Y = begin().optimize(10)
    assert np.isnan([record.kl_divergence for record in Y.history]).all()
    Y = begin().optimize(10, callbacks=History(kl_every=5))
    known = [record.iteration for record in Y.history if not np.isnan(record.kl_divergence)]
    assert known == [5, 10]


def test_callbacks_see_the_map_before_and_hooks_after_the_step():
    seen = []
    frames = Snapshots(every=2)
    Y = begin().optimize(4, callbacks=[lambda i, e, Y: seen.append(np.array(Y)), frames], callbacks_every_iters=2)
    np.testing.assert_array_equal(seen[0], begin().optimize(1))
    np.testing.assert_array_equal(seen[1], begin().optimize(3))
    assert [total for total, _ in frames.frames] == [2, 4]
    np.testing.assert_array_equal(frames.frames[1][1], np.asarray(Y, dtype=np.float32))


def test_early_stopping_ends_the_phase_and_fit_goes_on():
    X, _ = old_and_new()
    stopping = EarlyStopping(tolerance=0.5, patience=1, every=5)
    Y = estimator(callbacks=stopping).fit(X)
    phases = [record.exaggeration for record in Y.history]
    assert 0 < phases.count(12) < 30
    assert 0 < phases.count(1) < 40
    assert Y.stop_reason is StopReason.CONVERGED


def test_time_limit_ends_the_fit():
    X, _ = old_and_new()
    Y = estimator(callbacks=TimeLimit(1e-9)).fit(X)
    assert Y.n_iter_ == 1
    assert Y.stop_reason is StopReason.TIME


def test_verbose_prints_lines(capsys):
    begin().optimize(50, exaggeration=12, verbose=True)
    out = capsys.readouterr().out
    assert "exaggeration=12.00" in out
    assert "Iteration   50, KL divergence" in out
    lines = []
    begin().optimize(20, callbacks=ErrorLogger(lines.append), callbacks_every_iters=10)
    assert len(lines) == 2


def test_history_has_what_happened():
    Y = begin().optimize(3, exaggeration=12).optimize(2)
    record = Y.history[-1]
    assert record._fields == ("iteration", "loss", "gradient_norm", "exaggeration", "seconds")
    assert [r.exaggeration for r in Y.history] == [12, 12, 12, 1, 1]
    assert all(r.gradient_norm > 0 and r.seconds > 0 for r in Y.history)


def test_fixed_points_keep_their_bits():
    Y = finished()
    fixed = np.arange(len(Y)) % 3 == 0
    Z = Y.optimize(20, fixed=fixed)
    np.testing.assert_array_equal(Z[fixed], Y[fixed])
    assert (np.asarray(Z)[~fixed] != np.asarray(Y)[~fixed]).any(axis=1).all()


def test_exaggeration_may_be_a_function_of_the_iteration():
    Y = begin().optimize(10, exaggeration=lambda i: 12 - i)
    assert [record.exaggeration for record in Y.history] == list(range(12, 2, -1))
    Z = begin()
    for i in range(10):
        Z = Z.optimize(1, exaggeration=12 - i)
    np.testing.assert_array_equal(Y, Z)
    with pytest.raises(InvalidParameterError, match="exaggeration"):
        begin().optimize(3, exaggeration=lambda i: -1.0)
