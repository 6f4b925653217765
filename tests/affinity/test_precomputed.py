"""Affinities and neighbours that users bring along, and the estimate of memory."""

from __future__ import annotations

import logging
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from opentsne_like import affinity, nearest_neighbors
from opentsne_like.affinity import memory
from opentsne_like.errors import InsufficientMemoryError, InvalidParameterError, InvalidTypeError, UnavailableError


@pytest.fixture
def symmetric(rng):
    A = sparse.random_array((30, 30), density=0.3, rng=rng)
    return sparse.csr_matrix(A + A.T)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "array", "dense", "list", "float32", "int"])
def test_a_given_matrix_is_normalized_and_not_changed(symmetric, form):
    A = (symmetric * 100).astype(int) if form == "int" else symmetric
    given = {
        "csr": A,
        "csc": A.tocsc(),
        "coo": A.tocoo(),
        "array": sparse.csr_array(A),
        "dense": A.toarray(),
        "list": A.toarray().tolist(),
        "float32": A.astype(np.float32),
        "int": A,
    }[form]
    before = A.toarray().copy()
    P = affinity.PrecomputedAffinities(given).P
    assert P.dtype == np.float64
    assert P.format == "csr"
    assert P.has_sorted_indices
    np.testing.assert_allclose(P.toarray(), before / before.sum(), rtol=1e-5)
    P.data[:] = 0
    after = given.toarray() if hasattr(given, "toarray") else np.asarray(given)
    np.testing.assert_allclose(after, before, rtol=1e-5)
    np.testing.assert_array_equal(
        affinity.PrecomputedAffinities(A, normalize=False).P.toarray(), before.astype(np.float64)
    )


def test_an_asymmetric_matrix_is_accepted_with_a_line_in_the_log(symmetric, caplog):
    affinity.PrecomputedAffinities(symmetric)
    assert not caplog.text
    with caplog.at_level(logging.WARNING, logger=affinity.log.name):
        made = affinity.PrecomputedAffinities(sparse.triu(symmetric))
    assert "not symmetric" in caplog.text
    assert made.P.sum() == pytest.approx(1)


