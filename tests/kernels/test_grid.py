"""Spreading and gathering by splines against sums over all nodes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BSpline

from opentsne_like.kernels import grid

SPLINE = BSpline.basis_element(np.arange(-3.0, 4.0), extrapolate=False)


def spline(x, derivative=False):
    """Return the B-spline of order 6, or its slope, at any distance from its middle."""
    values = (SPLINE.derivative() if derivative else SPLINE)(x)
    return np.nan_to_num(values)


def located(points, corner, offset, spacing, height=16, strips=1):
    n = len(points)
    order, cells, fractions = np.empty(n, np.int32), np.empty((3, n), np.int32), np.empty((3, n), np.float32)
    where, owners, counts = (corner, offset, 1 / spacing), np.empty(n, np.int32), np.full(strips, 9, np.int32)
    grid.count_strips(0, n, points, where, height, owners, counts)
    slots = (np.cumsum(counts) - counts).astype(np.int32)
    grid.locate(0, n, points, where, owners, slots, order, cells, fractions)
    return order, cells, fractions, owners, counts


def case(d, n=300):
    points = np.random.default_rng(d).uniform(3, 9, size=(n, d))
    shape = (1,) * (3 - d) + (20, 24, 28)[3 - d :]
    taps = np.array([1] * (3 - d) + [6] * d)
    _, cells, fractions, *_ = located(points, np.full(d, 3.0), np.full(d, 6.0), 0.75, height=99)
    nodes = [np.arange(shape[3 - d + k]) - ((points[:, k] - 3) / 0.75 + 6)[:, None] for k in range(d)]
    return points, shape, taps, cells, fractions, nodes


def outer(factors):
    """Return the products (n, g0, g1, g2) of weights along each axis."""
    while len(factors) < 3:
        factors = [np.ones((len(factors[-1]), 1)), *factors]
    return np.einsum("na,nb,nc->nabc", *factors)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_locate(d):
    points, _, _, cells, fractions, _ = case(d)
    u = (points - 3) / 0.75 + 6
    assert np.array_equal(cells[3 - d :].T, np.floor(u) - 2)
    np.testing.assert_allclose(fractions[3 - d :].T, u % 1, atol=1e-6)
    assert not cells[: 3 - d].any()
    order, sorted_cells, sorted_fractions, strips, counts = located(
        points, np.full(d, 3.0), np.full(d, 6.0), 0.75, height=4, strips=8
    )
    assert np.array_equal(strips, cells[3 - d] // 4)
    assert np.array_equal(counts, np.bincount(strips, minlength=8))
    assert np.array_equal(order, np.argsort(strips, kind="stable"))
    assert np.array_equal(sorted_cells, cells[:, order])
    assert np.array_equal(sorted_fractions, fractions[:, order])


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spread(d):
    _, shape, taps, cells, fractions, nodes = case(d)
    result = np.zeros(shape, np.float32)
    grid.spread(5, 35, cells, fractions, taps, result)
    expected = outer([spline(x) for x in nodes])[5:35].sum(axis=0)
    np.testing.assert_allclose(result, expected, atol=2e-6)
    assert result.sum() == pytest.approx(30, rel=1e-5)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_gather(d, own):
    points, shape, taps, cells, fractions, nodes = case(d)
    n, spacing = len(points), 0.75
    rng = np.random.default_rng(1)
    potential = rng.normal(size=shape).astype(np.float32)
    weights, slopes = [spline(x) for x in nodes], [-spline(x, derivative=True) for x in nodes]
    value = np.einsum("nabc,abc->n", outer(weights), potential)
    gradient = np.empty((n, d))
    for k in range(d):
        factors = [slopes[j] if j == k else weights[j] for j in range(d)]
        gradient[:, k] = np.einsum("nabc,abc->n", outer(factors), potential)
    harmonics = np.zeros((3, 3, 3))
    if own:
        harmonics[tuple(slice(None) if k >= 3 - d else slice(1) for k in range(3))] = rng.normal(size=(3,) * d)
        v, g = self_response(harmonics, fractions.T.astype(float), d)
        value, gradient = value - v, gradient - g
    phi, slope = np.empty(n, np.float32), np.empty((n, d), np.float32)
    order = rng.permutation(n).astype(np.int32)
    value, gradient = value[np.argsort(order)], gradient[np.argsort(order)]
    total = grid.gather(0, n, order, cells, fractions, taps, potential, spacing, harmonics, 7.0, phi, slope)
    np.testing.assert_allclose(phi, value + 7, atol=1e-4)
    np.testing.assert_allclose(slope, gradient / spacing, atol=3e-4)
    assert total == pytest.approx((value + 7).sum(), rel=1e-4)


def self_response(harmonics, t, d):
    """Return the harmonics' sum at the fractions `t` and half its slope."""
    value, slope = np.zeros(len(t)), np.zeros((len(t), 3))
    for index in np.argwhere(harmonics):
        waves = np.cos(2 * np.pi * index * t)
        value += harmonics[tuple(index)] * waves.prod(axis=1)
        for k in range(3):
            rest = np.delete(waves, k, axis=1).prod(axis=1)
            slope[:, k] -= np.pi * index[k] * harmonics[tuple(index)] * np.sin(2 * np.pi * index[k] * t[:, k]) * rest
    return value, slope[:, 3 - d :]


def test_apply_influence():
    rng = np.random.default_rng(0)
    influence = rng.normal(size=(5, 4, 6)).astype(np.float32)
    spectrum = (rng.normal(size=(8, 6, 3)) + 1j * rng.normal(size=(8, 6, 3))).astype(np.complex64)
    rows, middle = np.minimum(np.arange(8), 8 - np.arange(8)), np.minimum(np.arange(6), 6 - np.arange(6))
    expected = spectrum * influence[rows[:, None, None], middle[None, :, None], np.arange(2, 5)]
    grid.apply_influence(spectrum, influence, 2)
    np.testing.assert_allclose(spectrum, expected, rtol=1e-6)
