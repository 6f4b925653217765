"""Slow sums over all pairs in float64, and maps to try the fast methods on."""

from __future__ import annotations

import numpy as np

from opentsne_like.repulsion import Gaussian, StudentT

RADIALS = [StudentT(0.5), StudentT(1.0), StudentT(2.0), StudentT(10.0), Gaussian()]
SHAPES = [
    "gaussian",
    "clusters",
    "sparse and wide",
    "line",
    "ring",
    "two far clusters",
    "duplicates",
    "one far outlier",
]


def all_pairs(targets, sources, radial, same):
    """Return potential and gradient in float64 by the formula; `test_radial` checks value and slope."""
    apart = targets[:, None, :] - sources[None, :, :]
    square = np.sum(apart**2, axis=2)
    k, slope = np.array(radial(square)), radial.slope(square)
    if same:
        np.fill_diagonal(k, 0)
    return k.sum(axis=1), 2 * np.einsum("ij,ijd->id", slope, apart)


def relative(result, exact):
    return np.linalg.norm(result - exact) / max(np.linalg.norm(exact), 1e-300)


def make(shape, d, n=300):
    """Return a map of n points and about unit width."""
    rng = np.random.default_rng(SHAPES.index(shape))
    points = rng.normal(size=(n, d))
    if shape == "clusters":
        points = rng.uniform(-1, 1, size=(10, d))[np.arange(n) % 10] + 0.05 * points
    elif shape == "sparse and wide":
        points = rng.uniform(-6, 6, size=(n, d))
    elif shape == "ring":
        angle = rng.uniform(0, 2 * np.pi, n)
        points = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(n)])[:, :d]
    elif shape == "line":
        points = np.outer(rng.uniform(-1, 1, n), np.ones(d))
    elif shape == "two far clusters":
        points[::2, 0] += 100
    elif shape == "duplicates":
        points[: n // 3] = points[0]
        points[n // 2 :] = points[: n - n // 2]
    elif shape == "one far outlier":
        points[0] += 1e6
    return points


def spread_map(n, d, seed=0):
    """Return clusters of even density and a span like that of a finished map."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-8, 8, size=(12, d)) * (n / 2000) ** (1 / d)
    return centres[np.arange(n) % 12] + rng.uniform(-3, 3, size=(n, d)) * (n / 20000) ** (1 / d)
