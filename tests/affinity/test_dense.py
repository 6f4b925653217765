"""Affinities of all pairs against generic solvers of what defines them, and against TorchDR's values."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from scipy.optimize import minimize, root
from scipy.spatial.distance import cdist

from opentsne_like import affinity, nearest_neighbors
from opentsne_like.affinity import dense, dual
from opentsne_like.errors import InvalidParameterError, NumericalError, UnavailableError

from . import twins

MAKERS = {
    "symmetric entropic": lambda X=None, **kw: affinity.SymmetricEntropic(X, perplexity=6, **kw),
    "sinkhorn": lambda X=None, **kw: affinity.Sinkhorn(X, eps=1.5, **kw),
}
makers = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture
def X(rng):
    return rng.normal(size=(60, 4))


def clustered(rng):
    return rng.normal(size=(60, 3)) + 8 * rng.normal(size=(4, 3))[rng.integers(4, size=60)]


DATA = {
    "random": lambda rng: rng.normal(size=(60, 4)),
    "clustered": clustered,
    "on a line": lambda rng: rng.normal(size=(60, 1)),
    "with a point far away": lambda rng: np.concatenate([rng.normal(size=(59, 3)), np.full((1, 3), 300.0)]),
    "repeated": lambda rng: np.repeat(rng.normal(size=(20, 3)), 3, axis=0),
    "all the same": lambda rng: np.zeros((30, 2)),
}


def perplexities(rows):
    return np.exp([twins.entropy(row) for row in rows])


def by_all_symmetric_matrices(costs, perplexity):
    """Return the least cost of a feasible matrix that a general solver finds, over the values above the diagonal."""
    n = len(costs)
    upper = np.triu_indices(n, 1)
    ends = np.zeros((n, len(upper[0])))  # from values to sums of rows
    ends[upper[0], np.arange(len(upper[0]))] = ends[upper[1], np.arange(len(upper[0]))] = 1
    constraints = [
        {"type": "eq", "fun": lambda x: ends @ x - 1, "jac": lambda x: ends},
        {
            "type": "ineq",
            "fun": lambda x: -ends @ (x * np.log(x)) - np.log(perplexity),
            "jac": lambda x: -ends * (1 + np.log(x)),
        },
    ]
    found = minimize(
        lambda x: 2 * x @ costs[upper],
        np.full(len(upper[0]), 1 / (n - 1)),
        jac=lambda x: 2 * costs[upper],
        bounds=[(1e-9, 1)] * len(upper[0]),
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    assert abs(ends @ found.x - 1).max() < 1e-6
    assert (-ends @ (found.x * np.log(found.x)) > np.log(perplexity) - 1e-6).all()
    matrix = np.zeros((n, n))
    matrix[upper] = found.x
    return float(found.fun), matrix + matrix.T


@pytest.mark.parametrize("perplexity", [2.5, 3.5])
def test_symmetric_entropic_is_the_matrix_of_least_cost(rng, perplexity):
    X = rng.normal(size=(6, 2))
    P, costs = 6 * affinity.SymmetricEntropic(X, perplexity=perplexity).P.toarray(), cdist(X, X, "sqeuclidean")
    least, expected = by_all_symmetric_matrices(costs, perplexity)
    assert (P * costs).sum() == pytest.approx(least, rel=1e-4)
    np.testing.assert_allclose(P, expected, atol=2e-3)


def test_symmetric_entropic_solves_its_equations(rng):
    X = rng.normal(size=(40, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)  # on a sphere no row has more than the perplexity
    made = affinity.SymmetricEntropic(X, perplexity=12)
    costs, n = cdist(X, X, "sqeuclidean"), len(X)

    def rows(x):
        logs = (x[:n, None] + x[:n] - 2 * costs) / (x[n:, None] + x[n:])
        np.fill_diagonal(logs, -np.inf)
        return np.exp(logs)

    def wrong(x):
        P = rows(x)
        return np.concatenate([P.sum(axis=1) - 1, [twins.entropy(row) - np.log(12) for row in P]])

    start = np.concatenate([made.potentials_, made.bandwidths_])
    solution = root(wrong, start * (1 + 1e-3 * rng.normal(size=2 * n)), tol=1e-12)
    assert abs(wrong(solution.x)).max() < 1e-10
    np.testing.assert_allclose(n * made.P.toarray(), rows(solution.x), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(made.bandwidths_, solution.x[n:], rtol=1e-3)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("perplexity", [2, 6, 20])
def test_rows_of_symmetric_entropic(kind, perplexity, rng):
    X = DATA[kind](rng)
    n = len(X)
    made = affinity.SymmetricEntropic(X, perplexity=perplexity)
    P = n * made.P.toarray()
    assert abs(made.P - made.P.T).max() == 0
    assert (np.diag(P) == 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=2e-6)
    assert made.P.sum() == pytest.approx(1)
    found = perplexities(P)
    assert (found > perplexity * (1 - 1e-5)).all()
    costs = cdist(X, X, "sqeuclidean")
    unit = np.median(np.sort(costs, axis=1)[:, perplexity])
    slack = made.bandwidths_ * np.log(found / perplexity)  # one of both is next to none
    assert (slack <= 2e-6 * (unit or costs.mean() or 1.0)).all()
    new = X[:5] + 0.1 * rng.normal(size=(5, X.shape[1]))
    rows = made.to_new(new).toarray()
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert (perplexities(rows) > perplexity * (1 - 1e-9)).all()


def test_symmetric_entropic_places_new_points(X, rng):
    made, new = affinity.SymmetricEntropic(X, perplexity=12), rng.normal(size=(4, 4))
    P, indices, distances = made.to_new(new, return_distances=True)
    costs = cdist(new, X, "sqeuclidean")
    np.testing.assert_allclose(np.take_along_axis(costs, indices, 1), distances**2, rtol=1e-6)
    for row, cost in zip(P.toarray(), costs, strict=True):

        def weights(x, cost=cost):
            return np.exp((x[0] + made.potentials_ - 2 * cost) / (x[1] + made.bandwidths_))

        solution = root(lambda x: [weights(x).sum() - 1, twins.entropy(weights(x)) - np.log(12)], [0.0, 1.0], tol=1e-13)
        assert solution.success
        np.testing.assert_allclose(row, weights(solution.x), rtol=1e-6)
    assert perplexities(made.to_new(new, perplexity=5).toarray()) == pytest.approx(5)
    assert len(np.unique(made.to_new(new, perplexity=60).data)) == 1


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("eps", [2.0, 30.0])
def test_sinkhorn_agrees_with_plain_scaling(kind, eps, rng):
    X = DATA[kind](rng)
    n = len(X)
    made, costs = affinity.Sinkhorn(X, eps=eps), cdist(X, X, "sqeuclidean")
    np.testing.assert_allclose(n * made.P.sum(axis=1), 1, atol=2e-6)
    scaled = (made.potentials_ + made.potentials_[:, None] - costs) / eps
    np.fill_diagonal(scaled, -np.inf)
    np.testing.assert_allclose(n * made.P.toarray(), np.exp(scaled), rtol=1e-6, atol=1e-290)  # and there is but one
    assert abs(made.P - made.P.T).max() == 0
    if "far away" in kind:  # plain scaling takes for ever
        return
    logs = -costs / eps
    np.fill_diagonal(logs, -np.inf)
    f = np.zeros(n)
    for _ in range(5_000):
        top = (logs + f).max(axis=1)
        f = (f - top - np.log(np.exp(logs + f - top[:, None]).sum(axis=1))) / 2
    np.testing.assert_allclose(n * made.P.toarray(), np.exp(logs + f[:, None] + f), rtol=1e-4, atol=1e-6)
    new = X[:5] + 0.1
    expected = np.exp(made.potentials_ / eps - cdist(new, X, "sqeuclidean") / eps)
    np.testing.assert_allclose(
        made.to_new(new).toarray(), expected / expected.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-290
    )


def test_the_values_of_torchdr():
    i = np.arange(12)
    X = np.stack([np.cos(1.1 * i), np.sin(0.7 * i) + 0.1 * i, np.cos(i * i / 5)], axis=1)
    made = affinity.SymmetricEntropic(X, perplexity=4).P[0].toarray().ravel()
    np.testing.assert_allclose(made, SYMMETRIC_ENTROPIC, atol=1e-6)
    np.testing.assert_allclose(affinity.Sinkhorn(X, eps=1.0).P[0].toarray().ravel(), SINKHORN, atol=2e-9)
    P = affinity.MAGIC(X, k_neighbors=11, scale_neighbor=3).P
    np.testing.assert_allclose((P[0] / P[0].sum()).toarray().ravel(), MAGIC, rtol=1e-12)


# fmt: off
# TorchDR's for perplexity 4, stopped at a tolerance of 1e-8; for eps = 1; and for K = 3, divided by the row's sum.
SYMMETRIC_ENTROPIC = [
    0.0, 0.022212220555751894, 0.00015816062788564183, 1.0963637940867361e-07, 0.0001558181589629406,
    0.0221010229591388, 0.03231327962316807, 0.0010914332916419785, 0.001954293125738187, 6.643129754734396e-05,
    0.0003371639508496589, 0.0029434002171915773,
]
SINKHORN = [
    0.0, 0.016013394038208093, 0.0007188881255468522, 5.6813903879142885e-05, 7.859900870795176e-05,
    0.019255007172335928, 0.03787785844540867, 0.0017343587956434303, 0.004790588941011651, 1.893663430071986e-05,
    0.0005452573213484082, 0.0022436309465172547,
]
MAGIC = [
    0.0, 0.20801453862832733, 0.009258342244765273, 0.0010313738371740939, 0.001728207562064297, 0.22748809476247592,
    0.3721764493184106, 0.039658126981163444, 0.06481757671874752, 0.00995000729883219, 0.01338190572483463,
    0.05249537692320476,
]
# fmt: on


@makers
def test_what_affinities_of_all_pairs_do(name, X, rng):
    made = MAKERS[name](X)
    for n_jobs in (1, 3):
        assert (MAKERS[name](X, n_jobs=n_jobs).P != made.P).nnz == 0
    index = nearest_neighbors.Sklearn(X, k=59)
    np.testing.assert_allclose(MAKERS[name](knn_index=index).P.toarray(), made.P.toarray(), rtol=1e-6, atol=1e-12)
    given = MAKERS[name](cdist(X, X), metric="precomputed").P
    np.testing.assert_allclose(given.toarray(), made.P.toarray(), rtol=1e-6, atol=1e-12)
    small = MAKERS[name](X, dtype="float32").P
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.toarray(), made.P.toarray(), rtol=1e-3, atol=1e-8)
    new = rng.normal(size=(6, 4))
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(other.to_new(new).toarray(), made.to_new(new).toarray())
    apart = np.concatenate([made.to_new(new[:2]).toarray(), made.to_new(new[2:]).toarray()])
    np.testing.assert_array_equal(made.to_new(new).toarray(), apart)
    made.release()
    with pytest.raises(UnavailableError, match="release"):
        made.to_new(new)


def test_symmetric_entropic_knows_no_unit(X):
    one, other = (affinity.SymmetricEntropic(factor * X, perplexity=6) for factor in (1.0, 1e6))
    np.testing.assert_allclose(other.P.toarray(), one.P.toarray(), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(other.bandwidths_, 1e12 * one.bandwidths_, rtol=1e-4)


def test_few_points_and_large_perplexities(X, caplog):
    for n in (2, 3):
        for made in (affinity.SymmetricEntropic(X[:n], perplexity=2), affinity.Sinkhorn(X[:n], eps=1.0)):
            np.testing.assert_allclose(made.P.data, 1 / (n * (n - 1)), rtol=1e-6)
    equal = affinity.SymmetricEntropic(X, perplexity=59)
    assert np.isinf(equal.bandwidths_).all()
    assert len(np.unique(equal.P.data)) == 1
    caplog.clear()
    assert affinity.SymmetricEntropic(X, perplexity=100).effective_perplexity_ == pytest.approx(59 / 3)
    assert "too high" in caplog.text


def test_a_step_that_finds_no_end_is_an_error(X, monkeypatch):
    monkeypatch.setattr(dual, "STEPS", 2)
    with pytest.raises(NumericalError, match="was not found in 2 steps"):
        affinity.Sinkhorn(X, eps=1e-3)


@makers
def test_too_many_rows_are_refused_before_any_work(name, X, monkeypatch):
    monkeypatch.setattr(dense, "MOST", 50)
    message = "`data` must have at most 50 rows for .*, got 60; take a sample"
    for options in ({"X": X}, {"knn_index": nearest_neighbors.Sklearn(X, k=59)}):
        with pytest.raises(InvalidParameterError, match=message):
            MAKERS[name](**options)
    fewer = MAKERS[name](X[:45])
    with pytest.raises(InvalidParameterError, match=message):
        fewer.extended(X[45:])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: affinity.SymmetricEntropic(X, perplexity=1.5), "`perplexity` must be at least 2, got 1.5"),
        (lambda X: affinity.SymmetricEntropic(X).to_new(X, perplexity=1), "`perplexity` must be at least 2, got 1"),
        (lambda X: affinity.Sinkhorn(X, eps=0), "`eps` must be positive, got 0"),
        (
            lambda X: affinity.Sinkhorn(knn_index=nearest_neighbors.Sklearn(X, k=20)),
            "`knn_index` must give the distances of all pairs of points to Sinkhorn, got 20 of 59 neighbours in a row",
        ),
        (lambda X: affinity.MAGIC(X, scale_neighbor=31), "`scale_neighbor` must be at most 30, got 31"),
    ],
)
def test_one_clear_error(call, message, X):
    with pytest.raises(InvalidParameterError) as caught:
        call(X)
    assert message in str(caught.value)
