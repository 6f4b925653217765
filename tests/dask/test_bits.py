"""What workers find and weigh has the bits of one machine, for any number of workers and whoever of them dies."""

from __future__ import annotations

import os
import signal

import dask.array as da
import numpy as np
import pytest

from opentsne_like.affinity import MultiscaleMixture, Uniform
from opentsne_like.dask import DaskAffinities, PartitionedRows, affinities, neighbors, search, weights
from opentsne_like.dask.neighbors import PartitionedNeighbors
from opentsne_like.errors import UnavailableError
from opentsne_like.nearest_neighbors import IVF, Sklearn

from .conftest import cluster_of, distributed

CHUNKS = (4000, 7)


@pytest.fixture(scope="module")
def single(clustered):
    """P on one machine."""
    return MultiscaleMixture(clustered, perplexities=20, method="ivf", random_state=3).P


def same_matrix(partitioned, P):
    got = partitioned.gather()
    for ours, theirs in ((got.indptr, P.indptr), (got.indices, P.indices), (got.data, P.data)):
        np.testing.assert_array_equal(ours, theirs)
    assert got.dtype == P.dtype == partitioned.dtype


def same_neighbors(index, found):
    got = index.client.gather(index.build())
    for ours, theirs in zip(map(np.concatenate, zip(*got, strict=True)), found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def same_affinities(client, clustered, single):
    rows = PartitionedRows(da.from_array(clustered, chunks=CHUNKS), client)
    assert len(rows.parts) > 3
    same_matrix(DaskAffinities(rows, 20, neighbors="ivf", random_state=3).P, single)


def test_two_workers_give_the_affinities_of_one_machine(client, clustered, single):
    same_affinities(client, clustered, single)


@pytest.mark.parametrize("metric", ["euclidean", "correlation", "manhattan"])
def test_neighbors_of_every_metric(metric, client, clustered):
    X = clustered[:9000].astype(np.float32)
    one = IVF(X, 15, metric, random_state=1)
    many = PartitionedNeighbors(
        PartitionedRows(da.from_array(X, CHUNKS), client), 15, metric, method="ivf", random_state=1
    )
    same_neighbors(many, one.build())
    assert many.recall_ == one.recall_
    assert many.n_probes_ == one.n_probes_


def test_few_rows_are_searched_exactly(client, clustered):
    X = clustered[:9000]
    same_neighbors(PartitionedNeighbors(PartitionedRows(da.from_array(X, CHUNKS), client), 15), Sklearn(X, 15).build())


def test_too_few_probes_are_raised(client, clustered, monkeypatch):
    X = clustered[:9000]
    for backend in (IVF, PartitionedNeighbors):
        monkeypatch.setattr(backend, "_calibrated", lambda *_: 1)
    one = IVF(X, 15, random_state=1)
    many = PartitionedNeighbors(PartitionedRows(da.from_array(X, CHUNKS), client), 15, method="ivf", random_state=1)
    same_neighbors(many, one.build())
    assert many.n_probes_ == one.n_probes_ > 1


def test_options_of_the_file(client, clustered):
    X = clustered[:9000]
    options = {"n_cells": 40, "n_probes": 3}
    one = IVF(X, 15, random_state=1, knn_kwargs=options)
    rows = PartitionedRows(da.from_array(X, CHUNKS), client)
    same_neighbors(PartitionedNeighbors(rows, 15, method="ivf", random_state=1, knn_kwargs=options), one.build())


def test_uniform_affinities_in_single_precision(client, clustered):
    X = clustered[:9000].astype(np.float32)
    made = DaskAffinities(PartitionedRows(da.from_array(X, CHUNKS), client), n_neighbors=10, dtype=np.float32)
    same_matrix(made.P, Uniform(X, 10, dtype=np.float32).P)


def test_several_perplexities(client, clustered):
    X = clustered[:9000]
    made = DaskAffinities(PartitionedRows(da.from_array(X, CHUNKS), client), [10, 30])
    one = MultiscaleMixture(X, [10, 30])
    same_matrix(made.P, one.P)
    assert made.effective_perplexities_ == one.effective_perplexities_


@pytest.mark.parametrize("options", [{"perplexity": 20}, {"n_neighbors": 15}])
def test_affinities_of_new_rows(options, client, clustered, rng):
    clustered = clustered[:9000]
    new = clustered[::37] + 0.3 * rng.normal(size=(len(clustered[::37]), clustered.shape[1]))
    made = DaskAffinities(
        PartitionedRows(da.from_array(clustered, CHUNKS), client), **options, neighbors="ivf", random_state=3
    )
    if "perplexity" in options:
        one = MultiscaleMixture(clustered, 20, method="ivf", random_state=3)
    else:
        one = Uniform(clustered, 15, method="ivf", random_state=3)
    P, *found = one.to_new(new, return_distances=80)
    ours, *ours_found = made.to_new(new, return_distances=80)
    for a, b in zip(
        [ours.indptr, ours.indices, ours.data, *ours_found], [P.indptr, P.indices, P.data, *found], strict=True
    ):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    ours, P = made.to_new(new), one.to_new(new)  # look in fewer cells than a search for 80 neighbours
    np.testing.assert_array_equal(ours.data, P.data)
    np.testing.assert_array_equal(ours.indices, P.indices)
    with pytest.raises(UnavailableError, match="cannot be extended by new points"):
        made.extended(new)
    made.release()
    with pytest.raises(UnavailableError, match="no data that new points could be compared with"):
        made.to_new(new)
    assert made.n_samples == len(clustered)


@pytest.fixture(scope="module")
def several():
    """A cluster of four workers, which tests kill."""
    with cluster_of(4) as client:
        yield client


def test_four_workers_give_the_affinities_of_one_machine(several, clustered, single):
    same_affinities(several, clustered, single)


STAGES = [(neighbors, search.homes), (neighbors, search.searched), (affinities, weights.joined)]


@pytest.mark.parametrize(("module", "stage"), STAGES)
def test_a_worker_may_die(module, stage, several, clustered, single, monkeypatch):
    killed = []

    def killing(hand_over):
        def handed_over(client, function, *args, **shared):
            made = hand_over(client, function, *args, **shared)
            if function is stage and not killed:
                futures = made if isinstance(made, list) else [made]
                distributed.wait(futures, return_when="FIRST_COMPLETED")
                done = next(future for future in futures if future.done())
                holder = client.who_has([done])[done.key][0]
                killed.append(client.run(os.getpid, workers=[holder])[holder])
                os.kill(killed[0], signal.SIGKILL)
            return made

        return handed_over

    for name in {"mapped", "submitted"} & set(vars(module)):
        monkeypatch.setattr(module, name, killing(getattr(module, name)))
    same_affinities(several, clustered, single)
    assert killed


def test_one_worker_gives_the_affinities_of_one_machine(clustered, single):
    with cluster_of(1) as alone:
        same_affinities(alone, clustered, single)
