"""Repulsion of maps that lie on a device."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.repulsion import (
    Control,
    FunctionRadial,
    Gaussian,
    LogInverse,
    RepulsionEngine,
    RowEngine,
    StudentT,
    exact_sums,
)

from .oracles import a_map, check_same

RADIALS = [StudentT(), StudentT(0.5), Gaussian(), LogInverse(0.1)]


def error(found, points, radial):
    exact = exact_sums(points, None, radial, n_jobs=1).gradient
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize("radial", RADIALS, ids=str)
@pytest.mark.parametrize("method", ["auto", "fft", "exact"])
@pytest.mark.parametrize(
    ("kind", "d", "scale"), [("clustered", 2, 1.0), ("even", 1, 2.0), ("even", 2, 1e-4), ("even", 3, 1.0)]
)
def test_a_potential_is_that_of_the_cpu(kind, d, scale, method, radial, card):
    points = a_map(kind, 300, d, scale)
    there = card.device.xp.asarray(points)
    engine = RepulsionEngine(radial, method=method, n_jobs=1)
    mine, theirs = card.back(engine.evaluate(there)), engine.evaluate(points)
    assert hasattr(engine.evaluate(there).gradient, "__cuda_array_interface__")
    assert error(mine.gradient, points, radial) < max(1e-2, 1.1 * error(theirs.gradient, points, radial))
    assert mine.total == pytest.approx(theirs.total, rel=2e-3)
    control = Control()
    kept = card.back(control.evaluate(engine, there))
    assert error(kept.gradient, points, radial) < 5e-3
    assert np.isnan(control.error) or control.error < 5e-3


@pytest.mark.parametrize(
    ("kind", "scale", "method", "radial"),
    [
        ("clustered", 1.0, "fft", StudentT()),
        ("even", 1e-7, "fft", Gaussian()),
        ("stray", 1.0, "exact", StudentT()),
        ("stray", 1.0, "exact", Gaussian()),  # with rows that are summed by themselves
    ],
)
def test_rows_are_normalised_as_on_the_cpu(kind, scale, method, radial, card):
    points = a_map(kind, 200, 2, scale)
    there = card.device.xp.asarray(points)
    engine = RowEngine(radial, method=method, n_jobs=1)
    mine, theirs = card.back(engine.evaluate(there)), engine.evaluate(points)
    size = np.linalg.norm(theirs.gradient)
    assert np.linalg.norm(mine[1] - theirs.gradient) < (1e-2 if method == "fft" else 1e-5) * size
    np.testing.assert_allclose(mine[0], theirs.values, rtol=0, atol=1e-2 if method == "fft" else 1e-5)
    held = [Control().evaluate(engine, each).gradient for each in (there, points)]
    assert np.linalg.norm(card.back(held[0]) - held[1]) < 1e-2 * size


@pytest.mark.parametrize("method", ["fft", "exact"])
def test_charges_are_the_hosts(method, card):
    points, charges = a_map("clustered", 300, 2), np.random.default_rng(0).normal(size=(300, 11)) * 1e30
    engine = RepulsionEngine(StudentT(), method=method, n_jobs=1)
    mine, theirs = (engine.evaluate(each, charges=charges) for each in (card.device.xp.asarray(points), points))
    assert type(mine.values) is type(mine.gradient) is np.ndarray
    for one, other in zip(mine[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * np.abs(other).max())


def test_narrow_maps(card):
    points = a_map("even", 300, 2, 1e-9)
    engine = RepulsionEngine(StudentT(), method="fft", n_jobs=1)
    mine, theirs = card.back(engine.evaluate(card.device.xp.asarray(points))), engine.evaluate(points)
    check_same(tuple(mine), tuple(theirs))


def test_outliers_are_no_trouble(card):
    points = a_map("clustered", 300, 2)
    points[0] = 1e7
    engine = RepulsionEngine(StudentT(), method="fft", n_jobs=1)
    assert engine.plan(points, engine.extent(points)).method == "bh"
    there = card.device.xp.asarray(points)
    assert engine.plan(there, engine.extent(there)).method == "exact"
    assert error(card.back(engine.evaluate(there)).gradient, points, StudentT()) < 1e-6


def test_what_is_no_map_is_refused(card):
    points = a_map("even", 30, 2)
    points[3, 1] = np.inf
    with pytest.raises(InvalidParameterError, match="`embedding`"):
        RepulsionEngine(StudentT()).evaluate(card.device.xp.asarray(points))


def test_functions_that_kernels_do_not_know_are_refused(card):
    radial = FunctionRadial(lambda s: 1 / (1 + s) ** 2, 1.0)
    with pytest.raises(InvalidTypeError, match="on a GPU, got None; use the CPU"):
        RepulsionEngine(radial, method="exact").evaluate(card.device.xp.asarray(np.ones((3, 2))))
