"""Losses of the family by their formulas: all pairs in float64, finite differences, numbers of a reference package."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import Context, ElasticEmbedding, KullbackLeibler, Loss, NegativeSampling, Parts
from opentsne_like.objectives.base import ObjectiveLoss

from .test_kl import conditional, differences, joint

LOSSES = {
    "Neg-t-SNE": NegativeSampling(c=0.3, n_negatives=4),
    "Neg-t-SNE, small c": NegativeSampling(c=1e-3),
    "elastic embedding": ElasticEmbedding(lam=7.0),
}
EVERY = pytest.mark.parametrize("name", LOSSES)


def squared(Y, X):
    return ((Y[:, None] - X[None]) ** 2).sum(axis=2)


def slow(loss, P, Y):
    """Return the loss of a map by its formula."""
    n, s, p = len(Y), squared(Y, Y), P.toarray()
    apart = ~np.eye(n, dtype=bool)
    if isinstance(loss, NegativeSampling):
        odds = loss.c * (1 + s)
        repulsion = loss.n_negatives / (n * (n - 1)) * np.log1p(1 / odds[apart]).sum()
        return (p * np.log1p(odds)).sum() + repulsion
    return (p * s).sum() + loss.lam / (n * (n - 1)) * np.exp(-s[apart]).sum()


def slow_placed(loss, P, Y, X):
    """Return the summed losses of placed points by their formula."""
    s, p = squared(Y, X), P.toarray()
    if isinstance(loss, NegativeSampling):
        odds = loss.c * (1 + s)
        return (p * np.log1p(odds)).sum() + loss.n_negatives / len(X) * np.log1p(1 / odds).sum()
    return (p * s).sum() + loss.lam / len(X) * np.exp(-s).sum()


def bound(loss, P, n_jobs=2):
    return loss.bind(P, Context(n_jobs, None, Parts()))


@EVERY
@pytest.mark.parametrize("d", [1, 2, 3])
def test_value_and_gradient_are_those_of_the_formula(name, d):
    loss = LOSSES[name]
    P, Y = joint(25), np.random.default_rng(d).normal(size=(25, d))
    value, gradient = bound(loss, P).evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(lambda y: slow(loss, P, y), Y) / 4
    assert value == pytest.approx(slow(loss, P, Y), rel=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=2e-6 * np.abs(expected).max())


@EVERY
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("scale", [1e-4, 0.1, 3.0, 40.0])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("method", ["bh", "fft"])
def test_every_method_is_within_its_error(name, method, d, scale, clustered):
    from dataclasses import replace

    n, rng = 1500, np.random.default_rng(d)
    Y = rng.normal(size=(n, d)) + (6 * rng.normal(size=(8, d))[rng.integers(8, size=n)] if clustered else 0.0)
    Y *= scale / Y.std()
    P, loss = joint(n), LOSSES[name]
    (slow_value, exact), (value, fast) = (
        bound(replace(loss, method=by), P).evaluate(Y, exaggeration=0.0, with_loss=True) for by in ("exact", method)
    )
    assert np.linalg.norm(fast - exact) < 5e-3 * np.linalg.norm(exact)
    assert value == pytest.approx(slow_value, rel=1e-3)


@EVERY
def test_exaggeration_weighs_attraction_alone(name):
    P, Y = joint(50), np.random.default_rng(0).normal(size=(50, 2))
    of = bound(LOSSES[name], P)
    once, none, twelve = (of.evaluate(Y, exaggeration=e, with_loss=True) for e in (1.0, 0.0, 12.0))
    assert once[0] == none[0] == twelve[0]
    np.testing.assert_allclose(twelve[1], none[1] + 12 * (once[1] - none[1]), atol=1e-5 * np.abs(twelve[1]).max())


@EVERY
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_placed_points_have_the_loss_of_the_formula(name, method):
    from dataclasses import replace

    rng = np.random.default_rng(0)
    loss = replace(LOSSES[name], method=method)
    P, X, Y = conditional(6, 900), rng.normal(size=(900, 2)) * 2, rng.normal(size=(6, 2))
    value, gradient = loss.place(P, X, Context(2, None, Parts())).evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(lambda y: slow_placed(loss, P, y, X), Y) / 2
    assert value == pytest.approx(slow_placed(loss, P, Y, X), rel=2e-3)
    np.testing.assert_allclose(gradient, expected, atol=5e-3 * np.abs(expected).max())


def test_a_placed_point_feels_what_it_would_feel_as_one_of_the_map():
    """With P of a map and rows that sum to 1/n, n times a row of its gradient is that of the placed point."""
    n = 400
    Y = np.random.default_rng(0).normal(size=(n, 2))
    ring = sparse.csr_matrix((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    P = (ring + ring.T) / (2 * n)
    for loss in LOSSES.values():
        whole = bound(loss, P).evaluate(Y, exaggeration=1.0, with_loss=False)[1][0] * n
        rest = sparse.csr_matrix(P[0, 1:] * n)
        alone = loss.place(rest, Y[1:], Context(1, None, Parts())).evaluate(Y[:1], exaggeration=1.0, with_loss=False)
        np.testing.assert_allclose(alone[1][0], whole, rtol=1e-3)


def test_numbers_of_contrastive_ne():
    """Of `cne` 0.3: a ring with all other points as negatives, c = 0.3."""
    n, i = 12, np.arange(12)
    Y = np.c_[np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)]
    ring = sparse.csr_matrix((np.ones(n), (i, (i + 1) % n)), shape=(n, n))
    of = bound(NegativeSampling(n_negatives=n - 1, c=0.3), (ring + ring.T) / (2 * n))
    value, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    assert n * value == pytest.approx(94.42038421087996, rel=1e-6)
    golden = [-1.4007557456531066, -0.587620608757733, 1.854475865985633, -2.5461825432191505]
    np.testing.assert_allclose(4 * n * gradient[:2].ravel(), golden, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: NegativeSampling(n_negatives=0), "n_negatives"),
        (lambda: NegativeSampling(c=0), "c"),
        (lambda: NegativeSampling(c=float("nan")), "c"),
        (lambda: ElasticEmbedding(lam=-1), "lam"),
        (lambda: ElasticEmbedding(method="fast"), "method"),
        (lambda: ElasticEmbedding(theta=-1), "theta"),
        (lambda: KullbackLeibler(tolerance=0), "tolerance"),
        (lambda: KullbackLeibler(repulsion_every=0), "repulsion_every"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, name):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=f"`{name}` must be"):
        make()


def test_one_point_has_no_pairs():
    for loss in LOSSES.values():
        with pytest.raises(InvalidParameterError, match="2 points or more"):
            bound(loss, sparse.csr_matrix((1, 1)))


def test_a_loss_of_the_users_own_needs_bind_and_a_rate_alone():
    from dataclasses import dataclass
    from typing import ClassVar

    from opentsne_like import Embedding, affinity

    class Bowl:
        def evaluate(self, points, *, exaggeration, with_loss):
            return 0.5 * float((points**2).sum()), points / 4

    @dataclass(frozen=True)
    class Own(Loss):
        label: ClassVar[str] = "height"

        def bind(self, P, context):
            return Bowl()

        def learning_rate(self, n, exaggeration):
            return 0.5

    X = np.random.default_rng(0).normal(size=(30, 3))
    for loss in (Own(), Bowl()):
        Y = Embedding(X[:, :2] - X[:, :2].mean(axis=0), affinity.Uniform(X, k_neighbors=3), loss=loss)
        Z = Y.optimize(50)
        assert Z.loss_value < 1e-2 * Y.loss_value
        if isinstance(Z.loss, ObjectiveLoss):
            continue
        assert "height" in repr(Z)
        with pytest.raises(UnavailableError, match="Own cannot place new points"):
            Z.transform(X[:2])
        with pytest.raises(InvalidParameterError, match="`loss` must be of a class that files know"):
            Z.save("own.npz")
