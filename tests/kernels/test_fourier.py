"""Convolution in the plane by transforms of sixteen lanes, and vectors in lanes, against NumPy."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import fft

from opentsne_like.kernels import _lanes as lanes
from opentsne_like.kernels._jit import kernel
from opentsne_like.ops import Workspace, plane
from opentsne_like.repulsion import RepulsionEngine, StudentT

VECTORS = lanes.EIGHT
load, store, splat, pick, total, turn = VECTORS
turn16 = lanes.SIXTEEN.turn


def convolved(charges, spectrum):
    """Return the convolution of charges, padded to twice their lengths, by an even, real spectrum, in float64."""
    m0, m1 = charges.shape
    waves = fft.rfft2(charges.astype(np.float64), s=(2 * m0, 2 * m1))
    rows = np.minimum(np.arange(2 * m0), 2 * m0 - np.arange(2 * m0))
    return fft.irfft2(waves * spectrum[rows], s=(2 * m0, 2 * m1))[:m0, :m1]


@pytest.mark.parametrize(
    "lengths", [(16, 16), (18, 20), (20, 18), (25, 45), (27, 24), (32, 50), (81, 16), (125, 135), (240, 300), (2, 3)]
)
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_convolution_agrees_with_numpy(lengths, n_jobs):
    rng = np.random.default_rng(sum(lengths))
    charges = rng.normal(size=lengths).astype(np.float32)
    spectrum = rng.normal(size=(lengths[0] + 1, lengths[1] + 1))
    padded = np.zeros((lengths[0], plane.row_length(lengths[1])), np.float32)
    padded[:, : lengths[1]] = charges
    found = plane.convolve_in_plane(padded, plane.arranged(spectrum), lengths, n_jobs, Workspace())
    expected = convolved(charges, spectrum)
    assert np.abs(found[:, : lengths[1]] - expected).max() < 2e-6 * np.abs(expected).max()


def test_what_lies_beside_the_grid_is_finite_and_does_not_show():
    """Gathering reads two more columns, with weight 0."""
    spectrum = np.ones((17, 17))
    padded = np.zeros((16, plane.row_length(16)), np.float32)
    padded[8, 8] = 1.0
    work = Workspace()
    work.take("spectrum", (2, 32, 32), np.float32).fill(np.nan)
    found = plane.convolve_in_plane(padded, plane.arranged(spectrum), (16, 16), 1, work)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, :16], np.eye(16)[8][:, None] * np.eye(16)[8], atol=1e-6)


@pytest.mark.parametrize("length", [2, 3, 4, 5, 6, 8, 30, 64, 225])
def test_factors_multiply_to_the_length(length):
    factors, roots = plane._passes(length)
    assert np.prod(factors) == length
    np.testing.assert_allclose(
        roots[0] + 1j * roots[1], np.exp(-1j * np.pi * np.arange(2 * length) / length), atol=1e-7
    )


@kernel
def use_lanes(a, b, out):
    x, y = load(a, 3), load(b, 0)
    store(out, 1, x * y + splat(np.float32(2)) - pick(x, 5))
    out[0] = total(y)


def test_vectors_compute_like_arrays():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 16)).astype(np.float32)
    out = np.zeros(16, np.float32)
    use_lanes(a, b, out)
    np.testing.assert_allclose(out[1:9], a[3:11] * b[:8] + 2 - a[8], rtol=1e-6)
    assert out[0] == pytest.approx(b[:8].sum(), rel=1e-6)
    assert (out[9:] == 0).all()


@kernel
def turn_tile(source, target):
    turn16(source, 2, 20, target, 1, 17)


def test_a_tile_is_transposed():
    source = np.arange(16 * 20 + 2, dtype=np.float32)
    target = np.zeros(16 * 17 + 1, np.float32)
    turn_tile(source, target)
    np.testing.assert_array_equal(target[1:].reshape(16, 17)[:, :16], source[2:].reshape(16, 20)[:, :16].T)


@pytest.mark.parametrize("width", [8, 16])
def test_plain_vectors_are_those_of_the_compiled_ones(width):
    """Without compilation, kernels run on arrays."""
    plain = lanes._plain(width)
    data = np.arange(400, dtype=np.float32)
    tile = np.zeros(width * width, np.float32)
    plain.turn(data, 0, width, tile, 0, width)
    np.testing.assert_array_equal(tile.reshape(width, width), data[: width * width].reshape(width, width).T)
    vector = plain.load(data, 4)
    data[4] = -1.0
    assert vector[0] == 4.0
    assert plain.total(vector) == np.arange(4, 4 + width).sum()
    plain.store(data, 7, plain.splat(2.0) * plain.pick(vector, 1))
    assert (data[7 : 7 + width] == 10.0).all()


UNCOMPILED = """
import numpy as np
from opentsne_like.repulsion import RepulsionEngine, StudentT
points = np.random.default_rng(0).normal(size=(12, 2))
print(RepulsionEngine(StudentT(), method="fft", n_jobs=1).evaluate(points).gradient.tolist())
"""


def test_the_same_loops_run_without_compilation():
    """The grid in the plane is all lanes: spread, transforms, gather."""
    variables = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", UNCOMPILED], env=variables, capture_output=True, text=True, check=True)
    points = np.random.default_rng(0).normal(size=(12, 2))
    compiled = RepulsionEngine(StudentT(), method="fft", n_jobs=1).evaluate(points).gradient
    np.testing.assert_allclose(json.loads(done.stdout), compiled, rtol=1e-3, atol=1e-4)
