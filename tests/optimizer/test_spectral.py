"""The spectral direction: against a dense twin that has NeuralEE's numbers, and its parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import Embedding, affinity, initialization
from opentsne_like.errors import InvalidParameterError, UnavailableError
from opentsne_like.objectives import Context, ElasticEmbedding, KullbackLeibler, NegativeSampling, PairLoss, Parts
from opentsne_like.optimizer import Schedule, Silent, SpectralDirection, conjugate_gradients, run, solver_of, solving

GOLDEN = {1: 8.552271158637971, 2: 5.820093031176711, 5: 1.7916548414388758, 20: 1.7326572380499827}


class Spiral:
    """Elastic embedding of 12 points with weights of both kinds, as the golden numbers have it."""

    i = np.arange(12)
    points = np.column_stack([np.cos(1.7 * i) * (1 + 0.1 * i), np.sin(2.3 * i) * (1 + 0.05 * i)])
    X = np.column_stack([np.cos(1.1 * i), np.sin(0.7 * i) + 0.1 * i, np.cos(i * i / 5)])

    def __init__(self, lam=10.0):
        apart = ((self.X[:, None] - self.X[None]) ** 2).sum(axis=2)
        near = np.exp(-apart) * ~np.eye(12, dtype=bool)
        self.near, self.far = near / near.sum(), lam * apart / apart.sum()

    @staticmethod
    def laplacian(W):
        return np.diag(W.sum(axis=1)) - W

    def evaluate(self, points, *, exaggeration, with_loss):
        squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
        pushes = self.far * np.exp(-squares)
        gradient = (exaggeration * self.laplacian(self.near) - self.laplacian(pushes)) @ points
        return float((self.near * squares).sum() + pushes.sum()), gradient

    def attractive_laplacian(self):
        return sparse.csr_matrix(self.laplacian(self.near))


def twin(n_iter, shift, longest, grows):
    """Return the losses of a dense spectral descent, and where it ends, from a hundredth of the spiral."""
    objective, Y, length, losses = Spiral(), 0.01 * Spiral.points, 1.0, []
    B = 4 * objective.laplacian(objective.near) + shift * np.eye(12)

    def at(points):
        loss, gradient = objective.evaluate(points, exaggeration=1.0, with_loss=True)
        return loss, 4 * gradient

    for k in range(n_iter):
        loss, gradient = at(Y)
        direction = -np.linalg.solve(B, gradient)
        slope = (gradient * direction).sum()
        length = min(1.0, length / 0.8) if grows and k else length
        length = min(length, longest / np.linalg.norm(direction, axis=1).max())
        while at(Y + length * direction)[0] > loss + 0.1 * length * slope:
            length *= 0.8
        Y = Y + length * direction
        losses.append(at(Y)[0])
    return losses, Y


def test_the_twin_has_the_golden_numbers():
    losses, _ = twin(20, 1e-6, np.inf, grows=False)
    for k, golden in GOLDEN.items():
        np.testing.assert_allclose(losses[k - 1], golden, rtol=1e-6)


def descend(objective, points, n_iter, optimizer, **options):
    state = optimizer.start(points)
    plan = Schedule(n_iter, **options).plan(len(points), lambda rho: 1.0, None, n_jobs=1)
    run(points, state, objective, optimizer, plan, Silent())
    return state


@pytest.mark.parametrize("longest", [2.0, 0.3])
def test_it_makes_the_steps_of_the_twin(longest):
    points = 0.01 * Spiral.points
    points -= points.mean(axis=0)
    descend(Spiral(), points, 15, SpectralDirection(max_step_norm=longest))
    shift = 4e-3 * Spiral().attractive_laplacian().diagonal().min()
    expected = twin(15, shift, longest, grows=True)[1]
    np.testing.assert_allclose(points, expected - expected.mean(axis=0), atol=1e-8)


def test_it_ends_no_higher_than_the_golden_descent():
    points = 0.01 * Spiral.points
    descend(Spiral(), points, 200, SpectralDirection())
    assert Spiral().evaluate(points, exaggeration=1.0, with_loss=True)[0] < 1.5720735868782751 + 1e-3


def graph(n, seed=0):
    W = sparse.random(n, n, density=8 / n, random_state=seed, format="csr")
    W = W + W.T
    return sparse.csr_matrix(sparse.diags(np.asarray(W.sum(axis=1)).ravel()) - W)


def test_both_solvers_solve(monkeypatch):
    L = graph(300)
    b = np.random.default_rng(0).normal(size=(300, 2))
    degrees = L.diagonal()
    dense = L.toarray() + 1e-3 * degrees[degrees > 0].min() * np.eye(300)
    np.testing.assert_allclose(solver_of(L)(b, 0 * b), np.linalg.solve(dense, b), rtol=1e-7)
    monkeypatch.setattr(solving, "MOST_FACTORIZED", 10)
    monkeypatch.setattr(solving, "MOST", 500)
    by_iteration = solver_of(L)(b, 0 * b)
    assert np.all(np.linalg.norm(dense @ by_iteration - b, axis=0) <= 1e-2 * np.linalg.norm(b, axis=0))
    monkeypatch.setattr(solving, "RESIDUAL", 1e-10)
    np.testing.assert_allclose(solver_of(L)(b, 0 * b), np.linalg.solve(dense, b), rtol=1e-5, atol=1e-6)


def test_conjugate_gradients_begin_at_the_guess_and_take_columns_of_nothing():
    A = sparse.csr_matrix(np.diag(np.arange(1.0, 9.0)))
    x = np.random.default_rng(0).normal(size=(8, 2))
    assert conjugate_gradients(A, A @ x, x.copy()).tolist() == x.tolist()
    half = np.column_stack([A @ x[:, 0], np.zeros(8)])
    np.testing.assert_allclose(conjugate_gradients(A, half, np.zeros((8, 2))), half / np.arange(1.0, 9.0)[:, None])


def test_points_without_edges_do_not_make_the_system_singular():
    L = sparse.csr_matrix(sparse.block_diag([graph(50), np.zeros((2, 2))]))
    b = np.ones((52, 1))
    assert np.isfinite(solver_of(L)(b, 0 * b)).all()
    assert solver_of(sparse.csr_matrix((3, 3)))(b[:3], b[:3]).tolist() == [[1.0], [1.0], [1.0]]


SLOPES = {  # of the attraction at distance 0
    "t-SNE": (KullbackLeibler(), 1.0),
    "heavy tails": (KullbackLeibler(dof=0.5), 1.0),
    "Neg-t-SNE": (NegativeSampling(c=0.1), 0.1 / 1.1),
    "elastic embedding": (ElasticEmbedding(), 1.0),
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_laplacian_is_the_attraction_of_small_maps(name):
    loss, slope = SLOPES[name]
    X = np.random.default_rng(0).normal(size=(60, 4))
    P = affinity.PerplexityBasedNN(X, perplexity=10, method="exact").P
    L = loss.bind(P, Context(n_jobs=1, state=None, parts=Parts())).attractive_laplacian()
    dense = slope * P.toarray()
    np.testing.assert_allclose(L.toarray(), np.diag(dense.sum(axis=1)) - dense, atol=1e-9)
    objective = loss.bind(P, Context(n_jobs=1, state=None, parts=Parts()))
    Y = 1e-3 * np.random.default_rng(1).normal(size=(60, 2))
    pulls = [objective.evaluate(Y, exaggeration=rho, with_loss=False)[1] for rho in (2.0, 1.0)]
    np.testing.assert_allclose(pulls[0] - pulls[1], L @ Y, atol=2e-3 * np.abs(L @ Y).max())


def test_large_maps_go_by_conjugate_gradients_with_the_same_bits(monkeypatch):
    monkeypatch.setattr(solving, "MOST_FACTORIZED", 50)
    X = np.random.default_rng(0).normal(size=(300, 5))
    start = initialization.rescale(initialization.pca(X, random_state=0), target_std=0.1)
    settings = {"loss": ElasticEmbedding(lam=10.0), "optimizer": SpectralDirection()}
    Y = Embedding(start, affinity.PerplexityBasedNN(X, perplexity=10), **settings)
    whole = Y.optimize(15, n_jobs=1)
    pieces = Y.copy()
    for _ in range(15):
        pieces.optimize(1, inplace=True, n_jobs=3)
    np.testing.assert_array_equal(pieces, whole)
    np.testing.assert_array_equal(pieces.optimizer.state["solution"], whole.optimizer.state["solution"])
    monkeypatch.setattr(solving, "MOST_FACTORIZED", 5000)
    np.testing.assert_allclose(whole.loss_value, Y.optimize(15).loss_value, rtol=0.02)


def test_losses_without_a_laplacian_are_refused_by_name_before_any_work():
    class Bowl:
        def evaluate(self, points, *, exaggeration, with_loss):
            return 0.5 * float((points**2).sum()), points / 4

    X = np.random.default_rng(0).normal(size=(40, 4))
    Y = Embedding(initialization.pca(X), affinity.PerplexityBasedNN(X, perplexity=10), optimizer=SpectralDirection())
    before = np.array(Y)
    with pytest.raises(UnavailableError, match=r"`optimizer` SpectralDirection takes .* method `attractive_laplacian`"):
        Y.optimize(3, loss=Bowl(), inplace=True)
    objective = KullbackLeibler().bind(Y.affinities.P, Context(n_jobs=1, state=None, parts=Parts()))

    class Cusp(type(objective.attraction)):
        def slope(self, squared_distance):
            return np.full_like(squared_distance, np.inf)

    pointed = PairLoss(objective.edges, Cusp(), objective.engine, objective.normalizer)
    with pytest.raises(UnavailableError, match="attraction Cusp has the slope inf at distance 0"):
        Y.optimize(3, loss=pointed, inplace=True)
    np.testing.assert_array_equal(Y, before)
    assert Y.n_iter_ == 0


def test_where_nothing_is_lower_the_map_stands_still():
    points = 0.01 * Spiral.points

    class Uphill(Spiral):
        def evaluate(self, points, **options):
            loss, gradient = super().evaluate(points, **options)
            return loss, -gradient

    points -= points.mean(axis=0)
    before = points.copy()
    state = descend(Uphill(), points, 5, SpectralDirection(max_step_norm=1e-3))
    np.testing.assert_allclose(points, before, atol=1e-16)
    assert int(state.counter[0]) == 5


def test_bad_options_are_refused():
    with pytest.raises(InvalidParameterError, match="`max_step_norm` must be positive, got -1"):
        SpectralDirection(max_step_norm=-1)
