"""L-BFGS: its direction against a dense twin, its behaviour where nothing is to be gained."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import Embedding, affinity, initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, NumericalError, UnavailableError
from opentsne_like.objectives import KullbackLeibler, NegativeSampling
from opentsne_like.optimizer import LBFGS, Momentum, Schedule, Silent, run
from opentsne_like.optimizer.lbfgs import _direction


def data(n=100):
    return np.random.default_rng(0).normal(size=(n, 5))


def begin(n=100, **settings):
    affinities = affinity.PerplexityBasedNN(data(n), perplexity=10, method="exact", random_state=0)
    start = initialization.rescale(initialization.pca(data(n), random_state=0), target_std=1.0)
    return Embedding(start, affinities, random_state=0, **settings)


def pairs_of(Y):
    return int(Y.optimizer.state["memory"][0])


def test_the_direction_is_that_of_the_dense_formula():
    """H+ = (1 - r s y') H (1 - r y s') + r s s', from H = s'y / y'y."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(12, 12))
    hessian = A @ A.T + np.eye(12)
    pairs = [(s, (hessian @ s.ravel()).reshape(6, 2)) for s in rng.normal(size=(4, 6, 2))]
    pairs = [(s, y, float((s * y).sum())) for s, y in pairs]
    s, y = (part.ravel() for part in pairs[0][:2])
    H = np.eye(12) * (s @ y) / (y @ y)
    for s, y, _ in reversed(pairs):
        s, y = s.ravel(), y.ravel()
        r = 1 / (s @ y)
        left = np.eye(12) - r * np.outer(s, y)
        H = left @ H @ left.T + r * np.outer(s, s)
    gradient = rng.normal(size=(6, 2))
    np.testing.assert_allclose(_direction(gradient, pairs, 1.0).ravel(), -H @ gradient.ravel(), rtol=1e-10)
    np.testing.assert_array_equal(_direction(gradient, [], 3.0), -3.0 * gradient)


class Quadratic:
    """A quarter of y'Ay/2 for each column, counted."""

    def __init__(self, n=40, seed=0, steps=1e3):
        rng = np.random.default_rng(seed)
        Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        self.A = (Q * np.geomspace(1.0, steps, n)) @ Q.T
        self.calls = 0

    def evaluate(self, points, *, exaggeration, with_loss):
        self.calls += 1
        pulled = self.A @ points
        return 0.5 * float((points * pulled).sum()), pulled / 4


def descend(objective, points, n_iter, optimizer=None, fixed=None, state=None):
    optimizer = optimizer or LBFGS(max_step_norm=None)
    state = optimizer.start(points) if state is None else state
    plan = Schedule(n_iter, learning_rate=1e-3, fixed=fixed).plan(len(points), lambda rho: 1.0, None, n_jobs=1)
    run(points, state, objective, optimizer, plan, Silent())
    return state


def test_a_quadratic_is_minimized_to_rounding_with_about_one_evaluation_a_step():
    objective = Quadratic()
    points = np.random.default_rng(1).normal(size=(40, 2))
    fixed = np.arange(40) == 0
    points[0] = 0.0
    descend(objective, points, 300, fixed=fixed)
    assert np.abs(points).max() < 1e-6
    assert objective.calls < 1.2 * 300


def test_where_nothing_is_lower_the_map_stands_still_and_nothing_is_asked_again():
    objective = Quadratic()
    points = np.zeros((40, 2))
    state = descend(objective, points, 5)
    assert np.all(points == 0.0)
    assert objective.calls == 1
    assert int(state.counter[0]) == 5


class Lying(Quadratic):
    """Its gradient points uphill."""

    def evaluate(self, points, **options):
        loss, gradient = super().evaluate(points, **options)
        return loss, -gradient


def test_a_gradient_that_leads_nowhere_ends_in_standing_still():
    objective = Lying()
    points = np.random.default_rng(1).normal(size=(40, 2))
    points -= points.mean(axis=0)
    before = points.copy()
    descend(objective, points, 50)
    np.testing.assert_allclose(points, before, rtol=1e-14, atol=1e-15)  # they are centred once
    assert objective.calls <= 21


def test_forces_with_errors_of_half_a_percent_do_no_harm():
    class Coarse(Quadratic):
        def evaluate(self, points, **options):
            loss, gradient = super().evaluate(points, **options)
            noise = np.random.default_rng(abs(hash(points.tobytes())) % 2**32).normal(size=gradient.shape)
            return loss, gradient * (1.0 + 5e-3 * noise)

    objective = Coarse()
    points = np.random.default_rng(1).normal(size=(40, 2))
    first = objective.evaluate(points - points.mean(axis=0), exaggeration=1.0, with_loss=True)[0]
    descend(objective, points, 200)
    assert objective.evaluate(points, exaggeration=1.0, with_loss=True)[0] < 1e-2 * first


def test_no_number_is_an_error_that_keeps_the_map():
    class Broken(Quadratic):
        def evaluate(self, points, **options):
            loss, gradient = super().evaluate(points, **options)
            return (np.nan if self.calls > 3 else loss), gradient

    points = np.random.default_rng(1).normal(size=(40, 2))
    objective = Broken()
    state = descend(objective, points, 1)
    before = points.copy()
    objective.calls = 10
    state["known"] = LBFGS().start(points)["known"]
    with pytest.raises(NumericalError, match="iteration 1 left the finite numbers"):
        descend(objective, points, 3, state=state)
    np.testing.assert_array_equal(points, before)


def test_a_gradient_of_another_shape_is_refused():
    class Flat(Quadratic):
        def evaluate(self, points, **options):
            return 0.0, np.zeros(3)

    with pytest.raises(InvalidTypeError, match=r"gradient of shape \(40, 2\), got \(3,\)"):
        descend(Flat(), np.ones((40, 2)), 1)


