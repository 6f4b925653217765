"""The affinity classes: what they compute, what they keep, what they refuse."""

from __future__ import annotations

import copy
import inspect
import logging
import pickle
import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from opentsne_like import affinity, nearest_neighbors
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError

from . import twins

MAKERS = {
    "perplexity": lambda X=None, **kw: affinity.PerplexityBasedNN(X, perplexity=8, **kw),
    "mixture": lambda X=None, **kw: affinity.MultiscaleMixture(X, perplexities=[3, 8], **kw),
    "multiscale": lambda X=None, **kw: affinity.Multiscale(X, perplexities=[3, 8], **kw),
    "sigma": lambda X=None, **kw: affinity.FixedSigmaNN(X, sigma=1.5, k=24, **kw),
    "uniform": lambda X=None, **kw: affinity.Uniform(X, k_neighbors=24, **kw),
    "uniform mean": lambda X=None, **kw: affinity.Uniform(X, k_neighbors=24, **{"symmetrize": "mean", **kw}),
}


@pytest.fixture
def X(rng):
    return rng.normal(size=(120, 5))


@pytest.fixture
def new(rng):
    return rng.normal(size=(30, 5))


def exact(X, k, new=None):
    """Return the k nearest neighbours by brute force."""
    d = cdist(X if new is None else new, X)
    if new is None:
        np.fill_diagonal(d, np.inf)
    indices = np.argsort(d, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(d, indices, axis=1)


def fixed(distances, sigma):
    weights = np.exp(-(distances**2) / (2 * sigma**2))
    return weights / weights.sum(axis=1, keepdims=True)


CONDITIONAL = {
    "perplexity": lambda d: twins.conditional(d, [8]),
    "mixture": lambda d: twins.conditional(d, [3, 8]),
    "multiscale": lambda d: twins.conditional(d, [3, 8], average=True),
    "sigma": lambda d: fixed(d, 1.5),
    "uniform": lambda d: np.full(d.shape, 1 / d.shape[1]),
    "uniform mean": lambda d: np.full(d.shape, 1 / d.shape[1]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_matrix_agrees_with_the_definition(name, X):
    indices, distances = exact(X, 24)
    conditional = twins.dense(indices, CONDITIONAL[name](distances), len(X))
    P = MAKERS[name](X, method="exact").P
    join = "max" if name == "uniform" else "mean"
    np.testing.assert_allclose(P.toarray(), twins.joint(conditional, join), rtol=1e-7, atol=1e-12)
    assert abs(P - P.T).max() == 0
    assert P.sum() == pytest.approx(1, abs=1e-12)
    assert P.format == "csr"
    assert P.dtype == np.float64
    one_way = MAKERS[name](X, method="exact", symmetrize=False).P
    np.testing.assert_allclose(one_way.toarray(), conditional / len(X), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_new_points_agree_with_the_definition(name, X, new):
    made = MAKERS[name](X, method="exact")
    P, indices, distances = made.to_new(new, return_distances=True)
    expected_indices, expected_distances = exact(X, 24, new)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_allclose(distances, expected_distances)
    np.testing.assert_allclose(
        P.toarray(), twins.dense(indices, CONDITIONAL[name](distances), len(X)), rtol=1e-7, atol=1e-12
    )
    np.testing.assert_allclose(P.sum(axis=1), 1)
    part = made.to_new(new[:7])
    np.testing.assert_array_equal(part.toarray(), P[:7].toarray())


@pytest.mark.parametrize("name", MAKERS)
def test_threads_and_repeats_give_the_same_bits(name, X):
    first = MAKERS[name](X, n_jobs=1).P
    for n_jobs in (2, -1, None):
        again = MAKERS[name](X, n_jobs=n_jobs).P
        assert (again != first).nnz == 0


@pytest.mark.parametrize("name", MAKERS)
def test_single_precision(name, X):
    P = MAKERS[name](X, dtype=np.float32).P
    assert P.dtype == np.float32
    assert abs(P - P.T).max() == 0
    np.testing.assert_allclose(P.toarray(), MAKERS[name](X).P.toarray(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", MAKERS)
def test_takes_an_index_or_data_but_not_both(name, X, new):
    index = nearest_neighbors.Sklearn(X, k=24)
    made = MAKERS[name](knn_index=index)
    assert made.knn_index is index
    assert made.n_samples == len(X)
    np.testing.assert_array_equal(made.P.toarray(), MAKERS[name](X, method="exact").P.toarray())
    assert made.to_new(new).shape == (30, 120)
    with pytest.raises(InvalidParameterError, match="`data` must be None"):
        MAKERS[name](X, knn_index=index)
    with pytest.raises(InvalidParameterError, match="`data` must be given"):
        MAKERS[name]()


@pytest.mark.parametrize("name", MAKERS)
def test_release_keeps_the_matrix_alone(name, X, new):
    made = MAKERS[name](X)
    P = made.P
    made.release()
    assert made.P is P
    assert made.n_samples == len(X)
    assert made.knn_index is None
    with pytest.raises(UnavailableError, match="release"):
        made.to_new(new)


@pytest.mark.parametrize("name", MAKERS)
def test_survives_copies_and_pickles(name, X, new):
    made = MAKERS[name](X)
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(other.P.toarray(), made.P.toarray())
        np.testing.assert_array_equal(other.to_new(new).toarray(), made.to_new(new).toarray())


@pytest.mark.parametrize("name", MAKERS)
def test_precomputed_distances_give_the_same(name, X, new):
    made = MAKERS[name](cdist(X, X), metric="precomputed")
    assert isinstance(made.knn_index, nearest_neighbors.PrecomputedDistanceMatrix)
    np.testing.assert_allclose(made.P.toarray(), MAKERS[name](X).P.toarray(), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        made.to_new(cdist(new, X)).toarray(), MAKERS[name](X).to_new(new).toarray(), rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("name", MAKERS)
def test_repeated_and_constant_rows(name, rng):
    for X in (np.zeros((40, 3)), np.repeat(rng.normal(size=(10, 3)), 5, axis=0)):
        P = MAKERS[name](X).P
        assert np.isfinite(P.data).all()
        assert P.data.min() > 0
        assert P.diagonal().max() == 0
        assert P.sum() == pytest.approx(1)


@pytest.mark.parametrize("n", [2, 3, 4, 10])
def test_few_points(rng, n):
    X = rng.normal(size=(n, 3))
    for made in (
        affinity.PerplexityBasedNN(X),
        affinity.MultiscaleMixture(X, perplexities=30),
        affinity.Multiscale(X, perplexities=[5, 30]),
        affinity.Uniform(X, k_neighbors=n - 1),
        affinity.FixedSigmaNN(X, sigma=1, k=n - 1),
    ):
        assert made.P.shape == (n, n)
        assert np.isfinite(made.P.data).all()
        assert made.P.sum() == pytest.approx(1)


def test_perplexity_is_lowered_only_where_it_exceeds_the_neighbours(X, caplog):
    made = affinity.PerplexityBasedNN(X, perplexity=140)
    assert (made.perplexity, made.effective_perplexity_) == (140, 119 / 3)
    assert made.knn_index.k == 119
    assert "too high" in caplog.text
    caplog.clear()
    made = affinity.PerplexityBasedNN(X, perplexity=60)
    assert (made.effective_perplexity_, made.knn_index.k) == (60, 119)
    assert not caplog.text


def test_many_neighbours_are_worth_a_line_in_the_log(X, caplog):
    made = affinity.PerplexityBasedNN(X, perplexity=5, k_neighbors=100)
    assert made.knn_index.k == 100
    assert "more than 3 times" in caplog.text


def test_set_perplexity(X, caplog):
    made = affinity.PerplexityBasedNN(X, perplexity=20, method="exact")
    before = made.P
    made.set_perplexity(20)
    assert made.P is before
    made.set_perplexity(10)
    assert (made.perplexity, made.effective_perplexity_) == (10, 10)
    assert made.P.nnz < before.nnz
    assert not caplog.text
    fresh = affinity.PerplexityBasedNN(X, perplexity=10, method="exact")
    np.testing.assert_array_equal(made.P.toarray(), fresh.P.toarray())
    with caplog.at_level(logging.WARNING, logger=affinity.log.name):
        made.set_perplexity(40)
    assert "only 60 are stored" in caplog.text
    with pytest.raises(UnavailableError, match="at most the number of stored neighbours, 60, got 61"):
        made.set_perplexity(61)
    with pytest.raises(InvalidParameterError, match="`new_perplexity` must be positive, got -1"):
        made.set_perplexity(-1)
    assert made.perplexity == 40
    made.release()
    with pytest.raises(UnavailableError, match="release"):
        made.set_perplexity(5)


@pytest.mark.parametrize("cls", [affinity.MultiscaleMixture, affinity.Multiscale])
def test_set_perplexities(cls, X, caplog):
    made = cls(X, perplexities=[10, 20])
    before = made.P
    made.set_perplexities([10, 20])
    assert made.P is before
    made.set_perplexities([5, 10])
    np.testing.assert_array_equal(made.P.toarray(), cls(X, perplexities=[5, 10]).P.toarray())
    with pytest.raises(UnavailableError, match="at most the 60 stored neighbours"):
        made.set_perplexities([5, 30])
    assert made.perplexities == [5, 10]
    assert not caplog.text


@pytest.mark.parametrize("cls", [affinity.MultiscaleMixture, affinity.Multiscale])
def test_large_perplexities_are_lowered_once(cls, rng, caplog):
    X = rng.normal(size=(91, 4))
    assert cls(X, perplexities=[20, 40, 60]).effective_perplexities_ == [20, 30]
    assert "30.00 is used" in caplog.text
    assert "dropped" in caplog.text
    assert cls(X, perplexities=[30, 20, 40]).effective_perplexities_ == [20, 30]
    assert cls(X, perplexities=100).effective_perplexities_ == [30]


def test_one_perplexity_is_the_same_everywhere(X, new):
    one = affinity.PerplexityBasedNN(X, perplexity=12)
    for cls in (affinity.MultiscaleMixture, affinity.Multiscale):
        other = cls(X, perplexities=12)
        np.testing.assert_array_equal(other.P.toarray(), one.P.toarray())
        np.testing.assert_array_equal(other.to_new(new).toarray(), one.to_new(new).toarray())


def test_uniform_values(X):
    assert len(np.unique(affinity.Uniform(X, 10, symmetrize="max").P.data)) == 1
    assert len(np.unique(affinity.Uniform(X, 10, symmetrize=True).P.data)) == 1
    mean = np.unique(affinity.Uniform(X, 10, symmetrize="mean").P.data)
    assert len(mean) == 2
    assert mean[1] == 2 * mean[0]
    assert len(np.unique(affinity.Uniform(X, 10, symmetrize="none").P.data)) == 1


def test_an_index_with_another_k(X):
    index = nearest_neighbors.Sklearn(X, k=10)
    made = affinity.FixedSigmaNN(sigma=1.0, knn_index=index)
    assert made.to_new(X[:3] + 0.1).nnz == 30
    assert affinity.Uniform(knn_index=index).P.nnz >= 1200


def test_a_tiny_sigma_leaves_the_nearest(X):
    P = affinity.FixedSigmaNN(X, sigma=1e-200, k=5, symmetrize=False).P
    np.testing.assert_allclose(P.max(axis=1).toarray().ravel(), 1 / len(X))


def test_scaled_data_give_the_same(X):
    for name in ("perplexity", "mixture", "multiscale", "uniform"):
        P = MAKERS[name](X, method="exact").P.toarray()
        for factor in (1e-6, 1e6):
            np.testing.assert_allclose(MAKERS[name](X * factor, method="exact").P.toarray(), P, rtol=1e-7, atol=1e-15)


def test_what_the_data_may_be(X):
    pandas = pytest.importorskip("pandas")
    from scipy.sparse import csr_matrix

    expected = MAKERS["perplexity"](X, method="exact").P.toarray()
    readonly = X.copy()
    readonly.flags.writeable = False
    for data in (X.tolist(), pandas.DataFrame(X), np.asfortranarray(X), readonly, csr_matrix(X)):
        before = copy.deepcopy(data)
        P = MAKERS["perplexity"](data, method="exact").P
        np.testing.assert_allclose(P.toarray(), expected, rtol=1e-6, atol=1e-12)
        assert type(before) is type(data)
    np.testing.assert_allclose(
        MAKERS["perplexity"](X.astype(np.float32), method="exact").P.toarray(), expected, rtol=1e-3, atol=1e-9
    )


BAD = [
    (lambda X: affinity.PerplexityBasedNN(X, perplexity=0), "`perplexity` must be positive, got 0"),
    (lambda X: affinity.PerplexityBasedNN(X, perplexity=-3), "`perplexity` must be positive, got -3"),
    (lambda X: affinity.PerplexityBasedNN(X, perplexity=np.nan), "`perplexity` must be finite, got nan"),
    (lambda X: affinity.PerplexityBasedNN(X, perplexity="30"), "`perplexity` must be a number, got '30'"),
    (lambda X: affinity.PerplexityBasedNN(X, k_neighbors=120), "`k_neighbors` must be at most 119, got 120"),
    (lambda X: affinity.PerplexityBasedNN(X, k_neighbors="all"), "`k_neighbors` must be one of 'auto', got 'all'"),
    (lambda X: affinity.PerplexityBasedNN(X, dtype=int), "`dtype` must be float64 or float32"),
    (lambda X: affinity.PerplexityBasedNN(X, n_jobs=0), "`n_jobs` must be positive or negative"),
    (lambda X: affinity.PerplexityBasedNN(X[:1]), "`data` must have at least 2 rows"),
    (lambda X: affinity.PerplexityBasedNN(X[0]), "`data` must be two-dimensional"),
    (lambda X: affinity.MultiscaleMixture(X), "`perplexities` must be given"),
    (lambda X: affinity.MultiscaleMixture(X, perplexities=[]), "`perplexities` must hold at least one number"),
    (lambda X: affinity.MultiscaleMixture(X, perplexities=[3, -1]), "`perplexities` must be positive, got -1"),
    (lambda X: affinity.Uniform(X, k_neighbors=120), "`k_neighbors` must be at most 119, got 120"),
    (lambda X: affinity.Uniform(X, symmetrize="invalid"), "`symmetrize` must be one of True, 'max'"),
    (lambda X: affinity.FixedSigmaNN(X), "`sigma` must be given"),
    (lambda X: affinity.FixedSigmaNN(X, sigma=0), "`sigma` must be positive, got 0"),
    (lambda X: affinity.FixedSigmaNN(X, sigma=1, k=120), "`k` must be at most 119, got 120"),
    (lambda X: affinity.PerplexityBasedNN(X).to_new(X, perplexity=-1), "`perplexity` must be positive, got -1"),
    (lambda X: affinity.Uniform(X).to_new(X, k_neighbors=121), "`k_neighbors` must be at most 120, got 121"),
    (lambda X: affinity.FixedSigmaNN(X, sigma=1).to_new(X, sigma=-1), "`sigma` must be positive, got -1"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_one_clear_error(call, message, X):
    before = X.copy()
    with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
        call(X)
    assert message in str(caught.value)
    np.testing.assert_array_equal(X, before)


class _Given:
    """An index that returns what it was told to."""

    def __init__(self, indices, distances):
        self.found = np.asarray(indices), np.asarray(distances)
        self.n_samples, self.k = self.found[0].shape

    def build(self):
        return self.found


@pytest.mark.parametrize(
    ("indices", "distances", "message"),
    [
        ([[1, 2], [0, 3], [0, 1]], np.ones((3, 2)), "`indices` must lie in 0..2, got 3 in row 1"),
        ([[1, 2], [0, -1], [0, 1]], np.ones((3, 2)), "`indices` must lie in 0..2, got -1 in row 1"),
        ([[1, 2], [0, 2], [2, 1]], np.ones((3, 2)), "must not contain the point itself, got 2 in row 2"),
        ([[1, 1], [0, 2], [0, 1]], np.ones((3, 2)), "must not list a neighbour twice, got such a list in row 0"),
        ([[1, 2], [0, 2], [0, 1]], [[1, 2], [1, np.nan], [1, 2]], "must be finite and not negative, got nan in row 1"),
        ([[1, 2], [0, 2], [0, 1]], [[1, 2], [1, 2], [1, np.inf]], "must be finite and not negative, got inf in row 2"),
        ([[1, 2], [0, 2], [0, 1]], [[-1, 2], [1, 2], [1, 3]], "must be finite and not negative, got -1"),
        ([[1, 2], [0, 2], [0, 1]], np.ones((3, 1)), "must have one shape (n, k)"),
        ([[1.0, 2.0], [0, 2], [0, 1]], np.ones((3, 2)), "`indices` must be integers"),
    ],
)
def test_an_index_that_returns_nonsense(indices, distances, message):
    for make in (affinity.PerplexityBasedNN, affinity.Uniform):
        with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
            make(knn_index=_Given(indices, distances))
        assert message in str(caught.value)


@pytest.mark.parametrize("name", MAKERS)
def test_the_order_of_neighbours_does_not_matter(name, X, rng):
    indices, distances = exact(X, 24)
    made = MAKERS[name](knn_index=_Given(indices, distances))
    shuffle = rng.permuted(np.tile(np.arange(24), (len(X), 1)), axis=1)
    mixed = _Given(np.take_along_axis(indices, shuffle, 1), np.take_along_axis(distances, shuffle, 1))
    assert (MAKERS[name](knn_index=mixed).P != made.P).nnz == 0


def test_a_mixture_that_the_index_is_too_small_for(X, caplog):
    made = affinity.MultiscaleMixture(knn_index=nearest_neighbors.Sklearn(X, k=10), perplexities=[5, 30])
    assert "needs more than the 10 neighbours" in caplog.text
    assert made.P.sum() == pytest.approx(1)


def test_signatures_begin_as_those_of_opentsne():
    expected = {
        affinity.PerplexityBasedNN: "data perplexity method metric metric_params symmetrize n_jobs random_state "
        "verbose k_neighbors knn_kwargs knn_index",
        affinity.MultiscaleMixture: "data perplexities method metric metric_params symmetrize n_jobs random_state "
        "verbose knn_kwargs knn_index",
        affinity.Multiscale: "data perplexities method metric metric_params symmetrize n_jobs random_state verbose "
        "knn_kwargs knn_index",
        affinity.FixedSigmaNN: "data sigma k method metric metric_params symmetrize n_jobs random_state verbose "
        "knn_kwargs knn_index",
        affinity.Uniform: "data k_neighbors method metric metric_params symmetrize n_jobs random_state verbose "
        "knn_kwargs knn_index",
        affinity.PrecomputedAffinities: "affinities normalize",
        affinity.PerplexityBasedNN.to_new: "self data perplexity return_distances k_neighbors",
        affinity.MultiscaleMixture.to_new: "self data perplexities return_distances",
        affinity.FixedSigmaNN.to_new: "self data k sigma return_distances",
        affinity.Uniform.to_new: "self data k_neighbors return_distances",
        affinity.joint_probabilities_nn: "neighbors distances perplexities symmetrize normalization "
        "n_reference_samples n_jobs",
        affinity.get_knn_index: "data method k metric metric_params n_jobs random_state verbose knn_kwargs",
    }
    for call, names in expected.items():
        assert list(inspect.signature(call).parameters)[: len(names.split())] == names.split()


@pytest.mark.parametrize("value", ["none", "max", 0, None])
@pytest.mark.parametrize(
    "cls", [affinity.PerplexityBasedNN, affinity.MultiscaleMixture, affinity.Fuzzy, affinity.FixedSigmaNN]
)
def test_only_uniform_takes_words_for_symmetrize(cls, value, X):
    needed = {affinity.MultiscaleMixture: {"perplexities": 5}, affinity.FixedSigmaNN: {"sigma": 1.0}}.get(cls, {})
    with pytest.raises(InvalidParameterError, match="`symmetrize` must be one of True, False, got "):
        cls(X, symmetrize=value, **needed)
    assert cls(X, symmetrize=np.False_, **needed).symmetrize is False


@pytest.mark.parametrize(
    ("cls", "setter", "names"),
    [
        (affinity.PerplexityBasedNN, "set_perplexity", ("perplexity", "effective_perplexity_")),
        (affinity.Entropic, "set_perplexity", ("perplexity", "effective_perplexity_", "bandwidths_")),
        (affinity.MultiscaleMixture, "set_perplexities", ("perplexities", "effective_perplexities_")),
    ],
)
def test_an_interrupted_change_of_perplexity_changes_nothing(cls, setter, names, X, monkeypatch):
    made = cls(X, 8, method="exact")
    before = {name: getattr(made, name) for name in ("P", *names)}
    module = sys.modules["opentsne_like.affinity." + ("multiscale" if setter.endswith("s") else "perplexity")]

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "gaussian_matrix", interrupted)
        with pytest.raises(KeyboardInterrupt):
            getattr(made, setter)(4)
    assert all(getattr(made, name) is value for name, value in before.items())
    getattr(made, setter)(4)
    assert abs(made.P - before["P"]).max() > 0
