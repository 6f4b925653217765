"""Errors of every method against float64 sums over all pairs: kernels, dimensions, scales and shapes."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.repulsion import DEFAULT_TOLERANCE, RepulsionEngine, StudentT
from opentsne_like.repulsion.fft import count_cells

from .oracle import RADIALS, SHAPES, all_pairs, make, relative, spread_map

SCALES = (1e-4, 1e-2, 0.1, 1.0, 30.0)
MOST_CELLS = 4e5  # of a grid; the larger ones, wide maps in space, have a test of their own
NOTHING = 1e-30  # forces below this leave the range of float32, as those of a Gaussian between far points do

# Points on a curve at random places: their forces nearly cancel, while what the grid does to close neighbours does not.
# At the default spacing the errors are no larger than elsewhere, the forces are smaller. Barnes-Hut, the cheaper method
# for curves, has no such trouble.
CURVES = {"line": 1e-2, "ring": 1.5e-2}
# What the grid does to two coincident points, at most, in units where the strongest force between two points is 0.65.
# Many coincident points add it up, and on a wide map they feel little else.
COINCIDENT = 0.015
BARNES_HUT = 1e-2  # theta = 0.5, few points; 6e-4 on the final map of 70,000 points


def bounds(shape, scale, forces):
    """Return the relative error that the methods may have."""
    fft = DEFAULT_TOLERANCE
    if scale == 30 and shape in CURVES:
        fft = CURVES[shape]
    if scale == 30 and shape == "duplicates":
        n = len(forces)
        fft += COINCIDENT * (2 * n / 3) * np.sqrt(n / 2) / np.linalg.norm(forces)
    return {"exact": 1e-4, "bh": BARNES_HUT, "fft": fft}


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_all_pairs(shape, d):
    for scale in SCALES:
        points = scale * make(shape, d)
        for radial in RADIALS:
            values, forces = all_pairs(points, points, radial, same=True)
            if np.abs(forces).max() < NOTHING:
                continue
            for method, bound in bounds(shape, scale, forces).items():
                engine = RepulsionEngine(radial, method=method, n_jobs=1)
                if method == "fft" and count_cells(engine._grid(np.ptp(points, axis=0))) > MOST_CELLS:
                    continue
                if method == "bh":  # without the exact sums that are cheaper for so few points
                    result = ops.walk_tree(engine.tree(points), None, radial.form, engine.theta, 1)
                else:
                    result = engine.evaluate(points)
                case = f"{method}, scale {scale}, {radial}"
                assert relative(result.gradient, forces) < bound, case
                assert result.total == pytest.approx(values.sum(), rel=1.5e-3), case
                assert result.total == pytest.approx(result.values.sum(dtype=np.float64), rel=1e-6), case


@pytest.mark.parametrize(("shape", "scale"), [("gaussian", 8.0), ("clusters", 30.0), ("two far clusters", 1.0)])
@pytest.mark.parametrize("radial", [StudentT(1.0), StudentT(2.0)])
def test_wide_grids_in_space(shape, scale, radial):
    points = scale * make(shape, 3)
    values, forces = all_pairs(points, points, radial, same=True)
    result = RepulsionEngine(radial, method="fft", n_jobs=2).evaluate(points)
    assert relative(result.gradient, forces) < DEFAULT_TOLERANCE
    assert result.total == pytest.approx(values.sum(), rel=1e-3)


@pytest.mark.parametrize("radial", [StudentT(0.5), StudentT(1.0), StudentT(2.0)])
@pytest.mark.parametrize("d", [1, 2])
def test_maps_of_many_points(radial, d):
    points = spread_map(12000, d)
    picks = np.random.default_rng(0).permutation(len(points))[:200]
    values, forces = all_pairs(points[picks], points, radial, same=False)
    for method, bound in {"exact": 1e-5, "bh": 3e-3, "fft": DEFAULT_TOLERANCE}.items():
        if method == "exact" and radial != StudentT(1.0):
            continue
        result = RepulsionEngine(radial, method=method, n_jobs=2).evaluate(points)
        assert relative(result.gradient[picks], forces) < bound
        assert relative(result.values[picks], values - 1) < 1e-3


@pytest.mark.parametrize(("d", "scale"), [(1, 1e-3), (1, 20.0), (2, 1e-3), (2, 2.0), (3, 0.5)])
def test_crowded_grids(d, scale):
    """Many points per cell, as early in an optimization, where a point's own response is taken at its mean."""
    points = scale * np.random.default_rng(0).normal(size=(30000, d))
    picks = np.arange(0, 30000, 200)
    values, forces = all_pairs(points[picks], points, StudentT(1.0), same=False)
    result = RepulsionEngine(StudentT(1.0), method="fft", n_jobs=2).evaluate(points)
    assert relative(result.gradient[picks], forces) < 3e-3
    assert relative(result.values[picks], values - 1) < 1e-5


@pytest.mark.parametrize("tolerance", [5e-2, 5e-3, 5e-4, 5e-5])
def test_tolerance_of_the_grid_is_kept(tolerance):
    points = 20 * make("gaussian", 2, n=600)
    for radial in (StudentT(0.5), StudentT(1.0), StudentT(2.0)):
        _, forces = all_pairs(points, points, radial, same=True)
        result = RepulsionEngine(radial, method="fft", tolerance=tolerance, n_jobs=1).evaluate(points)
        assert relative(result.gradient, forces) < tolerance


@pytest.mark.parametrize("theta", [1.0, 0.5, 0.2, 0.0])
def test_theta_reaches_the_tree(theta):
    points = spread_map(4000, 2)
    picks = np.arange(0, 4000, 20)
    _, forces = all_pairs(points[picks], points, StudentT(1.0), same=False)
    result = RepulsionEngine(StudentT(1.0), method="bh", theta=theta, n_jobs=2).evaluate(points)
    error = relative(result.gradient[picks], forces)
    assert error < {1.0: 3e-2, 0.5: 2e-3, 0.2: 3e-4, 0.0: 1e-5}[theta]
