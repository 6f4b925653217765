"""Losses of the family by their formulas: all pairs in float64, finite differences, numbers of a reference package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import Embedding, affinity, initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import (
    SNE,
    Context,
    Edges,
    ElasticEmbedding,
    FuzzyCrossEntropy,
    InfoNCE,
    KullbackLeibler,
    Loss,
    NegativeSampling,
    NoiseContrastive,
    PaCMAP,
    Pairwise,
    Parts,
    RowNormalized,
    similarity_curve,
)
from opentsne_like.objectives import edges as edge_lists
from opentsne_like.objectives.base import ObjectiveLoss
from opentsne_like.repulsion import LogStudentT, RepulsionEngine, StudentT

from .test_kl import conditional, differences, joint

LOSSES = {
    "Neg-t-SNE": NegativeSampling(c=0.3, n_negatives=4),
    "Neg-t-SNE, small c": NegativeSampling(c=1e-3),
    "NC-t-SNE": NoiseContrastive(c=0.2),
    "elastic embedding": ElasticEmbedding(lam=7.0),
    "SNE": SNE(),
    "InfoNC-t-SNE": InfoNCE(),
    "UMAP": FuzzyCrossEntropy(),
    "UMAP, far apart": FuzzyCrossEntropy(*similarity_curve(0.8), n_negatives=3, repulsion_strength=2.0),
}
EVERY = pytest.mark.parametrize("name", LOSSES)


def squared(Y, X):
    return ((Y[:, None] - X[None]) ** 2).sum(axis=2)


def softened(a, b, s):
    """Return UMAP's repulsion, by quadrature of its slope over w, ``t = (s + core) exp(w²) - core``."""
    core, (places, weights) = (b / 4) ** 2, np.polynomial.legendre.leggauss(8)
    total, half = np.zeros_like(s), np.sqrt(30.0) / 60
    for panel in range(30):
        for x, weight in zip(places, weights, strict=True):
            w = half * (2 * panel + 1 + x)
            t = (s + core) * np.exp(w * w) - core
            total += 2 * w * half * weight * b / (1 + a * np.maximum(t, 0.0) ** b)
    return total + np.log1p(1 / (a * ((s + core) * np.exp(30.0)) ** b))


def parts(loss, s):
    """Return attraction and repulsion of pairs at squared distances, by their formulas."""
    if isinstance(loss, NegativeSampling):
        odds = loss.c * (1 + s)
        return np.log1p(odds), loss.n_negatives * np.log1p(1 / odds)
    if isinstance(loss, FuzzyCrossEntropy):
        weight = loss.repulsion_strength * loss.n_negatives / 2
        return np.log1p(loss.a * (s + 1e-4) ** loss.b), weight * softened(loss.a, loss.b, s)
    if isinstance(loss, ElasticEmbedding):
        return s, loss.lam * np.exp(-s)
    return (s, np.exp(-s)) if isinstance(loss, SNE) else (np.log1p(s), 1 / (1 + s))


def slow(loss, P, Y):
    """Return the loss of a map by its formula."""
    n = len(Y)
    attraction, repulsion = parts(loss, squared(Y, Y))
    pulled, apart = (P.toarray() * attraction).sum(), np.where(np.eye(n, dtype=bool), 0.0, repulsion)
    if isinstance(loss, RowNormalized):
        return pulled + np.log(apart.sum(axis=1)).mean()
    return pulled + apart.sum() / (n * n if isinstance(loss, FuzzyCrossEntropy) else n * (n - 1))


def slow_placed(loss, P, Y, X):
    """Return the summed losses of placed points by their formula."""
    attraction, repulsion = parts(loss, squared(Y, X))
    pulled = (P.toarray() * attraction).sum()
    if isinstance(loss, RowNormalized):
        return pulled + np.log(repulsion.sum(axis=1)).sum()
    return pulled + repulsion.sum() / len(X)


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
@pytest.mark.parametrize(("scale", "clustered"), [(1e-4, False), (0.1, True), (3.0, False), (3.0, True), (40.0, True)])
def test_every_method_is_within_its_error(name, d, scale, clustered):
    n, rng = 700, np.random.default_rng(d)
    Y = rng.normal(size=(n, d)) + (6 * rng.normal(size=(8, d))[rng.integers(8, size=n)] if clustered else 0.0)
    Y *= scale / Y.std()
    P, loss = joint(n), LOSSES[name]
    (slow_value, exact), *others = (
        bound(replace(loss, method=by), P).evaluate(Y, exaggeration=0.0, with_loss=True)
        for by in ("exact", "bh", "fft")
    )
    for value, fast in others:
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
    rng = np.random.default_rng(0)
    loss = replace(LOSSES[name], method=method)
    P, X, Y = conditional(6, 900), rng.normal(size=(900, 2)) * 2, rng.normal(size=(6, 2))
    placed = loss.settled(None).place(P, X, Context(2, None, Parts()))
    value, gradient = placed.evaluate(Y, exaggeration=1.0, with_loss=True)
    expected = differences(lambda y: slow_placed(loss, P, y, X), Y) / 2
    assert value == pytest.approx(slow_placed(loss, P, Y, X), rel=2e-3)
    np.testing.assert_allclose(gradient, expected, atol=5e-3 * np.abs(expected).max())


