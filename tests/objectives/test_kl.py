"""The KL divergence and its gradient: the formula, finite differences, every method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like.objectives import Edges, divergence, placed_divergence
from opentsne_like.opentsne import kl_divergence_bh, kl_divergence_fft
from opentsne_like.repulsion import RepulsionEngine, StudentT

ERRORS = {"exact": 1e-4, "bh": 1e-2, "fft": 5e-3}


def joint(n, seed=0, total=1.0):
    """Return a sparse symmetric P."""
    P = sparse.random(n, n, density=min(0.5, 20 / n), random_state=seed)
    P = (P + P.T).tolil()
    P.setdiag(0)
    P = P.tocsr()
    P.eliminate_zeros()
    return P * (total / P.sum())


def conditional(m, n, seed=0):
    P = sparse.random(m, n, density=10 / n, format="csr", random_state=seed)
    P = P + sparse.csr_matrix((np.ones(m), (np.arange(m), np.arange(m) % n)), shape=(m, n))
    return sparse.csr_matrix(P / P.sum(axis=1))


def kl(P, Y, dof):
    """Return the KL divergence by the formula of van der Maaten & Hinton."""
    square = ((Y[:, None] - Y[None]) ** 2).sum(axis=2)
    w = (1 + square / dof) ** -dof
    np.fill_diagonal(w, 0)
    Q = w / w.sum()
    p = P.toarray()
    keep = p > 0
    return (p[keep] * np.log(p[keep] / Q[keep])).sum()


def partial_kl(P, Y, X, dof):
    square = ((Y[:, None] - X[None]) ** 2).sum(axis=2)
    w = (1 + square / dof) ** -dof
    Q = w / w.sum(axis=1, keepdims=True)
    p = P.toarray()
    keep = p > 0
    return (p[keep] * np.log(p[keep] / Q[keep])).sum()


def differences(function, Y, step=1e-4):
    """Return the gradient by central differences of the fourth order."""
    gradient = np.empty_like(Y)
    for index in np.ndindex(*Y.shape):
        values = []
        for k in (-2, -1, 1, 2):
            moved = Y.copy()
            moved[index] += k * step
            values.append(function(moved))
        gradient[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return gradient


def objective(P, dof, method="auto", dtype=np.float32, n_jobs=2):
    engine = RepulsionEngine(StudentT(dof), method=method, n_jobs=n_jobs)
    return divergence(Edges.of(P, dtype=dtype, n_jobs=n_jobs), dof, engine)


@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradient_is_that_of_finite_differences(d, dof):
    P, Y = joint(25), np.random.default_rng(d).normal(size=(25, d))
    expected = differences(lambda y: kl(P, y, dof), Y) / 4
    loss, gradient = objective(P, dof, dtype=np.float64).evaluate(Y, exaggeration=1.0, with_loss=True)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
    assert loss == pytest.approx(kl(P, Y, dof), rel=1e-12)


@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_every_method_is_within_its_error(method, d, dof):
    n = 400 if d == 3 else 1600
    P, Y = joint(n), np.random.default_rng(d).normal(size=(n, d)) * 3
    exact_loss, exact = objective(P, dof, dtype=np.float64).evaluate(Y, exaggeration=1.0, with_loss=True)
    loss, gradient = objective(P, dof, method).evaluate(Y, exaggeration=1.0, with_loss=True)
    forces = objective(P, dof, dtype=np.float64).evaluate(Y, exaggeration=0.0, with_loss=False)[1]
    assert np.linalg.norm(gradient - exact) < ERRORS[method] * np.linalg.norm(forces) + 1e-6
    assert loss == pytest.approx(exact_loss, rel=1e-3)


def test_exaggeration_weighs_attraction_only_and_leaves_the_loss_alone():
    P, Y = joint(50), np.random.default_rng(0).normal(size=(50, 2))
    of = objective(P, 1.0, dtype=np.float64)
    once, none, twelve = (of.evaluate(Y, exaggeration=e, with_loss=True) for e in (1.0, 0.0, 12.0))
    assert once[0] == none[0] == twelve[0]
    np.testing.assert_allclose(twelve[1], none[1] + 12 * (once[1] - none[1]), atol=1e-15)


def test_a_p_that_does_not_sum_to_one_has_the_loss_of_the_formula():
    P, Y = joint(40, total=3.0), np.random.default_rng(0).normal(size=(40, 2))
    loss, _ = objective(P, 1.0).evaluate(Y, exaggeration=1.0, with_loss=True)
    assert loss == pytest.approx(kl(P, Y, 1.0), rel=1e-5)


def test_the_loss_is_not_computed_unless_wanted(monkeypatch):
    P, Y = joint(40), np.random.default_rng(0).normal(size=(40, 2))
    of = objective(P, 1.0)
    monkeypatch.setattr(Edges, "loss", None)
    loss, _ = of.evaluate(Y, exaggeration=1.0, with_loss=False)
    assert np.isnan(loss)


@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_partial_gradient_is_that_of_finite_differences(d, dof):
    rng = np.random.default_rng(d)
    P, X, Y = conditional(6, 30), rng.normal(size=(30, d)) * 2, rng.normal(size=(6, d))
    expected = differences(lambda y: partial_kl(P, y, X, dof), Y)
    frozen = RepulsionEngine(StudentT(dof), method="exact", n_jobs=2).freeze(X)
    of = placed_divergence(Edges.of(P, n_jobs=2), dof, frozen, 2)
    loss, gradient = of.evaluate(Y, exaggeration=1.0, with_loss=True)
    np.testing.assert_allclose(2 * gradient, expected, rtol=1e-4, atol=1e-5)
    assert loss == pytest.approx(partial_kl(P, Y, X, dof), rel=1e-5)
    assert np.isnan(of.evaluate(Y, exaggeration=1.0, with_loss=False)[0])


@pytest.mark.parametrize("method", ["bh", "fft"])
def test_partial_gradient_by_fast_methods(method):
    rng = np.random.default_rng(0)
    P, X, Y = conditional(200, 3000), rng.normal(size=(3000, 2)) * 10, rng.normal(size=(200, 2)) * 10
    slow, fast = (
        placed_divergence(
            Edges.of(P, n_jobs=2), 1.0, RepulsionEngine(StudentT(1.0), method=m, n_jobs=2).freeze(X), 2
        ).evaluate(Y, exaggeration=1.5, with_loss=True)
        for m in ("exact", method)
    )
    assert fast[0] == pytest.approx(slow[0], rel=1e-3)
    assert np.linalg.norm(fast[1] - slow[1]) < 5e-3 * np.linalg.norm(slow[1])


def test_points_without_edges_are_pushed_only():
    P = sparse.csr_matrix((np.ones(2), ([0, 2], [1, 3])), shape=(4, 5))
    X, Y = np.random.default_rng(0).normal(size=(5, 2)), np.zeros((4, 2))
    frozen = RepulsionEngine(StudentT(1.0), n_jobs=1).freeze(X)
    loss, gradient = placed_divergence(Edges.of(P, n_jobs=1), 1.0, frozen, 1).evaluate(
        Y, exaggeration=1.0, with_loss=True
    )
    assert np.isfinite(gradient).all()
    assert loss == pytest.approx(partial_kl(P, Y, X, 1.0), rel=1e-5)


def test_same_bits_for_any_number_of_threads():
    P, Y = joint(6000), np.random.default_rng(0).normal(size=(6000, 2)) * 5
    for method in ("auto", "fft", "bh"):
        one = objective(P, 1.0, method, n_jobs=1).evaluate(Y, exaggeration=4.0, with_loss=True)
        for n_jobs in (2, 3, 7):
            many = objective(P, 1.0, method, n_jobs=n_jobs).evaluate(Y, exaggeration=4.0, with_loss=True)
            assert one[0] == many[0]
            assert one[1].tobytes() == many[1].tobytes()


@pytest.mark.parametrize("function", [kl_divergence_bh, kl_divergence_fft])
def test_functions_of_openTSNEs_contract(function):
    P, Y = joint(500), np.random.default_rng(0).normal(size=(500, 2)) * 5
    before = Y.copy(), P.data.copy()
    exact_loss, exact = objective(P, 2.0, dtype=np.float64).evaluate(Y, exaggeration=1.0, with_loss=True)
    error, gradient = function(Y, P, dof=2, should_eval_error=True, n_jobs=2, fft_params={}, bh_params={"theta": 0.5})
    assert error == pytest.approx(exact_loss, rel=1e-3)
    assert np.linalg.norm(gradient - exact) < 1e-2 * np.linalg.norm(exact)
    assert np.isnan(function(Y, P)[0])
    assert np.array_equal(Y, before[0])
    assert np.array_equal(P.data, before[1])
    partial = conditional(20, 500)
    error, gradient = function(Y[:20], partial, reference_embedding=Y, should_eval_error=True)
    assert error == pytest.approx(partial_kl(partial, Y[:20], Y, 1.0), rel=1e-3)


@pytest.mark.parametrize("offset", [1e3, 1e5, -1e6])
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_a_map_may_lie_anywhere(method, offset):
    P, Y = joint(1600), np.random.default_rng(0).normal(size=(1600, 2)) * 3
    here, there = (
        objective(P, 1.0, method).evaluate(points, exaggeration=4.0, with_loss=False)[1] for points in (Y, Y + offset)
    )
    assert np.linalg.norm(there - here) < 1e-4 * np.linalg.norm(here)
    partial = conditional(50, 1600)
    here, there = (
        placed_divergence(
            Edges.of(partial, n_jobs=2), 1.0, RepulsionEngine(StudentT(1.0), method=method, n_jobs=2).freeze(Y + k), 2
        ).evaluate(Y[:50] * 1.1 + k, exaggeration=1.5, with_loss=False)[1]
        for k in (0.0, offset)
    )
    assert np.linalg.norm(there - here) < 1e-4 * np.linalg.norm(here)


@pytest.mark.parametrize("dof", [5.0, 20.0, 100.0])
@pytest.mark.parametrize("method", ["auto", "exact", "bh", "fft"])
def test_a_kernel_that_falls_fast_gives_finite_forces_everywhere(method, dof):
    rng = np.random.default_rng(0)
    P, X = conditional(300, 3000), rng.normal(size=(3000, 2)) * 3
    Y = rng.uniform(-30, 30, size=(300, 2))
    frozen = RepulsionEngine(StudentT(dof), method=method, n_jobs=2).freeze(X)
    assert (frozen.evaluate(Y).values >= 0).all()
    of = placed_divergence(Edges.of(P, n_jobs=2), dof, frozen, 2)
    loss, gradient = of.evaluate(Y, exaggeration=0.0, with_loss=True)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    outward = (gradient * Y).sum(axis=1)[np.hypot(*Y.T) > 12]
    assert (outward <= 0).all()  # against the gradient is away from the reference
    square = ((Y[:, None] - X) ** 2).sum(axis=2)
    expected = (1 + square / dof) ** -dof
    near = expected.sum(axis=1) > 1e-5 * expected.sum(axis=1).max()
    np.testing.assert_allclose(frozen.evaluate(Y).values[near], expected.sum(axis=1)[near], rtol=0.2)
