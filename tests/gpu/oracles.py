"""Maps, and sums over all pairs and nodes in float64 without any of the package's loops."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.interpolate import BSpline

from opentsne_like import ops
from opentsne_like.repulsion import fft

SPLINE = BSpline.basis_element(np.arange(-3.0, 4.0), extrapolate=False)


def check_same(one, other):
    """Assert that two results have the same bits, whatever they are made of."""
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            check_same(*pair)
    else:
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def a_map(kind, n, d, scale=1.0, seed=0):
    """Return points: "even" in a box, "clustered" in a few places, or "stray", most of them in one."""
    rng = np.random.default_rng([seed, n, d])
    if kind == "even":
        return scale * rng.uniform(-10, 10, (n, d))
    centres = rng.normal(0, 8, (8, d))
    points = centres[rng.integers(0, 8, n)] + rng.normal(0, 0.3, (n, d))
    if kind == "stray":
        points[: n - 3] *= 1e-3
    return scale * points


def on_grid(points):
    """Return the grid for a map, and where the map lies on it."""
    extent = ops.extent(points, 1)
    grid = fft.plan_grid(extent.spans, 0.36)
    return grid, fft._place(grid, extent.low, extent.spans)


def weights(points, place, grid, derivative=None):
    """Return the weights of points at the nodes along either axis of a grid (n, g1) and (n, g2), whose product counts.

    Those along an axis of the map may be derivatives.
    """
    n, d = points.shape
    factors = []
    for axis in (1, 2):
        k = axis - 3 + d
        if k < 0:
            factors.append(np.ones((n, 1)))
            continue
        u = (points[:, k] - place[0][k]) * place[2] + place[1][k]
        apart = np.arange(grid.shape[axis]) - u[:, None]
        spline = SPLINE.derivative() if derivative == k else SPLINE
        factors.append(np.nan_to_num(spline(apart)) * (-place[2] if derivative == k else 1.0))
    return factors


def spread(points, place, grid, charges):
    """Return charges (n, q) on a grid (q, g1, g2)."""
    rows, columns = weights(points, place, grid)
    return np.stack([(rows * column[:, None]).T @ columns for column in charges.T])


def gather(potential, points, place, grid, derivative=None):
    """Return what a grid (g1, g2) holds at points (n,), or its derivative along an axis."""
    rows, columns = weights(points, place, grid, derivative)
    return ((rows @ potential) * columns).sum(axis=1)


def self_interaction(own, points, place, derivative=None):
    """Return the sum of harmonics at points (n,), or half its derivative along an axis."""
    d = points.shape[1]
    t = np.zeros((len(points), 3))
    t[:, 3 - d :] = ((points - place[0]) * place[2] + place[1]) % 1
    total = np.zeros(len(points))
    for index in np.argwhere(own):
        waves = np.cos(2 * np.pi * index * t)
        if derivative is not None:
            k = 3 - d + derivative
            waves[:, k] = -np.pi * index[k] * place[2] * np.sin(2 * np.pi * index[k] * t[:, k])
        total += own[tuple(index)] * waves.prod(axis=1)
    return total


def convolved(charges, kernel):
    """Return charges (g1, g2) convolved with a kernel (2 g1, 2 g2), by sums over all pairs of nodes."""
    g1, g2 = charges.shape
    out = np.zeros((g1, g2))
    for i, j in itertools.product(range(g1), range(g2)):
        rows, columns = (np.arange(g1) - i) % (2 * g1), (np.arange(g2) - j) % (2 * g2)
        out += charges[i, j] * kernel[rows][:, columns]
    return out


def potential(targets, sources, radial, charges, same):
    """Return values (m, q) and gradient (m, q, d) of the potential of charges (n, q)."""
    apart = targets[:, None] - sources[None]
    square = (apart**2).sum(axis=2)
    value, slope = radial(square), radial.slope(square)
    if same:
        np.fill_diagonal(value, 0.0)
    return value @ charges, 2 * np.einsum("ij,jq,ijd->iqd", slope, charges, apart)
