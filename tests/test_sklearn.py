"""The transformer with scikit-learn's interface."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import opentsne_like
from opentsne_like.callbacks import Checkpoint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # whatever scikit-learn's import says is not about this package
    from sklearn import config_context
    from sklearn.base import clone
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import estimator_checks_generator

    import opentsne_like.sklearn as transformers
    from opentsne_like.sklearn import TSNE, UMAP, MapTransformer, NegTSNE

BRIEF = {"perplexity": 5, "n_iter": 30, "early_exaggeration_iter": 20, "random_state": 0}

# Each method, made so that it is quick on the few rows of the checks.
FAMILY = {
    "TSNE": BRIEF,
    "UMAP": {"n_epochs": 30, "n_neighbors": 5, "random_state": 0},
    "NegTSNE": {"n_iter": 20, "early_iter": 10, "n_neighbors": 5, "random_state": 0},
    "NCTSNE": {"n_iter": 20, "early_iter": 10, "n_neighbors": 5, "random_state": 0},
    "LargeVis": {"n_iter": 30, "perplexity": 5, "random_state": 0},
    "SNE": {"n_iter": 20, "early_exaggeration_iter": 10, "perplexity": 5, "random_state": 0},
    "InfoNCTSNE": {"n_iter": 20, "early_exaggeration_iter": 10, "perplexity": 5, "random_state": 0},
    "ElasticEmbedding": {"n_iter": 30, "perplexity": 5, "random_state": 0},
    "PaCMAP": {"num_iters": (10, 10, 10), "n_neighbors": 5, "random_state": 0},
}

NOT_HERE = {"check_array_api_input": "needs SCIPY_ARRAY_API"}


def _name(check):
    return getattr(check, "func", check).__name__


def _checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checked = [TSNE(**BRIEF | {"perplexity": 3}), UMAP(n_epochs=20, n_neighbors=3, random_state=0)]
        return [pair for estimator in checked for pair in estimator_checks_generator(estimator)]


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


@pytest.mark.parametrize("name", FAMILY)
def test_every_method_of_the_family_is_made_from_its_estimator(name, small_digits):
    X = small_digits[0]
    made = getattr(transformers, name)
    parameters = FAMILY[name]
    expected = getattr(opentsne_like, name)(**parameters).fit(X[:250])
    estimator = clone(made(**parameters)).fit(X[:250])
    assert issubclass(made, MapTransformer)
    assert (made.__name__, made.__module__) == (name, "opentsne_like.sklearn")
    assert "n_components : int" in made.__doc__
    np.testing.assert_array_equal(estimator.embedding_, expected)
    np.testing.assert_array_equal(estimator.transform(X[[3, 260]])[0], expected[3])
    np.testing.assert_array_equal(estimator.transform(X[260:], n_iter=5), expected.transform(X[260:], n_iter=5))
    assert estimator.loss_ == expected.loss_value
    assert estimator.n_iter_ == sum(stage["n_iter"] for stage in expected_stages(name, parameters))
    assert hasattr(estimator, "kl_divergence_") == (name == "TSNE")
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.transform(X[:250]), expected)
    assert set(made().get_params()) == set(getattr(opentsne_like, name)().get_params())


def expected_stages(name, parameters):
    return getattr(opentsne_like, name)(**parameters)._stages(250)


def test_transformers_of_estimators_of_ones_own(small_digits):
    class Mine(opentsne_like.NegTSNE):
        """A method.

        Parameters
        ----------
        n_components : int
        """

    made = transformers.transformer(Mine)
    assert made.__name__ == "Mine"
    assert "n_components : int" in made.__doc__
    assert made(n_iter=5, early_iter=5).set_output(transform="pandas") is not None
    assert made(n_iter=5, early_iter=5, random_state=0).fit_transform(small_digits[0]).shape == (300, 2)


def test_metadata_find_their_way(small_digits, tmp_path):
    X = small_digits[0]
    checkpoint = tmp_path / "run.npz"
    with config_context(enable_metadata_routing=True):
        last = NegTSNE(**FAMILY["NegTSNE"]).set_fit_request(checkpoint=True).set_transform_request(n_iter=True)
        pipeline = make_pipeline(StandardScaler(), last)
        pipeline.fit(X[:250], checkpoint=Checkpoint(checkpoint, every=5))
        placed = pipeline.transform(X[250:], n_iter=3)
        scaled = pipeline[0].transform(X[250:])
        np.testing.assert_array_equal(placed, last.embedding_.transform(scaled, n_iter=3))
        made = pipeline.fit_transform(X[:250], checkpoint=str(checkpoint), n_iter=3)
        np.testing.assert_array_equal(made, last.embedding_)
    assert checkpoint.exists()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_output_of_other_libraries(small_digits, library):
    pytest.importorskip(library)
    X = small_digits[0]
    estimator = UMAP(**FAMILY["UMAP"]).set_output(transform=library)
    made = estimator.fit_transform(X[:250])
    assert list(made.columns) == ["umap0", "umap1"]
    np.testing.assert_array_equal(made.to_numpy(), estimator.embedding_)
    assert list(estimator.transform(X[250:255]).columns) == list(estimator.get_feature_names_out())


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