def test_a_placed_point_feels_what_it_would_feel_as_one_of_the_map():
    """With P of a map and rows that sum to 1/n, n times a row of its gradient is that of the placed point.

    UMAP's pairs are counted as n², so that n times a row has the repulsion of n - 1 points in n.
    """
    n = 400
    Y = np.random.default_rng(0).normal(size=(n, 2))
    ring = sparse.csr_matrix((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    P = (ring + ring.T) / (2 * n)
    for loss in (replace(loss, method="exact") for loss in LOSSES.values()):
        whole = bound(loss, P).evaluate(Y, exaggeration=1.0, with_loss=False)[1][0] * n
        rest = sparse.csr_matrix(P[0, 1:] * n)
        if isinstance(loss, RowNormalized):
            continue  # a point of the map is in the normalisers of all others, too
        placed = loss.settled(None).place(rest, Y[1:], Context(1, None, Parts()))
        alone = placed.evaluate(Y[:1], exaggeration=1.0, with_loss=False)
        np.testing.assert_allclose(alone[1][0], whole, rtol=1e-2 if isinstance(loss, FuzzyCrossEntropy) else 1e-3)


def ring(n=12):
    """Return a map by formulas, and the edges of a ring in it."""
    i = np.arange(n)
    Y = np.c_[np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)]
    P = sparse.csr_matrix((np.ones(n), (i, (i + 1) % n)), shape=(n, n))
    return Y, (P + P.T) / (2 * n)


def test_numbers_of_contrastive_ne():
    """Of `cne` 0.3: a ring with all other points as negatives, c = 0.3."""
    (Y, P), n = ring(), 12
    of = bound(NegativeSampling(n_negatives=n - 1, c=0.3), P)
    value, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    assert n * value == pytest.approx(94.42038421087996, rel=1e-6)
    golden = [-1.4007557456531066, -0.587620608757733, 1.854475865985633, -2.5461825432191505]
    np.testing.assert_allclose(4 * n * gradient[:2].ravel(), golden, rtol=1e-5)


def test_numbers_of_contrastive_ne_with_a_learned_normaliser():
    """Of `cne` 0.3: the same ring by noise-contrastive estimation, log Z = log 0.4, which makes c = 0.4 (n - 1)."""
    (Y, P), n = ring(), 12
    of = bound(NoiseContrastive(n_negatives=n - 1, c=0.4 * (n - 1)), P)
    assert n * of.evaluate(Y, exaggeration=1.0, with_loss=True)[0] == pytest.approx(46.458805842253966, rel=1e-6)


def test_numbers_of_contrastive_ne_for_rows():
    """Of `cne` 0.3: InfoNCE at rho = 2, half of it, where the edge of a row counts among the negatives once more."""
    (Y, P), n = ring(), 12

    def value(y):
        s = squared(y, y)
        edge = s[np.arange(n), (np.arange(n) + 1) % n]
        rows = RepulsionEngine(StudentT()).evaluate(y).values if y is Y else (1 / (1 + s)).sum(axis=1) - 1
        return 0.5 * (np.log1p(edge) + 0.5 * np.log(rows + 1 / (1 + edge))).sum()

    assert value(Y) == pytest.approx(13.449090149007763, rel=1e-6)
    golden = [-0.08373825122592599, -0.3784826741804552, -0.13019297360380896, 0.4802779813088614]
    np.testing.assert_allclose(differences(value, Y)[:2].ravel(), golden, rtol=1e-6)
    pulled, pushed = (
        P.multiply(np.log1p(squared(Y, Y))).sum(),
        np.log((1 / (1 + squared(Y, Y))).sum(axis=1) - 1).mean(),
    )
    assert bound(InfoNCE(), P).evaluate(Y, exaggeration=1.0, with_loss=True)[0] == pytest.approx(pulled + pushed)


def test_numbers_of_umap_learn():
    """Of `umap` 0.5.12: the curve of two distances."""
    assert similarity_curve(0.1, 1.0) == pytest.approx((1.57694346046584, 0.8950608779639974), rel=1e-6)
    assert similarity_curve(0.5, 1.0) == pytest.approx((0.5830300203968329, 1.3341669926352966), rel=1e-6)
    assert (FuzzyCrossEntropy().a, FuzzyCrossEntropy().b) == pytest.approx(similarity_curve())
    with pytest.raises(InvalidParameterError, match="`min_dist` must be at most `spread`, 1"):
        similarity_curve(2.0, 1.0)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.3, 4.0, 40.0])
