"""What holds in each iteration of a call."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import Embedding, NegTSNE, affinity, initialization
from opentsne_like.embedding import Settings, pack_settings, unpack_settings
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.objectives import NegativeSampling
from opentsne_like.optimizer import Anchored, Schedule, Sphere, Standardized, value_at


def momenta(n_iter, momentum):
    plan = Schedule(n_iter, momentum=momentum).plan(5, lambda rho: 1.0, None, n_jobs=1)
    return [plan.at(i).momentum for i in range(n_iter)]


def test_several_momenta_hold_for_equal_parts_of_a_call():
    assert momenta(6, [0.9, 0.8, 0.7]) == [0.9, 0.9, 0.8, 0.8, 0.7, 0.7]
    assert momenta(7, (0.9, 0.5)) == [0.9] * 4 + [0.5] * 3
    assert momenta(2, np.array([0.9, 0.8, 0.7, 0.6])) == [0.9, 0.7], "fewer iterations than parts"
    assert momenta(4, lambda i: 0.1 * i) == [0.0, 0.1, 0.2, pytest.approx(0.3)]


def test_exaggeration_may_come_in_parts_too_and_the_rate_follows_it():
    plan = Schedule(4, exaggeration=[12, 2]).plan(5, lambda rho: 60 / rho, None, n_jobs=1)
    assert [(plan.at(i).exaggeration, plan.at(i).learning_rate) for i in (0, 1, 2, 3)] == [(12, 5)] * 2 + [(2, 30)] * 2
    assert plan.exaggeration_at(4) == 2, "what a call of no iterations announces"
    assert Schedule(0, exaggeration=[12, 2]).plan(5, lambda rho: 1.0, None, n_jobs=1).exaggeration_at(0) == 12


def test_the_learning_rate_may_come_in_parts_or_by_a_function():
    def rates(n_iter, rate):
        plan = Schedule(n_iter, learning_rate=rate, exaggeration=[12, 2]).plan(5, lambda rho: 60 / rho, None, n_jobs=1)
        return [plan.at(i).learning_rate for i in range(n_iter)]

    assert rates(4, "auto") == [5, 5, 30, 30]
    assert rates(4, [3.0, 1]) == [3, 3, 1, 1]
    assert rates(4, lambda i: 8 / (i + 1)) == [8, 4, pytest.approx(8 / 3), 2]


@pytest.mark.parametrize(
    "rate", [[50.0, 5.0], lambda i: (50.0, 5.0)[i // 5], (lambda i: np.float32(50 if i < 5 else 5))]
)
def test_a_rate_that_changes_takes_the_steps_of_two_calls(rate):
    X = np.random.default_rng(0).normal(size=(50, 4))
    Y = Embedding(initialization.pca(X), affinity.Uniform(X, k_neighbors=5), loss=NegativeSampling())
    once = Y.optimize(10, learning_rate=rate)
    np.testing.assert_array_equal(once, Y.optimize(5, learning_rate=50.0).optimize(5, learning_rate=5.0))
    by_method = NegTSNE(n_neighbors=5, n_iter=10, early_iter=0, learning_rate=rate, random_state=0).fit(X)
    assert np.isfinite(by_method).all()
    assert Y.optimize(0, learning_rate=rate, verbose=True).n_iter_ == 0


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("n_iter", [1, 5, 21])
def test_parts_are_equal_to_one_iteration_and_in_order(parts, n_iter):
    held = [value_at(range(parts), i, n_iter) for i in range(n_iter)]
    assert held == sorted(held)
    counts = np.bincount(held, minlength=parts)
    assert counts.max() - counts.min() <= 1


def test_a_sequence_is_stored_and_a_function_is_left_out(caplog):
    settings = Settings().changed(momentum=[0.9, 0.8], exaggeration=[12, 4])
    assert unpack_settings(Settings, *pack_settings(settings)) == settings
    assert settings.schedule.momentum == (0.9, 0.8)
    again = unpack_settings(Settings, *pack_settings(Settings().changed(momentum=lambda i: 0.5)))
    assert again.schedule.momentum == 0.8
    assert "`momentum` is a function and is not stored" in caplog.text


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"momentum": []}, InvalidParameterError, "`momentum` must be one number or more"),
        ({"momentum": [0.9, 1.0]}, InvalidParameterError, "`momentum` must be below 1, got 1.0"),
        ({"momentum": [0.9, None]}, InvalidTypeError, "`momentum` must be a number, got None"),
        ({"momentum": "high"}, InvalidTypeError, "`momentum` must be a number, got 'high'"),
        ({"exaggeration": [12, 0]}, InvalidParameterError, "`exaggeration` must be positive, got 0"),
        ({"learning_rate": []}, InvalidParameterError, "`learning_rate` must be one number or more"),
        ({"learning_rate": [1, -1]}, InvalidParameterError, "`learning_rate` must be positive, got -1"),
        ({"learning_rate": "fast"}, InvalidParameterError, "`learning_rate` must be one of 'auto', got 'fast'"),
        ({"exaggeration": np.ones((2, 2))}, InvalidTypeError, "`exaggeration` must be a number"),
    ],
)
def test_what_is_no_course_is_refused_at_the_door(changes, kind, message):
    with pytest.raises(kind, match=message):
        Schedule(10, **changes)


def test_what_a_function_returns_is_checked_when_it_is_asked():
    plan = Schedule(10, momentum=lambda i: 1.5).plan(5, lambda rho: 1.0, None, n_jobs=1)
    with pytest.raises(InvalidParameterError, match=r"`momentum` must be below 1, got 1\.5"):
        plan.at(0)
    for returned in (-1.0, 0, np.nan, None, "auto"):
        plan = Schedule(10, learning_rate=lambda i, rate=returned: rate).plan(5, lambda rho: 1.0, None, n_jobs=1)
        with pytest.raises((InvalidParameterError, InvalidTypeError), match="`learning_rate` must be"):
            plan.at(0)


@pytest.mark.parametrize("fixed", [np.arange(5), np.ones(3, bool), [True, False]])
def test_anchors_belong_to_all_points(fixed):
    with pytest.raises(InvalidParameterError, match="`fixed` must be 5 booleans, got"):
        Schedule(10, constraint=Anchored(fixed)).plan(5, lambda rho: 1.0, None, n_jobs=1)


def test_anchors_may_be_a_list():
    plan = Schedule(10, constraint=Anchored([True, False])).plan(2, lambda rho: 1.0, None, n_jobs=1)
    assert plan.constraint.fixed.tolist() == [True, False]


@pytest.mark.parametrize("kind", [Anchored, Standardized, Sphere])
def test_a_class_is_no_constraint(kind):
    with pytest.raises(InvalidTypeError, match=f"`constraint` must be an object, got the class {kind.__name__}; call"):
        Schedule(10, constraint=kind)
