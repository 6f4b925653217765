"""The transformer with scikit-learn's interface."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import opentsne_like

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # whatever scikit-learn's import says is not about this package
    from sklearn.base import clone
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import estimator_checks_generator

    from opentsne_like.sklearn import TSNE

BRIEF = {"perplexity": 5, "n_iter": 30, "early_exaggeration_iter": 20, "random_state": 0}

NOT_HERE = {"check_array_api_input": "needs SCIPY_ARRAY_API"}


def _name(check):
    return getattr(check, "func", check).__name__


def _checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(estimator_checks_generator(TSNE(**BRIEF | {"perplexity": 3})))


@pytest.mark.parametrize(("estimator", "check"), _checks(), ids=lambda value: _name(value) if callable(value) else "")
@pytest.mark.filterwarnings("ignore")
def test_checks_of_scikit_learn(estimator, check):
    if _name(check) in NOT_HERE:
        pytest.skip(NOT_HERE[_name(check)])
    check(estimator)


def test_same_map_as_the_estimator_itself(small_digits):
    X, _ = small_digits
    expected = opentsne_like.TSNE(**BRIEF).fit(X)
    estimator = TSNE(**BRIEF)
    assert estimator.fit(X) is estimator
    np.testing.assert_array_equal(estimator.embedding_, expected)
    assert isinstance(estimator.embedding_, opentsne_like.TSNEEmbedding)
    coordinates = clone(estimator).fit_transform(X)
    assert type(coordinates) is np.ndarray
    np.testing.assert_array_equal(coordinates, expected)


def test_transform_takes_the_arguments_of_the_embedding(small_digits):
    X, _ = small_digits
    estimator = TSNE(**BRIEF).fit(X[:250])
    before = np.array(estimator.embedding_)
    placed = estimator.transform(X[250:], n_iter=10, perplexity=3)
    assert type(placed) is np.ndarray
    np.testing.assert_array_equal(placed, estimator.embedding_.transform(X[250:], n_iter=10, perplexity=3))
    np.testing.assert_array_equal(estimator.embedding_, before)


@pytest.mark.parametrize("form", [np.array, csr_matrix], ids=["dense", "sparse"])
def test_rows_of_the_data_have_their_places_and_all_others_are_placed(small_digits, form):
    X = small_digits[0]
    estimator = TSNE(**BRIEF).fit(form(X[:250]))
    of_map = np.array(estimator.embedding_)
    np.testing.assert_array_equal(estimator.transform(form(X[:250])), of_map)
    mixed = estimator.transform(form(X[[260, 3, 299, 7]]))
    np.testing.assert_array_equal(mixed[[1, 3]], of_map[[3, 7]])
    np.testing.assert_array_equal(mixed[[0, 2]], estimator.embedding_.transform(form(X[[260, 299]])))
    start = np.zeros((4, 2))
    placed = estimator.transform(form(X[[260, 3, 299, 7]]), initialization=start, n_iter=0)
    np.testing.assert_array_equal(placed, [start[0], of_map[3], start[2], of_map[7]])


def test_what_the_last_fit_came_to(small_digits):
    X = small_digits[0]
    standard = TSNE(**BRIEF).fit(X)
    assert standard.n_iter_ == 50
    assert standard.kl_divergence_ == standard.embedding_.kl_divergence
    assert standard.learning_rate_ == len(X)
    assert TSNE(**BRIEF, schedule="accelerated").fit(X).learning_rate_ == 2 * len(X)
    assert TSNE(**BRIEF, learning_rate=50).fit(X).learning_rate_ == 50
    assert TSNE(**BRIEF, exaggeration=4).fit(X).learning_rate_ == len(X) / 4
    assert not hasattr(TSNE(), "kl_divergence_")


def test_in_a_pipeline(small_digits):
    X, y = small_digits
    pipeline = make_pipeline(StandardScaler(), TSNE(**BRIEF), KNeighborsClassifier(5))
    pipeline.fit(X[:200], y[:200])
    assert pipeline.score(X[200:], y[200:]) > 0.5
    pipeline.set_params(tsne__perplexity=10)
    assert pipeline["tsne"].perplexity == 10


def test_a_graph_of_neighbours_from_scikit_learn(small_digits):
    X, _ = small_digits
    pipeline = make_pipeline(
        KNeighborsTransformer(n_neighbors=15, mode="distance"),
        TSNE(**BRIEF, metric="precomputed", initialization="spectral"),
    )
    graph = pipeline["kneighborstransformer"].fit_transform(X)
    expected = opentsne_like.TSNE(**BRIEF, metric="precomputed", initialization="spectral").fit(graph)
    np.testing.assert_array_equal(pipeline.fit_transform(X), expected)


def test_sparse_and_narrow_input(small_digits):
    X, _ = small_digits
    dense = TSNE(**BRIEF).fit_transform(X)
    assert TSNE(**BRIEF).fit_transform(csr_matrix(X)).shape == dense.shape
    assert TSNE(**BRIEF).fit_transform(X.astype(np.float32)).dtype == np.float64


def test_names_of_the_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    estimator = TSNE(**BRIEF).set_output(transform="pandas")
    made = estimator.fit_transform(frame)
    assert list(made.columns) == ["tsne0", "tsne1"]
    assert list(estimator.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        estimator.transform(frame[["c", "b", "a"]])
