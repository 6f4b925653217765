"""Charges of any sign, in columns, against float64 sums over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.repulsion import Gaussian, LogInverse, RepulsionEngine, StudentT, StudentTTail, exact_sums
from opentsne_like.repulsion import fft as grids

from .oracle import all_pairs, make, spread_map
from .test_radial import Core

RADIALS = [StudentT(1.0), StudentT(0.5), Gaussian(), LogInverse(0.1), Core()]
METHODS = ["exact", "bh", "fft"]
BOUND = {"exact": 1e-4, "bh": 6e-3, "fft": 5e-3}


def charged_pairs(targets, sources, charges, radial, same):
    """Return values (m, q) and gradients (m, q, d) in float64."""
    apart = targets[:, None] - sources[None]
    square = (apart**2).sum(axis=2)
    k, slope = np.array(radial(square)), 2 * radial.slope(square)
    if same:
        np.fill_diagonal(k, 0)
    values, gradient = k @ charges, np.einsum("ij,ijd,jc->icd", slope, apart, charges)
    return values, gradient


def of_columns(n, seed=0):
    """Return columns of charges: ones, positive, of any sign, mostly zero, tiny, huge."""
    rng = np.random.default_rng(seed)
    sparse = np.where(rng.random(n) < 0.02, rng.normal(size=n), 0.0)
    columns = [np.ones(n), rng.random(n), rng.normal(size=n), sparse, 1e-60 * rng.normal(size=n), 1e60 * rng.random(n)]
    return np.column_stack([*columns, rng.exponential(size=(n, 3))])


def check(found, values, gradient, bound, charges):
    """Compare column by column; where signs cancel, errors are those of the sums of magnitudes."""
    for c in range(charges.shape[1]):
        strength = np.abs(charges[:, c]).max()
        cancelled = 30.0 if (charges[:, c] < 0).any() else 4.0
        for result, expected in ((found.values[:, c], values[:, c]), (found.gradient[:, c], gradient[:, c])):
            error = np.linalg.norm(result / strength - expected / strength)
            assert error < cancelled * bound * max(np.linalg.norm(expected / strength), 1e-30), c


@pytest.mark.parametrize("radial", RADIALS, ids=repr)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_agrees_with_all_pairs(d, method, radial):
    scales = (1e-4, 0.3, 10.0 if d < 3 else 2.0)
    if method == "fft" and d == 3:  # nine transforms in space each: another width for each radial function
        scales = scales[RADIALS.index(radial) % 3 :][:1]
    for shape in ("gaussian", "clusters", "duplicates")[: 2 if method == "fft" else 3]:  # see `test_errors.COINCIDENT`
        for scale in scales:
            points, charges = scale * make(shape, d, n=300), of_columns(300)
            values, gradient = charged_pairs(points, points, charges, radial, same=True)
            if method == "bh" and radial.has_tree:  # without the exact sums that are cheaper for so few points
                strength = np.abs(charges).max(axis=0)
                tree = ops.build_tree(points, 2)
                found = ops.walk_tree(tree, None, radial.form, 0.5, 2, (charges / strength).astype(np.float32))
                found = found._replace(values=found.values * strength, gradient=found.gradient * strength[:, None])
            else:
                found = RepulsionEngine(radial, method=method, n_jobs=2).evaluate(points, charges=charges)
            assert found.values.shape == (300, 9)
            assert found.gradient.shape == (300, 9, d)
            check(found, values, gradient, BOUND[method], charges)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_maps_of_many_points(method, d):
    points = spread_map(9000, d) * (0.4 if d == 3 else 1.0)
    charges, picks = of_columns(9000), np.arange(0, 9000, 50)
    values, gradient = charged_pairs(points[picks], points, charges, StudentT(1.0), same=False)
    found = RepulsionEngine(StudentT(1.0), method=method, n_jobs=2).evaluate(points, charges=charges)
    found = found._replace(values=found.values[picks] + charges[picks], gradient=found.gradient[picks])
    check(found, values, gradient, BOUND[method], charges)


@pytest.mark.parametrize("radial", [StudentT(1.0), LogInverse(0.1), StudentTTail(0.7)], ids=repr)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("scale", [1e-12, 0.3, 3.0])
def test_constant_charges_are_unit_charges_times_a_constant(scale, d, method, radial):
    points = scale * np.random.default_rng(d).normal(size=(500, d))
    engine = RepulsionEngine(radial, method=method, n_jobs=2)
    unit, found = engine.evaluate(points), engine.evaluate(points, charges=np.full(500, -2.5))
    assert found.values.shape == (500,)
    assert found.gradient.shape == points.shape
    size = float(np.abs(unit.values).max())
    np.testing.assert_allclose(found.values, -2.5 * unit.values, atol=3e-5 * size)
    expected = -2.5 * unit.gradient.astype(np.float64)
    assert np.linalg.norm(found.gradient - expected) <= 2e-3 * np.linalg.norm(expected) + 1e-25
    assert found.total == pytest.approx(-2.5 * unit.total, rel=1e-4, abs=1e-3 * size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_same_bits_for_any_number_of_threads_and_when_an_engine_is_used_again(method, d):
    points = spread_map(3000, d) * (0.4 if d == 3 else 1.0)
    charges = of_columns(3000)
    used = RepulsionEngine(StudentT(1.0), method=method, n_jobs=1)
    first = used.evaluate(points, charges=charges)
    unit = used.evaluate(points)
    for n_jobs in (2, 3):
        engine = RepulsionEngine(StudentT(1.0), method=method, n_jobs=n_jobs)
        again = engine.evaluate(points, charges=charges)
        assert again.values.tobytes() == first.values.tobytes()
        assert again.gradient.tobytes() == first.gradient.tobytes()
        assert engine.evaluate(points).values.tobytes() == unit.values.tobytes()
    alone = used.evaluate(points, charges=charges[:, 2])
    assert alone.values.tobytes() == np.ascontiguousarray(first.values[:, 2]).tobytes()


def test_columns_are_spread_in_blocks_that_do_not_show(monkeypatch):
    points, charges = spread_map(2000, 2), of_columns(2000)
    engine = RepulsionEngine(StudentT(1.0), method="fft", n_jobs=2)
    together = engine.evaluate(points, charges=charges)
    monkeypatch.setattr(grids, "COLUMN_CELLS", 1)
    single = engine.evaluate(points, charges=charges)
    assert together.values.tobytes() == single.values.tobytes()
    assert together.gradient.tobytes() == single.gradient.tobytes()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_point_does_not_feel_its_own_charge(d):
    """One charge among points that carry none: its own image is taken away in proportion."""
    points = np.linspace(0, 60, 7)[:, None] * np.ones(d) * (1.0 if d < 3 else 0.2)
    for method in METHODS:
        charges = np.where(np.arange(7) == 3, 1e3, 0.0)
        found = RepulsionEngine(StudentT(1.0), method=method, n_jobs=1).evaluate(points, charges=charges)
        values, _ = charged_pairs(points, points, charges[:, None], StudentT(1.0), same=True)
        assert np.abs(found.values - values[:, 0]).max() < 1.0
        assert abs(found.values[3]) < 1.0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_targets_of_a_tree_and_of_exact_sums(d):
    sources, rng = spread_map(1500, d), np.random.default_rng(1)
    targets, charges = rng.uniform(-10, 10, size=(80, d)), rng.normal(size=(1500, 3))
    values, gradient = charged_pairs(targets, sources, charges, StudentT(1.0), same=False)
    tree = ops.build_tree(sources, 2)
    check(ops.walk_tree(tree, targets, StudentT(1.0).form, 0.5, 2, charges), values, gradient, BOUND["bh"], charges)
    check(exact_sums(targets, sources, StudentT(1.0), n_jobs=2, charges=charges), values, gradient, 1e-12, charges)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_nodes_know_the_moments_of_their_charges(d):
    points, charges = spread_map(2000, d), np.random.default_rng(0).normal(size=2000).astype(np.float32)
    tree = ops.build_tree(points, 1)
    measured = ops.tree._measured(tree, charges)
    for v, (first, last, _) in enumerate(tree.link):
        inside, weight = tree.order[first:last], charges[tree.order[first:last]].astype(np.float64)
        apart = points[inside] - tree.centre[v, :d]
        rows, columns = np.triu_indices(d)
        places = [0] if d == 1 else list(range(len(rows)))
        assert measured.mass[v] == pytest.approx(weight.sum(), abs=1e-9)
        np.testing.assert_allclose(measured.dipole[v, :d], weight @ apart, atol=1e-8)
        second = ((weight[:, None] * apart).T @ apart)[rows, columns]
        np.testing.assert_allclose(measured.moment[v, places], second, atol=1e-6)


@pytest.mark.parametrize(
    ("charges", "kind", "message"),
    [
        (np.ones(9), InvalidParameterError, r"`charges` must have a row for each of the 10 points, got shape \(9,\)"),
        (np.ones((9, 2)), InvalidParameterError, "`charges` must have a row for each of the 10 points"),
        (np.ones((10, 0)), InvalidParameterError, "`charges`"),
        (np.ones((10, 1, 1)), InvalidParameterError, "`charges`"),
        (np.full(10, np.nan), InvalidParameterError, "`charges` must be finite"),
        (np.full(10, "a"), InvalidTypeError, "`charges` must be numeric"),
    ],
)
def test_charges_that_make_no_sense_are_refused(charges, kind, message):
    with pytest.raises(kind, match=message):
        RepulsionEngine(StudentT(1.0)).evaluate(np.random.default_rng(0).normal(size=(10, 2)), charges=charges)


def test_charges_of_zero_make_nothing():
    points = spread_map(800, 2)
    for method in METHODS:
        found = RepulsionEngine(StudentT(1.0), method=method).evaluate(points, charges=np.zeros(800))
        assert not found.values.any()
        assert not found.gradient.any()


def test_unit_charges_agree_with_the_sums_without_charges():
    points = spread_map(700, 2)
    values, forces = all_pairs(points, points, StudentT(1.0), same=True)
    found = exact_sums(points, None, StudentT(1.0), n_jobs=2, charges=np.ones((700, 1)))
    np.testing.assert_allclose(found.values[:, 0], values, rtol=1e-12)
    np.testing.assert_allclose(found.gradient[:, 0], forces, rtol=1e-9, atol=1e-11)
