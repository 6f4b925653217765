"""Prints what an iteration takes whose P is on workers of a local cluster, beside one in a single process.

For example ``python -m benchmarks.dask --data mixture-200k --workers 2``. Both take turns, so that whatever else runs
on the machine falls on both alike; the bits of both maps are compared in the end.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from . import data

WIDTH = 30.0  # standard deviation of the map
WARM_UP = 3  # iterations, after which the edges of large maps are in order


def _seconds(embedding: Any, n_iter: int) -> float:
    start = time.perf_counter()
    embedding.optimize(n_iter, learning_rate=1.0, inplace=True)
    return (time.perf_counter() - start) / n_iter


def main() -> None:
    """Print seconds of an iteration of each, in pairs, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mixture-200k", choices=sorted(data.MAKERS))
    parser.add_argument("--n", type=int, help="rows, all of them by default")
    parser.add_argument("--n-neighbors", type=int, help="instead of a perplexity of 30")
    parser.add_argument("--workers", type=int, default=2, help="of one thread; the one process has as many")
    parser.add_argument("--n-iter", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()

    from distributed import Client, LocalCluster

    from opentsne_like import TSNEEmbedding, affinity, initialization
    from opentsne_like.dask import PartitionedMatrix

    X, _ = data.load(asked.data, asked.n)
    shared = {"n_jobs": asked.workers, "random_state": 0}
    affinities: Any = (
        affinity.PerplexityBasedNN(X, perplexity=30, **shared)
        if asked.n_neighbors is None
        else affinity.Uniform(X, k_neighbors=asked.n_neighbors, **shared)
    )
    start = initialization.rescale(initialization.pca(X, random_state=0), target_std=WIDTH)
    P, n = affinities.P, len(X)
    with (
        LocalCluster(n_workers=asked.workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        there = affinity.Affinities()
        there.P = PartitionedMatrix.from_csr(P, client, rows=-(-n // asked.workers))
        maps = [TSNEEmbedding(start, own, n_jobs=asked.workers) for own in (affinities, there)]
        for embedding in maps:
            _seconds(embedding, WARM_UP)
        pairs = np.array([[_seconds(embedding, asked.n_iter) for embedding in maps] for _ in range(asked.repeat)])
        print(f"{n} points, {P.nnz} edges, {asked.workers} workers of one thread; {asked.workers} threads here")
        for here, away in pairs:
            print(f"  one process {1e3 * here:7.1f} ms   workers {1e3 * away:7.1f} ms   ratio {away / here:.2f}")
        least = 1e3 * pairs.min(axis=0)
        print(f"least: {least[0]:.1f} and {least[1]:.1f} ms, ratio {least[1] / least[0]:.2f}")
        print("same bits:", np.array_equal(*maps))


if __name__ == "__main__":
    main()
