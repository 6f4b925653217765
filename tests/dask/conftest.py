"""Clusters of processes on this machine, and data that spread over several partitions."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pytest

distributed = pytest.importorskip("distributed")


@contextmanager
def cluster_of(n_workers):
    with (
        distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def client():
    """A cluster of two workers that the tests share."""
    with warnings.catch_warnings(), cluster_of(2) as client:
        yield client


@pytest.fixture(autouse=True)
def _small_partitions(monkeypatch):
    """Let partitions begin every few thousand rows."""
    from opentsne_like.dask import rows

    monkeypatch.setattr(rows, "NUMBERS", 2**16)


@pytest.fixture(scope="session")
def clustered():
    """20,500 rows in 12 dimensions, some of them equal to others far away in the table."""
    rng = np.random.default_rng(0)
    n, d = 20_500, 12
    X = 4 * rng.normal(size=(60, d))[rng.integers(0, 60, n)] + rng.normal(size=(n, d))
    X[100:110] = X[0]
    X[500:700] = X[20_000:20_200]
    return X
