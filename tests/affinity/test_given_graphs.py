"""Graphs that the user brings: weights are not taken for distances, and rows may have few neighbours."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import TSNE, affinity
from opentsne_like.errors import InvalidParameterError
from opentsne_like.nearest_neighbors import PrecomputedDistanceMatrix, Sklearn


@pytest.fixture(params=["cloud", "wide", "clusters", "line"])
def X(request, rng):
    return {
        "cloud": lambda: rng.normal(size=(200, 5)),
        "wide": lambda: rng.normal(size=(200, 50)),
        "clusters": lambda: rng.normal(size=(200, 10)) + 5 * rng.normal(size=(8, 10))[np.arange(200) % 8],
        "line": lambda: np.c_[rng.random(200), 0.001 * rng.random(200)],
    }[request.param]()


def graph(X, k, metric="euclidean"):
    indices, distances = Sklearn(X, k, metric).build()
    return sparse.csr_matrix((distances.ravel(), indices.ravel(), np.arange(len(X) + 1) * k), shape=(len(X),) * 2)


def symmetric(G):
    G = G.maximum(G.T)
    return G / G.max()


def weights(X):
    """Return what scanpy keeps as connectivities, and kernels of other kinds."""
    fuzzy = affinity.Fuzzy(X, k_neighbors=30).P
    yield fuzzy / fuzzy.max()
    yield fuzzy * (1 + 1e-7) / fuzzy.max()
    yield sparse.csr_array(fuzzy / fuzzy.max())
    kernel = symmetric(graph(X, 30))
    kernel.data = np.exp(-((kernel.data / kernel.data.mean()) ** 2))
    yield kernel
    yield affinity.PerplexityBasedNN(X, perplexity=10).P.tocoo()


def test_weights_are_no_distances(X):
    for W in weights(X):
        for call, name in (
            (lambda W: affinity.from_neighbors(W, perplexity=5), "neighbors"),
            (lambda W: affinity.PerplexityBasedNN(W, perplexity=5, metric="precomputed"), "data"),
            (lambda W: TSNE(metric="precomputed", perplexity=5).fit(W), "data"),
        ):
            with pytest.raises(
                InvalidParameterError, match=f"`{name}` must hold distances, got a symmetric matrix"
            ) as e:
                call(W)
            assert "adata.obsp['distances']" in str(e.value)
            assert "affinity.PrecomputedAffinities" in str(e.value)
        assert affinity.PrecomputedAffinities(W).P.shape == (200, 200)


def test_distances_pass_in_any_form(X):
    from sklearn.neighbors import radius_neighbors_graph

    radius = np.sort(graph(X, 30).data)[-20]
    for D in (
        graph(X, 15),
        symmetric(graph(X, 15)),
        symmetric(graph(X, 30)),
        symmetric(graph(X + 3, 15, "cosine")),
        symmetric(radius_neighbors_graph(X, radius, mode="distance")),
    ):
        found = affinity.from_neighbors(D, perplexity=5)
        assert found.P.shape == (200, 200)


def test_who_insists_is_served(rng):
    W = next(weights(rng.normal(size=(200, 5))))
    assert affinity.PerplexityBasedNN(knn_index=PrecomputedDistanceMatrix(W), perplexity=3).P.shape == (200, 200)


def test_edges_without_weights_pass():
    ones = sparse.csr_matrix(np.ones((20, 20)) - np.eye(20))
    assert affinity.from_neighbors(ones, perplexity=5).P.shape == (20, 20)


def test_rows_with_few_neighbours_are_counted(rng, caplog):
    G = graph(rng.normal(size=(100, 4)), 30).tolil()
    for row in (3, 7):
        G[row, G.rows[row][2:]] = 0
    given = G.tocsr()
    given.eliminate_zeros()
    with caplog.at_level(logging.INFO):
        found = affinity.PerplexityBasedNN(given, perplexity=10, metric="precomputed")
    assert [r.getMessage() for r in caplog.records if "neighbours" in r.getMessage()] == [
        "2 of 100 points have fewer than 30 neighbours in the graph; all are used"
    ]
    assert int(found._kept_lists().sizes().max()) == 30
    caplog.clear()
    with caplog.at_level(logging.INFO):
        affinity.PerplexityBasedNN(graph(rng.normal(size=(100, 4)), 15), perplexity=10, metric="precomputed")
    assert "fewer than" not in caplog.text
