"""Settings: what may stand for a loss, an optimizer and the other parts of them."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import Embedding, NeighborEmbedding, TSNEEmbedding, affinity
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.objectives import NegativeSampling
from opentsne_like.optimizer import Momentum


class Bowl:
    """An objective of the user's own."""

    def evaluate(self, points, *, exaggeration, with_loss):
        return 0.5 * float((points**2).sum()), points / 4


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture(scope="module")
def affinities(X):
    return affinity.Uniform(X, k_neighbors=5)


@pytest.mark.parametrize(
    ("role", "value", "message"),
    [
        ("loss", NegativeSampling, "`loss` must be a Loss, .*got the class NegativeSampling; call it"),
        ("loss", Bowl, "`loss` must be a Loss, .*got the class Bowl; call it"),
        ("loss", "kl", "`loss` must be a Loss, .*got str"),
        ("negative_gradient_method", NegativeSampling, "got the class NegativeSampling; call it"),
        ("optimizer", Momentum, "`optimizer` must be an Optimizer .*got the class Momentum; call it"),
        ("optimizer", "adam", r"`optimizer` must be .*an Optimizer such as Momentum\(\), .*got str"),
        ("schedule", 100, "`schedule` must be of the class Schedule, got int"),
        ("following", print, "`following` must be of the class Following, got builtin_function_or_method"),
        ("resources", 4, "`resources` must be of the class Resources, got int"),
        ("grid", 50, "`grid` must be of the class InterpolationGrid, got int"),
    ],
)
def test_what_cannot_play_a_role_is_refused_in_one_line(X, affinities, role, value, message):
    Y = TSNEEmbedding(X[:, :2], affinities)
    with pytest.raises(InvalidTypeError, match=message):
        Y.optimize(1, **{role: value})
    with pytest.raises(InvalidTypeError, match=message):
        TSNEEmbedding(X[:, :2], affinities, **{role: value})


def test_an_optimization_is_no_optimizer_of_a_call(X, affinities):
    Y = Embedding(X[:, :2], affinities).optimize(1)
    with pytest.raises(InvalidTypeError, match=r"`optimizer` must be an Optimizer .*got Descent"):
        Y.optimize(1, optimizer=Y.optimizer)


@pytest.mark.parametrize("name", ["loss", "optimizer"])
def test_the_estimator_refuses_a_class_before_any_work(X, name):
    def affinities(X):
        raise AssertionError("work was begun")

    classes = {"loss": NegativeSampling, "optimizer": Momentum}
    with pytest.raises(InvalidTypeError, match=f"`{name}` must be .*call it"):
        NeighborEmbedding(affinities=affinities, **{name: classes[name]}).fit(X)


@pytest.mark.parametrize("name", ["inplace", "propagate_exception"])
def test_flags_are_true_or_false(name):
    Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    with pytest.raises(InvalidParameterError, match=f"`{name}` must be one of True, False, got 'no'"):
        Y.optimize(1, **{name: "no"})
    assert Y.n_iter_ == 0


@pytest.mark.parametrize("value", ["no", None, -1, 0.5])
def test_verbose_is_true_false_or_a_level(value):
    refused = pytest.raises(InvalidTypeError, match="`verbose` must be True or False, got ")
    with refused:
        affinity.PerplexityBasedNN(np.eye(9), perplexity=2, verbose=value)
    with refused:
        TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2), verbose=value)


def test_a_level_of_words_is_as_good_as_true(capsys):
    affinity.PerplexityBasedNN(np.random.default_rng(0).normal(size=(30, 3)), perplexity=2, verbose=2)
    assert "neighbo" in capsys.readouterr().out
