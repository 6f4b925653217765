"""From weights to a symmetric CSR matrix: the same entries, order and bits as the obvious way, whatever the threads."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from opentsne_like.affinity import matrix
from opentsne_like.affinity.matrix import assemble
from opentsne_like.affinity.neighbors import NeighborLists, as_lists
from opentsne_like.errors import InvalidParameterError

from . import twins


def given(weights):
    """Return what hands out rows of fixed weights."""
    flat = [np.asarray(row, dtype=np.float64) for row in weights]

    def evaluate(low, high, out):
        part = np.concatenate(flat[low:high])
        out[: len(part)] = part

    return evaluate


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (5, 4), (60, 7), (300, 299)])
@pytest.mark.parametrize("join", ["mean", "max", "union"])
def test_agrees_with_the_dense_twin(rng, n, k, join):
    indices, distances = twins.random_graph(rng, n, k)
    weights = rng.random((n, k))
    P = assemble(as_lists(indices, distances), given(weights), join=join)
    np.testing.assert_allclose(P.toarray(), twins.joint(twins.dense(indices, weights, n), join), rtol=1e-12)
    assert abs(P - P.T).max() == 0
    assert P.sum() == pytest.approx(1.0, abs=1e-12)
    assert P.dtype == np.float64
    assert P.indices.dtype == P.indptr.dtype == np.int32
    assert all((np.diff(P.indices[a:b]) > 0).all() for a, b in itertools.pairwise(P.indptr))


def test_one_way_graphs_are_sorted_and_kept(rng):
    indices, distances = twins.random_graph(rng, 50, 6)
    weights = rng.random((50, 6))
    lists = as_lists(indices, distances)
    P = assemble(lists, given(weights), join=None)
    np.testing.assert_allclose(P.toarray(), twins.dense(indices, weights / weights.sum(), 50), rtol=1e-12)
    Q = assemble(as_lists(indices, distances, 80, self_allowed=True), given(weights), join=None, normalize=False)
    assert Q.shape == (50, 80)
    np.testing.assert_array_equal(Q.toarray(), twins.dense(indices, weights, 80))
    assert P.nnz == Q.nnz == 300


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_blocks_and_threads_give_the_same_bits(rng, dtype):
    n, k = 3 * matrix.BLOCK + 17, 5
    indices = (np.arange(n)[:, None] + rng.permuted(np.tile(np.arange(1, 400), (n, 1)), axis=1)[:, :k]) % n
    distances = np.ones((n, k))
    weights = rng.random((n, k)).astype(dtype)
    lists = as_lists(indices, distances)
    for join in ("mean", "union"):
        P = assemble(lists, given(weights), join=join, dtype=dtype, n_jobs=1)
        assert P.dtype == dtype
        assert abs(P - P.T).max() == 0
        for n_jobs in (2, 5, -1):
            Q = assemble(lists, given(weights), join=join, dtype=dtype, n_jobs=n_jobs)
            assert (Q.data == P.data).all()
            assert (Q.indices == P.indices).all()
            assert (Q.indptr == P.indptr).all()
    from scipy.sparse import csr_matrix

    C = csr_matrix((weights.astype(np.float64).ravel(), indices.ravel(), np.arange(n + 1) * k), shape=(n, n))
    expected = (C + C.T).tocsr()
    P = assemble(lists, given(weights), join="mean", dtype=dtype)
    assert abs(P - expected / expected.sum()).max() < (1e-18 if dtype == np.float64 else 1e-10)


def test_everyone_points_at_one(rng):
    n = 5000
    indices = np.zeros((n, 1), dtype=np.int32)
    indices[0] = 7
    P = assemble(as_lists(indices, np.ones((n, 1))), given(np.ones((n, 1))), join="mean")
    assert P.nnz == 2 * (n - 1)
    assert P[0].nnz == n - 1
    assert P[7, 0] == P[0, 7] == pytest.approx(2 * P[1, 0])


def test_rows_may_differ_in_length(rng):
    starts = np.array([0, 1, 4, 6, 7])
    indices = np.array([1, 0, 2, 3, 3, 0, 1], dtype=np.int32)
    lists = NeighborLists(indices, np.ones(7), starts, 3, 4)
    weights = [rng.random(b - a) for a, b in itertools.pairwise(starts)]
    dense = twins.dense([indices[a:b] for a, b in itertools.pairwise(starts)], weights, 4)
    P = assemble(lists, given(weights), join="mean")
    np.testing.assert_allclose(P.toarray(), twins.joint(dense), rtol=1e-12)
    cut = assemble(lists.nearest(2), given([w[:2] for w in weights]), join="max")
    dense[1, 3] = 0
    np.testing.assert_allclose(cut.toarray(), twins.joint(dense, "max"), rtol=1e-12)


def test_no_edge_is_lost_to_underflow(rng):
    indices, distances = twins.random_graph(rng, 40, 8)
    weights = rng.random((40, 8))
    weights[:, 1::2] = 0.0
    for dtype in (np.float64, np.float32):
        P = assemble(as_lists(indices, distances), given(weights), join="mean", dtype=dtype)
        assert P.nnz == np.count_nonzero(twins.joint(twins.dense(indices, np.ones((40, 8)), 40)))
        assert P.data.min() > 0
        assert np.isfinite(np.log(P.data)).all()


def test_wide_indices_where_they_are_needed(rng, monkeypatch):
    indices, distances = twins.random_graph(rng, 30, 4)
    weights = rng.random((30, 4))
    narrow = assemble(as_lists(indices, distances), given(weights), join="mean")
    seen = []
    monkeypatch.setattr(matrix, "LARGEST_INT32", 10)
    monkeypatch.setattr(matrix, "as_csr", lambda *arrays: (seen.append(arrays), SimpleNamespace())[1])
    assemble(as_lists(indices, distances), given(weights), join="mean")
    values, columns, row_ends, shape = seen[0]
    assert columns.dtype == row_ends.dtype == np.int64
    assert shape == (30, 30)
    np.testing.assert_array_equal(values, narrow.data)
    np.testing.assert_array_equal(columns, narrow.indices)


def test_a_neighbour_listed_twice_is_refused():
    indices = np.array([[1, 2], [0, 2], [1, 1], [0, 1]])
    with pytest.raises(InvalidParameterError, match=r"twice.*row 2"):
        assemble(as_lists(indices, np.ones((4, 2))), given(np.ones((4, 2))), join="mean")
