"""Problems that data give: the same edges as by hand, solutions that are known, data of all kinds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import kneighbors_graph

from opentsne_like import mde, metrics
from opentsne_like.errors import InsufficientMemoryError, InvalidParameterError, InvalidTypeError
from opentsne_like.mde import graph, penalties, preprocess
from tests.mde.data import clusters, ring


def twin_weights(X, k):
    """Weights of neighbours by sorting all distances."""
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(D, np.inf)
    near = np.zeros(D.shape)
    np.put_along_axis(near, np.argsort(D, axis=1)[:, :k], 1.0, axis=1)
    return near + near.T


def test_neighbours_are_those_of_the_twin():
    X = clusters()
    found = preprocess.k_nearest_neighbors(X, 5)
    np.testing.assert_array_equal(found.A.toarray(), twin_weights(X, 5))
    problem = mde.preserve_neighbors(X, n_neighbors=5)
    np.testing.assert_array_equal(problem.edges, found.edges)
    near = preprocess.k_nearest_neighbors(X, 5, max_distance=1.5)
    assert near.n_items == len(X)
    D = np.linalg.norm(X[near.edges[:, 0]] - X[near.edges[:, 1]], axis=1)
    assert D.max() <= 1.5


@pytest.mark.parametrize("constraint", [mde.Centered(), mde.Standardized()])
def test_sampled_edges_are_those_that_pymde_has(constraint):
    """As many as the others, or half, of weight -1, between items that are no neighbours."""
    problem = mde.preserve_neighbors(clusters(), constraint=constraint, n_neighbors=5, repulsion="sampled")
    weights = problem.distortion_function.weights
    pulls = int((weights > 0).sum())
    assert int((weights == -1).sum()) == (pulls if constraint.name() == "centered" else pulls // 2)
    assert not twin_weights(clusters(), 5)[tuple(problem.edges[weights < 0].T)].any()
    assert isinstance(problem.distortion_function, penalties.PushAndPull)


def test_all_pairs_keep_more_neighbours_than_a_sample():
    X = clusters()
    every, sampled = (mde.preserve_neighbors(X, repulsion=kind).embed() for kind in ("all", "sampled"))
    assert metrics.knn_recall(X, every, k=10) > metrics.knn_recall(X, sampled, k=10)
    np.testing.assert_array_equal(every, mde.preserve_neighbors(X, n_jobs=1).embed())
    placed = every.transform(X[:10] + 1e-3)
    assert np.median(np.linalg.norm(placed - np.asarray(every)[:10], axis=1)) < 0.1 * np.ptp(every)
    assert every.add(X[:3] + 0.1).optimize(2).shape == (163, 2)


def test_a_laplacian_embedding_spans_the_eigenvectors():
    X = np.random.default_rng(0).normal(size=(120, 3))
    problem = mde.laplacian_embedding(X, n_neighbors=10)
    found = problem.embed()
    W = twin_weights(X, 10)
    values, vectors = np.linalg.eigh(np.diag(W.sum(axis=1)) - W)
    assert values[1] > 1e-9, "the graph is connected"
    span = vectors[:, 1:3]
    np.testing.assert_allclose(span @ (span.T @ found), found, atol=1e-4)
    np.testing.assert_allclose(problem.value, len(X) * values[1:3].sum() / problem.p, rtol=1e-6)


def test_a_spectral_embedding_of_many_items_and_of_signed_weights():
    """Beyond the size up to which all eigenvectors are computed."""
    n = 500
    path = np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)
    found = mde.quadratic.spectral(n, 1, path, np.ones(n - 1)).ravel()
    wave = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    assert abs(np.corrcoef(found, wave)[0, 1]) > 1 - 1e-6
    rng = np.random.default_rng(0)
    pairs = preprocess.sample_edges(n, 4000)
    weights = rng.normal(size=4000)
    W = sparse.coo_matrix((weights, pairs.T), shape=(n, n)).toarray()
    W = W + W.T
    least = np.linalg.eigvalsh(np.diag(W.sum(axis=1)) - W)[0]
    found = mde.quadratic.spectral(n, 1, pairs, weights).ravel()
    np.testing.assert_allclose((weights * (found[pairs[:, 0]] - found[pairs[:, 1]]) ** 2).sum(), n * least, rtol=1e-4)


def test_distances_are_euclidean_in_blocks(monkeypatch):
    X = clusters()[:40]
    monkeypatch.setattr(preprocess, "CELLS", 64)
    for data in (X, sparse.csr_matrix(X)):
        found = preprocess.distances(data)
        np.testing.assert_allclose(found.A.toarray(), np.linalg.norm(X[:, None] - X[None], axis=2), atol=1e-12)
    some = preprocess.distances(X, retain_fraction=0.25)
    assert some.n_edges == 195


def test_preserving_distances():
    X = clusters()[:60]
    problem = mde.preserve_distances(X, loss=mde.losses.Quadratic)
    problem.embed()
    assert problem.p == 60 * 59 // 2
    assert problem.value < problem.solve_stats.average_distortions[0]
    standardized = mde.preserve_distances(X, constraint=mde.Standardized(), max_distances=500)
    assert standardized.p == 500
    lengths = standardized.distortion_function.deviations
    np.testing.assert_allclose(np.sqrt((lengths**2).mean()), mde.Standardized().natural_length(60, 2))
    standardized.embed(max_iter=20)
    paths = mde.preserve_distances(ring())
    paths.embed(max_iter=20)
    assert paths.p == 16 * 15 // 2


def test_anchors_have_no_edges_between_them():
    anchored = mde.Anchored([0, 1, 2], np.eye(3)[:, :2])
    for problem in (
        mde.preserve_neighbors(clusters()[:50], constraint=anchored),
        mde.preserve_distances(clusters()[:50], constraint=anchored),
    ):
        assert not np.isin(problem.edges, [0, 1, 2]).all(axis=1).any()
        np.testing.assert_array_equal(np.asarray(problem.embed(max_iter=5))[:3], np.eye(3)[:, :2])


def test_neighbours_and_data_that_people_have():
    X = clusters()[:80]
    doubled = np.concatenate([X[:20], X[:20], X])
    near = kneighbors_graph(X, 6, mode="distance")
    apart = np.concatenate([X[:30], X[:30] + 1000.0])
    for data, options in (
        (sparse.csr_matrix(X), {}),
        (near, {"metric": "precomputed"}),
        (np.linalg.norm(X[:, None] - X[None], axis=2).tolist(), {"metric": "precomputed"}),
        (X.tolist(), {"metric": "manhattan"}),
        (doubled, {}),
        (apart, {"n_neighbors": 5}),
        (mde.Graph(near.maximum(near.T)), {"n_neighbors": 6}),
        (ring(), {"n_neighbors": 3, "repulsion": "sampled"}),
    ):
        problem = mde.preserve_neighbors(data, **options)
        assert np.isfinite(problem.embed(max_iter=15)).all()
        assert (problem.distances(problem._X_init) > 0).all()


def test_other_penalties_and_more_dimensions_take_a_sample():
    X = clusters()[:60]
    assert mde.preserve_neighbors(X, repulsive_penalty=penalties.InvPower).loss.repulsion is None
    assert mde.preserve_neighbors(X, embedding_dim=4, init="random").loss.repulsion is None
    assert mde.preserve_neighbors(X).loss.repulsion == "all"
    alone = mde.preserve_neighbors(X, repulsive_penalty=None)
    assert alone.constraint.name() == "standardized"


def test_a_graph():
    given = ring()
    assert (given.n_items, given.n_edges, given.n_all_edges) == (16, 17, 120)
    assert set(given.neighbors(0)) == {1, 8, 15}
    np.testing.assert_array_equal(given.neighbor_distances(0), 1.0)
    assert mde.Graph.from_edges([[0, 1]], n_items=5).n_items == 5
    assert mde.Graph(np.array([[0.0, 2.0, np.inf], [2.0, 0.0, 1.0], [np.inf, 1.0, 0.0]])).n_edges == 2


def test_shortest_paths_are_those_of_the_twin(monkeypatch):
    given = ring()
    D = given.A.toarray()
    D[D == 0] = np.inf
    np.fill_diagonal(D, 0.0)
    for k in range(16):  # Floyd and Warshall
        D = np.minimum(D, D[:, k : k + 1] + D[k : k + 1])
    for block in (graph.BLOCK, 48):
        monkeypatch.setattr(graph, "BLOCK", block)
        np.testing.assert_allclose(preprocess.shortest_paths(given).A.toarray(), D)
        short = preprocess.shortest_paths(given, max_length=2.0)
        np.testing.assert_allclose(short.A.toarray(), np.where(D <= 2.0, D, 0.0))
    assert preprocess.shortest_paths(given, retain_fraction=0.5).n_edges < 120
    np.testing.assert_allclose(mde.Graph.from_edges([[0, 1], [1, 2]], [0.5, 2.0]).A.toarray()[1], [0.5, 0, 2.0])


def test_drawing():
    X = ring().draw()
    assert X.loss_value < 0.1
    standardized = ring().draw(standardized=True)
    np.testing.assert_allclose(standardized.T @ standardized / 16, np.eye(2), atol=1e-9)


def test_samples_of_pairs():
    some = preprocess.sample_edges(30, 100, exclude=mde.all_edges(10), seed=3)
    assert some.shape == (100, 2)
    assert (some[:, 0] < some[:, 1]).all()
    assert len(np.unique(some, axis=0)) == 100
    assert not (some < 10).all(axis=1).any()
    many = preprocess.sample_edges(400, 500)
    assert len(np.unique(many, axis=0)) == 500
    counts = np.bincount(preprocess.sample_edges(400, 3000).ravel(), minlength=400)
    assert counts.min() > 0, "all items have their share, 15 on average"
    assert len(preprocess.dissimilar_edges(30, some)) == 100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: preprocess.sample_edges(3, 4), "`num_edges` must be at most the 3 pairs of 3 points"),
        (lambda: mde.Graph(np.eye(3)), "`adjacency_matrix` must join different items, got item 0 with itself"),
        (lambda: mde.Graph(np.triu(np.ones((3, 3)), 1)), "`adjacency_matrix` must be symmetric"),
        (lambda: mde.Graph(np.ones((2, 3))), "`adjacency_matrix` must be square"),
        (lambda: mde.Graph.from_edges([[0, 5]], n_items=3), "`edges` must name items from 0 to 2"),
        (lambda: mde.Graph.from_edges([[0.5, 1]]), "`edges` must be pairs of integers"),
        (lambda: preprocess.shortest_paths(mde.Graph.from_edges([[0, 1]], [-1.0])), "`graph` must have distances of 0"),
        (lambda: preprocess.scale([0.0], 1.0), "`distances` must not all be 0"),
        (lambda: mde.preserve_neighbors(clusters(), init="pca"), "`init` must be one of 'quadratic', 'random'"),
        (lambda: mde.preserve_neighbors(clusters()[:1]), "`data` must have at least 2"),
        (
            lambda: mde.preserve_neighbors(clusters(), attractive_penalty=abs),
            "`attractive_penalty` must make a penalty",
        ),
        (
            lambda: mde.preserve_neighbors(clusters(), repulsive_penalty=penalties.InvPower, repulsion="all"),
            "`repulsive_penalty` must be penalties.Log where all pairs repel each other",
        ),
        (lambda: mde.preserve_neighbors(clusters(), repulsive_fraction=-1), "`repulsive_fraction` must be at least 0"),
        (lambda: mde.preserve_distances(clusters(), max_distances=0), "`max_distances` must be positive"),
        (lambda: mde.pca(clusters(), 6), "`embedding_dim` must be at most 5"),
        (lambda: graph.check_room(1e15), "distances need about .* GB, got .* lower `max_distances`"),
    ],
)
def test_bad_input_gets_one_clear_error(make, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError, InsufficientMemoryError), match=message):
        make()
