"""Forces whose error is known: the tolerance holds on every map, and what was decided is remembered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from benchmarks import odd
from opentsne_like.errors import InvalidParameterError
from opentsne_like.opentsne import kl_divergence_fft
from opentsne_like.repulsion import Control, Gaussian, LogInverse, RepulsionEngine, StudentT, exact_sums
from opentsne_like.repulsion import control as module
from opentsne_like.repulsion.control import EVERY
from opentsne_like.repulsion.ladder import EXACT, FAINT, MOST_EXACT, TREES, Sample, climb, last_rung, take_sample

TOLERANCE = 5e-3
RADIALS = [StudentT(1.0), StudentT(0.5), Gaussian(), LogInverse(0.1)]


def control(carried=None, iteration=0):
    return Control(carried, np.array([iteration]))


def ring(n=1500, radius=100.0):
    angles = 2 * np.pi * np.arange(n) / n
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


def rms(rows):
    return np.sqrt((np.asarray(rows, np.float64) ** 2).sum(axis=1).mean())


def exact_of(points, radial):
    return exact_sums(points - points.mean(axis=0), None, radial, n_jobs=2)


def true_error(gradient, points, radial, exact=None):
    """Return the error over all points, by the definition in `ladder`."""
    exact = exact or exact_of(points, radial)
    faint = FAINT * rms(exact.values[:, None]) / radial.width
    return rms(gradient - exact.gradient) / max(rms(exact.gradient), faint, 1e-30)


def assert_holds(points, radial, tolerance=TOLERANCE):
    exact = exact_of(points, radial)
    for method in ("fft", "auto"):
        known = control()
        potential = known.evaluate(RepulsionEngine(radial, method=method, tolerance=tolerance, n_jobs=2), points)
        assert true_error(potential.gradient, points, radial, exact) < tolerance, known.verdict


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", odd.MAPS)
def test_the_tolerance_holds_on_odd_maps(name, d):
    assert_holds(odd.make(name, 1500, d), StudentT())


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", odd.MAPS)
def test_the_tolerance_holds_on_odd_maps_of_other_kernels(name, d):
    """Each map with each kernel, in one of the dimensions."""
    assert_holds(odd.make(name, 1000, d), RADIALS[1:][(list(odd.MAPS).index(name) + d) % 3])


@pytest.fixture
def compared(monkeypatch):
    """Counts comparisons with exact forces."""
    calls, original = [], module.take_sample

    def noted(*args):
        calls.append(args)
        return original(*args)

    monkeypatch.setattr(module, "take_sample", noted)
    return calls


def test_a_ring_gets_a_finer_grid():
    engine, points = RepulsionEngine(StudentT(), method="fft", n_jobs=2), ring()
    assert true_error(engine.evaluate(points).gradient, points, StudentT()) > 0.05
    known = control()
    potential = known.evaluate(engine, points)
    error = true_error(potential.gradient, points, StudentT())
    assert known.verdict.rung == 2
    assert error < TOLERANCE
    assert known.error == pytest.approx(error, rel=0.2)


def test_where_the_tolerance_holds_nothing_changes():
    points = odd.make("uniform of 100", 6000, 2)
    engine, known = RepulsionEngine(StudentT(), method="fft", n_jobs=2), control()
    assert known.evaluate(engine, points).gradient.tobytes() == engine.evaluate(points).gradient.tobytes()
    assert known.verdict.rung == 0
    assert 1e-4 < known.error < TOLERANCE


@pytest.mark.parametrize("name", ["ring of 100", "30 clusters of 0.001 in 100", "two clusters of 1e-05 at 10000"])
def test_decisions_are_the_same_for_any_number_of_threads(name):
    points, found = odd.make(name, 6000, 2), []
    for n_jobs in (1, 2, 3):
        known = control()
        gradient = known.evaluate(RepulsionEngine(StudentT(), method="fft", n_jobs=n_jobs), points).gradient
        found.append((known.verdict, gradient.tobytes()))
    assert found[0] == found[1] == found[2]
    assert found[0][0].rung > 0


def test_forces_are_compared_every_fifty_iterations(compared):
    engine, points, carried = RepulsionEngine(StudentT(), method="fft", n_jobs=2), ring(), {}
    gradients = [control(carried, i).evaluate(engine, points).gradient.tobytes() for i in range(0, 2 * EVERY + 1, 5)]
    assert len(compared) == 3
    assert len(set(gradients)) == 1
    control(carried, 2 * EVERY + 1).evaluate(engine, points)
    assert len(compared) == 3


def test_another_width_method_or_engine_is_compared_at_once(compared):
    points, carried = odd.make("gaussian of 0.01", 3000, 2), {}
    grid = RepulsionEngine(StudentT(), method="fft", n_jobs=2)
    for factor, count in ((1.0, 1), (2.0, 1), (10.0, 2), (1000.0, 3), (1e6, 4)):
        control(carried).evaluate(grid, factor * points)
        assert len(compared) == count
    assert control(carried).verdict.method == 2  # a tree
    for engine in (
        RepulsionEngine(StudentT(), method="fft", tolerance=1e-3, n_jobs=2),
        RepulsionEngine(LogInverse(), method="fft", tolerance=1e-3, n_jobs=2),
    ):
        control(carried).evaluate(engine, points)
    assert len(compared) == 6
    control(carried).evaluate(RepulsionEngine(StudentT(0.9), method="fft", n_jobs=2), points)
    control(carried).evaluate(RepulsionEngine(StudentT(0.8), method="fft", n_jobs=2), points)
    assert len(compared) == 7, "degrees of freedom that are learned change the grid little"


@pytest.mark.parametrize(("method", "scale"), [("exact", 1.0), ("fft", 1e-9)])
def test_what_has_no_error_of_a_tolerance_is_left_alone(method, scale, compared):
    points, carried = scale * odd.make("uniform of 10", 3000, 2), {"verdict": np.zeros(10)}
    engine = RepulsionEngine(StudentT(), method=method, n_jobs=2)
    potential = control(carried).evaluate(engine, points)
    assert potential.gradient.tobytes() == engine.evaluate(points).gradient.tobytes()
    assert math.isnan(control(carried).error)
    assert carried == {}
    assert compared == []


@pytest.mark.parametrize("theta", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("name", ["ring of 100", "uniform of 100", "half in one place", "gaussian of 1"])
def test_a_tree_by_name_keeps_its_angle_and_its_error_is_known(name, theta):
    points = odd.make(name, 4000, 2)
    engine, known = RepulsionEngine(StudentT(), method="bh", theta=theta, n_jobs=2), control()
    potential = known.evaluate(engine, points)
    assert potential.gradient.tobytes() == engine.evaluate(points).gradient.tobytes()
    assert known.verdict.rung == 0
    assert known.error == pytest.approx(true_error(potential.gradient, points, StudentT()), rel=0.7)


def test_exact_sums_are_taken_in_double_precision_where_single_does_not_do():
    points = odd.make("even line of 1000", 400, 2) * 0.9
    for method, tolerance, dtype in (("auto", 5e-3, "f4"), ("auto", 1e-5, "f8"), ("exact", 1e-5, "f4")):
        engine, known = RepulsionEngine(StudentT(), method=method, tolerance=tolerance, n_jobs=2), control()
        gradient = known.evaluate(engine, points).gradient
        assert gradient.dtype == dtype
        assert known.verdict is None
        assert (true_error(gradient, points, StudentT()) < 1e-5) == (dtype == "f8")


def test_smaller_tolerances_hold_as_well():
    for name in ("ring of 100", "even line of 1000", "30 clusters of 0.001 in 100", "uniform of 100"):
        assert_holds(odd.make(name, 2500, 2), StudentT(), tolerance=1e-4)


def climbed(errors, last=EXACT):
    truth = Sample(np.arange(1), np.ones(1), np.zeros((1, 1)), 1.0)
    tried = []

    def attempt(rung):
        tried.append(rung)
        return rung, None if errors[rung] is None else lambda places: np.array([[errors[rung]]])

    return climb(attempt, lambda answer: truth, 1e-2, last), tried


def test_the_ladder_is_climbed_by_as_many_rungs_as_the_error_asks_for():
    assert climbed([7e-3]) == ((0, 0, 7e-3), [0])
    assert climbed([9e-3, 1e-3]) == ((1, 1, 1e-3), [0, 1])
    assert climbed([1e-1, None, 2e-3]) == ((2, 2, 2e-3), [0, 2])
    assert climbed([1e-1, None, 2e-2, 1e-2, 1e-3])[1] == [0, 2, 3, 4]
    assert climbed([1e9, 0, 0, 0, 1.0, None]) == ((5, 5, 0.0), [0, 4, 5])
    assert climbed([1e9, 0, 0, 0, 1.0], last=TREES) == ((4, 4, 1.0), [0, 4])
    assert climbed([np.inf, 0, 0, 0, 0.0])[1] == [0, 4]


def test_exact_sums_are_not_taken_of_too_many_points():
    assert last_rung(MOST_EXACT, LogInverse()) == EXACT
    assert last_rung(MOST_EXACT + 1, StudentT()) == TREES
    assert last_rung(MOST_EXACT + 1, LogInverse()) == TREES - 1


@pytest.mark.parametrize("method", ["auto", "fft"])
@pytest.mark.parametrize("radial", RADIALS, ids=str)
@pytest.mark.parametrize("name", ["even ring of 100", "30 clusters of 0.001 in 100", "10 at each place of 10"])
def test_a_frozen_map_keeps_the_tolerance(name, radial, method):
    points = odd.make(name, 2000, 2)
    frozen = RepulsionEngine(radial, method=method, n_jobs=2).freeze(points)
    error = true_error(frozen.evaluate(points).gradient, points, radial)
    assert error < TOLERANCE
    if frozen.method != "exact":
        assert error / 5 < frozen.error < TOLERANCE


def test_impossible_verdicts_are_refused():
    known = control()
    known.evaluate(RepulsionEngine(StudentT(), method="fft", n_jobs=2), ring())
    good = np.array(known.verdict)
    Control.check({"verdict": good}, (1500, 2))
    for place, value in ((0, 6.0), (0, 0.5), (0, -1.0), (3, 9.0), (1, -1e-3), (4, -1.0), (1, np.nan), (8, np.inf)):
        bad = good.copy()
        bad[place] = value
        with pytest.raises(InvalidParameterError, match="error of the forces"):
            Control.check({"verdict": bad}, (1500, 2))
    for bad in (good[:5], good.astype(np.float32), good[None]):
        with pytest.raises(InvalidParameterError, match="no such thing"):
            Control.check({"verdict": bad}, (1500, 2))


def test_the_sample_sees_forces_that_few_points_feel():
    points = odd.make("half in one place", 2000, 3)
    exact = exact_sums(points - points.mean(axis=0), None, Gaussian(), n_jobs=2).gradient
    rough, extent = exact.copy(), RepulsionEngine(Gaussian()).extent(points)
    rough[np.argsort(-np.linalg.norm(exact, axis=1))[:10]] *= 1.01
    truth = take_sample(points, extent, Gaussian(), TOLERANCE, 2, rough)
    assert truth.size == pytest.approx(rms(exact), rel=0.05)
    assert len(truth.places) == len(truth.weights) == len(np.unique(truth.places)) == len(truth.gradient)
    assert truth.weights.sum() == pytest.approx(2000)
    blind = take_sample(points, extent, Gaussian(), TOLERANCE, 2)
    assert blind.size < 0.8 * truth.size
    assert truth.error(rough[truth.places]) == pytest.approx(rms(rough - exact) / rms(exact), rel=0.1)


def test_a_function_without_a_state_keeps_the_tolerance_too():
    points, n = ring(), 1500
    P = csr_matrix((np.full(n, 0.5 / n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    P = P + P.T
    error, gradient = kl_divergence_fft(points, P, n_jobs=2, should_eval_error=True)
    exact = exact_sums(points, None, StudentT(), n_jobs=2)
    apart = [points - np.roll(points, by, axis=0) for by in (1, -1)]
    pulled = sum(each / (1 + (each**2).sum(axis=1, keepdims=True)) for each in apart) / (2 * n)
    pushed = gradient - pulled
    assert np.isfinite(error)
    repulsion = 0.5 * exact.gradient / exact.total
    assert rms(pushed - repulsion) < TOLERANCE * rms(repulsion)


def test_other_degrees_of_freedom_are_compared_anew_and_near_ones_are_not():
    carried, points = {}, ring()
    control(carried).evaluate(RepulsionEngine(StudentT(0.2), method="fft"), points)
    one = control(carried, iteration=1)
    engine = RepulsionEngine(StudentT(1.0), method="fft")
    found = one.evaluate(engine, points)
    assert true_error(found.gradient, points, engine.radial) < TOLERANCE
    assert one.verdict.number == 1.0
    control(carried, iteration=2).evaluate(RepulsionEngine(StudentT(1.2), method="fft"), points)
    assert one.verdict.number == 1.0
