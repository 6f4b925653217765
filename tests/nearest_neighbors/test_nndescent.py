"""PyNNDescent behind the interface; it compiles for a minute in every process, so a stand-in serves most tests."""

from __future__ import annotations

import copy
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import TSNEEmbedding, affinity, load
from opentsne_like.errors import InvalidParameterError
from opentsne_like.nearest_neighbors import NNDescent

from . import oracle


class Graph:
    """Stands in for pynndescent's index: brute force, and nothing found for the first rows."""

    lost = 0

    def __init__(self, data, n_neighbors, leaf_size=None, **options):
        self.data, self.options = data, {"leaf_size": leaf_size, **options}
        indices, distances = self.query(data, n_neighbors)
        indices[: self.lost], distances[: self.lost] = -1, np.inf
        self.neighbor_graph = indices, distances

    def query(self, rows, k):
        dense = [part.toarray() if sp.issparse(part) else part for part in (rows, self.data)]
        return oracle.first(oracle.distances(*dense), k)


@pytest.fixture
def graph(monkeypatch):
    for name in ("pynndescent", "pynndescent.pynndescent_"):
        module = ModuleType(name)
        module.NNDescent = Graph
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Graph, "lost", 0)
    return Graph


@pytest.mark.parametrize("k", [5, 15, 16, 40])
def test_pynndescent_is_asked_for_enough(graph, k, rng):
    X = rng.normal(size=(60, 4))
    index = NNDescent(X, k, random_state=1, n_jobs=1, knn_kwargs={"leaf_size": 10})
    expected = oracle.neighbors(X, k)
    np.testing.assert_array_equal(index.build()[0], expected[0])
    np.testing.assert_allclose(index.build()[1], expected[1], rtol=1e-12)
    assert index.index.options["random_state"] == 1
    assert index.index.options["n_jobs"] == 1
    assert index.index.options["leaf_size"] == 10
    np.testing.assert_array_equal(index.query(X[:4], 3)[0][:, 0], np.arange(4))


@pytest.mark.parametrize("metric", ["euclidean", "canberra"])
def test_rows_pynndescent_loses_become_neighbours_of_each_other(graph, metric, rng, caplog):
    graph.lost = 10
    X = rng.normal(size=(60, 4))
    indices, distances = NNDescent(X, 5, metric, random_state=1).build()
    assert (indices[:10] < 10).all()
    assert (indices != np.arange(60)[:, None]).all()
    assert (distances > 0).all()
    assert "found no neighbours for 10 rows" in caplog.text


def test_few_lost_rows_are_looked_up(graph, rng):
    graph.lost = 3
    X = rng.normal(size=(60, 4))
    np.testing.assert_array_equal(NNDescent(X, 5, random_state=1).build()[0], oracle.neighbors(X, 5)[0])


def test_unknown_options_are_refused(graph, rng):
    with pytest.raises(InvalidParameterError, match=r"`knn_kwargs` must have the names .*leaf_size.* got 'leaves'"):
        NNDescent(rng.normal(size=(30, 3)), 5, knn_kwargs={"leaves": 3})


def test_functions_are_compiled_for_pynndescent(rng):
    from numba.extending import is_jitted

    def manhattan(x, y):
        return np.sum(np.abs(x - y))

    index = NNDescent(rng.normal(size=(30, 3)), 5, manhattan)
    assert is_jitted(index.metric)
    assert index.check_metric(index.metric) is index.metric


@pytest.mark.slow
def test_pynndescent_itself(rng, tmp_path):
    """All in one test, since every process compiles anew; on sparse data and without trees it compiles the least."""
    dense = np.abs(rng.normal(size=(150, 20))) * (rng.random((150, 20)) < 0.5)
    dense[:, 0] = 1
    dense[7] = dense[3]
    index = NNDescent(sp.csr_matrix(dense), 31, "manhattan", random_state=0, knn_kwargs={"tree_init": False})
    indices, distances = index.build()
    assert_right(indices, distances, dense)
    assert (indices != np.arange(150)[:, None]).all()
    new = sp.csr_matrix(dense[:9])
    expected = index.query(new, 4)
    for other in (copy.deepcopy(index), pickle.loads(pickle.dumps(index))):
        for ours, theirs in zip(other.query(new, 4), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    Y = TSNEEmbedding(rng.normal(size=(150, 2)), affinity.PerplexityBasedNN(perplexity=10, knn_index=index))
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(Z.affinities.P.toarray(), Y.affinities.P.toarray())
    np.testing.assert_array_equal(Z.affinities.to_new(new).toarray(), Y.affinities.to_new(new).toarray())


def assert_right(indices, distances, X):
    """Nearly all are the true neighbours in order, and all distances are right."""
    truth = oracle.distances(X, X, "manhattan")
    np.testing.assert_allclose(np.take_along_axis(truth, indices, 1), distances, rtol=1e-12)
    assert (np.diff(distances, axis=1) >= 0).all()
    nearest = oracle.neighbors(X, indices.shape[1], "manhattan")[1]
    assert np.mean(distances <= nearest[:, -1:] * (1 + 1e-12)) > 0.93
