"""Adam and annealed gradient descent, against plain twins."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, NumericalError
from opentsne_like.optimizer import SGD, Adam, Momentum, Schedule, Silent, run

N = 30


class Bowl:
    """A quarter of the derivative of the sum of ``w y² / 2``."""

    weights = np.geomspace(1e-3, 1.0, 2 * N).reshape(N, 2)

    def evaluate(self, points, *, exaggeration, with_loss):
        loss = 0.5 * float((self.weights * points**2).sum()) if with_loss else float("nan")
        return loss, exaggeration * self.weights * points / 4


def start():
    points = np.random.default_rng(0).normal(size=(N, 2))
    return points - points.mean(axis=0)


def descend(optimizer, points, n_iter, state=None, **options):
    state = optimizer.start(points) if state is None else state
    plan = Schedule(n_iter, **options).plan(N, lambda rho: optimizer.auto_rate(lambda r: 4.0 / r, rho), None, n_jobs=1)
    run(points, state, Bowl(), optimizer, plan, Silent())
    return state


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_adam_follows_the_formulas_of_the_paper(momentum):
    points, twin = start(), start()
    descend(Adam(decay=0.95), points, 40, learning_rate=0.01, momentum=momentum)
    mean, square = np.zeros((N, 2)), np.zeros((N, 2))
    for t in range(1, 41):
        gradient = Bowl.weights * twin / 4
        mean = momentum * mean + (1 - momentum) * gradient
        square = 0.95 * square + 0.05 * gradient**2
        twin = twin - 0.01 * (mean / (1 - momentum**t)) / np.sqrt(square / (1 - 0.95**t))
        twin = twin - twin.mean(axis=0)
    np.testing.assert_allclose(points, twin, atol=1e-7)


def test_adam_counts_its_own_steps():
    """After others it begins as it does alone, with steps of one learning rate."""
    points = start()
    state = descend(Momentum(), points, 30, learning_rate=0.01)
    for name, array in (fresh := Adam().start(points)).arrays().items():
        if name in fresh:
            state[name] = array
    alone = points.copy()
    descend(Adam(), points, 5, state)
    descend(Adam(), alone, 5)
    np.testing.assert_array_equal(points, alone)


def test_the_length_of_adam_s_steps_does_not_depend_on_the_scale_of_the_loss():
    one, other = start(), start()
    descend(Adam(), one, 20, learning_rate=0.01)
    descend(Adam(), other, 20, learning_rate=0.01, exaggeration=1e-3)
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("longest", [None, 0.003])
def test_sgd_anneals_its_rate_linearly(longest):
    points, twin = start(), start()
    descend(SGD(max_step_norm=longest), points, 25, learning_rate=0.5)
    for t in range(25):
        change = 0.5 * (1 - t / 25) * Bowl.weights * twin / 4
        if longest is not None:
            change *= np.minimum(1.0, longest / np.linalg.norm(change, axis=1))[:, None]
        twin = twin - change
        twin = twin - twin.mean(axis=0)
    np.testing.assert_allclose(points, twin, atol=1e-14)


@pytest.mark.parametrize("cut", [1, 12, 24])
def test_an_annealed_run_goes_on_where_it_was_cut(cut):
    whole, points = start(), start()
    descend(SGD(), whole, 25)

    class Stops(Silent):
        def before_step(self, iteration, loss):
            return iteration == cut + 1

    state = SGD().start(points)
    plan = Schedule(25).plan(N, lambda rho: SGD().auto_rate(lambda r: 4.0 / r, rho), None, n_jobs=1)
    run(points, state, Bowl(), SGD(), plan, Stops())
    assert state.counter[0] == cut
    descend(SGD(), points, 25, state, first_iteration=cut)
    np.testing.assert_array_equal(points, whole)


@pytest.mark.parametrize("optimizer", [Adam(), SGD(max_step_norm=None)])
def test_an_absurd_rate_is_an_error_that_keeps_the_map(optimizer):
    points = start()
    with np.errstate(all="ignore"), pytest.raises(NumericalError, match=r"iteration .* left the finite numbers"):
        descend(optimizer, points, 50, learning_rate=1e308)
    assert np.isfinite(points).all()


def test_bad_options_are_refused():
    for decay in (-0.1, 1.0):
        with pytest.raises(InvalidParameterError, match="`decay` must be "):
            Adam(decay=decay)
    with pytest.raises(InvalidParameterError, match="`max_step_norm` must be positive"):
        SGD(max_step_norm=0)
