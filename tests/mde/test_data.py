"""Data that people have: graphs of networkx, neighbours as scanpy writes them, graphs in pieces, duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import kneighbors_graph

from opentsne_like import mde
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.mde import penalties
from tests.mde.data import clusters


def scanpys(n=120, k=14):
    """`.obsp` as scanpy writes it: distances to k neighbours, not symmetric, unsorted; weights, symmetric, float32."""
    distances = kneighbors_graph(clusters()[:n], k, mode="distance").tocsr()
    for i in range(n):
        here = slice(distances.indptr[i], distances.indptr[i + 1])
        order = np.random.default_rng(i).permutation(k)
        distances.indices[here], distances.data[here] = distances.indices[here][order], distances.data[here][order]
    distances.has_sorted_indices = False
    weights = distances.copy()
    weights.data = np.exp(-weights.data)
    return distances, (weights + weights.T - weights.multiply(weights.T)).astype(np.float32).tocsr()


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix, sparse.csc_matrix])
def test_distances_of_scanpy_are_neighbours(form):
    distances, _ = scanpys()
    before = distances.copy()
    problem = mde.preserve_neighbors(form(distances), metric="precomputed", n_neighbors=14)
    assert np.isfinite(problem.embed(max_iter=5)).all()
    np.testing.assert_array_equal(distances.indices, before.indices, err_msg="the user's matrix is left as it was")
    near = (distances.toarray() > 0).astype(float)
    np.testing.assert_array_equal(problem.affinities.P.toarray(), np.triu(near + near.T))


def test_connectivities_of_scanpy_are_weights():
    _, weights = scanpys()
    graph = mde.Graph(weights)
    problem = mde.MDE(graph.n_items, 2, graph.edges, penalties.Log1p(graph.weights), repulsion="all")
    X = problem.embed(max_iter=20)
    np.testing.assert_allclose(
        problem.distortions(X), weights[tuple(graph.edges.T)].A1 * np.log1p(problem.distances(X) ** 1.5), rtol=1e-6
    )
    assert problem.value < problem.solve_stats.average_distortions[0]


def test_graphs_of_networkx():
    networkx = pytest.importorskip("networkx")
    streets = networkx.grid_2d_graph(5, 6)
    drawn = mde.Graph(networkx.to_scipy_sparse_array(streets)).draw()
    apart = np.linalg.norm(drawn[0] - drawn[1])
    assert 0.5 < apart < 1.5, "a street is about as long as it should be"
    weighted = networkx.les_miserables_graph()
    graph = mde.Graph(networkx.to_scipy_sparse_array(weighted))
    assert (graph.n_items, graph.n_edges) == (77, 254)
    assert sorted(graph.weights) == sorted(d for *_, d in weighted.edges(data="weight"))
    pieces = networkx.disjoint_union(networkx.path_graph(5), networkx.cycle_graph(6))
    pieces.add_node(11)
    alone = mde.Graph(networkx.to_scipy_sparse_array(pieces))
    for make in (mde.preserve_neighbors, mde.preserve_distances, mde.laplacian_embedding):
        assert make(alone).embed(max_iter=5).shape == (12, 2)
    with pytest.raises(InvalidTypeError, match=r"got a graph of networkx; networkx.to_scipy_sparse_array"):
        mde.Graph(streets)
    with pytest.raises(InvalidParameterError, match="must be symmetric, got another number for the other direction"):
        mde.Graph(networkx.to_scipy_sparse_array(networkx.DiGraph([(0, 1), (1, 2)])))


def test_a_graph_in_pieces_with_items_without_edges_at_its_end():
    graph = mde.Graph.from_edges([[0, 1], [1, 2], [3, 4], [4, 5]], [1.0, 2.0, 1.0, 3.0], n_items=8)
    assert (graph.n_items, graph.neighbors(7).tolist()) == (8, [])
    assert mde.preprocess.shortest_paths(graph).n_edges == 6
    for problem in (
        mde.preserve_neighbors(graph, n_neighbors=2),
        mde.preserve_distances(graph),
        mde.laplacian_embedding(graph, n_neighbors=2),
        mde.MDE(8, 2, graph.edges, penalties.Log1p(graph.weights), mde.Standardized()),
        mde.MDE(8, 2, graph.edges, penalties.Log1p(graph.weights), repulsion="all"),
    ):
        X = problem.embed(max_iter=20)
        assert X.shape == (8, 2)
        assert np.isfinite(X).all()
    assert graph.draw().shape == (8, 2)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_nothing_but_duplicates(form):
    data = form(np.repeat(clusters()[:3], 8, axis=0))
    for make in (mde.preserve_neighbors, mde.preserve_distances, mde.laplacian_embedding):
        assert np.isfinite(make(data).embed(max_iter=10)).all()
    assert np.isfinite(mde.preserve_neighbors(np.ones((12, 3))).embed(max_iter=10)).all()


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("dimension", [1, 2])
def test_few_items(n, dimension):
    data = np.random.default_rng(0).normal(size=(n, 3))
    for make in (mde.preserve_neighbors, mde.preserve_distances):
        assert make(data, embedding_dim=dimension).embed(max_iter=10).shape == (n, dimension)


@pytest.mark.parametrize("metric", ["cosine", "manhattan", "chebyshev", lambda a, b: float(np.abs(a - b).max())])
def test_metrics_of_nearest_neighbors(metric):
    X = clusters()[:50]
    problem = mde.preserve_neighbors(X, n_neighbors=4, metric=metric)
    known = metric if isinstance(metric, str) else "chebyshev"
    near = kneighbors_graph(X, 4, metric=known).toarray()
    np.testing.assert_array_equal(problem.affinities.P.toarray(), np.triu(near + near.T))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mde.preserve_neighbors(mde.Graph(np.zeros((3, 3)))), "`data` must be a graph with edges"),
        (lambda: mde.preserve_distances(mde.Graph(np.zeros((3, 3)))), "`edges` must be one at least, got none"),
        (lambda: mde.preserve_neighbors(np.eye(4), max_distance=0.1), "`edges` must be one at least, got none"),
        (lambda: mde.Graph.from_edges(np.zeros((0, 2), int)), "`edges` must be one at least where `n_items`"),
        (
            lambda: mde.Graph.from_edges(mde.all_edges(3), [-1.0, 1, 1]).draw(),
            "`graph` must have distances of 0 or more",
        ),
        (lambda: mde.preprocess.k_nearest_neighbors(np.eye(4), 9), "`k` must be at most 3, got 9"),
        (lambda: mde.preprocess.k_nearest_neighbors(np.eye(4), 0), "`k` must be at least 1, got 0"),
        (lambda: mde.preserve_distances(np.eye(4), loss=None), "`loss` must make a loss of deviations"),
        (lambda: mde.laplacian_embedding(np.eye(2)), "`embedding_dim` must be below the number of items, 2"),
    ],
)
def test_bad_data_get_one_clear_error(make, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError, TypeError), match=message):
        make()
