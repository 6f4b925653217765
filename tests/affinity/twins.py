"""Slow, obvious float64 versions of what the kernels do."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq


def entropy(p):
    """Return the Shannon entropy in nats."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def gaussian(distances, precision):
    """Return exp(-precision d^2), normalized."""
    squares = distances**2 - distances.min() ** 2
    weights = np.exp(-precision * squares)
    return weights / weights.sum()


def precision(distances, perplexity):
    """Return the precision whose Gaussian has the perplexity, by bracketing its logarithm."""
    distances = np.asarray(distances, dtype=np.float64)
    gaps = distances**2 - distances.min() ** 2
    unit = 1 / gaps.max()

    def excess(log_b):
        return entropy(gaussian(distances, np.exp(log_b) * unit)) - np.log(perplexity)

    return np.exp(brentq(excess, -30, 60, xtol=1e-14, rtol=1e-14)) * unit


def conditional(distances, perplexities, average=False):
    """Return rows of conditional probabilities, one perplexity or several."""
    rows = []
    for row in np.asarray(distances, dtype=np.float64):
        precisions = [precision(row, perplexity) for perplexity in perplexities]
        if average:
            rows.append(np.mean([gaussian(row, b) for b in precisions], axis=0))
        else:
            logs = np.array([0.5 * np.log(b) - b * row**2 for b in precisions])
            weights = np.exp(logs - logs.max()).sum(axis=0)
            rows.append(weights / weights.sum())
    return np.array(rows)


def dense(indices, values, n_columns):
    """Return rows of values as a dense matrix."""
    matrix = np.zeros((len(indices), n_columns))
    for i, (row, value) in enumerate(zip(indices, values, strict=True)):
        matrix[i, row] = value
    return matrix


def joint(matrix, join="mean"):
    """Return the symmetrized matrix, summing to 1."""
    a, b = matrix, matrix.T
    both = {"mean": (a + b) / 2, "max": np.maximum(a, b), "union": a + b - a * b}[join]
    return both / both.sum()


def random_graph(rng, n, k):
    """Return distinct random neighbours and sorted distances."""
    indices = np.empty((n, k), dtype=np.int32)
    for i in range(n):
        others = rng.choice(n - 1, size=k, replace=False)
        indices[i] = others + (others >= i)
    return indices, np.sort(rng.gamma(20.0, size=(n, k)), axis=1)
