"""Attraction, its loss and the sums over edges against dense float64 twins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like.kernels import attraction, forms

pytestmark = pytest.mark.uncompiled


def graph(n, m, seed=0, index=np.int32):
    P = sparse.random(n, m, density=0.3, format="csr", random_state=seed)
    P.indptr, P.indices = P.indptr.astype(index), P.indices.astype(index)
    P.data[::7] = 0.0
    return P


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_attraction(d, dof, dtype, index):
    rng = np.random.default_rng(d)
    P, x, y = graph(30, 40, index=index), rng.normal(size=(30, d)) * 3, rng.normal(size=(40, d)) * 3
    repulsion = rng.normal(size=(30, d))
    apart = x[:, None] - y[None]
    square = (apart**2).sum(axis=2)
    pull = np.einsum("ij,ijd->id", P.toarray() / (1 + square / dof), apart)
    expected = 4.0 * pull + 0.25 * repulsion
    own = (P.toarray() * dof * np.log1p(square / dof)).sum(axis=1)
    result = np.full((30, d), 9.0, dtype)
    places = rng.permutation(30).astype(np.int32)
    numbers = (forms.LogStudentT(dof), dtype(4.0), places, repulsion[np.argsort(places)], dtype(0.25))
    attraction.add_attraction(
        3, 30, P.indptr, P.indices, P.data.astype(dtype), x.astype(dtype), y.astype(dtype), *numbers, result, None
    )
    assert np.all(result[places[:3]] == 9)
    result = result[places]
    np.testing.assert_allclose(result[3:], expected[3:], rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-5)
    if d == 2 and dtype == np.float32:
        near, plane = x.astype(dtype), np.full((30, 2), 9.0, dtype)
        pairs = y.astype(dtype).view(np.uint64).ravel()
        graph_of_p = (P.indptr, P.indices, P.data.astype(dtype), near, pairs)
        attraction.add_attraction_in_plane(3, 30, *graph_of_p, *numbers, plane, None)
        np.testing.assert_allclose(plane[places][3:], expected[3:], rtol=1e-5, atol=1e-5)
        assert np.all(plane[places[:3]] == 9)
        counted, losses = np.empty((30, 2), dtype), np.full(30, 9.0)
        attraction.add_attraction_in_plane(3, 30, *graph_of_p, *numbers, counted, losses)
        np.testing.assert_allclose(counted[places][3:], plane[places][3:], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(losses[places][3:], own[3:], rtol=1e-5)
    counted, losses = np.empty((30, d), dtype), np.full(30, 9.0)
    arrays = (P.data.astype(dtype), x.astype(dtype), y.astype(dtype))
    attraction.add_attraction(3, 30, P.indptr, P.indices, *arrays, *numbers, counted, losses)
    np.testing.assert_allclose(counted[places][3:], result[3:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(losses[places][3:], own[3:], rtol=1e-5 if dtype == np.float32 else 1e-12)
    assert np.all(losses[places[:3]] == 9)
    loss, _ = attraction.edge_loss(3, 30, P.indptr, P.indices, P.data, x, y, forms.LogStudentT(dof), 0.0)
    assert loss == pytest.approx(own[3:].sum(), rel=1e-12)


def test_rows_of_any_length_and_number_in_the_plane():
    n = 2 * attraction.ROWS + 88
    lengths = np.array([0, 1, 15, 16, 17, 40, 3 * attraction.FETCHED, 0])[np.arange(n) % 8] * (np.arange(n) % 50 < 8)
    rng, indptr = np.random.default_rng(0), np.concatenate([[0], np.cumsum(lengths)])
    indices, values = rng.integers(0, n, indptr[-1]), rng.random(indptr[-1]).astype(np.float32)
    points, places = rng.normal(size=(n, 2)).astype(np.float32), rng.permutation(n).astype(np.int32)
    result, losses = np.empty((n, 2), np.float32), np.empty(n)
    numbers = (forms.Square(), np.float32(2.0), places, np.ones((n, 2)), np.float32(0.5))
    graph = (indptr, indices, values, points, points.view(np.uint64).ravel())
    attraction.add_attraction_in_plane(0, n, *graph, *numbers, result, losses)
    rows = np.repeat(np.arange(n), lengths)
    apart = points[rows].astype(np.float64) - points[indices]
    pulls = [np.bincount(rows, 2.0 * values * apart[:, k], minlength=n) for k in range(2)]
    np.testing.assert_allclose(result[places], np.column_stack(pulls) + 0.5, rtol=1e-4, atol=1e-4)
    own = np.bincount(rows, values * (apart**2).sum(axis=1), minlength=n)
    np.testing.assert_allclose(losses[places], own, rtol=1e-4)


def test_rows_without_edges_feel_repulsion_only():
    P = sparse.csr_matrix((4, 4))
    x, repulsion, result = np.zeros((4, 2), np.float32), np.ones((4, 2), np.float32), np.zeros((4, 2), np.float32)
    one = np.float32(1)
    attraction.add_attraction(
        0,
        4,
        P.indptr,
        P.indices,
        P.data.astype(np.float32),
        x,
        x,
        forms.Square(),
        one,
        np.arange(4, dtype=np.int32),
        repulsion,
        one,
        result,
        None,
    )
    assert np.array_equal(result, repulsion)


def test_entropy_counts_edges_of_weight_zero_as_nothing():
    values = np.array([0.5, 0.0, 0.25, 1e-300])
    total, mass = attraction.entropy(0, 4, values)
    assert total == pytest.approx(0.5 * np.log(0.5) + 0.25 * np.log(0.25))
    assert mass == pytest.approx(0.75)
    assert attraction.entropy(1, 2, values) == (0.0, 0.0)


@np.errstate(over="ignore")  # uncompiled, NumPy speaks of it
def test_checksum_tells_every_change():
    words = np.random.default_rng(0).random(500).view(np.uint64)
    seen = {int(attraction.checksum(0, 500, words))}
    for k in range(500):
        changed = words.copy()
        changed[k] ^= np.uint64(1) << np.uint64(k % 64)
        seen.add(int(attraction.checksum(0, 500, changed)))
    for k in range(499):
        changed = words.copy()
        changed[[k, k + 1]] = changed[[k + 1, k]]
        seen.add(int(attraction.checksum(0, 500, changed)))
    assert len(seen) == 1000
    parts = [int(attraction.checksum(low, low + 100, words)) for low in range(0, 500, 100)]
    assert sum(parts) % 2**64 == int(attraction.checksum(0, 500, words))


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_reorder(index):
    P = graph(50, 50, index=index)
    order = np.random.default_rng(0).permutation(50).astype(np.int32)
    rank = np.argsort(order).astype(np.int32)
    indptr = np.append(0, np.cumsum(np.diff(P.indptr)[order])).astype(np.int64)
    indices, values = np.empty(P.nnz, np.int32), np.empty(P.nnz, np.float32)
    for low, high in ((0, 20), (20, 50)):
        attraction.reorder(
            low, high, order, rank, P.indptr, P.indices, P.data.astype(np.float32), indptr, indices, values
        )
    result = sparse.csr_matrix((values, indices, indptr), shape=(50, 50)).toarray()
    np.testing.assert_allclose(result, P.toarray()[order][:, order].astype(np.float32))
    for r in range(50):
        assert np.array_equal(order[indices[indptr[r] : indptr[r + 1]]], P[order[r]].indices)


def test_take_rows():
    points, out = np.random.default_rng(0).normal(size=(30, 3)), np.zeros((30, 3), np.float32)
    order = np.random.default_rng(1).permutation(30).astype(np.int32)
    offset = np.array([1e3, 0.0, -7.0])
    attraction.take_rows(5, 30, order, points + offset, offset, out)
    assert np.array_equal(out[5:], (points + offset - offset)[order[5:]].astype(np.float32))
    assert not out[:5].any()
