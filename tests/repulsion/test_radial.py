"""Radial functions: one formula each, whoever evaluates it, and nothing taken for another."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.errors import InvalidParameterError
from opentsne_like.kernels import forms
from opentsne_like.kernels._jit import kernel
from opentsne_like.repulsion import (
    DEFAULT_TOLERANCE,
    FunctionRadial,
    Gaussian,
    Hyperbola,
    LogInverse,
    LogOnePlus,
    LogOnePlusPower,
    LogStudentT,
    LogStudentTTail,
    Radial,
    RepulsionEngine,
    Saturation,
    SoftenedLog,
    SoftenedPower,
    Square,
    StudentT,
    StudentTTail,
    exact_sums,
)

from .oracle import all_pairs, make, relative, spread_map

REPULSIVE = [
    StudentT(1.0),
    StudentT(0.5),
    StudentT(2.3),
    StudentTTail(1.0),
    StudentTTail(0.7),
    Gaussian(),
    LogInverse(1.0),
    LogInverse(0.01),
    LogInverse(100.0),
    SoftenedLog(),
]
ATTRACTIVE = [
    LogStudentT(1.0),
    LogStudentT(0.5),
    LogStudentTTail(1.0),
    LogStudentTTail(2.3),
    Square(),
    LogOnePlus(1.0),
    LogOnePlus(1e-3),
    LogOnePlusPower(1.5, 0.9),
    LogOnePlusPower(0.6, 1.2),
]
EVERY = [*REPULSIVE, *ATTRACTIVE]
FORMLESS = [SoftenedPower(1.5, 0.9), Hyperbola(), Saturation(10.0)]  # read by the grid, summed by NumPy


@dataclass(frozen=True)
class Core(Radial):
    """A function of a user's own, with no formula for its slope, and none that compiled loops know."""

    depth: float = 0.05

    @property
    def width(self):
        return 1.3 * self.depth**0.5

    def __call__(self, squared_distance):
        return 3 * np.log1p(1 / (self.depth + squared_distance) ** 0.9)


def _below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def test_every_radial_function_of_the_package_is_tried_here():
    kinds = {kind for kind in _below(Radial) if kind.__module__.startswith("opentsne_like")}
    public = {kind for kind in kinds if not kind.__name__.startswith("_")}
    assert public - {type(radial) for radial in FORMLESS} - {FunctionRadial} == {type(radial) for radial in EVERY}
    assert {type(radial.form) for radial in EVERY} == set(forms.value_and_slope.table)


@pytest.mark.parametrize("radial", [*EVERY, Core(), *FORMLESS], ids=repr)
def test_the_numbers_it_states(radial):
    assert radial.peak == pytest.approx(float(radial(np.zeros(1))[0]))
    assert 0 < radial.width < 4
    assert hash(radial) == hash(type(radial)(**vars(radial)))


@pytest.mark.parametrize("radial", EVERY, ids=repr)
def test_its_slope_is_the_derivative(radial):
    s = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 200)])
    slope = radial.slope(s)
    assert slope.shape == s.shape
    wide = s >= 1e4 * getattr(radial, "core", 0.0)  # where the differences that stand for a slope are narrow enough
    numeric = Radial.slope(radial, s)[wide]
    np.testing.assert_allclose(slope[wide], numeric, rtol=1e-7, atol=1e-9 * np.abs(slope).max())
    below, above = radial(0.9999 * s[50:120]), radial(1.0001 * s[50:120])
    np.testing.assert_allclose(slope[50:120], (above - below) / (2e-4 * s[50:120]), rtol=1e-6, atol=1e-9)


@kernel
def _evaluate(form, squares, weight, values, slopes, weighted, sums):
    for j in range(len(squares)):
        values[j], slopes[j] = forms.value_and_slope(form, squares[j])
        weighted[j] = forms.weighted_slope(form, weight, squares[j])
        sums[j] = forms.height(form) * forms.shape(form, squares[j])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("radial", EVERY, ids=repr)
def test_compiled_formulas_are_those_of_numpy(radial, dtype):
    s = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 300)])
    out = np.empty((4, len(s)), dtype)
    _evaluate(radial.form, s.astype(dtype), dtype(0.5), *out)
    bound = {"rtol": 5e-5, "atol": 1e-7} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-15}
    for result, expected in zip(out, (radial(s), radial.slope(s), 0.5 * radial.slope(s), radial(s)), strict=True):
        np.testing.assert_allclose(result, expected, **bound)


@pytest.mark.parametrize("radial", [*EVERY, Core()], ids=repr)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_exact_sums(d, radial):
    for scale in (1e-2, 1.0, 30.0):
        points = scale * make("clusters", d, n=200)
        others = scale * make("gaussian", d, n=300)
        for sources in (None, others):
            known = points if sources is None else sources
            values, forces = all_pairs(points, known, radial, same=sources is None)
            for dtype, bound in ((np.float32, 2e-4), (np.float64, 1e-7)):
                result = exact_sums(points.astype(dtype), sources, radial, n_jobs=2)
                assert result.values.dtype == result.gradient.dtype == dtype
                if isinstance(radial, StudentTTail) and scale < 1.0 and dtype == np.float32:
                    assert result.total == pytest.approx(values.sum(), abs=1e-6 * len(points) * len(known))
                    continue  # next to nothing there, and rounding of its two terms
                assert np.abs(result.values - values).max() < bound * np.abs(values).max()
                assert relative(result.gradient, forces) < bound
                assert result.total == pytest.approx(values.sum(), rel=bound)


