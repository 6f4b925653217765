"""Maps whose P is on workers, bit for bit beside those of one machine."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from opentsne_like import TSNEEmbedding, objectives
from opentsne_like.affinity import Affinities, Uniform
from opentsne_like.dask import PartitionedMatrix, cluster
from opentsne_like.errors import ClusterLostError
from opentsne_like.optimizer import LBFGS

from .conftest import cluster_of

MANY = 20_500  # points: above `objectives.locality.FEWEST_POINTS`, so that edges are sorted


def affinities_of(n, k=10):
    return Uniform(np.random.default_rng(0).normal(size=(n, 3)), k_neighbors=k, random_state=0)


def start_of(n, d=2):
    return np.random.default_rng(1).normal(size=(n, d))


def moved(P, d=2, **options):
    affinities = Affinities()
    affinities.P = P
    Y = TSNEEmbedding(start_of(P.shape[0], d), affinities)
    return Y.optimize(**{"n_iter": 5, "exaggeration": 4, **options})


@pytest.fixture(scope="module")
def small():
    return affinities_of(900).P


@pytest.mark.parametrize(
    ("d", "options"),
    [
        (1, {}),
        (2, {}),
        (3, {}),
        (2, {"dof": 0.6}),
        (2, {"dof": "learn", "exaggeration": 1}),
        (2, {"loss": objectives.InfoNCE()}),
    ],
    ids=str,
)
def test_maps_are_those_of_one_machine(small, client, d, options):
    here, there = moved(small, d, **options), moved(PartitionedMatrix.from_csr(small, client, rows=250), d, **options)
    assert np.array_equal(here, there)
    assert here.loss_value == there.loss_value


def test_an_optimizer_that_searches_takes_the_same_steps(small, client):
    there = PartitionedMatrix.from_csr(small, client, rows=250)
    options = {"optimizer": LBFGS(), "exaggeration": 1}
    assert np.array_equal(moved(small, **options), moved(there, **options))


def test_the_order_of_edges_shows_in_no_bit(client):
    """From the second iteration on edges stand along the map, and coordinates are sent along it."""
    P = affinities_of(MANY).P
    here, there = moved(P), moved(PartitionedMatrix.from_csr(P, client, rows=MANY // 3))
    assert np.array_equal(here, there)
    assert here.kl_divergence == there.kl_divergence


@pytest.mark.parametrize("workers", [1, 4])
def test_the_number_of_workers_shows_in_no_bit(small, workers):
    with cluster_of(workers) as client:
        assert np.array_equal(moved(small), moved(PartitionedMatrix.from_csr(small, client, rows=130)))


@pytest.mark.parametrize("n", [900, MANY])
def test_a_worker_that_dies_is_survived(n):
    P, killed = affinities_of(n).P, []

    def kill(iteration, *_):
        if not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with cluster_of(2) as client:
        there = PartitionedMatrix.from_csr(P, client, rows=n // 4)
        found = moved(there, n_iter=8, callbacks=kill, callbacks_every_iters=3)
        assert killed[0] not in client.run(os.getpid).values()
    assert np.array_equal(found, moved(P, n_iter=8))


def test_a_cluster_that_goes_away_leaves_the_map_of_the_last_iteration(small, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    monkeypatch.setattr(cluster, "LOOK", 0.5)
    affinities, seen = Affinities(), []

    with cluster_of(1) as client:
        affinities.P = PartitionedMatrix.from_csr(small, client, rows=250)
        Y = TSNEEmbedding(start_of(900), affinities)

        def leave(iteration, *_):
            seen.append(iteration)
            if iteration == 4:
                client.cluster.scale(0)

        with pytest.raises(ClusterLostError, match=r"went away \(.*\); the map is that of its last"):
            Y.optimize(20, inplace=True, callbacks=leave, callbacks_every_iters=2)
    assert 3 <= Y.n_iter_ < 20
    affinities.P = small
    fresh = TSNEEmbedding(start_of(900), affinities)
    assert np.array_equal(Y, fresh.optimize(Y.n_iter_))
    with pytest.raises(ClusterLostError, match="went away"):
        PartitionedMatrix.from_csr(small, client)
