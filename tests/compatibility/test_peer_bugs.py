"""What openTSNE 1.0.4 does wrong, seen from where its users stand: one test each."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import opentsne_like
from opentsne_like import (
    PartialTSNEEmbedding,
    TSNEEmbedding,
    _parallel,
    affinity,
    initialization,
    kl_divergence,
    metrics,
    nearest_neighbors,
)
from opentsne_like.errors import DetachedError

N, NEW = 150, 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 5)), rng.normal(size=(NEW, 5))


@pytest.fixture(scope="module")
def affinities(data):
    return affinity.PerplexityBasedNN(data[0], perplexity=10)


@pytest.fixture(scope="module")
def reference(affinities, data):
    Y = TSNEEmbedding(
        initialization.pca(data[0], random_state=0), affinities, negative_gradient_method="fft", random_state=0
    )
    return Y.optimize(100, exaggeration=4).optimize(50)


# ---------------------------------------------------------------------------------------------------------------- FFT


@pytest.mark.parametrize("dimension", [1, 2])
def test_nan_is_refused_and_ends_no_process(affinities, dimension):
    start = np.zeros((N, dimension))
    start[3, 0] = np.nan
    with pytest.raises(ValueError, match="`embedding` must be finite, got nan in row 3"):
        TSNEEmbedding(start, affinities, negative_gradient_method="fft")
    with pytest.raises(ValueError, match="finite"):
        opentsne_like.tsne.kl_divergence_fft(start, affinities.P, 1, {})


@pytest.mark.parametrize("method", ["fft", "bh"])
@pytest.mark.parametrize("dimension", [1, 2])
def test_coincident_points(affinities, dimension, method):
    Y = TSNEEmbedding(np.ones((N, dimension)), affinities, negative_gradient_method=method).optimize(5)
    assert np.isfinite(Y).all()
    assert Y.kl_divergence == pytest.approx(kl_divergence.kl_divergence_exact(affinities.P, Y), rel=1e-4)


def test_a_descending_start_on_a_line(affinities):
    start = np.linspace(1e-4, -1e-4, N)[:, None]
    maps = [
        TSNEEmbedding(line, affinities, negative_gradient_method="fft").optimize(5, exaggeration=12)
        for line in (start, -start)
    ]
    np.testing.assert_allclose(maps[0], -maps[1], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("row", [0, N - 1])
def test_the_grid_covers_an_extreme_point_in_any_row(affinities, row):
    Y = np.random.default_rng(1).normal(size=(N, 2))
    Y[row] = 40.0, -40.0
    _, forces = opentsne_like.tsne.kl_divergence_fft(Y, affinities.P, 1, {})
    _, exact = opentsne_like.tsne.kl_divergence_bh(Y, affinities.P, 1, {"theta": 0})
    np.testing.assert_allclose(forces, exact, atol=5e-3 * np.abs(exact).max())


def test_the_divergence_of_wide_sparse_maps(affinities):
    Y = np.random.default_rng(2).normal(scale=100, size=(N, 2))
    P = affinities.P
    exact = kl_divergence.kl_divergence_exact(P, Y)
    assert kl_divergence.kl_divergence_approx_fft(P.indices, P.indptr, P.data, Y) == pytest.approx(exact, rel=1e-4)


def _asked_of_threads(work, monkeypatch):
    """Return in how many tasks each piece of work was cut and how many threads it was given."""
    asked = []
    plain = _parallel.run_tasks

    def noted(tasks, *, n_jobs):
        asked.append((len(tasks), n_jobs))
        return plain(tasks, n_jobs=n_jobs)

    monkeypatch.setattr(_parallel, "run_tasks", noted)
    work()
    return asked


@pytest.mark.parametrize("n_jobs", [1, -1])
def test_the_grid_works_on_as_many_threads_as_it_is_told(monkeypatch, n_jobs):
    Y = np.random.default_rng(3).normal(size=(20_000, 2))
    P = _ring(20_000)
    asked = _asked_of_threads(lambda: opentsne_like.tsne.kl_divergence_fft(Y, P, 1, {}, n_jobs=n_jobs), monkeypatch)
    assert {threads for _, threads in asked} == {n_jobs}
    assert sum(tasks > 1 for tasks, _ in asked) > 3


def _ring(n):
    """Return a graph in which everyone knows the next one."""
    from scipy.sparse import csr_matrix

    everyone = np.arange(n)
    graph = csr_matrix((np.ones(n), (everyone, (everyone + 1) % n)), shape=(n, n))
    return graph + graph.T


def test_perplexities_are_found_on_all_cores(monkeypatch):
    X = np.random.default_rng(4).normal(size=(5000, 3))
    neighbors, distances = nearest_neighbors.Sklearn(X, 30).build()
    find = affinity.joint_probabilities_nn
    asked = _asked_of_threads(lambda: find(neighbors, distances, [10], n_jobs=-1), monkeypatch)
    assert {threads for _, threads in asked} == {-1}
    assert max(tasks for tasks, _ in asked) > 8


# ---------------------------------------------------------------------------------------------------------- transform


def test_gains_stay_positive_in_the_middle_of_the_map(reference, data):
    partial = reference.transform(data[1], n_iter=30)
    assert (partial.optimizer.gains > 0).all()


def test_the_grid_is_that_of_the_current_map(reference, data):
    moved = reference.copy()
    moved.prepare_interpolation_grid()
    moved.transform(data[1], n_iter=5)
    moved.optimize(30, inplace=True)
    fresh = TSNEEmbedding(moved, moved.affinities, negative_gradient_method="fft")
    np.testing.assert_array_equal(moved.transform(data[1], n_iter=5), fresh.transform(data[1], n_iter=5))


def test_the_reference_stays_where_it_is(affinities, data):
    Y = TSNEEmbedding(np.random.default_rng(5).normal(10, 1, (N, 2)), affinities, negative_gradient_method="fft")
    before = np.array(Y)
    Y.transform(data[1], n_iter=10)
    Y.prepare_interpolation_grid()
    np.testing.assert_array_equal(Y, before)


def test_callbacks_of_the_map_are_silent_when_points_are_added(data):
    calls = []
    tsne = opentsne_like.TSNE(
        perplexity=10, n_iter=10, early_exaggeration_iter=10, callbacks=lambda *seen: calls.append(seen[0]),
        callbacks_every_iters=5, random_state=0,
    )  # fmt: skip
    Y = tsne.fit(data[0])
    assert calls == [5, 10, 5, 10]
    Y.transform(data[1], n_iter=10)
    assert len(calls) == 4


@pytest.mark.parametrize("method", ["auto", "bh", "fft"])
def test_a_point_lands_where_it_does_alone(reference, data, method):
    Y = TSNEEmbedding(reference, reference.affinities, negative_gradient_method=method)
    together = Y.transform(data[1], n_iter=20)
    alone = np.vstack([Y.transform(row[None], n_iter=20) for row in data[1]])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    "make",
    [lambda X: affinity.Uniform(X, k_neighbors=10), lambda X: affinity.FixedSigmaNN(X, sigma=1.0, k=10)],
    ids=["Uniform", "FixedSigmaNN"],
)
def test_points_are_added_whatever_the_affinities(data, make):
    Y = TSNEEmbedding(initialization.pca(data[0], random_state=0), make(data[0])).optimize(20, exaggeration=4)
    assert Y.transform(data[1], n_iter=10).shape == (NEW, 2)


def test_fixed_sigma_takes_an_index_of_another_k(data):
    index = nearest_neighbors.Sklearn(data[0], 25)
    index.build()
    given = affinity.FixedSigmaNN(knn_index=index, sigma=1.0, k=10)
    assert given.P.shape == (N, N)
    assert given.to_new(data[1]).shape == (NEW, N)


# -------------------------------------------------------------------------------------------------------------- state


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_P_is_never_left_scaled(affinities, data, error):
    def fail(iteration, loss, embedding):
        raise error

    P = affinities.P.copy()
    Y = TSNEEmbedding(initialization.pca(data[0], random_state=0), affinities)
    with pytest.raises(error):
        Y.optimize(10, exaggeration=12, callbacks=fail, callbacks_every_iters=3, inplace=True)
    np.testing.assert_array_equal(affinities.P.data, P.data)
    np.testing.assert_array_equal(Y.optimize(8, exaggeration=12), TSNEEmbedding(
        initialization.pca(data[0], random_state=0), affinities
    ).optimize(10, exaggeration=12))  # fmt: skip


def test_a_given_matrix_is_not_changed(affinities):
    given = affinities.P * 3.0
    before = given.copy()
    made = affinity.PrecomputedAffinities(given)
    np.testing.assert_array_equal(given.data, before.data)
    assert made.P.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda Y: Y.copy(), lambda Y: pickle.loads(pickle.dumps(Y))]
)
@pytest.mark.parametrize("kind", [TSNEEmbedding, PartialTSNEEmbedding])
def test_copies_keep_their_state(reference, data, duplicate, kind):
    Y = reference if kind is TSNEEmbedding else reference.prepare_partial(data[1]).optimize(7)
    other = duplicate(Y)
    assert type(other) is kind
    np.testing.assert_array_equal(other.optimizer.gains, Y.optimizer.gains)
    np.testing.assert_array_equal(other.optimize(5), Y.optimize(5))


def test_a_slice_says_that_it_is_one(reference):
    with pytest.raises(DetachedError, match="is a slice or a view"):
        reference[:10].optimize(1)


def test_pbic_of_the_affinities_that_tsne_makes(data):
    Y = opentsne_like.TSNE(perplexity=10, n_iter=10, early_exaggeration_iter=10, random_state=0).fit(data[0])
    assert metrics.pBIC(Y) == pytest.approx(2 * Y.kl_divergence + np.log(N) * 10 / N)


def test_no_evaluation_is_wasted(affinities, data):
    calls = []

    def objective(embedding, P, **options):
        calls.append(options["should_eval_error"])
        return opentsne_like.tsne.kl_divergence_bh(embedding, P, **options)

    Y = TSNEEmbedding(initialization.pca(data[0], random_state=0), affinities, negative_gradient_method=objective)
    Y.optimize(10, exaggeration=2)
    assert calls == [False] * 10
    expected = TSNEEmbedding(Y, affinities, negative_gradient_method="bh")
    np.testing.assert_allclose(Y.optimize(3), expected.optimize(3))


# ------------------------------------------------------------------------------------------------- several perplexities


def test_each_gaussian_of_a_mixture_has_its_own_perplexity(data):
    """openTSNE's search goes on with the bounds of the perplexity before."""
    neighbors, distances = nearest_neighbors.Sklearn(data[0], 60).build()
    found = affinity.joint_probabilities_nn(
        neighbors, distances, [5, 20], symmetrize=False, normalization="point-wise"
    ).toarray()
    for i in range(0, N, 10):
        squares = distances[i] ** 2
        weights = sum(
            np.sqrt(beta) * np.exp(-beta * squares) for beta in (_precision(squares, 5), _precision(squares, 20))
        )
        np.testing.assert_allclose(found[i, neighbors[i]], weights / weights.sum(), rtol=1e-6)


