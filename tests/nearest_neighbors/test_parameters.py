"""What is handed on to metrics and libraries is checked at the door; none of their errors reaches the user."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from opentsne_like import nearest_neighbors as nn
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.nearest_neighbors import HNSW, IVF, Annoy, NNDescent, Sklearn, Voyager, make_index
from opentsne_like.utils import is_package_installed


@pytest.fixture
def X(rng):
    return rng.normal(size=(60, 4)) * [1, 2, 3, 4]


def test_variances_come_from_the_data(X):
    for given in ({}, {"V": X.var(axis=0, ddof=1)}, {"V": X.var(axis=0, ddof=1).tolist()}):
        indices, distances = Sklearn(X, 5, "seuclidean", given).build()
        true = cdist(X, X, "seuclidean", V=X.var(axis=0, ddof=1))
        np.testing.assert_allclose(np.take_along_axis(true, indices, 1), distances, rtol=1e-12)
        np.testing.assert_allclose(np.sort(true, axis=1)[:, 1:6], distances, rtol=1e-12)
    X[:, 1] = 3  # says nothing
    expected = Sklearn(X[:, [0, 2, 3]], 5, "seuclidean").build()
    for ours, theirs in zip(Sklearn(X, 5, "seuclidean").build(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_the_inverse_covariance_comes_from_the_data(X):
    VI = np.linalg.inv(np.cov(X, rowvar=False))
    for given in ({}, {"VI": VI}):
        indices, distances = Sklearn(X, 5, "mahalanobis", given).build()
        np.testing.assert_allclose(np.take_along_axis(cdist(X, X, "mahalanobis", VI=VI), indices, 1), distances)
    with pytest.raises(InvalidParameterError, match=r"`metric_params` must hold VI .*has no inverse"):
        Sklearn(X[:, [0, 1, 1]], 5, "mahalanobis").build()


@pytest.mark.parametrize("p", [1, 2, 3, np.inf])
def test_minkowski(X, p):
    indices, distances = Sklearn(X, 5, "minkowski", {"p": p}).build()
    true = cdist(X, X, "minkowski", p=p) if p != np.inf else cdist(X, X, "chebyshev")
    np.testing.assert_allclose(np.take_along_axis(true, indices, 1), distances)


@pytest.mark.parametrize(
    ("metric", "given", "message"),
    [
        ("minkowski", {"q": 3}, "`metric_params` must have the names p, w for metric 'minkowski', got 'q'"),
        ("minkowski", {"p": 0}, r"`metric_params\['p'\]` must be positive, got 0"),
        ("minkowski", {"p": "3"}, r"`metric_params\['p'\]` must be a number, got '3'"),
        ("minkowski", {"w": [1, 2, 3]}, r"`metric_params\['w'\]` must have 4 columns, got shape \(1, 3\)"),
        ("minkowski", {"w": [1, 2, 3, -1]}, r"`metric_params\['w'\]` must be not negative, got -1 for column 3"),
        ("seuclidean", {"V": [1, 2, 0, 1]}, r"`metric_params\['V'\]` must be positive, got 0 for column 2"),
        ("seuclidean", {"V": np.ones(3)}, r"`metric_params\['V'\]` must have 4 columns"),
        ("mahalanobis", {"VI": np.eye(3)}, r"`metric_params\['VI'\]` must have at least 4 rows"),
        ("euclidean", {"p": 3}, "`metric_params` must be empty for metric 'euclidean', got 'p'"),
        ("hamming", {"w": np.ones(4)}, "`metric_params` must be empty for metric 'hamming', got 'w'"),
        ("haversine", None, "`data` must have 2 columns, latitude and longitude in radians, .* got 4"),
    ],
)
def test_parameters_that_are_none(X, metric, given, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        make_index(X, 5, metric=metric, metric_params=given, method="exact")


@pytest.mark.parametrize("method", ["ivf", "faiss"])
def test_metrics_without_parameters(X, method):
    with pytest.raises(InvalidParameterError, match="`metric_params` must be empty for metric 'euclidean', got 'p'"):
        make_index(X, 5, method=method, metric_params={"p": 3})


@pytest.mark.parametrize(
    ("backend", "given", "message"),
    [
        (Sklearn, {"leaf": 3}, "`knn_kwargs` must have the names algorithm, leaf_size for Sklearn, got 'leaf'"),
        (Sklearn, {"leaf_size": 0}, r"`knn_kwargs\['leaf_size'\]` must be at least 1, got 0"),
        (
            Sklearn,
            {"algorithm": "tree"},
            "`knn_kwargs` must be what scikit-learn takes, got what it refuses: The",
        ),
        (IVF, {"cells": 3}, "`knn_kwargs` must be n_cells or n_probes for IVF, got 'cells'"),
        (Annoy, {"treez": 3}, "`knn_kwargs` must have the names n_trees for Annoy, got 'treez'"),
        (Annoy, {"n_trees": "ten"}, r"`knn_kwargs\['n_trees'\]` must be an integer, got 'ten'"),
        (HNSW, {"m": 3}, "`knn_kwargs` must have the names M, ef_construction, .* for HNSW, got 'm'"),
        (HNSW, {"M": 0}, r"`knn_kwargs\['M'\]` must be at least 2, got 0"),
        (HNSW, {"allow_replace_deleted": "x" * 9}, "`knn_kwargs` must be what hnswlib takes, got what it refuses: "),
        (Voyager, {"M": 2.5}, r"`knn_kwargs\['M'\]` must be an integer, got 2.5"),
        (Voyager, {"storage_data_type": "f4"}, "`knn_kwargs` must be what voyager takes, got what it refuses: "),
        (NNDescent, {"trees": 3}, "`knn_kwargs` must have the names .*n_trees, .* for NNDescent, got 'trees'"),
        (NNDescent, {"metric": "l1"}, "`knn_kwargs` must have the names .* for NNDescent, got 'metric'"),
    ],
)
def test_options_of_backends(X, backend, given, message):
    packages = {Annoy: "annoy", HNSW: "hnswlib", Voyager: "voyager"}
    if not is_package_installed(packages.get(backend, "numpy")):
        pytest.skip("not installed")
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message) as caught:
        backend(X, 5, knn_kwargs=given, random_state=0).build()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a, b: -1.0, r"that are finite and not negative, got -1.0 for rows 0 and 1$"),
        (lambda a, b: np.nan, r"that are finite and not negative, got nan for rows 0 and 1$"),
        (lambda a, b: np.inf, r"that are finite and not negative, got inf for rows 0 and 1$"),
        (lambda a, b: "near", "must return a number, got 'near' for rows 0 and 1"),
        (lambda a, b: "1.5", "must return a number, got '1.5' for rows 0 and 1"),
        (lambda a, b: None, "must return a number, got None for rows 0 and 1"),
        (lambda a, b: np.abs(a - b), "must return a number, got array"),
        (lambda a, b: [1.0], r"must return a number, got \[1.0\] for rows 0 and 1"),
        (lambda a, b: 1j, "must return a number, got 1j for rows 0 and 1"),
    ],
)
def test_functions_that_are_no_distance(X, function, message):
    with pytest.raises(InvalidParameterError, match=f"^`metric` .*{message}"):
        make_index(X, 5, metric=function).build()
    index = Sklearn(X, 5, lambda a, b: function(a, b) if b[0] == X[7, 0] and a[0] == 9 else 1.0)
    index.build()
    new = X[:3].copy()
    new[2] = 9
    with pytest.raises(InvalidParameterError, match="for rows 2 and 7"):
        index.query(new, 5)


def test_rounding_of_a_function_is_forgiven(rng):
    X = rng.normal(size=(40, 5))
    Z = np.vstack([X, 3 * X])

    def cosine(a, b):
        return 1 - a @ b / np.sqrt((a @ a) * (b @ b))

    indices, distances = make_index(Z, 4, metric=cosine).build()
    assert distances.min() == 0
    np.testing.assert_array_equal(indices[:, 0], (np.arange(80) + 40) % 80)


def test_a_function_sees_the_rows_themselves_and_its_arguments(rng):
    """Rows that name other things can be looked up: no row is asked for that is not there."""
    D = rng.random((30, 30))
    D += D.T
    index = Sklearn(np.arange(30)[:, None], 4, lambda a, b, power: D[int(a[0]), int(b[0])] ** power, {"power": 2})
    indices, distances = index.build()
    np.fill_diagonal(D, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(D, axis=1)[:, :4])
    np.testing.assert_array_equal(distances, np.sort(D, axis=1)[:, :4] ** 2)


def test_no_triangle_inequality_is_needed(rng):
    X = rng.normal(size=(300, 3))
    squares = Sklearn(X, 10, lambda a, b: ((a - b) ** 2).sum()).build()
    np.testing.assert_array_equal(squares[0], Sklearn(X, 10).build()[0])
    tree = Sklearn(X, 10, lambda a, b: np.abs(a - b).sum(), knn_kwargs={"algorithm": "ball_tree"}).build()
    np.testing.assert_array_equal(tree[0], Sklearn(X, 10, "manhattan").build()[0])


def test_what_pynndescent_gives_is_checked(X, monkeypatch):
    index = NNDescent(X, 2, lambda a, b: 0.5, random_state=0)
    wrong = np.full((60, 3), 0.5)
    wrong[4, 2] = np.nan
    neighbors = (np.arange(60)[:, None] + np.arange(3)) % 60
    index.index = object()
    monkeypatch.setattr(index, "_propose", lambda rows, own, k: (neighbors, wrong))
    with pytest.raises(InvalidParameterError, match=r"`metric` must give distances .*, got inf for rows 4 and others"):
        index.build()


def test_the_names_of_both_libraries(X):
    assert NNDescent(X, 2, "seuclidean", {"sigma": np.ones(4)})._parameters()["V"].tolist() == [1, 1, 1, 1]
    assert list(NNDescent(X, 2, "wminkowski", {"p": 3})._parameters()) == ["w", "p"]
    assert NNDescent(X, 2, "sinkhorn", {"regularization": 2.0})._parameters() == {"regularization": 2.0}
    assert nn.NNDescent(X, 2, "mahalanobis")._parameters()["VI"].shape == (4, 4)
