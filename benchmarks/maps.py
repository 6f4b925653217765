"""Affinities and maps at several stages, made by this package and kept in ``benchmarks/results/maps``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import data

FOLDER = data.RESULTS / "maps"
STAGES = {"start": (0, 0), "early 20": (20, 0), "early 250": (250, 0), "main 50": (250, 50), "final": (250, 500)}


def of_size(n: int) -> str:
    """Return the data set that `n` rows are taken from: the smallest that has as many."""
    return "fashion-mnist" if n <= 70_000 else "mixture-200k" if n <= 200_000 else "mixture-1m"


def affinities(name: str, n: int) -> Path:
    """Return the path of P at perplexity 30 for the first `n` rows of a data set, a CSR matrix in ``.npz``."""
    from scipy import sparse

    from opentsne_like.affinity import PerplexityBasedNN

    path = FOLDER / f"{name}-{n}-P.npz"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        X, _ = data.load(name, n)
        sparse.save_npz(path, PerplexityBasedNN(X, perplexity=30, random_state=0).P, compressed=False)
    return path


def staged(name: str, n: int, dimensions: int) -> dict[str, Path]:
    """Return the paths of the maps of a run of 250 + 500 iterations at the stages of :data:`STAGES`."""
    paths = {stage: FOLDER / f"{name}-{n}-{dimensions}d-{stage.replace(' ', '')}.npy" for stage in STAGES}
    if not all(path.exists() for path in paths.values()):
        _run(name, n, dimensions, paths)
    return paths


def _run(name: str, n: int, dimensions: int, paths: dict[str, Path]) -> None:
    from scipy import sparse

    from opentsne_like import TSNEEmbedding
    from opentsne_like.affinity import PrecomputedAffinities
    from opentsne_like.initialization import pca

    P = PrecomputedAffinities(sparse.load_npz(affinities(name, n)))
    X, _ = data.load(name, n)
    embedding = TSNEEmbedding(pca(X, n_components=dimensions, random_state=0), P)
    done = [0, 0]
    for stage, wanted in STAGES.items():
        for phase, exaggeration in ((0, 12), (1, 1)):
            more = wanted[phase] - done[phase]
            if more > 0:
                embedding.optimize(n_iter=more, exaggeration=exaggeration, momentum=0.8, inplace=True)
                done[phase] += more
        np.save(paths[stage], np.asarray(embedding))


def synthetic(n: int, dimensions: int, span: float) -> dict[str, Path]:
    """Return the paths of a uniform map of the given span and of one of 100 Gaussian clusters of unit deviation."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(dimensions)
    centres = span * rng.random((100, dimensions))
    maps = {
        "uniform": span * rng.random((n, dimensions)),
        "clustered": centres[rng.integers(0, 100, n)] + rng.normal(size=(n, dimensions)),
    }
    paths = {}
    for label, points in maps.items():
        paths[label] = FOLDER / f"{label}-{n}-{dimensions}d.npy"
        np.save(paths[label], points - points.mean(axis=0))
    return paths
