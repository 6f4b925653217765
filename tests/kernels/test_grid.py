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


def located(points, corner, offset, spacing, shape, height=16, strips=1):
    n, d = points.shape
    nodes, parts = np.empty(n, np.int64), np.empty((d, n), np.float32)
    where, owners, counts = (corner, offset, 1 / spacing), np.empty(n, np.int32), np.full(strips, 9, np.int32)
    grid.count_strips(0, n, points, where, height, owners, counts)
    slots = (np.cumsum(counts) - counts).astype(np.int32)
    order = np.empty(n, np.int32)
    grid.locate(0, n, points, where, shape, owners, slots, nodes, parts, order)
    return nodes, parts, owners, counts, order


def case(d, n=300):
    points = np.random.default_rng(d).uniform(3, 9, size=(n, d))
    shape = (1,) * (3 - d) + (20, 24, 28)[3 - d :]
    axes = (0,) * d
    u = (points - 3) / 0.75 + 6
    nodes = [np.arange(shape[3 - d + k]) - u[:, k : k + 1] for k in range(d)]
    return points, shape, axes, u, nodes


def outer(factors):
    """Return the products (n, g0, g1, g2) of weights along each axis."""
    while len(factors) < 3:
        factors = [np.ones((len(factors[-1]), 1)), *factors]
    return np.einsum("na,nb,nc->nabc", *factors)


@pytest.mark.parametrize("strips", [1, 8])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_locate(d, strips):
    points, shape, _, u, _ = case(d)
    height = 99 if strips == 1 else 4
    found = located(points, np.full(d, 3.0), np.full(d, 6.0), 0.75, shape, height=height, strips=strips)
    nodes, parts, owners, counts, places = found
    first = np.floor(u).astype(int) - 2
    assert np.array_equal(owners, first[:, 0] // height)
    assert np.array_equal(counts, np.bincount(owners, minlength=strips))
    order = np.argsort(owners, kind="stable")
    assert np.array_equal(places, order)
    assert np.array_equal(nodes, np.ravel_multi_index(tuple(first[order].T), shape[3 - d :]))
    np.testing.assert_allclose(parts.T, (u % 1)[order], atol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spread(d):
    points, shape, _, _, nodes = case(d)
    first, parts, *_ = located(points, np.full(d, 3.0), np.full(d, 6.0), 0.75, shape, height=99)
    result = np.zeros((*shape[:2], shape[2] + 2), np.float32)
    first = first // shape[2] * result.shape[2] + first % shape[2]
    grid.spread(5, 35, first, parts, result)
    expected = outer([spline(x) for x in nodes])[5:35].sum(axis=0)
    np.testing.assert_allclose(result[..., : shape[2]], expected, atol=2e-6)
    assert result.sum() == pytest.approx(30, rel=1e-5)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spread_charges(d):
    points, shape, _, _, nodes = case(d)
    first, parts, _, _, order = located(points, np.full(d, 3.0), np.full(d, 6.0), 0.75, shape, height=4, strips=8)
    charges = np.random.default_rng(0).normal(size=(len(points), 3)).astype(np.float32)
    result = np.zeros((3, *shape[:2], shape[2] + 2), np.float32)
    first = first // shape[2] * result.shape[3] + first % shape[2]
    grid.spread_charges(5, 35, first, parts, order, charges, result)
    weights, some = outer([spline(x) for x in nodes]), order[5:35]
    expected = np.einsum("nabc,nq->qabc", weights[some], charges[some])
    np.testing.assert_allclose(result[..., : shape[2]], expected, atol=4e-6)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_gather(d, own):
    points, shape, axes, u, nodes = case(d)
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
        parts = np.zeros((n, 3))
        parts[:, 3 - d :] = u % 1
        v, g = self_response(harmonics, parts, d)
        value, gradient = value - v, gradient - g
    phi, slope = np.empty(n, np.float32), np.empty((n, d), np.float32)
    place = (np.full(d, 3.0), np.full(d, 6.0), 1 / spacing)
    args = (points, place, np.array(shape), axes, potential, harmonics, 7.0)
    total, missing = grid.gather(0, n, *args, -np.inf, phi, slope)
    np.testing.assert_allclose(phi, value + 7, atol=1e-4)
    np.testing.assert_allclose(slope, gradient / spacing, atol=3e-4)
    assert total == pytest.approx((value + 7).sum(), rel=1e-4)
    assert missing == 0
    faint, again = np.full(n, np.nan, np.float32), np.empty((n, d), np.float32)
    total, missing = grid.gather(0, n, *args, 7.0, faint, again)
    kept = phi > 7.0
    assert 0 < kept.sum() < n
    assert np.array_equal(faint, np.where(kept, phi, 0))
    assert np.array_equal(again[kept], slope[kept])
    assert missing == n - kept.sum()
    assert total == pytest.approx(phi[kept].sum(), rel=1e-4)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gather_leaves_out_what_lies_near_the_border_or_outside(d):
    place = (np.zeros(d), np.full(d, 2.0), 1.0)
    shape = (1,) * (3 - d) + (20,) * d
    points = np.repeat(np.array([[-5.0], [0.9], [1.1], [11.9], [12.1], [1e30], [np.nan]]), d, axis=1)
    axes = (0,) * d
    phi, slope = np.full(7, np.nan, np.float32), np.empty((7, d), np.float32)
    args = (points, place, np.array(shape), axes, np.ones((*shape[:2], 22), np.float32), np.zeros((3, 3, 3)), 0.0)
    total, missing = grid.gather(0, 7, *args, 0.0, phi, slope)
    np.testing.assert_allclose(phi, [0, 0, 1, 1, 0, 0, 0], atol=1e-6)
    assert missing == 5
    assert total == pytest.approx(2)


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
