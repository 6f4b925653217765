"""What every backend owes: the true numbers, no row as its own neighbour, copies that work, clear errors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like._parallel import run_tasks
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, MissingDependencyError, UnavailableError
from opentsne_like.nearest_neighbors import HNSW, IVF, Annoy, Faiss, KNNIndex, Sklearn, Voyager
from opentsne_like.utils import is_package_installed

from . import oracle


def needs(backend, package):
    return pytest.param(backend, marks=pytest.mark.skipif(not is_package_installed(package), reason=f"no {package}"))


# pynndescent compiles for a good while; it has tests of its own below.
BACKENDS = [Sklearn, IVF, Faiss, needs(Annoy, "annoy"), needs(HNSW, "hnswlib"), needs(Voyager, "voyager")]
SEEDED = [Sklearn, IVF, Faiss, needs(HNSW, "hnswlib"), needs(Voyager, "voyager")]
backends = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def X(rng):
    return np.round(rng.normal(size=(400, 8)) + 5, 2)


def assert_right(indices, distances, X, metric="euclidean"):
    """Nearly all are the true neighbours, in order, and all distances have the bits of exact search."""
    n, k = indices.shape
    truth = np.full((n, n), np.nan)
    np.put_along_axis(truth, *Sklearn(X, n - 1, metric).build(), 1)
    np.testing.assert_array_equal(np.take_along_axis(truth, indices, 1), distances)
    assert (np.diff(distances, axis=1) >= 0).all()
    true = np.sort(truth, axis=1)[:, k - 1 : k]
    assert np.mean(distances <= true) > 0.93


@pytest.mark.parametrize("backend", [Sklearn, Faiss, IVF])
def test_no_stage_uses_more_threads_than_asked_for(backend, X, monkeypatch):
    from opentsne_like.nearest_neighbors import _prefilter

    asked = []

    def recorded(tasks, *, n_jobs):
        asked.append(n_jobs)
        return run_tasks(tasks, n_jobs=n_jobs)

    monkeypatch.setattr(_prefilter, "run_tasks", recorded)
    index = backend(X, 20, random_state=0, n_jobs=1, **({} if backend is Sklearn else {"knn_kwargs": {"n_cells": 200}}))
    index.build()
    index.query(X[:5], 100)
    assert asked
    assert set(asked) == {1}


@backends
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_a_metric_is_the_same_number_everywhere(backend, metric, X):
    indices, distances = backend(X, 20, metric, random_state=0).build()
    assert_right(indices, distances, X, metric)
    assert indices.dtype == np.int32
    assert distances.dtype == np.float64


@backends
@pytest.mark.parametrize("offset", [1e4, -1e6])
def test_an_offset_loses_nothing(backend, offset, X):
    assert_right(*backend(X + offset, 10, random_state=0).build(), X + offset)


@backends
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_no_row_is_its_own_neighbour_where_rows_repeat(backend, metric, rng):
    X = np.repeat(rng.normal(size=(30, 4)), 10, axis=0)
    indices, distances = backend(X, 15, metric, random_state=0).build()
    assert (indices != np.arange(300)[:, None]).all()
    assert all(len(set(row)) == 15 for row in indices.tolist())
    assert (distances[:, :9] == 0).all()
    assert np.isfinite(distances).all()


@backends
@pytest.mark.parametrize("outlier", [1e6, 1e25])
def test_one_outlier_does_not_blind_the_search(backend, outlier, X):
    X[17] = outlier
    assert_right(*backend(X, 10, random_state=0).build(), X)


@backends
def test_all_rows_equal(backend):
    indices, distances = backend(np.ones((50, 3)), 7, random_state=0).build()
    assert (distances == 0).all()
    assert (indices != np.arange(50)[:, None]).all()


@backends
@pytest.mark.parametrize("n", [2, 3, 10])
def test_few_rows(backend, n, rng):
    X = rng.normal(size=(n, 3))
    index = backend(X, n - 1, random_state=0)
    indices, distances = index.build()
    expected = oracle.neighbors(X, n - 1)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_allclose(distances, expected[1], rtol=1e-12)
    assert index.query(X, n)[0].shape == (n, n)


@backends
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
def test_other_types(backend, dtype, rng):
    X = (10 * rng.normal(size=(120, 5))).astype(dtype)
    index = backend(X, 6, random_state=0)
    indices, distances = index.build()
    assert distances.dtype == index.data.dtype == (np.float64 if dtype == np.int32 else np.float32)
    assert_right(indices, distances, X)


@backends
def test_query_returns_the_row_itself(backend, X):
    index = backend(X, 5, random_state=0)
    indices, distances = index.query(X[:40], 3)
    assert (distances[:, 0] == 0).all()
    assert (X[indices[:, 0]] == X[:40]).all()
    assert indices.shape == distances.shape == (40, 3)


@backends
def test_copies_give_the_same(backend, X, rng):
    index = backend(X, 12, random_state=3)
    untouched = [copy.deepcopy(index), pickle.loads(pickle.dumps(index))]
    index.build()
    Q = rng.normal(size=(20, 8)) + 5
    expected = index.query(Q, 6)
    for other in [copy.deepcopy(index), copy.copy(index), pickle.loads(pickle.dumps(index))]:
        for ours, theirs in zip(other.query(Q, 6), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for other in untouched:
        assert other.index is None
        assert other.query(Q, 6)[0].shape == (20, 6)


@pytest.mark.parametrize("backend", SEEDED)
@pytest.mark.parametrize("kind", ["integer", "state", "generator"])
def test_a_seed_repeats_itself_on_any_number_of_threads(backend, kind, X):
    def state():
        if kind == "state":
            return np.random.RandomState(5)
        return np.random.default_rng(5) if kind == "generator" else 5

    expected = backend(X, 15, random_state=state(), n_jobs=1).build()
    for n_jobs in (2, -1):
        index = backend(X, 15, random_state=state(), n_jobs=n_jobs)
        for _ in range(2):
            for ours, theirs in zip(index.build(), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@backends
def test_release(backend, X):
    index = backend(X, 5, random_state=0)
    index.build()
    index.release()
    assert index.data is None
    assert (index.n_samples, index.k, index.metric) == (400, 5, "euclidean")
    for call in (index.build, lambda: index.query(X, 3)):
        with pytest.raises(UnavailableError, match="was released: make a new index"):
            call()
    assert pickle.loads(pickle.dumps(index)).data is None


@backends
def test_trim(backend, X):
    index = backend(X, 5, random_state=0)
    expected = index.build(), index.query(X[:9], 3)
    index.trim()
    for again, before in zip((index.build(), index.query(X[:9], 3)), expected, strict=True):
        np.testing.assert_array_equal(again[0], before[0])
        np.testing.assert_array_equal(again[1], before[1])


@backends
def test_data_are_not_changed(backend, X):
    before = X.copy()
    index = backend(X, 5, "cosine", random_state=0)
    index.build()
    index.query(X, 3)
    np.testing.assert_array_equal(X, before)


@backends
def test_verbose_says_what_is_done(backend, X, capsys):
    backend(X, 5, random_state=0).build()
    assert capsys.readouterr().out == ""
    backend(X, 5, random_state=0, verbose=True).build()
    assert f"euclidean distance, {backend.__name__}" in capsys.readouterr().out


@backends
def test_rows_of_zeros_under_cosine(backend, X):
    zeros = X.copy()
    zeros[[3, 9]] = 0
    with pytest.raises(InvalidParameterError, match=r"`data` must have no all-zero rows .* got one in row 3"):
        backend(zeros, 5, "cosine", random_state=0).build()
    index = backend(X, 5, "cosine", random_state=0)
    with pytest.raises(InvalidParameterError, match=r"`query` must have no all-zero rows .* got one in row 3"):
        index.query(zeros, 5)


@pytest.mark.parametrize("backend", [Sklearn, IVF, Faiss])
def test_constant_rows_under_correlation(backend, X):
    constant = X.copy()
    constant[5] = 0.1
    with pytest.raises(InvalidParameterError, match=r"no constant rows under metric 'correlation', got one in row 5"):
        backend(constant, 5, "correlation", random_state=0).build()


@backends
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, InvalidParameterError, "`k` must be at least 1, got 0"),
        ({"k": 400}, InvalidParameterError, "`k` must be at most 399 for this many samples, got 400"),
        ({"k": 2.5}, InvalidTypeError | InvalidParameterError, "`k` must be an integer"),
        ({"metric": "imaginary"}, InvalidParameterError, r"`metric` must be one of .*euclidean.*, got 'imaginary'"),
        ({"metric": 3}, InvalidTypeError, r"`metric` must be a name.*, got 3"),
        ({"metric_params": [1]}, InvalidTypeError, "`metric_params` must be a dictionary"),
        ({"knn_kwargs": "fast"}, InvalidTypeError, "`knn_kwargs` must be a dictionary"),
        ({"n_jobs": 0}, InvalidParameterError, "`n_jobs` must be positive or negative"),
        ({"data": np.ones(5)}, InvalidParameterError, "`data` must be two-dimensional"),
        ({"data": np.ones((1, 5))}, InvalidParameterError, "`data` must have at least 2 rows"),
        ({"data": np.ones((0, 5))}, InvalidParameterError, "`data` must have at least 2 rows"),
        ({"data": [["a", "b"], ["c", "d"]]}, InvalidTypeError, "`data` must be numeric"),
        ({"data": [[1.0, np.nan]] * 5}, InvalidParameterError, "`data` must be finite, got nan in row 0, column 1"),
        ({"data": [[1.0, np.inf]] * 5}, InvalidParameterError, "`data` must be finite, got inf in row 0, column 1"),
    ],
)
def test_bad_input(backend, arguments, error, message, X):
    given = {"data": X, "k": 5, "random_state": 0, **arguments}
    expected = error if isinstance(error, type) else error.__args__
    with pytest.raises(expected, match=message):
        backend(**given)


@backends
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 7)), 2), "`query` must have 8 columns, got shape"),
        ((np.ones((3, 8)), 401), "`k` must be at most 400"),
        ((np.full((3, 8), np.nan), 2), "`query` must be finite"),
    ],
)
def test_bad_queries(backend, arguments, message, X):
    with pytest.raises(InvalidParameterError, match=message):
        backend(X, 5, random_state=0).query(*arguments)


@backends
def test_overflowing_data(backend, X):
    with pytest.raises(InvalidParameterError, match=r"`data` must .*; rescale it"):
        backend(X * 1e200, 5, random_state=0).build()
    with pytest.raises(InvalidParameterError, match=r"`data` must .*; rescale it"):
        backend(X * 1e-200, 5, random_state=0).build()
    assert_right(*backend(X * 1e100, 5, "cosine", random_state=0).build(), X * 1e100, "cosine")


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_sparse_data_and_functions_are_refused_where_they_cannot_work(backend, X):
    with pytest.raises(InvalidTypeError, match=r"`data` must be dense for .*; use neighbors='pynndescent'"):
        backend(sp.csr_matrix(X), 5)
    with pytest.raises(InvalidTypeError, match=r"`metric` must be a name for .*, got <function"):
        backend(X, 5, lambda x, y: 0.0)


@pytest.mark.parametrize(("backend", "package"), [(Annoy, "annoy"), (HNSW, "hnswlib"), (Voyager, "voyager")])
def test_missing_packages(backend, package, X, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"`{package}` must be installed for this: pip install"):
        backend(X, 5)


@pytest.mark.parametrize("backend", [needs(Annoy, "annoy"), needs(HNSW, "hnswlib"), needs(Voyager, "voyager")])
def test_dot_product(backend, X):
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    indices, distances = backend(unit, 5, "dot", random_state=0).build()
    assert (distances >= 0).all()
    np.testing.assert_allclose(distances[:, 0], 1 - np.sum(unit * unit[indices[:, 0]], axis=1), atol=1e-12)
    with pytest.raises(InvalidParameterError, match="at most unit length under metric 'dot'"):
        backend(X, 5, "dot", random_state=0).build()


@pytest.mark.parametrize("metric", ["manhattan", "l1", "taxicab", "hamming"])
def test_other_metrics_of_annoy(metric, X):
    pytest.importorskip("annoy")
    data = np.round(X[:150] - 5) if metric == "hamming" else X[:150]
    indices, distances = Annoy(data, 5, metric, random_state=0, knn_kwargs={"n_trees": 10}).build()
    truth = oracle.distances(data, data, "hamming" if metric == "hamming" else "manhattan")
    np.testing.assert_allclose(distances, np.take_along_axis(truth, indices, 1), rtol=1e-12, atol=1e-15)


def test_a_subclass_needs_only_two_methods(rng):
    class Cyclic(KNNIndex):
        VALID_METRICS = ("euclidean",)

        def build(self):
            indices = (np.arange(self.n_samples)[:, None] + np.arange(1, self.k + 1)) % self.n_samples
            return indices, np.ones(indices.shape)

        def query(self, query, k):
            return self.build()

    index = Cyclic(rng.normal(size=(10, 2)), k=3)
    assert index.build()[0][9].tolist() == [0, 1, 2]
    with pytest.raises(InvalidParameterError, match="`metric` must be one of euclidean for Cyclic"):
        Cyclic(rng.normal(size=(10, 2)), 3, "cosine")
    with pytest.raises(TypeError, match="abstract"):
        KNNIndex(rng.normal(size=(10, 2)), 3)
