"""Runs that end where the gradient is small."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import load
from opentsne_like.callbacks import StopReason
from opentsne_like.errors import InvalidParameterError
from opentsne_like.optimizer import Momentum, Schedule, Silent, run

from ..test_contract import CASES, STEPS, N, StopAt, assert_same, begin, data, estimator
from .test_contract import OPTIMS, REFUSED


class Bowl:
    """``|y|² / 2``, whose gradient is y."""

    def evaluate(self, points, *, exaggeration, with_loss):
        return 0.5 * float((points**2).sum()), points / 4


def descend(points, n_iter, **options):
    plan = Schedule(n_iter, learning_rate=1.0, momentum=0.0, **options).plan(len(points), lambda rho: 1.0, None, 1)
    optimizer = Momentum(use_gains=False)
    state = optimizer.start(points)
    return run(points, state, Bowl(), optimizer, plan, Silent()).reason, state


def whole_gradient(Y):
    objective = Y.optimizer.bind(np.asarray(Y), Y.affinities.P, Y.settings, None, Y.affinities)
    return 4 * np.linalg.norm(objective.evaluate(np.asarray(Y), exaggeration=1.0, with_loss=False)[1])


def test_it_ends_at_the_first_map_whose_gradient_is_below():
    points = np.array([[3.0, 4.0], [-3.0, -4.0]])  # each step takes a quarter off, so norms are 7.07 * .75^i
    reason, state = descend(points, 100, min_grad_norm=1.0)
    assert (reason, len(state.history)) == (StopReason.FLAT, 7)
    assert np.linalg.norm(points) < 1.0 <= np.linalg.norm(points) / 0.75
    assert 4 * state.history[-1].gradient_norm >= 1.0


def test_fixed_points_have_no_say():
    points = np.array([[3.0, 4.0], [1e3, 0.0]])
    reason, _ = descend(points, 100, min_grad_norm=1.0, fixed=np.array([False, True]))
    assert reason is StopReason.FLAT
    assert points[1].tolist() == [1e3, 0.0]


@pytest.mark.parametrize("which", OPTIMS)
def test_every_optimizer_ends_by_it(which):
    Y = begin("Neg-t-SNE", optimizer=OPTIMS[which], method="exact")
    least = 0.5 * whole_gradient(Y)
    Z = Y.optimize(STEPS, min_grad_norm=least)
    assert (Z.stop_reason, Z.n_iter_ < STEPS) == (StopReason.FLAT, True)
    assert whole_gradient(Z) < least <= min(4 * record.gradient_norm for record in Z.history)
    assert Y.optimize(STEPS).stop_reason is StopReason.FINISHED
    assert Z.optimize(STEPS, min_grad_norm=least).n_iter_ == Z.n_iter_  # it stands there


@pytest.mark.parametrize("name", sorted(set(CASES) - {case for which, case in REFUSED if which == "Momentum"}))
def test_every_loss_ends_by_it(name):
    Y = begin(name, min_grad_norm=1e9).optimize(STEPS)
    assert (Y.stop_reason, Y.n_iter_) == (StopReason.FLAT, 0)


def test_a_file_keeps_it(tmp_path):
    Y = begin("Neg-t-SNE", min_grad_norm=1e9).optimize(5)
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    assert (Z.settings.schedule.min_grad_norm, Z.stop_reason) == (1e9, StopReason.FLAT)
    assert_same(Z.optimize(5, min_grad_norm=None), Y.optimize(5, min_grad_norm=None))


@pytest.mark.parametrize("stop", [3, 30])
def test_an_interrupted_fit_goes_on_with_the_next_stage(stop, tmp_path):
    least = 0.8 * whole_gradient(begin("Neg-t-SNE"))
    schedule = [Schedule(40, min_grad_norm=least), Schedule(20)]
    fit = estimator("Neg-t-SNE").set_params(schedule=schedule).fit
    whole = fit(data()[:N])
    assert 20 < whole.n_iter_ < 60
    stopping = estimator("Neg-t-SNE", callbacks=StopAt(min(stop, whole.n_iter_ - 1))).set_params(schedule=schedule)
    with pytest.raises(KeyboardInterrupt):
        stopping.fit(data()[:N], checkpoint=tmp_path / "run.npz")
    assert_same(fit(data()[:N], checkpoint=tmp_path / "run.npz"), whole)
    assert_same(fit(data()[:N], checkpoint=tmp_path / "run.npz"), whole)  # it is done


@pytest.mark.parametrize("least", [-1.0, "small", np.nan])
def test_what_is_no_norm_is_refused(least):
    with pytest.raises((InvalidParameterError, TypeError), match="`min_grad_norm` must be"):
        begin("Neg-t-SNE").optimize(5, min_grad_norm=least)


def test_the_norm_is_that_of_the_derivative_for_placed_points_too():
    Y = begin("t-SNE").optimize(20)
    placed = Y.prepare_partial(data()[:3] + 0.1)
    objective = placed.optimizer.bind(np.asarray(placed), placed.P, placed.settings, Y, None)
    steps = np.zeros_like(placed)
    for place in np.ndindex(steps.shape):
        moved = np.array(placed)
        ends = []
        for step in (1e-4, -2e-4):
            moved[place] += step
            ends.append(objective.evaluate(moved, exaggeration=1.0, with_loss=True)[0])
        steps[place] = (ends[0] - ends[1]) / 2e-4
    norm = np.linalg.norm(steps)
    assert placed.optimize(5, exaggeration=1.0, min_grad_norm=1.05 * norm).n_iter_ == 0
    assert placed.optimize(5, exaggeration=1.0, min_grad_norm=0.5 * norm).n_iter_ > 0
