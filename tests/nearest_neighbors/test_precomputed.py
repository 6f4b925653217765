"""Neighbours that the user brings along."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.nearest_neighbors import PrecomputedDistanceMatrix, PrecomputedNeighbors, Sklearn, from_neighbors

from . import oracle


@pytest.fixture
def data(rng):
    return np.round(rng.normal(size=(60, 4)), 1)


def assert_same(index, expected):
    for ours, theirs in zip(index.build(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, list])
@pytest.mark.parametrize("k", [1, 10, 59])
def test_distance_matrix(data, dtype, k):
    D = oracle.distances(data, data)
    given = D.tolist() if dtype is list else D.astype(dtype)
    index = PrecomputedDistanceMatrix(given, k)
    true_indices, true_distances = oracle.first(np.asarray(given), k, drop_self=True)
    np.testing.assert_array_equal(index.build()[0], true_indices)
    np.testing.assert_array_equal(index.build()[1], true_distances)
    assert (index.n_samples, index.k, index.metric) == (60, k, "precomputed")


def test_distance_matrix_with_repeated_rows():
    index = PrecomputedDistanceMatrix(np.zeros((5, 5)), 2)
    assert index.build()[0].tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]


@pytest.mark.parametrize("k", [1, 7, 60])
def test_query_of_a_distance_matrix(data, rng, k):
    index = PrecomputedDistanceMatrix(oracle.distances(data, data), 5)
    D = np.round(oracle.distances(rng.normal(size=(9, 4)), data), 1)
    true_indices, true_distances = oracle.first(D, k)
    for given in (D, sp.csr_matrix(D)):
        indices, distances = index.query(given, k)
        np.testing.assert_array_equal(indices, true_indices)
        np.testing.assert_array_equal(distances, true_distances)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix, sp.coo_matrix, sp.csr_array])
def test_graph_of_scikit_learn(data, form):
    from sklearn.neighbors import KNeighborsTransformer

    graph = form(KNeighborsTransformer(n_neighbors=8, mode="distance").fit_transform(data + 0.001 * data**2))
    expected = Sklearn(data + 0.001 * data**2, 8).build()
    assert_same(from_neighbors(graph), expected)
    assert_same(from_neighbors(graph, 5), (expected[0][:, :5], expected[1][:, :5]))


def test_graph_as_scanpy_stores_it(data):
    """Without the diagonal, in any order within a row, zeros of duplicates stored."""
    data[4] = data[7]
    indices, distances = Sklearn(data, 6).build()
    shuffled = np.array([np.random.default_rng(i).permutation(6) for i in range(60)])
    graph = sp.csr_matrix(
        (
            np.take_along_axis(distances, shuffled, 1).ravel(),
            np.take_along_axis(indices, shuffled, 1).ravel(),
            np.arange(0, 361, 6),
        ),
        shape=(60, 60),
    )
    before = graph.indices.copy()
    index = from_neighbors(graph)
    assert index.k == 6
    assert_same(index, (indices, distances))
    np.testing.assert_array_equal(graph.indices, before)


def test_a_graph_has_the_k_of_its_poorest_row(data, caplog):
    indices, distances = Sklearn(data, 6).build()
    rows = np.repeat(np.arange(60), 6)
    kept = np.ones(360, bool)
    kept[[0, 1, 100]] = False
    graph = sp.csr_matrix((distances.ravel()[kept], (rows[kept], indices.ravel()[kept])), shape=(60, 60))
    index = from_neighbors(graph, 6)
    assert index.k == 4
    assert "k is 4 instead of 6" in caplog.text
    np.testing.assert_array_equal(index.build()[0][1:16], indices[1:16, :4])


def test_indices_and_distances_in_any_order(data):
    indices, distances = Sklearn(data, 6).build()
    index = from_neighbors((indices[:, ::-1], distances[:, ::-1]))
    assert_same(index, (indices, distances))
    assert_same(from_neighbors((indices, distances), 3), (indices[:, :3], distances[:, :3]))
    assert isinstance(index, PrecomputedNeighbors)
    with pytest.raises(UnavailableError, match="given without data that new rows could be compared with; fit with `X`"):
        index.query(data, 3)


def test_an_index_is_returned_as_it_is(data):
    index = Sklearn(data, 6)
    assert from_neighbors(index) is index
    with pytest.raises(InvalidParameterError, match="must be that of the index, 6, got 5"):
        from_neighbors(index, 5)


def test_copies_release_and_dtype(data):
    index = PrecomputedDistanceMatrix(oracle.distances(data, data), 5)
    for other in (copy.deepcopy(index), copy.copy(index), pickle.loads(pickle.dumps(index))):
        assert_same(other, index.build())
    index.distance_dtype = np.float32
    assert index.build()[1].dtype == np.float32
    index.release()
    with pytest.raises(UnavailableError, match="was released"):
        index.build()
    assert (index.n_samples, index.k) == (60, 5)


def changed(array, value, row=2, column=1):
    array = array.copy()
    array[row, column] = value
    return array


@pytest.mark.parametrize(
    ("value", "message"), [(np.inf, "got inf in row 2"), (np.nan, "got nan in row 2"), (-1, "got -1.0 in row 2")]
)
def test_distances_that_are_none(data, value, message):
    D = oracle.distances(data, data)
    indices, distances = Sklearn(data, 6).build()
    message = f"must be finite and not negative, {message}"
    for call in (
        lambda: PrecomputedDistanceMatrix(changed(D, value), 5),
        lambda: PrecomputedDistanceMatrix(sp.csr_matrix(changed(D, value)), 5),
        lambda: PrecomputedDistanceMatrix(D, 5).query(changed(D, value), 5),
        lambda: PrecomputedNeighbors(indices, changed(distances, value)),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            call()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (60, "between 0 and 59, got 60 in row 2"),
        (-1, "between 0 and 59, got -1 in row 2"),
        (2, "must not contain the row itself, got 2 in row 2"),
    ],
)
def test_indices_that_are_none(data, value, message):
    indices, distances = Sklearn(data, 6).build()
    with pytest.raises(InvalidParameterError, match=message):
        PrecomputedNeighbors(changed(indices, value), distances)


def test_the_same_neighbour_twice(data):
    indices, distances = Sklearn(data, 6).build()
    with pytest.raises(InvalidParameterError, match=r"must be different within a row, got .* twice in row 2"):
        PrecomputedNeighbors(changed(indices, indices[2, 0]), distances)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda D: PrecomputedDistanceMatrix(D[:, :-1], 3), InvalidParameterError, "must be square"),
        (lambda D: PrecomputedDistanceMatrix(D[:1, :1], 1), InvalidParameterError, "at least 2 rows"),
        (lambda D: PrecomputedDistanceMatrix(D, 60), InvalidParameterError, "`k` must be at most 59"),
        (lambda D: PrecomputedDistanceMatrix(D), InvalidTypeError, "`k` must be given"),
        (lambda D: PrecomputedDistanceMatrix(D.astype(str), 3), InvalidTypeError, "must be numeric"),
        (lambda D: PrecomputedDistanceMatrix([[0, 1], [1]], 1), InvalidParameterError, "rectangular"),
        (lambda D: PrecomputedDistanceMatrix(D, 3).query(D[:, :9], 3), InvalidParameterError, "to all 60 rows"),
        (lambda D: PrecomputedDistanceMatrix(D, 3).query(sp.eye(2, 60), 3), InvalidParameterError, "at least k = 3"),
        (lambda D: from_neighbors(sp.csr_matrix(np.diag(np.ones(5)))), InvalidParameterError, "none in row 0"),
        (lambda D: from_neighbors((D,)), InvalidParameterError, r"must be \(indices, distances\), got 1"),
        (lambda D: PrecomputedNeighbors(D, D), InvalidTypeError, "`neighbors` must be integers"),
        (lambda D: PrecomputedNeighbors([[1], [0]], [[1.0]]), InvalidParameterError, "must have the same shape"),
    ],
)
def test_bad_input(data, call, error, message):
    with pytest.raises(error, match=message):
        call(oracle.distances(data, data))
