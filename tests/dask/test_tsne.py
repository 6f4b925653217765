"""The estimator: maps of dask arrays beside those of one machine, runs that are killed, and what it refuses."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import opentsne_like
from opentsne_like import affinity, load
from opentsne_like.callbacks import Checkpoint
from opentsne_like.dask import TSNE, PartitionedMatrix, cluster
from opentsne_like.errors import (
    ClusterLostError,
    InvalidParameterError,
    InvalidTypeError,
    UnavailableError,
    UnknownParameterError,
)

from .conftest import cluster_of

da = pytest.importorskip("dask.array")

SHORT = {"early_exaggeration_iter": 4, "n_iter": 6, "perplexity": 8, "random_state": 0, "initialization": "random"}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return 4 * rng.normal(size=(12, 6))[rng.integers(0, 12, 4_000)] + rng.normal(size=(4_000, 6))


def test_the_map_is_that_of_one_machine(X, client):
    here = opentsne_like.TSNE(**{**SHORT, "initialization": "pca"}).fit(X)
    there = TSNE(**{**SHORT, "initialization": "pca"}).fit(da.from_array(X, chunks=(700, 4)))
    assert isinstance(there.affinities.P, PartitionedMatrix)
    assert np.array_equal(here, there)
    assert here.kl_divergence == there.kl_divergence
    assert np.array_equal(here.optimize(2), there.optimize(2))
    assert TSNE(**SHORT).at(there, affinities=there.affinities).kl_divergence == here.kl_divergence


@pytest.mark.parametrize(
    "options",
    [{"n_neighbors": 6, "schedule": "accelerated", "n_iter": 50}, {"n_components": 1, "initialization": "landmarks"}],
)
def test_so_are_others(X, client, options):
    X = X[:1_000] if "schedule" not in options else np.concatenate([X, X[:1_500] + 0.1])
    here, there = (
        make(**{**SHORT, **options}).fit(rows) for make, rows in [(opentsne_like.TSNE, X), (TSNE, da.asarray(X))]
    )
    assert np.array_equal(here, there)


def test_affinities_of_one_machine_are_sent(X, client):
    own = affinity.Uniform(X[:800], k_neighbors=6)
    there = TSNE(**SHORT).fit(affinities=own)
    assert isinstance(there.affinities.P, PartitionedMatrix)
    assert not isinstance(own.P, PartitionedMatrix)
    here = opentsne_like.TSNE(**SHORT).fit(affinities=own)
    assert np.array_equal(here, there)
    assert np.array_equal(here.transform(X[800:820], n_iter=5), there.transform(X[800:820], n_iter=5))


CHILD = """
    import os, signal, sys
    import numpy as np
    import dask.array as da
    from distributed import Client, LocalCluster
    from opentsne_like.callbacks import Checkpoint
    from opentsne_like.dask import TSNE

    def kill(iteration, *_):
        if iteration == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        X = np.load("X.npy")
        options = {options}
        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
            tsne = TSNE(**options, callbacks=kill, callbacks_every_iters=1)
            tsne.fit(da.from_array(X, chunks=500), checkpoint=Checkpoint("run.npz", every=2))
"""


def test_a_run_that_was_killed_goes_on_with_the_same_bits_on_another_cluster(X, client, tmp_path):
    X = X[:1_500]
    np.save(tmp_path / "X.npy", X)
    program = tmp_path / "run.py"
    program.write_text(textwrap.dedent(CHILD).replace("{options}", repr(SHORT)))
    child = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    done = load(tmp_path / "run.npz")
    assert 4 < done.n_iter_ < 10
    there = TSNE(**SHORT).fit(da.from_array(X, chunks=400), checkpoint=tmp_path / "run.npz")
    assert np.array_equal(there, opentsne_like.TSNE(**SHORT).fit(X))
    with pytest.raises(InvalidParameterError, match="`checkpoint` must be of the same data"):
        TSNE(**SHORT).fit(da.asarray(X + 1), checkpoint=tmp_path / "run.npz")


def test_a_cluster_that_goes_away_leaves_the_checkpoint(X, client, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    monkeypatch.setattr(cluster, "LOOK", 0.5)
    rows, keeper = da.asarray(X[:900]), Checkpoint(tmp_path / "run.npz", every=1)
    with cluster_of(1) as other:

        def leave(iteration, *_):
            if iteration == 3:
                other.cluster.scale(0)

        options = {**SHORT, "callbacks": leave, "callbacks_every_iters": 1, "client": other}
        with pytest.raises(ClusterLostError, match=r"went away .* the checkpoint '.*run.npz' is kept: `fit` with it"):
            TSNE(**options).fit(rows, checkpoint=keeper)
    there = TSNE(**SHORT, client=client).fit(rows, checkpoint=tmp_path / "run.npz")
    assert np.array_equal(there, opentsne_like.TSNE(**SHORT).fit(X[:900]))


def test_a_worker_that_dies_in_the_descent_has_its_rows_made_again(X):
    killed = []

    def kill(iteration, *_):
        if not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with cluster_of(2) as client:
        options = {**SHORT, "callbacks": kill, "callbacks_every_iters": 3, "client": client}
        there = TSNE(**options).fit(da.from_array(X, chunks=900))
        assert killed[0] not in client.run(os.getpid).values()
    assert np.array_equal(there, opentsne_like.TSNE(**SHORT).fit(X))


def test_what_it_refuses(X, client):
    rows = da.asarray(X[:100])
    for changed, kind, said in [
        ({"device": "cuda"}, UnavailableError, "`device` must be 'cpu'"),
        ({"negative_gradient_method": opentsne_like.objectives.PaCMAP()}, UnavailableError, "on a cluster, got PaCMAP"),
        ({"initialization": "spectral"}, InvalidParameterError, "`initialization` must be one of"),
        ({"metric": "precomputed"}, InvalidParameterError, "`metric` must be one of"),
        ({"neighbors": "hnsw"}, InvalidParameterError, "`neighbors` must be one of"),
        ({"metric_params": {"p": 3}}, InvalidParameterError, "`metric_params` must be None"),
    ]:
        with pytest.raises(kind, match=said):
            TSNE(**{**SHORT, **changed}).fit(rows)
    with pytest.raises(UnavailableError, match="`estimate` is of one machine"):
        TSNE(**SHORT).estimate(rows)
    with pytest.raises(InvalidTypeError, match="`X` must be a dask array or data frame"):
        TSNE(**SHORT).fit(X)
    with pytest.raises(UnknownParameterError, match="`clients` is no parameter of TSNE"):
        TSNE(clients=client)


def test_parameters_are_those_of_one_machine_and_a_client(client):
    known = opentsne_like.TSNE().get_params()
    assert TSNE().get_params() == {**known, "client": None}
    assert repr(TSNE(perplexity=5)) == "TSNE(perplexity=5)"


def test_an_estimator_is_copied_with_its_client(client):
    from sklearn.base import clone

    method = TSNE(client=client, perplexity=7)
    for copied in (copy.deepcopy(method), clone(method)):
        assert copied is not method
        assert copied.client is client
        assert copied.perplexity == 7
