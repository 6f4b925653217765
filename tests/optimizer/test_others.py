"""Optimizers that take turns on one map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from opentsne_like import Embedding, affinity, initialization, load
from opentsne_like.errors import InvalidTypeError, UnavailableError
from opentsne_like.objectives import KullbackLeibler, NegativeSampling
from opentsne_like.optimizer import OPTIMIZERS, Proposal, State


@dataclass(frozen=True)
class Signs:
    """Goes against the sign of the mean gradient."""

    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = ("mean",)

    def start(self, points):
        return State({"mean": np.zeros(points.shape)})

    def auto_rate(self, unit, exaggeration):
        return 0.1

    def propose(self, objective, points, state, step, with_loss):
        loss, gradient = objective.evaluate(points, exaggeration=step.exaggeration, with_loss=with_loss)
        mean = state.spare["mean"]
        mean[:] = 0.9 * state["mean"] + 0.1 * gradient
        new = points - step.learning_rate * np.sign(mean)
        centre = new.mean(axis=0)
        return Proposal(new, centre, step.constraint.offset(centre), loss, float(np.linalg.norm(gradient)))


@dataclass(frozen=True)
class Newton(Signs):
    requires: ClassVar[tuple[str, ...]] = ("evaluate", "hessian")


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "Signs", Signs)


def data():
    return np.random.default_rng(0).normal(size=(110, 5))


def begin():
    affinities = affinity.PerplexityBasedNN(data()[:100], perplexity=10, method="exact", random_state=0)
    return Embedding(initialization.pca(data()[:100]), affinities, random_state=0)


def moved():
    """Return a map that learned its degrees of freedom, and then went on by other means for an odd number of steps."""
    Y = begin().optimize(20, dof="learn")
    return Y, Y.optimize(7, optimizer=Signs(), loss=NegativeSampling())


def test_each_finds_again_what_it_left():
    Y, Z = moved()
    for name in ("gains", "update", "log_dof"):
        np.testing.assert_array_equal(Z.optimizer.state[name], Y.optimizer.state[name])
    assert Z.optimizer.state["mean"].any()


def test_a_file_takes_the_state_of_all_of_them(known, tmp_path):
    _, Z = moved()
    Z.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz")
    assert sorted(again.optimizer.state) == sorted(Z.optimizer.state)
    for options in ({}, {"optimizer": Signs()}):
        np.testing.assert_array_equal(again.optimize(3, **options), Z.optimize(3, **options))


def test_a_map_grows_whoever_moved_it_last():
    _, Z = moved()
    grown = Z.add(data()[100:])
    np.testing.assert_array_equal(grown.optimizer.state["log_dof"], Z.optimizer.state["log_dof"])
    for options in ({}, {"optimizer": Signs()}):
        assert np.isfinite(grown.optimize(3, **options)).all()


def test_an_option_has_one_owner():
    @dataclass(frozen=True)
    class Heavy(Signs):
        momentum: float = 0.9

    with pytest.raises(InvalidTypeError, match="`optimizer` and `schedule` must not both have a field `momentum`"):
        begin().optimize(3, optimizer=Heavy())


def test_methods_that_an_objective_lacks_are_named_before_any_work():
    Y = begin()
    before = np.array(Y)
    with pytest.raises(UnavailableError, match=r"`optimizer` Newton takes .* method `hessian`, .* of KullbackLeibler"):
        Y.optimize(3, loss=KullbackLeibler(), optimizer=Newton(), inplace=True)
    np.testing.assert_array_equal(Y, before)


@dataclass(frozen=True)
class Plain(Signs):
    """Keeps nothing from one step to the next."""

    keeps: ClassVar[tuple[str, ...]] = ()

    def start(self, points):
        return State({})

    def propose(self, objective, points, state, step, with_loss):
        loss, gradient = objective.evaluate(points, exaggeration=step.exaggeration, with_loss=with_loss)
        new = points - 100.0 * gradient
        centre = new.mean(axis=0)
        return Proposal(new, centre, step.constraint.offset(centre), loss, float(np.linalg.norm(gradient)))


@pytest.mark.parametrize("steps", [4, 5])
def test_an_optimizer_may_keep_nothing(steps, tmp_path, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "Plain", Plain)
    Y = begin().optimize(steps, optimizer=Plain())
    assert Y.loss_value < begin().loss_value
    Z = Y.copy().optimize(3, optimizer=Plain()).optimize(3).optimize(3, optimizer=Plain())
    grown = Z.add(data()[100:]).optimize(3)
    grown.save(tmp_path / "map.npz")
    np.testing.assert_array_equal(load(tmp_path / "map.npz").optimize(3), grown.optimize(3))


def test_a_map_of_another_optimizer_places_points():
    Y = Embedding(np.array(begin()), begin().affinities, optimizer=Signs(), random_state=0).optimize(20)
    assert np.isfinite(Y.transform(data()[100:], n_iter=5)).all()
    from opentsne_like import TSNEEmbedding

    Y = TSNEEmbedding(np.array(begin()), begin().affinities, optimizer=Signs(), random_state=0).optimize(20)
    assert np.isfinite(Y.transform(data()[100:], n_iter=5)).all()
    with pytest.raises(InvalidTypeError, match="does not know `max_grad_norm`"):
        Y.transform(data()[100:], n_iter=5, max_grad_norm=0.1)
