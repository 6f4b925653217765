"""Exact neighbours are those of the slow twin, whatever the data look like."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist

from opentsne_like._parallel import serial_blas
from opentsne_like.nearest_neighbors import Sklearn, _exact_search, _prefilter

from . import oracle


def assert_true_neighbors(X, k, metric="euclidean", **kwargs):
    indices, distances = Sklearn(X, k, metric, **kwargs).build()
    true_indices, true_distances = oracle.neighbors(np.asarray(X), k, metric)
    np.testing.assert_allclose(distances, true_distances, rtol=1e-6 if distances.dtype == np.float32 else 1e-12)
    np.testing.assert_array_equal(indices, true_indices)


METRICS = ["euclidean", "cosine", "correlation", "manhattan", "chebyshev"]
every_metric = pytest.mark.parametrize("metric", METRICS)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 10, 63, 64, 65, 150])
@pytest.mark.parametrize("d", [1, 2, 50])
def test_every_size(rng, n, d):
    X = rng.normal(size=(n, d))
    for k in {1, n // 2, n - 1} - {0}:
        assert_true_neighbors(X, k)


@every_metric
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_metric(rng, metric, dtype):
    assert_true_neighbors(rng.normal(1, 1, size=(130, 9)).astype(dtype), 33, metric)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool])
def test_every_type(rng, dtype):
    X = (3 * rng.normal(size=(90, 6)) + 10).astype(dtype)
    assert_true_neighbors(X, 12)
    distances = Sklearn(X, 12).build()[1]
    assert distances.dtype == (np.float32 if dtype in (np.float16, np.float32) else np.float64)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("offset", [1e4, -1e7])
def test_an_offset_loses_nothing(rng, metric, offset):
    """Float32 products of such rows are wrong by far more than the distances are."""
    assert_true_neighbors(rng.normal(size=(150, 20)) + offset, 30, metric)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_distant_tight_clusters(rng, metric):
    """Here float32 cannot tell the neighbours apart, and the bound on its error has to notice."""
    X = 1e-3 * rng.normal(size=(160, 8)) + 1e3 * np.repeat(rng.normal(size=(4, 8)), 40, axis=0)
    assert_true_neighbors(X, 20, metric)


@pytest.mark.parametrize("outlier", [1e4, 1e12, 1e25])
def test_one_outlier_does_not_blind_the_search(rng, outlier):
    X = rng.normal(size=(120, 5))
    X[17] = outlier
    assert_true_neighbors(X, 15)


@pytest.mark.parametrize("scale", [1e-140, 1e-6, 1e6, 1e140])
def test_scaling_changes_nothing_but_the_distances(rng, scale):
    X = rng.normal(size=(150, 7))
    power = 2.0 ** np.round(np.log2(scale))
    indices, distances = Sklearn(X, 20).build()
    scaled_indices, scaled_distances = Sklearn(X * power, 20).build()
    np.testing.assert_array_equal(indices, scaled_indices)
    np.testing.assert_array_equal(distances * power, scaled_distances)


def test_rows_that_repeat(rng):
    """Each row is dropped by its index: a copy of it, at distance 0, is a neighbour like any other."""
    X = np.repeat(rng.normal(size=(12, 4)), 10, axis=0)[rng.permutation(120)]
    assert_true_neighbors(X, 25)
    indices, distances = Sklearn(X, 9).build()
    assert (indices != np.arange(120)[:, None]).all()
    assert (distances == 0).all()


@pytest.mark.parametrize("n", [50, 1000])
def test_all_rows_equal(n):
    indices, distances = Sklearn(np.full((n, 3), 7.0), 5).build()
    assert (distances == 0).all()
    assert indices[0].tolist() == [1, 2, 3, 4, 5]
    assert indices[3].tolist() == [0, 1, 2, 4, 5]
    assert indices[-1].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_ties_go_to_the_lower_index(rng, metric):
    """On a lattice far more rows share the last distance than the margin of the candidates holds."""
    assert_true_neighbors(rng.integers(0, 4, size=(250, 3)).astype(float), 20, metric)


def test_constant_columns(rng):
    X = rng.normal(size=(80, 4))
    X[:, 1:3] = 5
    assert_true_neighbors(X, 10)


@pytest.mark.parametrize("columns", [32, 100, 4096])
def test_tiles_and_threads_change_no_bit(rng, monkeypatch, columns):
    X = np.round(rng.normal(size=(700, 10)), 1)
    expected = Sklearn(X, 40, n_jobs=1).build()
    monkeypatch.setattr(_prefilter, "COLUMNS", columns)
    monkeypatch.setattr(_exact_search, "_rows_per_task", lambda *_: 37)
    for n_jobs in (1, 2, 5):
        for ours, theirs in zip(Sklearn(X, 40, n_jobs=n_jobs).build(), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@every_metric
def test_a_batch_changes_no_bit(rng, metric):
    X, Q = rng.normal(size=(300, 6)), rng.normal(size=(100, 6))
    index = Sklearn(X, 10, metric)
    indices, distances = index.query(Q, 12)
    for part in (slice(0, 1), slice(40, 99)):
        some_indices, some_distances = index.query(Q[part], 12)
        np.testing.assert_array_equal(some_indices, indices[part])
        np.testing.assert_array_equal(some_distances, distances[part])


@pytest.mark.parametrize("metric", [*METRICS, "hamming"])
def test_queries(rng, metric):
    X, Q = np.round(rng.normal(size=(90, 5)), 1) + 0.01, np.round(rng.normal(size=(30, 5)), 1) + 0.01
    for k in (1, 17, 90):
        indices, distances = Sklearn(X, 5, metric).query(Q, k)
        truth = oracle.distances(Q, X, metric)
        np.testing.assert_allclose(distances, np.sort(truth, axis=1)[:, :k], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.take_along_axis(truth, indices, 1), distances, rtol=1e-9, atol=1e-12)


@every_metric
@pytest.mark.parametrize("far", [1e20, 1e60])
def test_a_query_may_lie_anywhere(rng, metric, far):
    X = rng.normal(size=(70, 3))
    Q = np.array([[far, 0, 0], [0, -far, far], [1.0, 2, 3]])
    indices, distances = Sklearn(X, 5, metric).query(Q, 70)
    assert np.sort(indices, axis=1).tolist() == [list(range(70))] * 3
    np.testing.assert_allclose(distances, np.sort(oracle.distances(Q, X, metric), axis=1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("d", [3, 50, 51])
def test_cosine_has_the_bits_of_scipy(rng, d):
    X, Q = rng.normal(100, 50, (150, d)), rng.normal(100, 50, (60, d))
    index = Sklearn(X, 15, "cosine")
    indices, distances = index.build()
    np.testing.assert_allclose(distances, np.take_along_axis(cdist(X, X, "cosine"), indices, 1), rtol=1e-9)
    indices, distances = index.query(Q, 15)
    truth = cdist(Q, X, "cosine")
    np.testing.assert_array_equal(indices, np.argsort(truth, axis=1, kind="stable")[:, :15])
    np.testing.assert_allclose(distances, np.sort(truth, axis=1)[:, :15], rtol=1e-9)


def test_cosine_of_nearly_parallel_rows(rng):
    """``1 - cos`` alone would leave no digit of such distances."""
    X = np.ones((40, 6)) + 1e-7 * rng.normal(size=(40, 6))
    X[5] = 2 * X[9]
    _, distances = Sklearn(X, 39, "cosine").build()
    unit = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.longdouble)
    truth = ((unit[:, None] - unit[None]) ** 2).sum(axis=2) / 2
    np.fill_diagonal(truth, np.inf)
    np.testing.assert_allclose(distances, np.sort(truth.astype(float), axis=1)[:, :39], rtol=1e-6, atol=1e-30)
    assert distances[5, 0] < 1e-30


@pytest.mark.parametrize("layout", ["fortran", "read-only", "strided", "list", "frame"])
def test_every_layout(rng, layout):
    X = rng.normal(size=(60, 4))
    expected = Sklearn(X, 8).build()
    if layout == "fortran":
        given = np.asfortranarray(X)
    elif layout == "read-only":
        given = X.copy()
        given.flags.writeable = False
    elif layout == "strided":
        given = np.repeat(X, 2, axis=1)[:, ::2]
    elif layout == "list":
        given = X.tolist()
    else:
        given = pytest.importorskip("pandas").DataFrame(X)
    for ours, theirs in zip(Sklearn(given, 8).build(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_memory_mapped(rng, tmp_path):
    X = rng.normal(size=(300, 5))
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    index = Sklearn(mapped, 8)
    assert np.shares_memory(index.data, mapped)
    for ours, theirs in zip(index.build(), Sklearn(X, 8).build(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_distance_dtype(rng):
    X = rng.normal(size=(50, 4))
    index = Sklearn(X, 8)
    indices, distances = index.build()
    index.distance_dtype = np.float32
    narrow_indices, narrow = index.build()
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(indices, narrow_indices)
    np.testing.assert_array_equal(distances.astype(np.float32), narrow)


BOOLEAN = {"dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule"}
WITH_PARAMETERS = {"minkowski": {"p": 3}, "seuclidean": {"V": np.linspace(1, 2, 6)}, "mahalanobis": {"VI": np.eye(6)}}


@pytest.mark.parametrize("metric", sorted(set(Sklearn.VALID_METRICS) - {"haversine", "infinity", "l1", "l2", "p"}))
def test_every_metric_of_scikit_learn(rng, metric):
    X = rng.normal(size=(60, 6))
    truth_of = {"manhattan": "cityblock", "sokalmichener": "rogerstanimoto"}.get(metric, metric)
    parameters = WITH_PARAMETERS.get(metric)
    if metric in BOOLEAN | {"sokalmichener"}:
        X = X > 0.3
    elif metric in ("braycurtis", "hamming"):
        X = np.round(np.abs(X))
    truth = cdist(X, X, truth_of, **(parameters or {}))
    indices, distances = Sklearn(X, 10, metric, metric_params=parameters).build()
    np.fill_diagonal(truth, np.inf)
    np.testing.assert_allclose(distances, np.sort(truth, axis=1)[:, :10], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(distances, np.take_along_axis(truth, indices, 1), rtol=1e-7, atol=1e-9)


def test_haversine(rng):
    X = rng.uniform(-1, 1, size=(40, 2))
    indices, distances = Sklearn(X, 5, "haversine").build()
    a, b = X[0], X[indices[0, 0]]
    h = np.sin((a[0] - b[0]) / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * np.sin((a[1] - b[1]) / 2) ** 2
    np.testing.assert_allclose(distances[0, 0], 2 * np.arcsin(np.sqrt(h)), rtol=1e-9)


def test_callable_metric(rng):
    X = rng.normal(size=(50, 4))
    expected = Sklearn(X, 6, "manhattan").build()
    found = Sklearn(X, 6, lambda x, y: np.abs(x - y).sum()).build()
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_arguments_go_to_scikit_learn(rng, metric, monkeypatch):
    import sklearn.neighbors

    calls = []
    original = sklearn.neighbors.NearestNeighbors

    def recorded(**kwargs):
        calls.append(kwargs)
        return original(**kwargs)

    monkeypatch.setattr(sklearn.neighbors, "NearestNeighbors", recorded)
    X = rng.normal(size=(80, 4))
    found = Sklearn(X, 6, metric, knn_kwargs={"algorithm": "kd_tree", "leaf_size": 10}).build()
    assert calls[0]["algorithm"] == "kd_tree"
    assert calls[0]["leaf_size"] == 10
    for ours, theirs in zip(found, Sklearn(X, 6, metric).build(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix, sp.coo_matrix, sp.csr_array])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_data(rng, metric, form):
    dense = rng.normal(size=(70, 30)) * (rng.random((70, 30)) < 0.2)
    dense[:, 0] = 1
    dense[8] = dense[3]
    data = form(dense)
    before = data.copy()
    indices, distances = Sklearn(data, 9, metric).build()
    expected = Sklearn(dense, 9, metric).build()
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_allclose(distances, expected[1], rtol=1e-12, atol=1e-12)
    assert (data != before).nnz == 0
    query = form(dense[:5])
    for some in (query, dense[:5]):
        np.testing.assert_array_equal(Sklearn(data, 9, metric).query(some, 4)[0][3, :2], [3, 8])


def test_the_products_keep_to_one_thread_and_give_it_back(rng):
    from threadpoolctl import threadpool_info

    def threads():
        pools = [pool for pool in threadpool_info() if "numpy" in pool["filepath"]]
        return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]

    before = threads()
    with serial_blas():
        Sklearn(rng.normal(size=(100, 3)), 5).build()
        assert set(threads()) <= {1}
    assert threads() == before
