"""Small stored maps of every kind, which mutants are made of: the public interface alone makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from opentsne_like import TSNE, TSNEEmbedding, affinity, nearest_neighbors
from opentsne_like.callbacks import Checkpoint, History, Snapshots

N, COLUMNS = 40, 6


def data() -> np.ndarray:
    """Return the rows that all specimens are maps of, in three clusters."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, COLUMNS)) + 6 * rng.integers(3, size=(N, 1))


def sparse_data() -> Any:
    """Return sparse rows of the same shape."""
    X = data()
    return sp.csr_matrix(np.where(X > 0.3, X, 0.0))


def _estimator(**changes: Any) -> TSNE:
    options = {"perplexity": 5, "n_iter": 4, "early_exaggeration_iter": 4, "random_state": 0, "n_jobs": 1}
    return TSNE(**{**options, **changes})


def _map(affinities: Any, **options: Any) -> TSNEEmbedding:
    start = np.random.default_rng(1).normal(size=(N, 2))
    return TSNEEmbedding(start, affinities, n_jobs=1, **options).optimize(3, exaggeration=2)


def _checkpoint(path: Path) -> None:
    estimator = _estimator(callbacks=[Snapshots(every=3), History()])
    estimator.fit(data(), checkpoint=Checkpoint(path, every=2))


SPECIMENS: dict[str, Callable[[Path], None]] = {
    "plain": lambda path: _estimator().fit(data()).save(path),
    "sparse": lambda path: _estimator(neighbors="exact", initialization="random").fit(sparse_data()).save(path),
    "line": lambda path: _estimator(n_components=1, negative_gradient_method="bh").fit(data()).save(path),
    "learned": lambda path: _estimator(dof="learn", negative_gradient_method="exact").fit(data()).save(path),
    "grid": lambda path: _estimator(negative_gradient_method="fft").fit(data()).save(path),
    "generator": lambda path: _map(affinity.PerplexityBasedNN(data(), 5), random_state=np.random.RandomState(3)).save(
        path
    ),
    "philox": lambda path: _map(
        affinity.Uniform(data(), 6), random_state=np.random.Generator(np.random.Philox(3))
    ).save(path),
    "mixture": lambda path: _map(affinity.MultiscaleMixture(data(), [3, 6])).save(path),
    "sigma": lambda path: _map(affinity.FixedSigmaNN(data(), 1.0, k=8)).save(path),
    "entropic": lambda path: _map(affinity.Entropic(data(), 5)).save(path),
    "fuzzy": lambda path: _map(affinity.Fuzzy(data(), 8)).save(path),
    "tuned": lambda path: _map(affinity.SelfTuning(data(), 8, 4)).save(path),
    "dense": lambda path: _map(affinity.SymmetricEntropic(data(), 5)).save(path),
    "minkowski": lambda path: _map(
        affinity.Uniform(data(), 8, metric="minkowski", metric_params={"p": 3}, knn_kwargs={"leaf_size": 10})
    ).save(path),
    "ivf": lambda path: _map(affinity.Uniform(data(), 8, method="ivf", random_state=0)).save(path),
    "given": lambda path: _map(
        affinity.PerplexityBasedNN(knn_index=nearest_neighbors.make_index(sparse_data(), 15), perplexity=5)
    ).save(path),
    "placed": lambda path: _estimator().fit(data()).transform(data()[:7] + 0.1, n_iter=3).save(path),
    "checkpoint": _checkpoint,
}
