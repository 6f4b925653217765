"""Slow, obvious float64 twins of the neighbour search."""

from __future__ import annotations

import numpy as np


def distance(x, y, metric):
    """Return the distance of two rows, straight from its definition."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if metric == "euclidean":
        return np.sqrt(np.sum((x - y) ** 2))
    if metric == "cosine":
        return 1 - np.sum(x * y) / (np.sqrt(np.sum(x * x)) * np.sqrt(np.sum(y * y)))
    if metric == "correlation":
        return distance(x - x.mean(), y - y.mean(), "cosine")
    if metric == "manhattan":
        return np.sum(np.abs(x - y))
    if metric == "chebyshev":
        return np.max(np.abs(x - y))
    if metric == "hamming":
        return np.mean(x != y)
    if metric == "braycurtis":
        return np.sum(np.abs(x - y)) / max(np.sum(np.abs(x + y)), 1e-300)
    if metric == "canberra":
        return np.sum(np.abs(x - y) / np.maximum(np.abs(x) + np.abs(y), 1e-300))
    if metric == "russellrao":
        return 1 - np.mean((x != 0) & (y != 0))
    if metric == "dot":
        return 1 - np.sum(x * y)
    raise ValueError(metric)


def distances(A, B, metric="euclidean"):
    """Return all distances between the rows of two matrices."""
    return np.array([[distance(a, b, metric) for b in B] for a in A])


def first(D, k, drop_self=False):
    """Return the first k columns of every row by (distance, index), without the diagonal if that is asked for."""
    indices, values = [], []
    for i, row in enumerate(D):
        order = [j for j in np.lexsort((np.arange(len(row)), row)) if not (drop_self and j == i)][:k]
        indices.append(order)
        values.append(row[order])
    return np.array(indices), np.array(values)


def neighbors(X, k, metric="euclidean"):
    """Return the true neighbours of all rows."""
    return first(distances(X, X, metric), k, drop_self=True)
