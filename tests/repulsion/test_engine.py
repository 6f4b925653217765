"""The engine: what it chooses, what it keeps, and how it behaves on maps that are hard on it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError
from opentsne_like.repulsion import DEFAULT_TOLERANCE, Gaussian, RepulsionEngine, StudentT, exact_sums
from opentsne_like.repulsion.fft import count_cells, most_cells, plan_grid

from .oracle import all_pairs, make, relative, spread_map

CAUCHY = StudentT(1.0)
METHODS = ["exact", "bh", "fft"]


def engine(method="fft", radial=CAUCHY, **options):
    return RepulsionEngine(radial, method=method, **{"n_jobs": 2, **options})


def of_grid(points, n_jobs=2):
    return engine(n_jobs=n_jobs).evaluate(points)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_same_bits_for_any_number_of_threads(method, d):
    points = spread_map(3000 if method == "exact" else 9000, d) * (0.4 if d == 3 else 1.0)
    first = engine(method, n_jobs=1).evaluate(points)
    for n_jobs in (2, 3, 7):
        again = engine(method, n_jobs=n_jobs).evaluate(points)
        assert again.values.tobytes() == first.values.tobytes()
        assert again.gradient.tobytes() == first.gradient.tobytes()
        assert again.total == first.total


def test_same_bits_when_an_engine_is_used_again():
    """Nothing that it keeps may show: neither influence functions nor work memory."""
    used, maps = engine(), [spread_map(2000, 2) * scale for scale in (1.0, 0.01, 0.5, 1e-4, 2.0, 1.0)]
    for points in maps:
        kept, fresh = used.evaluate(points), of_grid(points)
        assert kept.values.tobytes() == fresh.values.tobytes()
        assert kept.gradient.tobytes() == fresh.gradient.tobytes()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_forces_sum_to_nothing(method, d):
    forces = engine(method).evaluate(spread_map(2500, d)).gradient.astype(np.float64)
    assert np.linalg.norm(forces.sum(axis=0)) < 1e-2 * np.linalg.norm(forces)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_mirrored_map_has_mirrored_forces(method, d):
    half = np.abs(spread_map(1500, d)) + 0.01
    points = np.concatenate([half, -half])
    forces = engine(method).evaluate(points).gradient
    assert relative(forces[1500:], -forces[:1500]) < {"exact": 1e-5, "bh": 6e-3, "fft": 1e-3}[method]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [0.123, -7.7, 1e4, 1e8])
def test_moving_a_map_changes_nothing(method, shift):
    points = np.round(spread_map(2500, 2) * 2**20) / 2**20
    here, there = engine(method).evaluate(points), engine(method).evaluate(points + shift)
    assert relative(there.gradient, here.gradient) < 5e-3
    assert there.total == pytest.approx(here.total, rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [2, 3])
def test_turning_a_map_turns_the_forces(method, d):
    points = spread_map(2500, d)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))
    here, there = engine(method).evaluate(points), engine(method).evaluate(points @ rotation)
    assert relative(there.gradient, here.gradient @ rotation) < {"exact": 1e-5, "bh": 5e-3, "fft": 5e-3}[method]
    assert there.total == pytest.approx(here.total, rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.0, 1e-4, 1.0, 40.0])
def test_few_points(method, d, n, scale):
    points = scale * np.random.default_rng(n).normal(size=(n, d))
    if method == "fft" and d == 3 and scale == 40.0:
        points /= 4.0
    result = engine(method).evaluate(points)
    values, forces = all_pairs(points, points, CAUCHY, same=True)
    assert result.values.shape == (n,)
    assert result.gradient.shape == (n, d)
    np.testing.assert_allclose(result.values, values, rtol=5e-3, atol=1e-4)
    np.testing.assert_allclose(result.gradient, forces, atol=5e-3 * max(np.abs(forces).max(), 1e-2))
    assert result.total == pytest.approx(values.sum(), rel=5e-3, abs=1e-4)


@pytest.mark.parametrize("radial", [CAUCHY, StudentT(0.5), Gaussian()])
@pytest.mark.parametrize("d", [1, 2])
def test_a_point_far_from_all_others_feels_nothing_of_itself(radial, d):
    """Z of one point is 0, wherever it lies in its cell: its own image on the grid is taken away."""
    points = np.linspace(0, 60, 7)[:, None] * np.ones(d) + np.linspace(0, 0.3, 7)[:, None]
    result = engine(radial=radial).evaluate(points)
    values, forces = all_pairs(points, points, radial, same=True)
    assert np.abs(result.values - values).max() < 1e-3
    assert np.abs(result.gradient - forces).max() < 5e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("place", [0.0, -3.3, 1e6])
def test_all_points_coincide(method, d, place):
    result = engine(method).evaluate(np.full((2000, d), place))
    np.testing.assert_allclose(result.values, 1999, rtol=1e-5)
    assert np.abs(result.gradient).max() < 1e-3
    assert result.total == pytest.approx(2000 * 1999, rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_descending_coordinates_in_one_dimension(method):
    points = np.linspace(50, -50, 2500)[:, None]
    values, forces = all_pairs(points, points, CAUCHY, same=True)
    result = engine(method).evaluate(points)
    assert relative(result.gradient, forces) < 5e-3
    assert relative(result.values, values) < 1e-3


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1700, 2999])
def test_points_that_are_not_finite_are_refused_by_name_and_row(method, bad, row):
    points = spread_map(3000, 2)
    points[row, 1] = bad
    with np.errstate(invalid="ignore"), pytest.raises(InvalidParameterError, match=f"`embedding` .* in row {row}, "):
        engine(method).evaluate(points)
    with np.errstate(invalid="ignore"), pytest.raises(InvalidParameterError, match="finite"):
        engine(method).freeze(points)


@pytest.mark.parametrize("row", [0, 999, 1999])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_extreme_points_lie_on_the_grid_wherever_they_stand(row, d):
    points = spread_map(2000, d) * (0.4 if d == 3 else 1.0)
    points[row] = points.max(axis=0) + 3.0
    points[(row + 1) % 2000] = points.min(axis=0) - 3.0
    _, forces = all_pairs(points, points, CAUCHY, same=True)
    result = of_grid(points)
    assert relative(result.gradient, forces) < DEFAULT_TOLERANCE
    assert relative(result.gradient[[row, (row + 1) % 2000]], forces[[row, (row + 1) % 2000]]) < 2e-2


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e12])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("method", ["auto", "fft"])
def test_one_outlier_costs_neither_memory_nor_accuracy(method, d, distance):
    points = spread_map(3000, d)
    points[17] += distance
    picks = np.arange(0, 3000, 10)
    _, forces = all_pairs(points[picks], points, CAUCHY, same=False)
    tracemalloc.start()
    try:
        result = engine(method).evaluate(points)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert relative(result.gradient[picks], forces) < 5e-3
    assert peak < 70 * most_cells(3000)


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 30.0])
def test_an_outlier_of_a_small_map_is_no_reason_for_a_coarse_grid(scale):
    points = scale * np.random.default_rng(0).normal(size=(1000, 1))
    points[0] = 500.0
    _, forces = all_pairs(points, points, CAUCHY, same=True)
    assert relative(of_grid(points).gradient, forces) < DEFAULT_TOLERANCE


@pytest.mark.parametrize("d", [1, 2, 3])
def test_cost_of_the_grid_grows_smoothly(d):
    spans = np.exp(np.arange(np.log(0.01), np.log(300.0 if d < 3 else 60.0), 0.01))
    cells = np.array([count_cells(plan_grid(np.full(d, span), 0.36)) for span in spans], float)
    jumps = cells[1:] / cells[:-1]
    per_axis = cells ** (1 / d)
    assert jumps.max() < 1.3
    assert per_axis[spans < 14.0].max() < 2.2 * per_axis.min()  # the ladder of spacings keeps small maps cheap
    for grid in (plan_grid(np.full(d, span), 0.36) for span in spans[::50]):
        assert all(n % 2 == 0 or n == 1 for n in grid.padded)


def test_spacing_of_the_grid_is_on_a_ladder_so_that_influence_functions_serve_again():
    spans = np.exp(np.arange(np.log(1e-4), np.log(300.0), 0.002))
    grids = {plan_grid(np.array([span, 0.8 * span]), 0.36) for span in spans}
    assert len({grid.spacing for grid in grids if grid.spacing < 0.36}) < 2 * np.log2(300 / 1e-4)
    assert len(grids) < len(spans) / 15


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("radial", [CAUCHY, StudentT(2.0)])
def test_frozen_reference(method, d, radial):
    sources = spread_map(2000, d) * (0.5 if d == 3 else 1.0)
    rng = np.random.default_rng(1)
    targets = np.concatenate([sources[:40] + 0.01, rng.uniform(-15, 15, size=(60, d)), np.full((1, d), 1e3)])
    frozen = engine(method, radial).freeze(sources)
    values, forces = all_pairs(targets, sources, radial, same=False)
    result = frozen.evaluate(targets)
    assert relative(result.values, values) < 5e-3
    assert relative(result.gradient, forces) < 5e-3
    assert result.total == pytest.approx(values.sum(), rel=2e-3)
    backwards, alone = frozen.evaluate(targets[::-1]), frozen.evaluate(targets[50:51])
    assert np.array_equal(backwards.values[::-1], result.values)
    assert np.array_equal(backwards.gradient[::-1], result.gradient)
    assert np.array_equal(alone.values[0], result.values[50])
    assert np.array_equal(alone.gradient[0], result.gradient[50])
    for n_jobs in (1, 3, 7):
        again = engine(method, radial, n_jobs=n_jobs).freeze(sources).evaluate(targets)
        assert np.array_equal(again.values, result.values)
        assert np.array_equal(again.gradient, result.gradient)


def test_more_than_three_dimensions_are_summed_exactly():
    points = np.random.default_rng(0).normal(size=(300, 5))
    for radial in (CAUCHY, StudentT(0.5), Gaussian()):
        values, forces = all_pairs(points, points, radial, same=True)
        result = engine("auto", radial).evaluate(points)
        assert relative(result.values, values) < 1e-5
        assert relative(result.gradient, forces) < 1e-5


def test_auto_and_barnes_hut_agree_to_the_bit_where_exact_sums_are_cheapest():
    points = spread_map(700, 2)
    auto, tree = engine("auto").evaluate(points), engine("bh").evaluate(points)
    assert auto.gradient.tobytes() == tree.gradient.tobytes()
    assert auto.total == tree.total


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("same", [True, False])
def test_exact_sums_in_double_precision(d, same):
    points = make("clusters", d, n=200) * 10
    sources = None if same else make("gaussian", d, n=333)
    for radial in (CAUCHY, StudentT(0.5), Gaussian()):
        values, forces = all_pairs(points, points if same else sources, radial, same)
        result = exact_sums(points, sources, radial, n_jobs=2)
        assert result.gradient.dtype == np.float64
        np.testing.assert_allclose(result.values, values, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(result.gradient, forces, rtol=1e-9, atol=1e-12)


def test_points_fill_their_cells_evenly_where_they_move_by_the_grid_alone():
    """Forces that follow the grid would gather points at certain places of their cells."""
    rng = np.random.default_rng(3)
    points = rng.uniform(-12, 12, size=(1500, 2))
    used = engine()
    for _ in range(60):
        result = used.evaluate(points)
        points -= 0.5 * result.gradient / np.linalg.norm(result.gradient, axis=1, keepdims=True).mean()
        points *= 24 / np.ptp(points, axis=0)
    spacing = used._grid(np.ptp(points, axis=0)).spacing
    phases = np.sort((points / spacing) % 1.0, axis=0)
    steps = (np.arange(1500) + 0.5)[:, None] / 1500
    assert np.abs(phases - steps).max() < 1.63 / np.sqrt(1500)  # Kolmogorov and Smirnov at 1 %
