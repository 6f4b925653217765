"""The operations: what they refuse, and that they are what the loops above are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from opentsne_like import kernels, ops
from opentsne_like.errors import InvalidTypeError
from opentsne_like.kernels import forms


class Stranger(NamedTuple):
    dof: float


@pytest.mark.parametrize("form", [Stranger(1.0), (1.0,), None, "cauchy"])
def test_a_form_that_loops_do_not_know_is_refused(form):
    """Neither by a dump of the compiler, nor by taking it for another function."""
    points = np.random.default_rng(0).normal(size=(4, 2))
    graph = ops.Graph(np.arange(4, dtype=np.int32), np.arange(5), np.zeros(4, np.int64), np.ones(4))
    with pytest.raises(InvalidTypeError, match=r"`form` must be one of Cauchy, .*, got"):
        ops.exact(points, None, form, 1)
    with pytest.raises(InvalidTypeError, match="`form` must be one of"):
        ops.attract(graph, points, points, form, 1.0, points, 1.0, 1)
    with pytest.raises(InvalidTypeError, match="`form` must be one of"):
        ops.edge_loss(graph, points, points, form, 1)


def test_constants_are_those_of_the_loops():
    assert ops.TAPS == kernels.grid.TAPS
    assert ops.HARMONICS == kernels.grid.HARMONICS


@pytest.mark.parametrize("n", [30, 31])
def test_a_checksum_is_the_same_in_every_process(n):
    """A map that is unpickled elsewhere still knows its loss."""
    code = f"import numpy as np; from opentsne_like import ops; print(ops.checksum(np.arange({n}, dtype=np.int32), 1))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(child.stdout) == ops.checksum(np.arange(n, dtype=np.int32), 2)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_extent(d):
    points = np.random.default_rng(0).normal(size=(40_000, d))
    for n_jobs in (1, 3):
        low, spans, mean = ops.extent(points, n_jobs)
        assert np.array_equal(low, points.min(axis=0))
        assert np.array_equal(spans, np.ptp(points, axis=0))
        np.testing.assert_allclose(mean, points.mean(axis=0), atol=1e-12)
    first, last = ops.bulk(points)
    assert np.all(np.abs(first + 2) < 0.5)
    assert np.all(np.abs(last - 2) < 0.5)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spreading_convolving_and_gathering_on_a_grid_of_ones_own(d):
    """With a kernel that is 1 at node 0 and 0 elsewhere, a point finds the charges around it, smoothed twice."""
    missing = (1,) * (3 - d)
    grid = ops.Grid(0.5, (*missing, *(16,) * d), (*missing, *(32,) * d))
    points = np.random.default_rng(d).uniform(0, 1, size=(50, d))
    place = (np.zeros(d), np.full(d, 6.0), 2.0)
    charges = ops.spread(points, place, grid, ops.Workspace(), 2)
    assert charges[..., :16].sum() == pytest.approx(50, rel=1e-5)
    flat = charges[..., :16].copy()
    spectrum = np.ones([n // 2 + 1 if n > 1 else 1 for n in grid.padded])
    potential = ops.convolve(charges, ops.arrange(spectrum, grid), grid, ops.Workspace(), 2)
    np.testing.assert_allclose(potential[..., :16], flat, atol=1e-5)
    found, lost = ops.gather(potential, points, place, grid, np.zeros((3, 3, 3)), 2.0, -np.inf, 2)
    assert lost == 0
    weight = [ops.spread(points[[i]], place, grid, ops.Workspace(), 1)[..., :16] for i in range(50)]
    np.testing.assert_allclose(found.values, [2 + (w * flat).sum() for w in weight], rtol=1e-5)
    assert found.total == pytest.approx(found.values.sum(), rel=1e-5)
    outside, lost = ops.gather(potential, points + 100, place, grid, np.zeros((3, 3, 3)), 2.0, -np.inf, 1)
    assert lost == 50
    assert not outside.values.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_reordered_graph_is_the_same_graph(dtype):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, 30)
    indptr = np.append(0, np.cumsum(counts)).astype(np.int32)
    indices = rng.integers(0, 30, indptr[-1]).astype(np.int32)
    graph = ops.Graph(np.arange(30, dtype=np.int32), indptr, indices, rng.random(indptr[-1]).astype(dtype))
    points = rng.normal(size=(30, 2))
    order = ops.morton_order(points, 1)
    turned = ops.reorder(graph, order, 2)
    plain = points.astype(np.float32)
    there = np.ascontiguousarray(plain[order])
    args = (forms.LogStudentT(2.0), 4.0, np.zeros((30, 2)), 1.0, 2)
    rounded = graph._replace(values=graph.values.astype(np.float32))
    assert turned.values.dtype == np.float32
    assert np.array_equal(ops.attract(turned, there, there, *args), ops.attract(rounded, plain, plain, *args))
    assert np.array_equal(ops.take_rows(turned, points, np.zeros(2), 1), points[order].astype(np.float32))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("form", [forms.Cauchy(), forms.Gaussian()])
def test_nothing_sums_to_nothing(form, d):
    for charges in (None, np.empty((0, 2))):
        found = ops.exact(np.ones((4, d)), np.empty((0, d)), form, n_jobs=1, charges=charges)
        assert not found.values.any()
        assert not found.gradient.any()
        assert found.total == 0
