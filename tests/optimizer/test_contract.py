"""What works for one optimizer works for every optimizer, with every loss.

A new optimizer enters `optimizer.OPTIMIZERS`, and here with its options.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from opentsne_like import load
from opentsne_like.callbacks import Checkpoint, EarlyStopping, History, StopReason
from opentsne_like.errors import UnavailableError
from opentsne_like.optimizer import LBFGS, OPTIMIZERS, SGD, Adam, Momentum, Schedule, SpectralDirection

from ..test_contract import CASES, NEW, SAMPLED, STEPS, N, StopAt, assert_same, begin, data, estimator, kill_a_fit

OPTIMS = {
    "Momentum": Momentum(),
    "without gains": Momentum(use_gains=False),
    "LBFGS": LBFGS(memory=5),
    "Adam": Adam(),
    "SGD": SGD(),
    "SpectralDirection": SpectralDirection(),
}
# A search along a line takes the forces of the points as they are.
UNSTEADY = {"t-SNE, stale forces", *SAMPLED}
REFUSED = {(which, name) for which in ("LBFGS", "SpectralDirection") for name in UNSTEADY}
REFUSED |= {("SpectralDirection", "minimum distortion")}  # some of its functions have no slope at 0, or an infinite one
ANNEALED = {"SGD"}  # their steps depend on how long the call is, so calls are cut by stopping, not in pieces
EVERY = pytest.mark.parametrize("which", OPTIMS)
LEARNING = "t-SNE, dof learned"


def test_every_optimizer_is_in_the_contract():
    assert {type(optimizer) for optimizer in OPTIMS.values()} == set(OPTIMIZERS.values())


@EVERY
@pytest.mark.parametrize("name", CASES)
def test_every_optimizer_goes_down_every_loss_or_is_refused_by_name(which, name):
    Y = begin(name, optimizer=OPTIMS[which])
    if (which, name) in REFUSED:
        with pytest.raises(UnavailableError, match=f"`optimizer` {type(OPTIMS[which]).__name__} "):
            Y.optimize(1)
        return
    Z = Y.optimize(STEPS)
    assert Z.loss_value < Y.loss_value - 1e-2 * abs(Y.loss_value)
    assert np.isfinite(np.asarray(Z)).all()
    assert [record.iteration for record in Z.history] == list(range(1, STEPS + 1))
    exaggerated = Y.optimize(10, exaggeration=4.0)
    assert np.isfinite(np.asarray(exaggerated)).all()
    assert not np.array_equal(exaggerated, Y.optimize(10))


def _cut(Y, n_iter, **settings):
    """Make the iterations of a call one by one: by calls of one, or by stopping the call and going on with it."""
    for done in range(n_iter):
        if settings["which"] in ANNEALED:
            stop = StopAt(Y.n_iter_ + 1)
            with pytest.raises(KeyboardInterrupt):
                Y.optimize(n_iter, first_iteration=done, callbacks=stop, inplace=True)
        else:
            Y.optimize(1, inplace=True)
    return Y


@EVERY
@pytest.mark.parametrize("name", ["Neg-t-SNE", LEARNING])
@pytest.mark.parametrize("method", ["exact", "fft"])
def test_any_pieces_and_any_number_of_threads_give_the_same_bits(which, name, method):
    whole = begin(name, optimizer=OPTIMS[which], method=method, n_jobs=1).optimize(20)
    threads = begin(name, optimizer=OPTIMS[which], method=method, n_jobs=3).optimize(20)
    assert_same(threads, whole)
    pieces = _cut(begin(name, optimizer=OPTIMS[which], method=method, n_jobs=2), 20, which=which)
    np.testing.assert_array_equal(pieces, whole)
    for array in whole.optimizer.state:
        np.testing.assert_array_equal(pieces.optimizer.state[array], whole.optimizer.state[array])


@EVERY
def test_a_file_goes_on_with_the_same_bits(which, tmp_path):
    Y = begin(LEARNING, optimizer=OPTIMS[which]).optimize(17)
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    assert_same(Z, Y)
    assert Z.settings == Y.settings
    assert_same(Z.optimize(7), Y.optimize(7))
    assert_same(Y.copy().optimize(7), Y.optimize(7))


@cache
def whole_fit(which):
    return estimator("Neg-t-SNE", optimizer=OPTIMS[which]).fit(data()[:N])


@EVERY
@pytest.mark.parametrize("total", [4, 10, 17])
def test_an_interrupted_fit_goes_on(which, total, tmp_path):
    X, options = data()[:N], {"optimizer": OPTIMS[which]}
    with pytest.raises(KeyboardInterrupt):
        estimator("Neg-t-SNE", callbacks=StopAt(total), **options).fit(X, checkpoint=tmp_path / "run.npz")
    assert load(tmp_path / "run.npz").n_iter_ == total
    assert_same(estimator("Neg-t-SNE", **options).fit(X, checkpoint=tmp_path / "run.npz"), whole_fit(which))


@pytest.mark.slow
@EVERY
def test_a_killed_fit_goes_on(which, tmp_path):
    path, options = tmp_path / "run.npz", {"optimizer": OPTIMS[which]}
    kill_a_fit("Neg-t-SNE", path, **options)
    assert_same(estimator("Neg-t-SNE", **options).fit(data()[:N], checkpoint=path), whole_fit(which))


@EVERY
def test_nobody_who_looks_changes_a_bit(which, tmp_path):
    Y = begin("t-SNE", optimizer=OPTIMS[which]).optimize(5)
    seen = []
    hooks = [History(loss_every=3), Checkpoint(tmp_path / "run.npz", every=7), lambda i, loss, Z: seen.append(loss)]
    Z = Y.optimize(20, exaggeration=4.0, callbacks=hooks, callbacks_every_iters=4)
    assert_same(Z, Y.optimize(20, exaggeration=4.0))
    assert np.isfinite(seen).all()
    assert np.isfinite([record.gradient_norm for record in Z.history]).all()
    before = begin("t-SNE", optimizer=OPTIMS[which]).optimize(5)
    stopped = before.optimize(20, callbacks=lambda i, loss, Z: True, callbacks_every_iters=4)
    assert stopped.n_iter_ == 8
    if which not in ANNEALED:
        np.testing.assert_array_equal(stopped.optimize(17), before.optimize(20))


@EVERY
def test_the_loss_that_callbacks_are_told_is_that_of_the_map_before_the_step(which):
    Y = begin("Neg-t-SNE", optimizer=OPTIMS[which], method="exact").optimize(3)
    history = History(loss_every=1)
    Y.optimize(1, callbacks=history, exaggeration=4.0)
    np.testing.assert_allclose(history.records[-1]["loss"], Y.evaluate(), rtol=1e-6)


@EVERY
def test_a_map_grows_and_holds_old_points_still(which):
    Y = begin("Neg-t-SNE", optimizer=OPTIMS[which]).optimize(STEPS)
    grown = Y.add(data()[N:])
    assert grown.optimize(20).loss_value < grown.loss_value
    held = grown.optimize(5, fixed=np.arange(N + NEW) < N)
    assert np.asarray(held)[:N].tobytes() == np.asarray(Y).tobytes()
    assert not np.array_equal(held[N:], grown[N:])
    assert Y.transform(data()[N:], n_iter=10).shape == (NEW, 2)


@EVERY
def test_a_grown_map_is_stored_before_it_goes_on(which, tmp_path):
    grown = begin("Neg-t-SNE", optimizer=OPTIMS[which]).optimize(5).add(data()[N:])
    grown.save(tmp_path / "map.npz")
    assert_same(load(tmp_path / "map.npz").optimize(5), grown.optimize(5))


@pytest.mark.parametrize("ahead", [1, 2])
@EVERY
def test_optimizers_take_turns_on_one_map(which, ahead, tmp_path):
    names = list(OPTIMS)  # each takes over from two others, and they from it
    first = names[(names.index(which) + ahead) % len(names)]
    one, other = OPTIMS[first], OPTIMS[which]
    Y = begin("Neg-t-SNE", optimizer=one).optimize(10).optimize(7, optimizer=other).optimize(4)
    Y.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz")
    for optimizer in (one, other):
        np.testing.assert_array_equal(again.optimize(4, optimizer=optimizer), Y.optimize(4, optimizer=optimizer))
    assert Y.optimize(STEPS, optimizer=other).loss_value < Y.loss_value


@EVERY
def test_early_stopping_ends_it(which):
    Y = begin("Neg-t-SNE", optimizer=OPTIMS[which]).optimize(3000, callbacks=EarlyStopping(tolerance=1e-2, every=10))
    assert Y.stop_reason is StopReason.CONVERGED


@EVERY
@pytest.mark.parametrize("d", [1, 3])
def test_lines_and_space(which, d):
    from opentsne_like import NeighborEmbedding
    from opentsne_like.objectives import ElasticEmbedding

    options = {"loss": ElasticEmbedding(lam=10.0), "init_scaling": 0.1, "random_state": 0}
    Y = NeighborEmbedding(d, optimizer=OPTIMS[which], schedule=Schedule(30), **options).prepare_initial(data()[:N])
    assert Y.optimize(30).loss_value < Y.loss_value
