"""Exact sums of a range of targets against float64 twins."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.kernels import exact

from ..repulsion.oracle import RADIALS, all_pairs, relative


@pytest.mark.parametrize("radial", RADIALS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_radial_sums(d, same, dtype, radial):
    rng = np.random.default_rng(d)
    targets = rng.normal(size=(700, d)) * 2
    sources = targets if same else rng.normal(size=(1100, d)) * 2
    values, forces = all_pairs(targets, sources, radial, same)
    phi, gradient = np.full(700, 9.0, dtype), np.full((700, d), 9.0, dtype)
    x, y = np.ascontiguousarray(targets.T, dtype), np.ascontiguousarray(sources.T, dtype)
    scratch = np.empty(exact.BLOCK, dtype)
    exact.radial_sums(100, 650, x, y, same, radial.form, phi, gradient, scratch)
    bound = 1e-5 if dtype == np.float32 else 1e-12
    assert relative(phi[100:650], values[100:650]) < bound
    assert relative(gradient[100:650], forces[100:650]) < bound
    assert np.all(phi[:100] == 9)
    assert np.all(gradient[650:] == 9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("same", [True, False])
def test_cauchy_plane(same, dtype):
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(300, 2)) * 3
    sources = targets if same else rng.normal(size=(411, 2))
    values, forces = all_pairs(targets, sources, RADIALS[1], same)
    phi, gradient = np.full(300, 9.0, dtype), np.full((300, 2), 9.0, dtype)
    x, y = np.ascontiguousarray(targets.T, dtype), np.ascontiguousarray(sources.T, dtype)
    exact.cauchy_plane(0, 299, x, y, same, phi, gradient)
    bound = 1e-5 if dtype == np.float32 else 1e-13
    assert relative(phi[:299], values[:299]) < bound
    assert relative(gradient[:299], forces[:299]) < bound
    assert phi[299] == 9
