"""The kernels of the neighbour search against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import kernels

from . import oracle

KINDS = {"euclidean": 0, "cosine": 1, "manhattan": 2, "chebyshev": 3, "hamming": 4, "dot": 5}
KINDS |= {"braycurtis": 6, "canberra": 7, "russellrao": 8}


def run_scan(scores, keep, capacity, widths):
    m, n = scores.shape
    score = np.empty((m, capacity), np.float32)
    column = np.empty((m, capacity), np.int32)
    count, threshold = np.zeros(m, np.int64), np.full(m, np.inf, np.float32)
    first = 0
    for width in widths:
        tile = np.ascontiguousarray(scores[:, first : first + width])
        kernels.knn.scan(tile, first, keep, score, column, count, threshold)
        first += width
    assert first == n
    kernels.knn.cut(keep, score, column, count, threshold)
    return score, column, count, threshold


@pytest.mark.parametrize("widths", [[257], [64, 64, 129], [1] * 257, [31, 33, 193]])
@pytest.mark.parametrize("keep", [1, 7, 100, 257])
def test_scan_keeps_the_lowest(rng, keep, widths):
    scores = rng.normal(size=(9, 257)).astype(np.float32)
    _, column, count, threshold = run_scan(scores, keep, keep + keep // 4 + 96, widths)
    for i in range(9):
        assert count[i] == keep
        assert set(column[i, :keep]) == set(np.argsort(scores[i])[:keep])
        if keep < 257:
            assert threshold[i] == np.sort(scores[i])[keep - 1]


@pytest.mark.parametrize("order", ["rising", "falling", "equal", "few values"])
def test_scan_bounds_what_it_leaves_out(rng, order):
    scores = rng.normal(size=(3, 1000)).astype(np.float32)
    if order == "equal":
        scores[:] = 1
    elif order == "few values":
        scores = np.floor(scores)
    else:
        scores.sort(axis=1)
        scores = np.ascontiguousarray(scores if order == "rising" else scores[:, ::-1])
    _, column, count, threshold = run_scan(scores, 20, 128, [512, 488])
    for i in range(3):
        left_out = np.setdiff1d(np.arange(1000), column[i, : count[i]])
        assert count[i] == 20
        assert len(np.unique(column[i, :20])) == 20
        assert scores[i, left_out].min() >= threshold[i]


def test_scan_ignores_scores_that_are_not_numbers():
    scores = np.full((1, 40), np.nan, np.float32)
    scores[0, 7] = 1
    _, column, count, _ = run_scan(scores, 5, 128, [40])
    assert column[0, : count[0]].tolist() == [7]


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
