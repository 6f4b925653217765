"""Small data and maps for the tests of embeddings."""

from __future__ import annotations

from functools import cache

import numpy as np

from opentsne_like import TSNE, TSNEEmbedding, affinity, initialization

N, NEW = 240, 20


@cache
def data(seed: int = 0) -> np.ndarray:
    """Return rows in four clusters, read-only."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(N + NEW, 6)) + 4 * rng.normal(size=(4, 6))[rng.integers(4, size=N + NEW)]
    rows.setflags(write=False)
    return rows


def old_and_new() -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a map and those that come later."""
    return data()[:N], data()[N:]


@cache
def affinities() -> affinity.PerplexityBasedNN:
    """Return affinities that no test changes."""
    return affinity.PerplexityBasedNN(old_and_new()[0], perplexity=12, method="exact", random_state=0)


def begin(dimension: int = 2, **params: object) -> TSNEEmbedding:
    """Return an embedding that was not optimized yet."""
    start = initialization.pca(old_and_new()[0], dimension, random_state=0)
    return TSNEEmbedding(start, affinities(), **{"random_state": 0, **params})


@cache
def _finished() -> TSNEEmbedding:
    return begin().optimize(40, exaggeration=12).optimize(40)


def finished() -> TSNEEmbedding:
    """Return a map of its own."""
    return _finished().copy()


def estimator(**params: object) -> TSNE:
    """Return an estimator of short runs."""
    short = {"perplexity": 12, "early_exaggeration_iter": 30, "n_iter": 40, "random_state": 0}
    return TSNE(**{**short, **params})