def test_a_given_matrix_knows_no_new_points(symmetric):
    made = affinity.PrecomputedAffinities(symmetric)
    assert made.n_samples == 30
    with pytest.raises(UnavailableError, match="PrecomputedAffinities"):
        made.to_new(np.zeros((2, 3)))
    with pytest.raises(RuntimeError):
        made.to_new(np.zeros((2, 3)), return_distances=True)
    with pytest.raises(RuntimeError, match="n_samples"):
        _ = affinity.Affinities().n_samples


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((3, 4)), "square matrix"),
        (np.ones(3), "square matrix"),
        ([[1, 2], [3]], "rows of different length"),
        ([["a", "b"], ["c", "d"]], "must be numeric, got the text"),
        ([[0, -1], [-1, 0]], "must be finite and not negative, got -1.0 in row 0"),
        ([[0, 1], [np.nan, 0]], "must be finite and not negative, got nan in row 1"),
        ([[0, np.inf], [1, 0]], "must be finite and not negative, got inf in row 0"),
        (np.zeros((3, 3)), "positive sum"),
    ],
)
def test_matrices_that_cannot_work(matrix, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        affinity.PrecomputedAffinities(matrix)


@pytest.fixture
def X(rng):
    return rng.normal(size=(80, 4))


def test_from_arrays_and_indices(X):
    index = nearest_neighbors.Sklearn(X, k=15)
    indices, distances = index.build()
    expected = affinity.PerplexityBasedNN(X, perplexity=5, method="exact").P.toarray()
    for made in (
        affinity.from_neighbors((indices, distances), perplexity=5),
        affinity.from_neighbors(indices, distances, perplexity=5),
        affinity.from_neighbors(indices.tolist(), distances.tolist(), perplexity=5),
        affinity.from_neighbors(index, perplexity=5),
    ):
        assert isinstance(made, affinity.PerplexityBasedNN)
        np.testing.assert_array_equal(made.P.toarray(), expected)
    uniform = affinity.Uniform(X, k_neighbors=15, method="exact").P.toarray()
    np.testing.assert_array_equal(affinity.from_neighbors(indices, perplexity=None).P.toarray(), uniform)
    mixture = affinity.from_neighbors((indices, distances), perplexity=[2, 5])
    assert isinstance(mixture, affinity.MultiscaleMixture)
    with pytest.raises(UnavailableError, match="given without data"):
        affinity.from_neighbors((indices, distances), perplexity=5).to_new(X)


def test_from_the_graphs_of_other_packages(X):
    from sklearn.neighbors import KNeighborsTransformer

    graph = KNeighborsTransformer(n_neighbors=15).fit_transform(X)  # each point is its own first neighbour here
    expected = affinity.PerplexityBasedNN(X, perplexity=5, method="exact").P.toarray()
    for given in (graph, graph.tocoo(), sparse.csr_array(graph)):
        np.testing.assert_allclose(affinity.from_neighbors(given, perplexity=5).P.toarray(), expected, rtol=1e-6)
        made = affinity.PerplexityBasedNN(given, perplexity=5, metric="precomputed")
        np.testing.assert_allclose(made.P.toarray(), expected, rtol=1e-6)
    uniform = affinity.Uniform(X, k_neighbors=15, method="exact").P.toarray()
    np.testing.assert_allclose(affinity.from_neighbors(graph, perplexity=None).P.toarray(), uniform)
    new = cdist(X[:3] + 0.01, X)
    assert affinity.from_neighbors(graph, perplexity=5).to_new(new).shape == (3, 80)


def test_rows_of_a_graph_may_differ_in_length(X):
    d = cdist(X, X)
    graph = sparse.csr_matrix(np.where((d > 0) & (d < np.sort(d, axis=1)[:, 4].max()), d, 0))
    lengths = np.diff(graph.indptr)
    assert lengths.min() < lengths.max()
    made = affinity.from_neighbors(graph, perplexity=4)
    one_way = affinity.from_neighbors(graph, perplexity=4, symmetrize=False).P
    np.testing.assert_array_equal(np.diff(one_way.indptr), np.minimum(lengths, 12))
    assert made.P.sum() == pytest.approx(1)
    assert abs(made.P - made.P.T).max() == 0
    with pytest.raises(InvalidParameterError, match="`symmetrize` must be one of True, False, got 'none'"):
        affinity.from_neighbors(graph, perplexity=4, symmetrize="none")
    uniform = affinity.from_neighbors(graph, perplexity=None, symmetrize="none").P
    np.testing.assert_allclose(uniform.sum(axis=1), 1 / 80)
    assert uniform.nnz == graph.nnz


def test_duplicates_stored_as_zeros_are_neighbours(X):
    doubled = np.repeat(X, 2, axis=0)
    from sklearn.neighbors import KNeighborsTransformer

    graph = KNeighborsTransformer(n_neighbors=9).fit_transform(doubled)
    P = affinity.from_neighbors(graph, perplexity=3).P
    assert all(P[i, i ^ 1] > 0 for i in range(len(doubled)))


@pytest.mark.parametrize(
    ("neighbors", "distances", "message"),
    [
        ([[1, 2], [0, 2], [0, 1]], None, "`distances` must be given unless `perplexity` is None"),
        ([[0.5, 2], [0, 2], [0, 1]], np.ones((3, 2)), "must be integer indices"),
        ([[1, 3], [0, 2], [0, 1]], np.ones((3, 2)), "between 0 and 2, got 3 in row 0"),
        ([[1, 2], [1, 2], [0, 1]], np.ones((3, 2)), "must not contain the row itself"),
        ([[1, 1], [0, 2], [0, 1]], np.ones((3, 2)), "twice in row 0"),
        ([[1, 2], [0, 2], [0, 1]], -np.ones((3, 2)), "not negative"),
        (sparse.csr_matrix([[0, 1.0, 0], [1, 0, 0], [0, 0, 0]]), None, "got none in row 2"),
        (sparse.csr_matrix([[0, 1.0], [-1, 0]]), None, "not negative, got -1.0 in row 1"),
        (sparse.csr_matrix(np.ones((2, 3))), None, "square"),
        (sparse.csr_matrix(np.ones((3, 3))), np.ones((3, 2)), "`distances` must be None"),
    ],
)
def test_neighbours_that_cannot_work(neighbors, distances, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        affinity.from_neighbors(neighbors, distances)


def test_memory_is_estimated_before_work_starts(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000)
    with pytest.raises(InsufficientMemoryError, match=r"about 0\.0 GB") as caught:
        affinity.PerplexityBasedNN(np.zeros((200, 2)))
    assert isinstance(caught.value, MemoryError)
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    affinity.PerplexityBasedNN(np.zeros((200, 2)))
    affinity.PerplexityBasedNN(np.zeros((200, 200)), metric="precomputed")
    with pytest.raises(InsufficientMemoryError):  # for the copy that is searched
        affinity.PerplexityBasedNN(np.zeros((200, 2000)))
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    affinity.PerplexityBasedNN(np.zeros((200, 2)))


@pytest.mark.parametrize(
    "make",
    [
        lambda graph: affinity.from_neighbors(graph, perplexity=1500),
        lambda graph: affinity.from_neighbors(graph, perplexity=None),
        lambda graph: affinity.Fuzzy(graph, 3000, metric="precomputed"),
    ],
)
def test_one_hub_does_not_set_the_need_of_all_points(make, monkeypatch):
    n = 5000
    hub = np.zeros(n - 1, dtype=int)
    others = np.arange(1, n)
    ends = np.r_[hub, others], np.r_[others, hub]
    graph = sparse.csr_array((np.tile(1.0 + others / n, 2), ends), shape=(n, n))
    monkeypatch.setattr(memory, "available_memory", lambda: 3_000_000)
    made = make(graph)  # warm, so that compiling does not count
    tracemalloc.start()
    make(graph)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000 < 8 * 2048 * 3000
    assert made.P.sum() == pytest.approx(1)


def test_available_memory_heeds_the_control_group(monkeypatch, tmp_path):
    assert memory.available_memory() > 0
    monkeypatch.setattr(memory, "_container_limit", lambda: 5)
    assert memory.available_memory() == 5
    monkeypatch.setattr(memory, "_available_on_linux", lambda: None)
    monkeypatch.setattr(memory, "_container_limit", lambda: None)
    assert memory.available_memory() is None or memory.available_memory() > 0


def test_what_was_freed_is_handed_back_where_the_library_can(monkeypatch):
    memory.hand_back()
    for error in (AttributeError, OSError, TypeError):
        monkeypatch.setattr(memory.ctypes, "CDLL", mock.Mock(side_effect=error))
        memory.hand_back()


def test_the_index_keeps_nothing_that_can_be_made_again(X, monkeypatch):
    affinities = affinity.PerplexityBasedNN(X, 5)
    assert affinities.knn_index.index is None
    expected = affinities.to_new(X[:7] + 0.1)
    again = affinity.PerplexityBasedNN(X, 5)
    assert (again.to_new(X[:7] + 0.1) != expected).nnz == 0
    given = nearest_neighbors.make_index(X, 15)
    affinity.PerplexityBasedNN(X, 5, method=given)
    assert given.index is not None


@pytest.mark.parametrize("make", [affinity.PrecomputedAffinities, affinity.from_neighbors])
@pytest.mark.parametrize("form", ["csr", "csc"])
def test_sparse_indices_out_of_range_are_refused(symmetric, make, form):
    broken = symmetric.asformat(form, copy=True)
    broken.indices[5] = 10**9
    with pytest.raises(InvalidParameterError, match="must be a consistent sparse matrix"):
        make(broken)
