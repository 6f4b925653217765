"""`repulsion_strength` is a factor on the repulsive part of every loss, and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from opentsne_like import Embedding, affinity
from opentsne_like.errors import InvalidParameterError
from opentsne_like.objectives import (
    AllPairs,
    Context,
    Distortion,
    FunctionLoss,
    KullbackLeibler,
    NoiseContrastive,
    Pairwise,
    Parts,
)
from opentsne_like.optimizer import State
from opentsne_like.repulsion import Gaussian, LogStudentT

from ..test_contract import CASES, NEW, N, affinities, data, finished

EXTRA = {"one logarithm": (Pairwise(LogStudentT(), Gaussian(), "all"), 0.1)}
LOSSES = {name: loss for name, (loss, _) in {**CASES, **EXTRA}.items() if isinstance(loss, AllPairs)}
EVERY = pytest.mark.parametrize("name", LOSSES)


def points(d=2):
    return np.random.default_rng(0).normal(size=(N, d)) * 1.5


def of_strength(name, strength):
    return replace(LOSSES[name], method="exact", repulsion_strength=strength)


def context(loss):
    return Context(2, None, Parts(), loss.takes(affinities()))


def evaluated(name, strength, Y, exaggeration=1.0):
    loss = of_strength(name, strength)
    objective = loss.bind(affinities().P, context(loss))
    value, gradient = objective.evaluate(Y, exaggeration=exaggeration, with_loss=True)
    return value, np.asarray(gradient, np.float64)


def test_every_loss_has_it():
    assert {type(loss) for loss, _ in CASES.values()} == {type(loss) for loss in LOSSES.values()}


@EVERY
@pytest.mark.parametrize("d", [1, 2, 3])
def test_it_multiplies_the_repulsion_alone(name, d):
    Y = points(d)
    none, once, thrice = (evaluated(name, strength, Y) for strength in (0.0, 1.0, 3.0))
    assert evaluated(name, 1.0, Y)[0] == once[0]
    assert thrice[0] == pytest.approx(none[0] + 3 * (once[0] - none[0]), rel=1e-6)
    assert once[0] != none[0]
    scale = np.abs(thrice[1]).max()
    np.testing.assert_allclose(thrice[1], none[1] + 3 * (once[1] - none[1]), atol=2e-5 * scale)


@EVERY
def test_the_gradient_is_that_of_the_value(name):
    if "sampled" in name:
        pytest.skip("an estimate")
    Y, step = points(), 1e-2
    _, gradient = evaluated(name, 2.5, Y)
    for i, k in ((0, 0), (17, 1), (N - 1, 0)):
        away = np.zeros_like(Y)
        away[i, k] = step
        slope = (evaluated(name, 2.5, Y + away)[0] - evaluated(name, 2.5, Y - away)[0]) / (2 * step)
        assert 4 * gradient[i, k] == pytest.approx(slope, rel=2e-3, abs=2e-3 * np.abs(gradient).max())


@EVERY
def test_shares_add_up(name):
    loss = of_strength(name, 2.5)
    objective = loss.bind(affinities().P, context(loss))
    assert objective.point_losses(points()).sum() == pytest.approx(evaluated(name, 2.5, points())[0], rel=1e-5)


@pytest.mark.parametrize(("loss", "share"), [(KullbackLeibler(), 2), (Distortion(repulsion="all"), 4)], ids=str)
def test_the_gradient_of_new_points_is_a_share_of_that_of_the_value(loss, share):
    """A half where they feel potentials, as in openTSNE, and a quarter of distortions."""
    loss = replace(loss, method="exact", repulsion_strength=2.5)
    objective = loss.place(affinities().to_new(data()[N:]), points(), context(loss))
    start, step, away = points()[:NEW] + 0.1, 1e-3, np.zeros((NEW, 2))
    gradient = np.asarray(objective.evaluate(start, exaggeration=1.0, with_loss=False)[1], np.float64)
    away[1, 0] = step
    low, high = (objective.evaluate(at, exaggeration=1.0, with_loss=True)[0] for at in (start - away, start + away))
    assert share * gradient[1, 0] == pytest.approx((high - low) / (2 * step), rel=5e-3)


@EVERY
def test_new_points_feel_it(name):
    reference = finished(name) if name in CASES else Embedding(points(), affinities(), loss=LOSSES[name]).optimize(1)
    values, gradients = [], []
    P = affinities().to_new(data()[N:])
    start = points()[:NEW]
    for strength in (0.0, 1.0, 3.0):
        loss = of_strength(name, strength).settled(reference.optimizer.state)
        value, gradient = loss.place(P, reference, context(loss)).evaluate(start, exaggeration=1.0, with_loss=True)
        values.append(value)
        gradients.append(np.asarray(gradient, np.float64))
    assert values[2] == pytest.approx(values[0] + 3 * (values[1] - values[0]), rel=1e-5)
    expected = gradients[0] + 3 * (gradients[1] - gradients[0])
    np.testing.assert_allclose(gradients[2], expected, atol=2e-5 * np.abs(expected).max())


def test_for_t_sne_it_is_exaggeration_by_another_name():
    _, strong = evaluated("t-SNE", 0.25, points())
    _, exaggerated = evaluated("t-SNE", 1.0, points(), exaggeration=4.0)
    np.testing.assert_allclose(strong, 0.25 * exaggerated, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("loss", "name"), [(KullbackLeibler("learn"), "log_dof"), (NoiseContrastive(), "log_c")])
def test_learned_numbers_go_down_the_loss_with_it(loss, name):
    loss, P = replace(loss, method="exact", repulsion_strength=2.0), affinity.Uniform(data()[:N], k_neighbors=5).P
    step = 1e-3

    def at(logarithm):
        state = State({name: np.array([[logarithm], [0.0], [1.0]])})
        return loss.bind(P, Context(2, state, Parts()))

    low, high = (at(0.1 + way).evaluate(points(), exaggeration=1.0, with_loss=True)[0] for way in (-step, step))
    assert at(0.1).parameter_gradient(points())[0] == pytest.approx((high - low) / (2 * step), rel=1e-3)


def test_functions_of_the_user_refuse_it():
    with pytest.raises(InvalidParameterError, match="`repulsion_strength` must be 1"):
        FunctionLoss(function=lambda *_: (0.0, 0.0), repulsion_strength=2.0)
