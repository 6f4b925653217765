"""The step of gradient descent against a twin in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.kernels import update

pytestmark = pytest.mark.uncompiled


def plain_step(points, velocity, gains, gradient, fixed, rate, momentum, max_grad, max_step, use_gains):
    """One step in openTSNE's order: clip the gradient, gains, momentum, clip the step, move."""
    gradient = gradient.astype(float)
    norms = np.linalg.norm(gradient, axis=1, keepdims=True)
    gradient = gradient * np.where(norms > max_grad, min(max_grad, 1e300) / (norms + 1e-6), 1)
    changed = np.sign(velocity) != np.sign(gradient)
    if use_gains:
        gains = np.where(changed, gains + 0.2, gains * 0.8 + 0.01)
    step = momentum * velocity - rate * (gains if use_gains else 1) * gradient
    norms = np.linalg.norm(step, axis=1, keepdims=True)
    step = step * np.where(norms > max_step, min(max_step, 1e200) / np.maximum(norms, 1e-30), 1)
    if len(fixed):
        step[fixed] = 0
    return points + step, step, gains


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize(("max_grad", "max_step"), [(np.inf, np.inf), (0.25, np.inf), (np.inf, 5.0), (0.5, 0.1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gain", [True, False])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_step(d, gain, dtype, max_grad, max_step, hold):
    rng = np.random.default_rng(d)
    n = 60
    points, velocity, gains = rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.uniform(0.1, 3, size=(n, d))
    gradient = rng.normal(size=(n, d)).astype(dtype)
    velocity[:5], gradient[3:8] = 0, 0
    fixed = rng.random(n) < 0.2 if hold else np.zeros(0, bool)
    expected = plain_step(points, velocity, gains, gradient, fixed, 10.0, 0.8, max_grad, max_step, gain)
    new = [np.full((n, d), np.nan) for _ in range(3)]
    sums = np.full((3, d + 1), np.nan)
    before = [a.copy() for a in (points, velocity, gains)]
    for chunk, (low, high) in enumerate([(0, 20), (20, 21), (21, 60)]):
        update.step(
            low,
            high,
            chunk,
            points,
            velocity,
            gains,
            gradient,
            fixed,
            10.0,
            0.8,
            max_grad,
            max_step,
            0.01,
            gain,
            *new,
            sums,
        )
    moved = ~fixed if hold else slice(None)
    for result, want in zip(new[:2], expected[:2], strict=True):
        np.testing.assert_allclose(result, want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(new[2][moved], expected[2][moved], rtol=1e-12)
    if hold:
        assert np.array_equal(new[2][fixed], gains[fixed])
        assert np.array_equal(new[0][fixed], points[fixed])
    total = sums.sum(axis=0)
    np.testing.assert_allclose(total[:d], new[0].sum(axis=0))
    assert total[d] == pytest.approx((gradient.astype(float) ** 2).sum())
    for array, same in zip((points, velocity, gains), before, strict=True):
        assert np.array_equal(array, same)


def test_commit():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 9, 2))
    counter, current = np.array([41]), np.array([1])
    update.commit(old, counter, current, new, np.array([1.0, -2.0]))
    assert np.array_equal(old, new - [1.0, -2.0])
    assert counter[0] == 42
    assert current[0] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_extent_includes_every_point_and_shows_what_is_not_finite(bad):
    points = np.random.default_rng(0).normal(size=(50, 3))
    for row in (0, 20, 49):
        wide = points.copy()
        wide[row] = [9, -9, 9]
        lows, highs, sums = np.empty((3, 1, 3))
        update.extent(0, 50, 0, wide, lows, highs, sums)
        assert np.array_equal(lows[0], wide.min(axis=0))
        assert np.array_equal(highs[0], wide.max(axis=0))
        np.testing.assert_allclose(sums[0], wide.sum(axis=0))
        wide[row, 1] = bad
        update.extent(0, 50, 0, wide, lows, highs, sums)
        assert not np.isfinite(sums[0, 1])