@pytest.mark.parametrize("method", ["exact", "fft"])
def test_points_far_from_all_others_keep_their_row(d, scale, method):
    """Their potential is below what single precision holds, down to exp(-600), and its logarithm counts in full."""
    rng = np.random.default_rng(d)
    Y = np.concatenate([rng.normal(size=(600, d)), scale * rng.normal(size=(5, d)) / 2])
    s = squared(Y, Y) + np.where(np.eye(605, dtype=bool), np.inf, 0.0)
    least = s.min(axis=1)
    if least.max() > 600:
        pytest.skip("one is farther away than double precision can tell")
    rows = np.exp(-(s - least[:, None]))
    shares = rows / rows.sum(axis=1, keepdims=True)
    both = shares + shares.T
    expected = -(both[:, :, None] * (Y[:, None] - Y[None])).sum(axis=1) / (2 * 605)
    P = joint(605)
    value, gradient = bound(SNE(method=method), P).evaluate(Y, exaggeration=0.0, with_loss=True)
    assert np.linalg.norm(gradient - expected) < 5e-3 * np.linalg.norm(expected)
    pushed = (np.log(rows.sum(axis=1)) - least).mean()
    assert value == pytest.approx((P.toarray() * squared(Y, Y)).sum() + pushed, rel=1e-4)


@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
@pytest.mark.parametrize("c", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_the_derivative_in_the_learned_odds_is_that_of_finite_differences(c, scale, method):
    P, Y = joint(900), np.random.default_rng(1).normal(scale=scale, size=(900, 2))
    low, high = (slow(NegativeSampling(c=c * step), P, Y) for step in (1 - 1e-4, 1 + 1e-4))
    found = bound(NoiseContrastive(c=c, method=method), P).parameter_gradient(Y)
    assert found[0] == pytest.approx((high - low) / 2e-4, rel=2e-3, abs=1e-5)


def test_odds_that_are_learned_end_near_the_partition_function():
    """With many negatives c approaches m Z / (n (n - 1)), and the loss is lower than with c as it began."""
    X = np.random.default_rng(0).normal(size=(300, 5))
    start = initialization.rescale(initialization.pca(X, random_state=0), target_std=1)
    loss = NoiseContrastive(n_negatives=100)
    Y = Embedding(start, affinity.Uniform(X, k_neighbors=15), loss=loss).optimize(1000)
    c = Y.loss.settled(Y.optimizer.state).c
    z = RepulsionEngine(StudentT()).evaluate(np.asarray(Y)).total
    assert c == pytest.approx(100 * z / (300 * 299), rel=0.1)
    assert Y.loss_value < Y.evaluate(loss=NegativeSampling(n_negatives=100))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: NegativeSampling(n_negatives=0), "n_negatives"),
        (lambda: NegativeSampling(c=0), "c"),
        (lambda: NegativeSampling(c=float("nan")), "c"),
        (lambda: NoiseContrastive(c=1e9), "c"),
        (lambda: FuzzyCrossEntropy(a=0), "a"),
        (lambda: FuzzyCrossEntropy(b=-1), "b"),
        (lambda: FuzzyCrossEntropy(n_negatives=0), "n_negatives"),
        (lambda: FuzzyCrossEntropy(repulsion_strength=-1), "repulsion_strength"),
        (lambda: similarity_curve(-1), "min_dist"),
        (lambda: similarity_curve(spread=0), "spread"),
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


