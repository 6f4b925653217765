"""Names of backends, the automatic choice, and indices that users bring."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like import nearest_neighbors as nn
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.nearest_neighbors import _exact, _factory, check_index, make_index
from opentsne_like.utils import is_package_installed


@pytest.fixture
def X(rng):
    return np.abs(rng.normal(size=(120, 5)))


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(_factory, "EXACT_ROWS", 100)
    monkeypatch.setattr(_factory, "EXACT_ROWS_OTHERWISE", {"dense": 50, "sparse": 60, "function": 40})


@pytest.mark.parametrize(
    ("method", "backend", "package"),
    [
        ("exact", "Sklearn", "sklearn"),
        ("ivf", "IVF", "numpy"),
        ("faiss", "Faiss", "faiss"),
        ("pynndescent", "NNDescent", "pynndescent"),
        ("annoy", "Annoy", "annoy"),
        ("hnsw", "HNSW", "hnswlib"),
        ("voyager", "Voyager", "voyager"),
    ],
)
def test_names(method, backend, package, X):
    if not is_package_installed(package):
        pytest.skip(f"no {package}")
    options = {"metric": "cosine", "n_jobs": 2, "random_state": 4, "verbose": True}
    index = make_index(X, 7, method=method, **options)
    assert type(index) is getattr(nn, backend)
    assert {name: getattr(index, name) for name in options} == options
    assert index.k == 7


@pytest.mark.parametrize(
    ("n", "metric", "sparse", "backend"),
    [
        (100, "euclidean", False, "Sklearn"),
        (101, "euclidean", False, "IVF"),
        (101, "l2", False, "IVF"),
        (101, "cosine", False, "IVF"),
        (100, "manhattan", False, "Sklearn"),
        (101, "manhattan", False, "IVF"),
        (101, "correlation", False, "IVF"),
        (50, "canberra", False, "Sklearn"),
        (51, "canberra", False, "NNDescent"),
        (101, "rogerstanimoto", False, "NNDescent"),
        (101, "mahalanobis", False, "NNDescent"),
        (101, "p", False, "Sklearn"),
        (20, "true_angular", False, "NNDescent"),
        (60, "cosine", True, "Sklearn"),
        (61, "cosine", True, "NNDescent"),
        (50, "canberra", True, "Sklearn"),
        (51, "canberra", True, "NNDescent"),
        (50, "jaccard", True, "Sklearn"),
        (20, "hellinger", True, "NNDescent"),
    ],
)
def test_automatic_choice(n, metric, sparse, backend, X, small_limits):
    data = sp.csr_matrix(X[:n]) if sparse else X[:n]
    index = make_index(data, 5, metric=metric)
    assert type(index) is getattr(nn, backend)
    if backend == "NNDescent":
        assert index.build_jobs == 1


def test_automatic_choice_for_functions(X, small_limits):
    def metric(x, y):
        return np.abs(x - y).sum()

    assert type(make_index(X[:40], 5, metric=metric)) is nn.Sklearn
    assert type(make_index(X[:41], 5, metric=metric)) is nn.NNDescent


def test_wide_data_turn_approximate_earlier(X, rng, small_limits):
    wide = rng.normal(size=(60, 2000))
    assert type(make_index(wide[:, :50], 5)) is nn.Sklearn
    assert type(make_index(wide, 5)) is nn.IVF


def test_recall_is_handed_on(X):
    assert make_index(X, 5, method="ivf", recall=0.8).recall == 0.8
    assert make_index(X, 5, method="exact", recall=0.8).k == 5


def test_recall_may_be_among_the_arguments_of_the_backend(X, small_limits):
    arguments = {"recall": 0.5, "n_cells": 7}
    for method in ("auto", "ivf", "faiss"):
        assert make_index(X, 5, method=method, knn_kwargs=arguments).recall == 0.5
        assert make_index(X, 5, method=method, knn_kwargs=arguments, recall=0.7).recall == 0.7
    assert make_index(X[:20], 5, knn_kwargs={"recall": 0.5}).build()[0].shape == (20, 5)  # exact
    assert arguments == {"recall": 0.5, "n_cells": 7}
    with pytest.raises(InvalidParameterError, match="`recall` must be at most 1, got 2"):
        make_index(X, 5, knn_kwargs={"recall": 2})


def test_approx_is_annoy_where_it_can(X, monkeypatch, caplog):
    if is_package_installed("annoy"):
        assert type(make_index(X, 5, method="approx", metric="l1")) is nn.Annoy
    assert type(make_index(X, 5, method="approx", metric="canberra")) is nn.NNDescent
    assert type(make_index(sp.csr_matrix(X), 5, method="approx")) is nn.NNDescent
    monkeypatch.setattr(_factory, "is_package_installed", lambda name: name != "annoy")
    assert type(make_index(X, 5, method="approx")) is nn.Faiss
    assert "Annoy is not installed; neighbours are found by Faiss" in caplog.text
    assert type(make_index(X, 5, method="approx", metric="manhattan")) is nn.NNDescent


def test_precomputed(X):
    from sklearn.metrics import pairwise_distances

    D = pairwise_distances(X)
    assert type(make_index(D, 5, metric="precomputed")) is nn.PrecomputedDistanceMatrix
    index = make_index(nn.Sklearn(X, 6).build(), 6, metric="precomputed")
    assert type(index) is nn.PrecomputedNeighbors


def test_an_index_is_taken_as_it_is(X):
    index = nn.Sklearn(X, 5)
    for data in (X, X.copy(), X.tolist()):
        assert make_index(data, 5, method=index) is index
    index.release()
    assert make_index(X, 3, method=index) is index
    sparse = nn.Sklearn(sp.csr_matrix(X), 5)
    assert make_index(sp.csc_matrix(X), 5, method=sparse) is sparse


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda X: X[:-1],
            InvalidParameterError,
            r"same data, got one of shape \(120, 5\) for data of shape \(119, 5\)",
        ),
        (lambda X: X[:, :-1], InvalidParameterError, r"same data, got one of shape \(120, 5\)"),
        (lambda X: X + 1e-3, InvalidParameterError, "same data, got one of other values"),
        (sp.csr_matrix, InvalidTypeError, "same data, got sparse and dense ones"),
    ],
)
def test_an_index_of_other_data(change, error, message, X):
    index = nn.Sklearn(X, 5)
    with pytest.raises(error, match=message):
        check_index(index, change(X))


def test_an_index_of_other_sparse_data(X):
    index = nn.Sklearn(sp.csr_matrix(X), 5)
    with pytest.raises(InvalidParameterError, match="other values"):
        check_index(index, sp.csr_matrix(2 * X))


def test_an_index_with_too_few_neighbours(X):
    with pytest.raises(InvalidParameterError, match="at least 6 neighbours, got k = 5"):
        make_index(X, 6, method=nn.Sklearn(X, 5))


@pytest.mark.parametrize("method", ["kdtree", 3, None])
def test_unknown_names(method, X):
    with pytest.raises(InvalidParameterError, match=r"`method` must be one of 'auto', 'approx', 'exact', .*, got"):
        make_index(X, 5, method=method)


@pytest.mark.parametrize("data", [3.0, [], np.ones(4), "text"])
def test_data_that_are_no_table(data):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match="`data` must be"):
        make_index(data, 2)


@pytest.mark.parametrize(
    "metric", ["jaccard", "hamming", "canberra", "chebyshev", "correlation", lambda a, b: abs(a - b).sum()]
)
def test_few_sparse_rows_are_searched_exactly(metric, rng):
    X = (rng.random((90, 30)) < 0.3).astype(float)
    X[:, 0] = 1
    index = make_index(sp.csr_matrix(X), 5, metric=metric)
    assert type(index) is nn.Sklearn
    expected = nn.Sklearn(X, 5, metric)
    for ours, theirs in zip(index.build(), expected.build(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(index.query(sp.csr_matrix(X[:3]), 5)[0], expected.query(X[:3], 5)[0])
    assert index.extended(sp.csr_matrix(X[:3])).n_samples == 93


def test_many_sparse_rows_stay_sparse(X, monkeypatch):
    monkeypatch.setattr(_exact, "_DENSE", X.size - 1)
    assert type(make_index(sp.csr_matrix(X), 5, metric="jaccard")) is nn.NNDescent
    with pytest.raises(InvalidParameterError, match=r"must be one of cityblock, .* for Sklearn of sparse data"):
        make_index(sp.csr_matrix(X), 5, metric="jaccard", method="exact")
