"""Starts without data, their scale, and where new points begin."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError


def test_rescale(rng):
    x = rng.normal(size=(50, 3)) * [3, 2, 1]
    before = x.copy()
    y = initialization.rescale(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(y, x / x[:, 0].std() * 1e-4)
    assert initialization.rescale(x, target_std=5.0)[:, 0].std() == pytest.approx(5)
    assert initialization.rescale(x, inplace=True) is x
    np.testing.assert_allclose(x, y)
    for huge in (1e-300, 1e300):
        np.testing.assert_allclose(initialization.rescale(before * huge), y, rtol=1e-12)
    flat = np.c_[np.ones(50), before[:, 0]]
    np.testing.assert_allclose(initialization.rescale(flat), flat, rtol=1e-12)
    np.testing.assert_array_equal(initialization.rescale(np.zeros((4, 2))), 0)


def test_jitter(rng):
    x = rng.normal(size=(2000, 2))
    y = initialization.jitter(x, random_state=0)
    assert (y - x).std() == pytest.approx(0.01 * x[:, 0].std(), rel=0.05)
    np.testing.assert_array_equal(y, initialization.jitter(x, random_state=0))
    again = x.copy()
    assert initialization.jitter(again, inplace=True, random_state=0) is again
    np.testing.assert_array_equal(again, y)
    same = initialization.jitter(np.ones((40, 2)), random_state=0)
    assert len(np.unique(same, axis=0)) == 40


def test_random(rng):
    Y = initialization.random(3000, 3, random_state=5)
    assert Y.shape == (3000, 3)
    assert Y.std() == pytest.approx(1e-4, rel=0.05)
    np.testing.assert_array_equal(Y, np.random.RandomState(5).normal(0, 1e-4, (3000, 3)))
    X = rng.normal(size=(7, 4))
    for given in (7, X, X.tolist(), sparse.csr_matrix(X), np.int64(7)):
        np.testing.assert_array_equal(
            initialization.random(given, random_state=1), Y2 := initialization.random(7, random_state=1)
        )
        assert Y2.shape == (7, 2)
    for bad in (0, -1, 2.5, "many", None):
        with pytest.raises((InvalidParameterError, InvalidTypeError), match="n_samples"):
            initialization.random(bad)


def test_inplace_needs_an_array_of_floats():
    for function in (initialization.rescale, initialization.jitter):
        with pytest.raises(InvalidTypeError, match="inplace"):
            function([[1, 2], [3, 4]], inplace=True)
        with pytest.raises(InvalidParameterError, match="finite"):
            function(np.array([[np.nan, 1.0]]))


@pytest.fixture
def reference(rng):
    return rng.normal(size=(60, 2))


@pytest.fixture
def neighbors(rng):
    return np.array([rng.choice(60, 7, replace=False) for _ in range(25)])


def test_median(reference, neighbors):
    expected = np.median(reference[neighbors], axis=1)
    np.testing.assert_array_equal(initialization.median(reference, neighbors), expected)
    np.testing.assert_array_equal(initialization.median(reference.tolist(), neighbors.tolist()), expected)
    P = sparse.csr_matrix((np.ones(175), neighbors.ravel(), np.arange(26) * 7), shape=(25, 60))
    np.testing.assert_array_equal(initialization.median(reference, P), expected)


def test_median_in_blocks(reference, neighbors, monkeypatch):
    from opentsne_like.initialization import partial

    expected = initialization.median(reference, neighbors)
    distances = np.ones(neighbors.shape)
    mean = initialization.weighted_mean(None, reference, neighbors, distances)
    monkeypatch.setattr(partial, "BLOCK", 30)
    np.testing.assert_array_equal(initialization.median(reference, neighbors), expected)
    np.testing.assert_array_equal(initialization.weighted_mean(None, reference, neighbors, distances), mean)


def test_near_neighbours_weigh_most(reference, neighbors, rng):
    distances = np.sort(rng.random(neighbors.shape), axis=1) + 0.1
    Y = initialization.weighted_mean(np.zeros((25, 3)), reference, neighbors, distances)
    for i in range(25):
        np.testing.assert_allclose(Y[i], np.average(reference[neighbors[i]], axis=0, weights=1 / distances[i]))
    np.testing.assert_allclose(
        initialization.weighted_mean(None, reference, neighbors, distances * 1e-300), Y, rtol=1e-9
    )
    distances[3, :2] = 0
    Y = initialization.weighted_mean(None, reference, neighbors, distances)
    np.testing.assert_allclose(Y[3], reference[neighbors[3, :2]].mean(axis=0))


def test_weights_and_affinities(reference, neighbors, rng):
    weights = rng.random(neighbors.shape)
    expected = np.array([np.average(reference[r], axis=0, weights=w) for r, w in zip(neighbors, weights, strict=True)])
    np.testing.assert_allclose(initialization.weighted_mean(None, reference, neighbors, weights=weights), expected)
    P = sparse.csr_matrix((weights.ravel(), neighbors.ravel(), np.arange(26) * 7), shape=(25, 60))
    np.testing.assert_allclose(initialization.weighted_mean(None, reference, P), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neighbors": [[0, 60]]}, "must lie in 0..59, got another index in row 0"),
        ({"neighbors": [[0.5, 1]]}, "`neighbors` must be integers"),
        ({"neighbors": [0, 1]}, "`neighbors` must have shape"),
        ({"neighbors": sparse.csr_matrix((3, 60))}, "`neighbors` must have an entry in each row, got none in row 0"),
        ({"neighbors": sparse.csr_matrix(np.ones((3, 5)))}, "`neighbors` must have 60 columns"),
        ({"distances": [[1.0, 2.0, 3.0]]}, "`distances` must have the shape of `neighbors`"),
        ({"distances": [[1.0, -2.0]]}, "`distances` must not be negative, got -2 in row 0"),
        ({"distances": [[1.0, np.nan]]}, "`distances` must be finite"),
        ({"distances": None}, "`distances` or `weights` must be given"),
        ({"distances": None, "weights": [[0.0, 0.0]]}, "`weights` must have a positive value in each row"),
        ({"X": np.ones((4, 2))}, "one row for each of the 4 rows of `X`, got 1"),
        ({"embedding": [[np.nan, 0.0]]}, "`embedding` must be finite"),
    ],
)
def test_one_clear_error(change, message, reference):
    arguments = {"X": None, "embedding": reference, "neighbors": [[0, 1]], "distances": [[1.0, 2.0]], **change}
    with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
        initialization.weighted_mean(**arguments)
    assert message in str(caught.value)
    if "neighbors" in change:
        with pytest.raises((InvalidParameterError, InvalidTypeError)):
            initialization.median(reference, change["neighbors"])


def test_signatures_begin_as_those_of_opentsne():
    expected = {
        "rescale": "x inplace target_std",
        "jitter": "x inplace scale random_state",
        "random": "n_samples n_components random_state verbose",
        "pca": "X n_components svd_solver random_state verbose add_jitter",
        "spectral": "A n_components tol max_iter random_state verbose add_jitter",
        "weighted_mean": "X embedding neighbors distances verbose",
        "median": "embedding neighbors verbose",
    }
    for name, parameters in expected.items():
        signature = inspect.signature(getattr(initialization, name))
        assert list(signature.parameters)[: len(parameters.split())] == parameters.split()