@pytest.mark.parametrize("loss", [SNE(), InfoNCE(), Pairwise(LogStudentT(), StudentT(), "rows")], ids=repr)
def test_weights_that_are_no_distributions_are_refused_for_rows(loss):
    P, Y = joint(20), np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InvalidParameterError, match=r"`P` must sum to 1 for .* got 3"):
        bound(loss, 3 * P)
    with pytest.raises(InvalidParameterError, match=r"`P` must sum to 1 for .* got 0; divide by"):
        bound(loss, 0 * P)
    bound(loss, P.astype(np.float32)).evaluate(Y, exaggeration=1.0, with_loss=True)
    placed = conditional(3, 20)
    placed.data[placed.indptr[1] : placed.indptr[2]] *= 2
    if isinstance(loss, RowNormalized):
        with pytest.raises(InvalidParameterError, match=r"row 1 of `P` must sum to 1 for .* got 2"):
            loss.place(placed, Y, Context(1, None, Parts()))


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("spread", [1e-6, 0.5, 50.0, 1e6])
def test_the_curve_is_the_same_in_any_unit(ratio, spread):
    (a, b), (of_one, power) = similarity_curve(ratio * spread, spread), similarity_curve(ratio)
    assert b == pytest.approx(power, rel=1e-6)
    assert a == pytest.approx(of_one * spread ** (-2 * power), rel=1e-4)


@pytest.mark.parametrize("loss", [*LOSSES.values(), KullbackLeibler(), Pairwise(np.log1p, StudentT(), "all")], ids=repr)
def test_the_gradient_is_that_of_the_value_for_directed_weights_too(loss):
    P, Y = joint(25), np.random.default_rng(0).normal(size=(25, 2))
    directed = sparse.triu(P, format="csr") + 0.2 * sparse.tril(P, format="csr")
    directed = sparse.csr_matrix(directed / directed.sum())
    mean = sparse.csr_matrix(0.5 * (directed + directed.T))
    for method in ("exact", "fft"):
        one, two = (bound(replace(loss, method=method), of) for of in (directed, mean))
        value, gradient = one.evaluate(Y, exaggeration=3.0, with_loss=True)
        entropy = one.edges.entropy - two.edges.entropy if isinstance(loss, KullbackLeibler) else 0.0
        expected = two.evaluate(Y, exaggeration=3.0, with_loss=True)
        assert value - entropy == pytest.approx(expected[0], rel=1e-5)
        np.testing.assert_allclose(gradient, expected[1], atol=1e-5 * np.abs(gradient).max())
        gradient = one.evaluate_exaggerated(Y, exaggeration=3.0)[2]
        np.testing.assert_allclose(gradient, expected[1], atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize("at_once", [1, 2**20])
def test_symmetric_weights_are_used_as_they_are(at_once, monkeypatch):
    monkeypatch.setattr(edge_lists, "AT_ONCE", at_once)
    P = joint(25)
    edges = Edges.of(P.astype(np.float32))
    assert edges.mutual is edges
    assert Edges.of(sparse.csr_matrix((5, 5))).mutual.mass == 0
    P.data[3] *= 1.01
    assert Edges.of(P).mutual is not edges
    assert abs(Edges.of(P).mutual.mass - P.sum()) < 1e-12


def test_a_map_of_directed_weights_goes_down():
    X = np.random.default_rng(0).normal(size=(80, 5))
    directed = affinity.Entropic(X, perplexity=10)
    for loss in (NegativeSampling(), PaCMAP(w_mid_near=0.0)):
        Y = Embedding(initialization.pca(X), directed, loss=loss).optimize(200)
        assert Y.optimize(300).loss_value < Y.loss_value + 1e-3


@pytest.mark.parametrize("n", [2, 3, 10, 30])
@pytest.mark.parametrize("loss", [SNE(), InfoNCE(), Pairwise(LogStudentT(), StudentT(), "rows")], ids=repr)
def test_rows_of_few_points_are_summed_by_a_grid_by_name(loss, n):
    P, Y = joint(n), np.random.default_rng(0).normal(size=(n, 2))
    value, gradient = bound(replace(loss, method="exact"), P).evaluate(Y, exaggeration=1.0, with_loss=True)
    found = bound(replace(loss, method="fft"), P).evaluate(Y, exaggeration=1.0, with_loss=True)
    assert found[0] == pytest.approx(value, rel=1e-2, abs=1e-2)
    np.testing.assert_allclose(found[1], gradient, atol=1e-2 * np.abs(gradient).max() + 1e-4)  # two points: all is 0


def test_one_point_has_no_pairs():
    for loss in LOSSES.values():
        with pytest.raises(InvalidParameterError, match="2 points or more"):
            bound(loss, sparse.csr_matrix((1, 1)))


def test_a_loss_of_the_users_own_needs_bind_and_a_rate_alone():
    from dataclasses import dataclass
    from typing import ClassVar

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
