"""The tables of accuracy and of iterations, on maps so small that they take moments."""

import argparse
import itertools

import numpy as np
import pytest

from benchmarks import accuracy, floors, iteration, odd
from opentsne_like import ops


def test_errors_of_scaled_forces():
    exact = np.random.default_rng(0).normal(size=(50, 2))
    relative, largest = accuracy.errors(1.1 * exact, exact)
    assert relative == pytest.approx(0.1)
    assert largest >= 0.1


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_truth(dimensions):
    points = np.random.default_rng(1).normal(size=(40, dimensions))
    targets = np.array([3, 39])
    forces, z = accuracy.truth(points, targets)
    difference = points[:, None] - points[None]
    w = 1 / (1 + (difference**2).sum(axis=2))
    np.testing.assert_allclose(forces, (w[..., None] ** 2 * difference).sum(axis=1)[targets], rtol=1e-12)
    assert z == pytest.approx(w.sum() - 40, rel=1e-12)


def test_accuracy_of_our_methods(tmp_path):
    points = 20 * np.random.default_rng(2).normal(size=(600, 2))
    np.save(tmp_path / "map.npy", points)
    options = argparse.Namespace(python="", threads=1, repeat=1)
    rows = accuracy.measure({"map": tmp_path / "map.npy"}, np.arange(0, 600, 3), 2, options)
    assert [row["method"] for row in rows] == [method["label"] for method in accuracy.OUR_METHODS]
    assert all(row["error"] < 0.05 and row["z_error"] < 0.05 and row["ms"] > 0 for row in rows)
    assert accuracy.table(rows).count("\n") == len(rows) + 1


def test_odd_maps(monkeypatch):
    names = ["even ring of 100", "30 clusters of 0.001 in 100", "gaussian of 1"]
    monkeypatch.setattr(odd, "MAPS", {name: odd.MAPS[name] for name in names})
    rows = odd.measure(1500, [2], threads=2)
    served = [(row["kernel"], row["map"], row["method"]) for row in rows]
    assert served == list(itertools.product(odd.kernels(), names, odd.METHODS))
    assert all(row["kept"] < 5e-3 for row in rows if row["method"] != "bh")  # whose angle is the user's
    on_grid = [row for row in rows if row["kernel"] == next(iter(odd.kernels())) and row["method"] == "fft"]
    assert [row["first"] > 5e-3 for row in on_grid] == [True, True, False]
    assert odd.table(rows).count("\n") == len(rows) + 1


@pytest.mark.parametrize("name", odd.MAPS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_odd_maps_are_finite_and_the_same_each_time(name, d):
    points = odd.make(name, 500, d)
    assert points.shape[1] == d
    assert 450 <= len(points) <= 500
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(points, odd.make(name, 500, d))


def test_every_part_of_an_iteration_is_found_and_put_back():
    def parts():
        return [getattr(ops, name) for _, name in iteration.PARTS]

    before = parts()
    with iteration.stopwatches():
        assert all(now is not then for now, then in zip(parts(), before, strict=True))
    assert parts() == before


def test_floors_grow_with_the_work():
    speed = floors.Speed(bytes=1e10, operations=1e10)
    points = 100 * np.random.default_rng(3).random((1000, 2))
    small, large = floors.floors(1000, 10_000, points, speed), floors.floors(1000, 20_000, points, speed)
    assert large["attraction"] == pytest.approx(2 * small["attraction"], rel=0.2)
    assert small["FFT"] == large["FFT"] > 0


def test_table_of_iterations():
    rows = [
        {"n": 1000, "method": "fft", "threads": 1, "part": "FFT", "ms": 1.5, "floor": 0.5},
        {"n": 1000, "method": "fft", "threads": 1, "part": "total", "ms": 2.0, "floor": None},
        {"n": 1000, "method": "openTSNE fft", "threads": 1, "part": "total", "ms": 9.0},
    ]
    lines = iteration.table(rows).splitlines()
    assert lines[0] == "| n | method | threads | FFT | total |"
    assert lines[2:] == ["| 1000 | fft | 1 | 1.50 (0.50) | 2.00 |", "| 1000 | openTSNE fft | 1 |  | 9.00 |"]
