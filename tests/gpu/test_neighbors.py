"""Exact neighbours: the CPU's, and those of all pairs in float64, whatever the data and however coarse the products."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like.gpu import neighbors
from opentsne_like.nearest_neighbors import Sklearn
from opentsne_like.nearest_neighbors._prefilter import Prefilter
from opentsne_like.nearest_neighbors._space import Space

from .oracles import check_same

N = 150


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Several blocks, and few threads, which the emulation takes in turns."""
    monkeypatch.setattr(neighbors, "BLOCK", 64)
    monkeypatch.setattr(neighbors, "SELECTORS", 32)


def on_card(card, X, k, metric="euclidean", dtype=None):
    space = Space(X, metric)
    frame = Prefilter(space).frame
    rows = card.device.xp.asarray(space.data)
    made = neighbors.Prefilter(rows, space.kind, space.norms, frame.middle, frame.scale)
    return card.back(neighbors.exact_neighbors(made, k, dtype=X.dtype if dtype is None else dtype))


def all_pairs(X, k, metric):
    """Return neighbours by (distance, index) and their distances, by sums over all pairs without the package."""
    X = X.astype(np.float64)
    if metric == "cosine":
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
    square = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    distances = square / 2 if metric == "cosine" else np.sqrt(square)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, 1)


def data(kind):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, 9))
    if kind == "clustered":
        return X * 0.01 + rng.normal(0, 5, (5, 9))[rng.integers(0, 5, N)]
    if kind == "ties":
        return rng.integers(0, 3, (N, 3)) + 1.0
    if kind == "duplicates":
        return np.repeat(X[: N // 30], 30, axis=0)
    if kind == "one place":
        return np.ones((N, 4))
    if kind == "far":
        return X + 1e6
    if kind == "stray":
        X[7] *= 1e25
        X[9, 3] = 1e31
    return X * {"tiny": 1e-100, "huge": 1e100}.get(kind, 1.0)


KINDS = ["random", "clustered", "ties", "duplicates", "one place", "far", "stray"]
CASES = [(kind, dtype) for kind in KINDS for dtype in (np.float64, np.float32)]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(("kind", "dtype"), [*CASES, ("tiny", np.float64), ("huge", np.float64)])
def test_neighbors_are_those_of_the_cpu(kind, metric, dtype, card, both_ways):
    X = data(kind).astype(dtype)
    indices, distances = both_ways(lambda: on_card(card, X, 12, metric))
    theirs, their_distances = Sklearn(X, 12, metric, n_jobs=1).build()
    assert distances.dtype == their_distances.dtype
    assert np.array_equal(indices, theirs)
    np.testing.assert_allclose(distances, their_distances, rtol=1e-14 if dtype is np.float64 else 2e-7, atol=0)
    if metric == "cosine" or kind in ("ties", "one place"):
        check_same(distances, their_distances)
    exact, exact_distances = all_pairs(X, 12, metric)
    if kind not in ("ties", "duplicates", "one place", "far", "stray"):
        assert np.array_equal(indices, exact)
    np.testing.assert_allclose(distances, exact_distances, rtol=2e-7, atol=3e-16 if metric == "cosine" else 0)


@pytest.mark.parametrize("k", [1, 2, N - 9, N - 2, N - 1])
def test_any_number_of_neighbors(k, card, both_ways):
    X = data("clustered")
    X[20:40] = X[3]
    indices, distances = both_ways(lambda: on_card(card, X, k))
    theirs, their_distances = Sklearn(X, k, n_jobs=1).build()
    assert np.array_equal(indices, theirs)
    np.testing.assert_allclose(distances, their_distances, rtol=1e-14)


@pytest.mark.parametrize("n", [2, 3, 33, 65])
@pytest.mark.parametrize("d", [1, 2, 70])
def test_any_shape(d, n, card):
    X = np.random.default_rng(0).normal(size=(n, d))
    k = min(n - 1, 7)
    assert np.array_equal(on_card(card, X, k)[0], Sklearn(X, k, n_jobs=1).build()[0])


def test_blocks_and_threads_change_no_bit(card, monkeypatch):
    X = data("ties")
    usual = on_card(card, X, 20)
    for block, threads in ((N, 64), (17, 128)):
        monkeypatch.setattr(neighbors, "BLOCK", block)
        monkeypatch.setattr(neighbors, "SELECTORS", threads)
        check_same(on_card(card, X, 20), usual)


def test_distances_of_single_precision_for_data_of_double(card):
    X = data("random")
    check_same(on_card(card, X, 5, dtype=np.float32)[1], on_card(card, X, 5)[1].astype(np.float32))


def test_rows_are_looked_at_again_where_products_do_not_decide(emulated):
    looked = emulated.device.launched
    for kind, again in (("random", False), ("one place", True)):
        looked.clear()
        on_card(emulated, data(kind), 12)
        assert ("rank_all_double" in looked) == again


@pytest.mark.parametrize("tensor_cores", [False, True])
def test_no_error_of_the_products_within_the_bound_changes_a_neighbor(tensor_cores, emulated, monkeypatch):
    """Products are off by as much as the bound allows, either way at random."""
    usual, rng = emulated.device.xp.dot, np.random.default_rng(0)
    part = 2.0**-10 if tensor_cores else 9 * 2.0**-24

    def dot(a, b, out):
        usual(a, b, out=out)
        sizes = np.linalg.norm(a.held, axis=1)[:, None] * np.linalg.norm(b.held, axis=0)
        out.held[:] += (rng.choice([-1, 1], out.shape) * part * sizes).astype(np.float32)

    X = data("clustered")
    expected = on_card(emulated, X, 12)
    monkeypatch.setattr(emulated.device.xp, "dot", dot)
    monkeypatch.setenv("CUPY_TF32", str(int(tensor_cores)))
    check_same(on_card(emulated, X, 12), expected)