@pytest.mark.parametrize("radial", [*REPULSIVE, Core(), Core(0.003)], ids=repr)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_grid(d, radial):
    for scale in (1e-3, 0.05, 0.3, 1.0, 10.0 if d < 3 else 2.0):
        points = scale * make("gaussian", d, n=250)
        engine = RepulsionEngine(radial, method="fft", n_jobs=2)
        if engine.choose(250, 250, engine._grid(np.ptp(points, axis=0))) != "fft":
            assert scale >= 1.0, "only fine grids of wide maps are too large"
            continue
        values, forces = all_pairs(points, points, radial, same=True)
        result = engine.evaluate(points)
        if np.abs(forces).max() > 1e-4:
            bound = (
                2.5e-2 if isinstance(radial, StudentTTail) else DEFAULT_TOLERANCE
            )  # of the tail, sums alone are used
            assert relative(result.gradient, forces) < bound, scale
        assert result.total == pytest.approx(values.sum(), rel=2e-3, abs=1e-3 * len(points)), scale


@pytest.mark.parametrize("radial", REPULSIVE, ids=repr)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_every_method_sums_the_same_function(d, radial):
    points = spread_map(900, d) * (0.4 if d == 3 else 1.0)
    values, forces = all_pairs(points, points, radial, same=True)
    for method in ("auto", "exact", "bh", "fft"):
        result = RepulsionEngine(radial, method=method, n_jobs=2).evaluate(points)
        assert relative(result.gradient, forces) < 1e-2, method
        assert result.total == pytest.approx(values.sum(), rel=2e-3), method
    if radial.has_tree:
        tree = ops.walk_tree(ops.build_tree(points, 2), None, radial.form, 0.5, 2)
        assert relative(tree.gradient, forces) < 1e-2


@pytest.mark.parametrize("radial", [StudentTTail(1.0), LogInverse(0.3), Core()], ids=repr)
@pytest.mark.parametrize("method", ["auto", "bh", "fft"])
def test_a_function_without_a_tree_is_summed_exactly_where_no_grid_fits(method, radial):
    points = make("gaussian", 2, n=400)
    points[0] += 1e6
    values, forces = all_pairs(points, points, radial, same=True)
    engine = RepulsionEngine(radial, method=method, n_jobs=2)
    assert relative(engine.evaluate(points).values, values) < 1e-4
    assert relative(engine.evaluate(points).gradient, forces) < 1e-4
    targets = np.concatenate([points[:20] + 0.1, np.full((1, 2), 50.0)])  # the last outside of any grid
    for sources in (points, points[1:]):
        values, forces = all_pairs(targets, sources, radial, same=False)
        found = engine.freeze(sources).evaluate(targets)
        assert relative(found.values, values) < 5e-3
        assert relative(found.gradient, forces) < DEFAULT_TOLERANCE


def test_a_function_without_a_tree_takes_the_grid_where_it_is_cheaper():
    engine = RepulsionEngine(LogInverse(0.1))
    grid = engine._grid(np.array([40.0, 40.0]))
    assert engine.choose(200, 200, grid) == "exact"
    assert engine.choose(20_000, 20_000, grid) == "fft"


@pytest.mark.parametrize("radial", [*REPULSIVE[:3], *REPULSIVE[5:], Core()], ids=repr)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("width", [1e-4, 1e-6, 1e-8, 1e-20])
def test_narrow_maps_keep_their_forces(width, d, radial):
    """The kernel less its constant vanishes in rounding there; what is left is its first order, which is exact."""
    points = width * np.random.default_rng(d).normal(size=(2000, d))
    apart = len(points) * (points - points.mean(axis=0))
    forces = 2 * radial.slope(np.zeros(1))[0] * apart
    result = RepulsionEngine(radial, method="fft", n_jobs=2).evaluate(points)
    assert relative(result.gradient, forces) < 1e-3
    np.testing.assert_allclose(result.values, 1999 * radial.peak, rtol=1e-4)
    frozen = RepulsionEngine(radial, method="fft", n_jobs=2).freeze(points).evaluate(points + width)
    forces = 2 * radial.slope(np.zeros(1))[0] * (apart + len(points) * width)
    assert relative(frozen.gradient, forces) < 5e-3
    np.testing.assert_allclose(frozen.values, 2000 * radial.peak, rtol=1e-4)


def test_a_degree_of_freedom_must_be_positive():
    for kind in (StudentT, StudentTTail, LogStudentT, LogStudentTTail):
        with pytest.raises(InvalidParameterError, match="`dof` must be positive, got -1"):
            kind(-1.0)
    with pytest.raises(InvalidParameterError, match="`c` must be positive, got 0"):
        LogInverse(0.0)


def test_a_description_tells_functions_apart_in_every_process():
    for dof in (1.0, 0.7):  # as files of every version have it
        assert RepulsionEngine(StudentT(dof), method="bh").description.tolist() == [0.0, dof, 2.0, 0.5, 5e-3]
    described = [tuple(RepulsionEngine(radial).description) for radial in [*EVERY, Core(), Core(0.1)]]
    assert len(set(described)) == len(described)
    script = """
from opentsne_like.repulsion import LogInverse, RepulsionEngine
print(*RepulsionEngine(LogInverse(0.25)).description.tolist())
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [float(word) for word in child.stdout.split()] == RepulsionEngine(LogInverse(0.25)).description.tolist()
