"""Affinities on a device: perplexities that are met, matrices that are the CPU's."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.affinity.gaussian import _largest_odds, find_precisions, gaussian_rows
from opentsne_like.affinity.matrix import LEAST, assemble
from opentsne_like.affinity.neighbors import as_lists
from opentsne_like.gpu import matrix, perplexity
from opentsne_like.nearest_neighbors import Sklearn

from .oracles import check_same

N, K = 64, 24
JOINS = {"mean": 0, "max": 1, "union": 2}


def neighbors(kind, dtype=np.float64):
    """Return neighbours and distances of points: without structure, repeated, on a lattice, about a hub, or scaled."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, 4))
    if kind == "duplicates":
        X[: N // 2] = np.repeat(X[:4], N // 8, axis=0)
    if kind == "lattice":
        X = rng.integers(0, 4, (N, 2)).astype(float)
    if kind == "hub":
        X = np.concatenate([np.zeros((1, N)), np.eye(N)[1:]])
    X = X * {"tiny": 1e-140, "huge": 1e140}.get(kind, 1.0)
    indices, distances = Sklearn(X, K, n_jobs=1).build()
    return indices, distances.astype(dtype)


KINDS = ["random", "duplicates", "lattice", "hub", "tiny", "huge"]


def searched(card, distances, width, perplexities):
    odds = np.array([_largest_odds(width, p) for p in perplexities])
    return card.call(perplexity.search, distances, width, np.log(perplexities), odds)


CASES = [(kind, dtype) for kind in KINDS for dtype in (np.float64, np.float32)]


@pytest.mark.parametrize("width", [K, 9])
@pytest.mark.parametrize(("kind", "dtype"), [*CASES[:-3], CASES[-2]])  # the others are beyond single precision
def test_perplexities_are_met(kind, width, dtype, card, both_ways):
    indices, distances = neighbors(kind, dtype)
    wanted = [1.5, 3.0, 8.0, 60.0]
    precisions = both_ways(lambda: searched(card, distances, width, wanted))
    lists = as_lists(indices, distances).nearest(width)
    np.testing.assert_allclose(precisions, find_precisions(lists, wanted, n_jobs=1), rtol=1e-9)
    for h, perplexities in enumerate(wanted):
        one = precisions[:, [h]].copy()
        made = both_ways(lambda one=one: card.call(perplexity.evaluate, distances, width, one, False, 0.0, np.float64))
        near = distances[:, :width].astype(np.float64)
        unit = near / np.where(near[:, -1:] > 0, near[:, -1:], 1)
        weights = np.exp(-one * (unit**2 - unit[:, :1] ** 2))
        weights /= weights.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(made, weights, rtol=1e-9, atol=1e-12)
        entropies = -(made * np.log(np.where(made > 0, made, 1))).sum(axis=1)
        ties = (near == near[:, :1]).sum(axis=1)
        goal = np.clip(np.log(perplexities), np.log(ties), np.log(width))
        np.testing.assert_allclose(entropies, goal, rtol=0, atol=1e-9)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("perplexities", [[5.0], [2.0, 5.0, 30.0]])
def test_rows_are_those_of_the_cpu(perplexities, dtype, average, card, both_ways):
    indices, distances = neighbors("duplicates")
    lists = as_lists(indices, distances)
    precisions = find_precisions(lists, perplexities, n_jobs=1)
    arguments = (distances, K, precisions, average, LEAST[np.dtype(dtype)], dtype)
    mine = both_ways(lambda: card.call(perplexity.evaluate, *arguments))
    theirs = np.empty(N * K, dtype)
    gaussian_rows(lists, precisions, average=average)(0, N, theirs)
    assert mine.dtype == dtype
    assert mine.min() >= LEAST[np.dtype(dtype)]
    np.testing.assert_allclose(mine.ravel(), theirs, rtol=1e-12 if dtype is np.float64 else 1e-6, atol=1e-29)


def joined(card, indices, weights, mode, normalize):
    asarray = card.device.xp.asarray
    P = matrix.symmetrized(asarray(indices), asarray(weights), mode, normalize).tocsr()
    return P.data, P.indices, P.indptr


def dense(indices, weights, join):
    """Return the matrix of a graph, with each edge joined one by one."""
    P = np.zeros((N, N))
    np.put_along_axis(P, indices[:, : weights.shape[1]].astype(np.int64), weights.astype(np.float64), axis=1)
    return {"mean": P + P.T, "max": np.maximum(P, P.T), "union": P + P.T - P * P.T}[join]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize(("kind", "width"), [("random", K), ("random", 1), ("hub", 5), ("duplicates", 17)])
def test_matrices_are_those_of_the_cpu(kind, width, join, dtype, card, both_ways):
    indices, distances = neighbors(kind)
    weights = np.random.default_rng(0).uniform(0.01, 1, (N, width)).astype(dtype)

    def rows(low, high, out):
        out[:] = weights[low:high].ravel()

    lists = as_lists(indices, distances).nearest(width)
    for normalize in (False, True):
        mine = both_ways(lambda normalize=normalize: joined(card, indices, weights, JOINS[join], normalize))
        P = assemble(lists, rows, join=join, normalize=normalize, dtype=dtype, n_jobs=1)
        assert np.array_equal(mine[1], P.indices)
        assert np.array_equal(mine[2], P.indptr)
        assert mine[0].dtype == dtype
        if not normalize and join != "union":  # whose product hosts may add without rounding it
            check_same(mine[0], P.data)
        np.testing.assert_allclose(mine[0], P.data, rtol=1e-14 if dtype is np.float64 else 2e-7)
        exact = dense(indices, weights, join)
        exact /= exact.sum() if normalize else 1
        P.data = mine[0]
        np.testing.assert_allclose(P.toarray(), exact, rtol=1e-13 if dtype is np.float64 else 1e-6)
        assert (P != P.T).nnz == 0


def test_a_row_that_shared_memory_has_no_room_for(emulated, both_ways):
    """All others have found one point, and are sorted where they lie."""
    n = 2100
    indices = np.where(np.arange(n) == 0, 1, 0).astype(np.int32)[:, None]
    values, columns, starts = both_ways(lambda: joined(emulated, indices, np.ones((n, 1)), 0, False))
    assert starts[1] == n - 1
    assert np.array_equal(columns, np.append(np.arange(1, n), np.zeros(n - 1)))
    assert np.array_equal(values[:3], [2, 1, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_entropy(dtype, card, both_ways):
    weights = np.random.default_rng(0).random(3000).astype(dtype)
    weights[5] = 0
    mine = both_ways(lambda: card.call(matrix.entropy, weights, 1))
    p = weights[weights > 0].astype(np.float64)
    np.testing.assert_allclose(mine, ((p * np.log(p)).sum(), p.sum()), rtol=1e-13)
    np.testing.assert_allclose(mine, ops.entropy(weights, 1), rtol=1e-13 if dtype is np.float64 else 1e-8)


def test_a_matrix_becomes_a_graph(card):
    indices, _ = neighbors("random")
    made = matrix.symmetrized(card.device.xp.asarray(indices), card.device.xp.asarray(np.ones((N, K))), 0, True)
    P = made.tocsr()
    for dtype in (np.float32, np.float64):
        graph = ops.Graph(np.arange(N, dtype=np.int32), P.indptr, P.indices, P.data.astype(dtype))
        mine, theirs = card.back(made.graph(dtype)), card.back(matrix.Graph.of(graph))
        check_same(tuple(mine), tuple(theirs))