def test_it_goes_further_than_gains_do():
    Y = begin()
    assert Y.optimize(60, optimizer=LBFGS()).loss_value < Y.optimize(60).loss_value


@pytest.mark.parametrize(
    "change",
    [
        {"exaggeration": 2.0},
        {"dof": 0.5},
        {"loss": NegativeSampling(c=0.1)},
    ],
)
def test_pairs_are_forgotten_when_what_is_descended_changes(change):
    Y = begin(optimizer=LBFGS()).optimize(8)
    assert pairs_of(Y) > 3
    assert pairs_of(Y.optimize(1)) == pairs_of(Y) + 1
    assert pairs_of(Y.optimize(1, **change)) <= 1
    begun_there = Embedding(np.array(Y), Y.affinities, optimizer=LBFGS()).optimize(4, **change)
    np.testing.assert_array_equal(Y.optimize(4, **change), begun_there)


def test_pairs_are_forgotten_when_points_or_affinities_change():
    Y = begin(optimizer=LBFGS()).optimize(8)
    moved = Y.copy()
    moved *= 1.5
    assert pairs_of(moved.optimize(1)) <= 1
    between = Y.optimize(3, optimizer=Momentum()).optimize(1)
    assert pairs_of(between) <= 1
    wider = Embedding(Y, Y.affinities, optimizer=Y.copy().optimizer).optimize(0)
    wider.affinities.P = affinity.PerplexityBasedNN(data(), perplexity=20, method="exact", random_state=0).P
    assert pairs_of(wider.optimize(1, optimizer=LBFGS())) <= 1


def test_a_memory_of_another_length_begins_anew():
    Y = begin(optimizer=LBFGS()).optimize(8)
    Z = Y.optimize(3, memory=4)
    assert Z.optimizer.state["steps"].shape == (5, 100, 2)
    assert pairs_of(Z) <= 3


def test_exaggeration_is_in_the_value_that_falls():
    """Each step lowers the exaggerated loss, which is not the loss."""
    Y = begin(optimizer=LBFGS())
    objective = Y.optimizer.bind(np.asarray(Y), Y.affinities.P, Y.settings)
    values = [objective.evaluate_exaggerated(np.asarray(Y), exaggeration=4.0)[1]]
    for _ in range(15):
        Y = Y.optimize(1, exaggeration=4.0)
        values.append(objective.evaluate_exaggerated(np.asarray(Y), exaggeration=4.0)[1])
    assert np.all(np.diff(values) < 1e-6 * np.abs(values[1:]))


def test_the_exaggerated_value_has_the_exaggerated_gradient():
    Y = begin(60, method="exact")
    objective = Y.optimizer.bind(np.asarray(Y), Y.affinities.P, Y.settings)
    points = np.array(Y)
    loss, _, gradient = objective.evaluate_exaggerated(points, exaggeration=3.0)
    assert loss == pytest.approx(objective.evaluate(points, exaggeration=3.0, with_loss=True)[0], rel=1e-7)
    plain = objective.evaluate(points, exaggeration=3.0, with_loss=False)[1]
    np.testing.assert_allclose(gradient, plain, rtol=1e-5, atol=1e-7 * np.abs(plain).max())
    for i, k in ((0, 0), (7, 1)):
        ends = []
        for h in (1e-2, -1e-2):
            there = points.copy()
            there[i, k] += h
            ends.append(objective.evaluate_exaggerated(there, exaggeration=3.0)[1])
        # values are rounded by 6e-9, so the quotient by about 8e-7
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-2, 4 * gradient[i, k], rtol=2e-3, atol=4e-6)


def test_a_user_s_objective_takes_no_exaggeration_from_a_search():
    Y = begin(loss=Quadratic(100), optimizer=LBFGS(), learning_rate=1e-3)
    before = np.array(Y)
    assert Y.optimize(30).loss_value < 0.1 * Y.loss_value
    with pytest.raises(UnavailableError, match=r"`exaggeration` must be 1 .* got 12"):
        Y.optimize(3, exaggeration=12.0, inplace=True)
    np.testing.assert_array_equal(Y, before)


def test_stale_forces_are_refused_by_name_before_any_work():
    Y = begin(loss=KullbackLeibler(repulsion_every=3))
    before = np.array(Y)
    with pytest.raises(UnavailableError, match=r"`optimizer` LBFGS takes forces .* KullbackLeibler .*repulsion_every"):
        Y.optimize(3, optimizer=LBFGS(), inplace=True)
    np.testing.assert_array_equal(Y, before)


def test_new_points_are_placed_each_by_itself_all_the_same():
    Y = begin(optimizer=LBFGS()).optimize(30)
    X_new = np.random.default_rng(1).normal(size=(6, 5))
    together = Y.transform(X_new, n_iter=20)
    assert together.settings.optimizer == Momentum()
    np.testing.assert_array_equal(together[:2], Y.transform(X_new[:2], n_iter=20))
    with pytest.raises(UnavailableError, match="`optimizer` LBFGS moves all points together"):
        together.optimize(3, optimizer=LBFGS())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 0}, "`memory` must be at least 1, got 0"),
        ({"memory": 1001}, "`memory` must be at most 1000"),
        ({"max_step_norm": -1}, "`max_step_norm` must be positive, got -1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InvalidParameterError, match=message):
        LBFGS(**options)


def test_numbers_of_a_file_name_slots_that_there_are():
    Y = begin(optimizer=LBFGS()).optimize(8)
    numbers = Y.optimizer.state["memory"]
    for count, newest in ((1e300, 1e300), (-5.0, -3.0), (3.0, 0.5)):
        numbers[:2] = count, newest
        assert np.isfinite(np.asarray(Y.optimize(2))).all()
