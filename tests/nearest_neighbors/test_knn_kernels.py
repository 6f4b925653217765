"""The kernels of the neighbour search against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import kernels

from . import oracle

KINDS = {"euclidean": 0, "cosine": 1, "manhattan": 2, "chebyshev": 3, "hamming": 4, "dot": 5}
KINDS |= {"braycurtis": 6, "canberra": 7, "russellrao": 8}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 7, 10])
@pytest.mark.parametrize("metric", KINDS)
def test_rank_is_the_definition(rng, metric, d, dtype):
    data = np.maximum(np.round(rng.normal(3, 2, size=(40, d)), 1), 0.1 if metric == "cosine" else 0).astype(dtype)
    queries = data[5:15]
    norms = np.linalg.norm(data.astype(np.float64), axis=1)
    own = np.arange(5, 15)
    candidates = np.array([rng.permutation(40) for _ in range(10)], np.int32)
    index, distance = np.full((10, 39), -1, np.int32), np.full((10, 39), np.inf)
    found, count = np.empty(10, np.int64), np.full(10, 40)
    kernels.knn.rank(queries, data, KINDS[metric], norms[5:15], norms, own, candidates, count, index, distance, found)
    truth = oracle.distances(queries, data, metric)
    assert (found == 39).all()
    for i in range(10):
        assert sorted([*index[i], own[i]]) == list(range(40))
        np.testing.assert_allclose(distance[i], truth[i, index[i]], rtol=1e-9, atol=1e-9)
        assert (np.lexsort((index[i], distance[i])) == np.arange(39)).all()


@pytest.mark.parametrize("many", [250, 600])
@pytest.mark.parametrize("k", [1, 100, 700])
def test_rank_of_few_and_many_with_ties(rng, many, k):
    data = np.round(rng.normal(size=(600, 2)))
    candidates = rng.permutation(600)[None, :many].astype(np.int32)
    index, distance = np.full((1, k), -1, np.int32), np.full((1, k), np.inf)
    none, own, found = np.empty(0), np.array([candidates[0, 3]]), np.empty(1, np.int64)
    query = data[own]
    kernels.knn.rank(query, data, 0, none, none, own, candidates, np.array([many]), index, distance, found)
    rows = np.delete(candidates[0], 3)
    truth = np.linalg.norm(data[rows] - query, axis=1)
    expected = rows[np.lexsort((rows, truth))][:k]
    assert found[0] == len(expected)
    np.testing.assert_array_equal(index[0, : found[0]], expected)
    np.testing.assert_allclose(distance[0, : found[0]], np.sort(truth)[:k], rtol=1e-14)
    assert (index[0, found[0] :] == -1).all()


def test_rank_takes_what_there_is():
    data = np.arange(6.0).reshape(6, 1)
    candidates, count = np.array([[-1, 3, 0, 5]], np.int64), np.array([3])
    index, distance, found = np.full((1, 5), -1, np.int32), np.full((1, 5), np.inf), np.empty(1, np.int64)
    none = np.empty(0)
    kernels.knn.rank(data[:1], data, 0, none, none, np.array([0]), candidates, count, index, distance, found)
    assert found[0] == 1
    assert index[0].tolist() == [3, -1, -1, -1, -1]
    assert distance[0].tolist() == [3.0, *[np.inf] * 4]


def test_norms(rng):
    rows = rng.normal(size=(20, 7))
    out = np.empty(20)
    kernels.knn.norms(rows, out)
    np.testing.assert_allclose(out, np.linalg.norm(rows, axis=1), rtol=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_distances_are_the_definition(rng, metric):
    from scipy.sparse import csr_matrix

    dense = np.round(rng.normal(size=(30, 12)) * (rng.random((30, 12)) < 0.3), 2)
    dense[:, 0] = 1
    dense[4] = dense[9]
    matrix, queries = csr_matrix(dense), csr_matrix(dense[:8])
    norms = np.linalg.norm(dense, axis=1)
    chosen = np.tile(np.arange(-1, 30), (8, 1))
    out = np.empty(chosen.shape)
    kernels.sparse_knn.distances(
        KINDS[metric],
        queries.indptr,
        queries.indices,
        queries.data,
        matrix.indptr,
        matrix.indices,
        matrix.data,
        norms[:8],
        norms,
        chosen,
        out,
    )
    assert np.isinf(out[:, 0]).all()
    np.testing.assert_allclose(out[:, 1:], oracle.distances(dense[:8], dense, metric), rtol=1e-9, atol=1e-12)
    assert out[4, 1 + 9] == 0
