"""Any pair of radial functions: the losses of the package come out of it, and a user's own functions go in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from opentsne_like import Embedding, NeighborEmbedding, affinity, initialization, load
from opentsne_like.errors import InvalidObjectError, InvalidParameterError
from opentsne_like.objectives import (
    Context,
    ElasticEmbedding,
    InfoNCE,
    KullbackLeibler,
    NegativeSampling,
    Pairwise,
    Parts,
)
from opentsne_like.optimizer import Schedule
from opentsne_like.repulsion import Gaussian, LogInverse, LogOnePlus, LogStudentT, Square, StudentT

from .test_family import bound, squared
from .test_kl import conditional, differences, joint

OWN = {  # by functions of the user's own, and by the package's
    None: (Pairwise(lambda s: s, lambda s: np.exp(-s), weight=7.0), ElasticEmbedding(lam=7.0)),
    "all": (Pairwise(lambda s: np.log1p(s), lambda s: 1 / (1 + s), "all"), KullbackLeibler()),
    "rows": (Pairwise(lambda s: np.log1p(s), lambda s: 1 / (1 + s), "rows"), InfoNCE()),
}


@pytest.mark.parametrize(
    ("pair", "loss"),
    [
        (Pairwise(Square(), Gaussian(), weight=7.0), ElasticEmbedding(lam=7.0)),
        (Pairwise(LogOnePlus(0.1), LogInverse(0.1), weight=5), NegativeSampling(c=0.1)),
        (Pairwise(LogStudentT(), StudentT(), "all"), KullbackLeibler()),
        (Pairwise(LogStudentT(), StudentT(), "rows"), InfoNCE()),
    ],
)
def test_losses_of_the_package_are_pairs(pair, loss):
    P, Y = joint(300), np.random.default_rng(0).normal(size=(300, 2)) * 3
    (value, gradient), (same, other) = (
        bound(each, P).evaluate(Y, exaggeration=3.0, with_loss=True) for each in (pair, loss)
    )
    np.testing.assert_array_equal(gradient, other)
    entropy = (P.data * np.log(P.data)).sum() if isinstance(loss, KullbackLeibler) else 0.0
    assert value == pytest.approx(same - entropy, abs=1e-9)


@pytest.mark.parametrize("normalizer", OWN)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_functions_of_ones_own_give_what_radial_functions_give(normalizer, d):
    own, loss = OWN[normalizer]
    P, Y = joint(200), np.random.default_rng(d).normal(size=(200, d)) * 2
    value, gradient = bound(own, P).evaluate(Y, exaggeration=1.0, with_loss=True)
    same, other = bound(loss, P).evaluate(Y, exaggeration=1.0, with_loss=True)
    assert np.linalg.norm(gradient - other) < 5e-3 * np.linalg.norm(other)
    entropy = (P.data * np.log(P.data)).sum() if normalizer == "all" else 0.0
    assert value == pytest.approx(same - entropy, rel=1e-4)
    X, new = np.random.default_rng(0).normal(size=(200, d)), conditional(5, 200)
    placed, expected = (
        each.place(new, X, Context(1, None, Parts())).evaluate(Y[:5], exaggeration=1.0, with_loss=False)[1]
        for each in (own, loss)
    )
    assert np.linalg.norm(placed - expected) < 5e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("normalizer", [None, "all", "rows"])
@pytest.mark.parametrize("own", [False, True])
def test_value_and_gradient_are_those_of_the_formula(normalizer, own):
    root, falls = (lambda s: np.sqrt(1 + s)), (lambda s: np.exp(-np.sqrt(1 + s)))
    pair = (root, falls) if own else (LogStudentT(0.5), StudentT(2.0))
    attraction, repulsion = pair
    P, Y = joint(25), np.random.default_rng(1).normal(size=(25, 2))

    def slow(y):
        s = squared(y, y)
        rows = np.where(np.eye(25, dtype=bool), 0.0, repulsion(s)).sum(axis=1)
        pushed = {None: rows.sum() / (25 * 24), "all": np.log(rows.sum()), "rows": np.log(rows).mean()}
        return (P.toarray() * attraction(s)).sum() + 0.7 * pushed[normalizer]

    loss = Pairwise(*pair, normalizer, weight=0.7, method="exact")
    value, gradient = bound(loss, P).evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(slow, Y) / 4
    assert value == pytest.approx(slow(Y), rel=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_functions_of_ones_own_make_a_map():
    X = np.random.default_rng(0).normal(size=(120, 5))
    loss = Pairwise(lambda s: np.sqrt(1 + s), lambda s: np.exp(-np.sqrt(1 + s)), "all")
    made = [
        NeighborEmbedding(loss=loss, schedule=Schedule(40), init_scaling=0.1, random_state=0, n_jobs=jobs).fit(X)
        for jobs in (1, 3)
    ]
    np.testing.assert_array_equal(*made)
    assert made[0].transform(X[:3] + 0.1).shape == (3, 2)
    with pytest.raises(InvalidParameterError, match=r"`attraction` must be one of .*LogStudentT.*, to be stored"):
        made[0].save("own.npz")


def test_functions_may_write_into_what_they_are_given_and_return_lists():
    X = np.random.default_rng(0).normal(size=(60, 5))

    def fit(attraction, repulsion):
        loss = Pairwise(attraction, repulsion, weight=5.0)
        return NeighborEmbedding(loss=loss, schedule=Schedule(10), init_scaling=1.0, random_state=0).fit(X)

    expected = fit(np.log1p, lambda s: np.exp(-s))
    np.testing.assert_array_equal(
        fit(lambda s: np.log1p(s, out=s), lambda s: np.exp(np.negative(s, out=s), out=s)), expected
    )
    np.testing.assert_array_equal(fit(lambda s: np.log1p(s).tolist(), lambda s: [*np.exp(-s)]), expected)


def test_files_hold_radial_functions_by_name(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 5))
    loss = Pairwise(LogStudentT(0.5), StudentT(0.5), "rows", weight=2.0)
    Y = Embedding(initialization.pca(X), affinity.Uniform(X, k_neighbors=5), loss=loss).optimize(5)
    Y.save(tmp_path / "map.npz")
    assert load(tmp_path / "map.npz").loss == loss


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Pairwise(3, Gaussian()), InvalidObjectError, "`attraction` must be a Radial"),
        (lambda: Pairwise(Square(), Gaussian), InvalidObjectError, "`repulsion` must be a Radial"),
        (
            lambda: Pairwise(np.log, Gaussian()),
            InvalidParameterError,
            "`attraction` must return finite numbers, got -inf",
        ),
        (lambda: Pairwise(Square(), lambda s: s * np.nan), InvalidParameterError, "`repulsion` must return finite"),
        (lambda: Pairwise(Square(), lambda s: 1j * s), InvalidParameterError, "`repulsion` must return real numbers"),
        (lambda: Pairwise(Square(), lambda s: 1.0), InvalidParameterError, "`repulsion` must return a number for each"),
        (lambda: Pairwise(lambda s: s[:2], Gaussian()), InvalidParameterError, "`attraction` must return a number for"),
        (
            lambda: Pairwise(Square(), lambda s: math.exp(-s)),
            InvalidParameterError,
            "`repulsion` must be a function of an",
        ),
        (lambda: Pairwise(lambda s, t: s, Gaussian()), InvalidParameterError, "it raised TypeError: .* argument: 't'"),
        (
            lambda: Pairwise(Square(), lambda s: 1 - s, "all"),
            InvalidParameterError,
            "`repulsion` must not be negative with",
        ),
        (
            lambda: Pairwise(Square(), lambda s: -1 / (1 + s), "rows"),
            InvalidParameterError,
            "got -1 at a squared distance",
        ),
        (
            lambda: Pairwise(Square(), lambda s: 0 * s, "rows"),
            InvalidParameterError,
            "`repulsion` must be positive some",
        ),
        (lambda: Pairwise(Square(), Gaussian(), "row"), InvalidParameterError, "`normalizer` must be"),
        (lambda: Pairwise(Square(), Gaussian(), weight=-1), InvalidParameterError, "`weight` must be"),
    ],
)
def test_what_is_no_pair_is_refused_at_the_door(make, error, message):
    with pytest.raises(error, match=message):
        make()