def _precision(squares, perplexity):
    """Return the precision that gives one row its perplexity."""
    from scipy.optimize import brentq
    from scipy.stats import entropy

    def excess(log_beta):
        return entropy(np.exp(-np.exp(log_beta) * (squares - squares.min()))) - np.log(perplexity)

    return np.exp(brentq(excess, -10, 10, xtol=1e-13))


# -------------------------------------------------------------------------------------------------------------- input


def test_lists_frames_and_narrow_numbers_are_data(data):
    options = {"perplexity": 5, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0}
    expected = opentsne_like.TSNE(**options).fit(data[0])
    np.testing.assert_array_equal(opentsne_like.TSNE(**options).fit(data[0].tolist()), expected)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(data[0])
    np.testing.assert_allclose(opentsne_like.TSNE(**options).fit(frame), expected, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(
        expected.transform(pandas.DataFrame(data[1]), n_iter=5), expected.transform(data[1].tolist(), n_iter=5)
    )
    for X in (data[0].astype(np.float32), (10 * data[0]).astype(int)):
        assert opentsne_like.TSNE(**options).fit(X).dtype == np.float64


def test_sparse_data(data):
    from scipy.sparse import csr_matrix

    options = {"perplexity": 5, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0, "neighbors": "exact"}
    X = np.where(data[0] > 0, data[0], 0.0)
    dense = opentsne_like.TSNE(**options, initialization="spectral").fit(X)
    sparse = opentsne_like.TSNE(**options, initialization="spectral").fit(csr_matrix(X))
    np.testing.assert_allclose(sparse, dense, rtol=1e-6, atol=1e-9)
    assert np.isfinite(opentsne_like.TSNE(**options).fit(csr_matrix(X))).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["a", "b"], ["c", "d"]], "`X` must be numeric"),
        ("iris", "`X` must be"),
        ([[1.0, 2.0], [3.0]], "`X` must be a rectangular table"),
        (np.zeros(5), "`X` must be two-dimensional"),
        (None, "`X` or `affinities` must be given"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(X, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        opentsne_like.TSNE().fit(X)
    assert "\n" not in str(caught.value)
