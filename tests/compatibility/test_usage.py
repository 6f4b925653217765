"""What scripts written for openTSNE do, and what is new beside it."""

from __future__ import annotations

import inspect
import logging
import pickle

import numpy as np
import pytest

import opentsne_like as openTSNE  # noqa: N812 (what its users write)
from opentsne_like import TSNE, TSNEEmbedding, affinity, initialization, kl_divergence, nearest_neighbors, tsne
from opentsne_like.errors import TreeDimensionWarning, UnsupportedDimensionError
from opentsne_like.objectives import ElasticEmbedding

SHORT = {"perplexity": 8, "early_exaggeration_iter": 15, "n_iter": 15, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(120, 4))


def _map(X, **options):
    return TSNE(**{**SHORT, **options}).fit(X)


# -------------------------------------------------------------------------------------------------- the usual scripts


def test_the_advanced_script(X):
    aff = openTSNE.affinity.PerplexityBasedNN(X, perplexity=10, metric="euclidean", n_jobs=2, random_state=0)
    init = openTSNE.initialization.pca(X, random_state=0)
    embedding = openTSNE.TSNEEmbedding(init, aff, negative_gradient_method="fft", n_jobs=2, verbose=False)
    embedding.optimize(n_iter=20, exaggeration=12, momentum=0.5, inplace=True)
    embedding = embedding.optimize(n_iter=20, momentum=0.8, learning_rate="auto")
    partial = embedding.prepare_partial(X[:5], perplexity=5, initialization="weighted", k=10)
    partial.optimize(n_iter=10, learning_rate=0.1, exaggeration=1.5, inplace=True)
    assert partial.shape == (5, 2)
    aff.set_perplexity(5)
    assert embedding.optimize(5).kl_divergence > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("bh", "BH"), ("bh", "barnes-hut"), ("fft", "FFT"), ("fft", "interpolation"), ("bh", tsne.kl_divergence_bh),
     ("fft", tsne.kl_divergence_fft), ("auto", "bh")],
)  # fmt: skip
def test_names_of_the_gradient_methods(X, one, other):
    np.testing.assert_array_equal(_map(X, negative_gradient_method=one), _map(X, negative_gradient_method=other))


def test_a_function_of_the_users_own_is_a_gradient_method(X):
    def objective(embedding, P, dof, bh_params, fft_params, reference_embedding, should_eval_error, n_jobs, **_):
        return tsne.kl_divergence_bh(
            embedding, P, dof, bh_params, reference_embedding, should_eval_error=should_eval_error, n_jobs=n_jobs
        )

    np.testing.assert_allclose(
        _map(X, negative_gradient_method=objective), _map(X, negative_gradient_method="bh"), rtol=1e-3, atol=1e-6
    )
    with pytest.raises(ValueError, match="`negative_gradient_method` must be one of 'auto'"):
        _map(X, negative_gradient_method="exact-ish")


def test_another_loss_is_a_gradient_method(X):
    class Bowl:
        def evaluate(self, points, *, exaggeration, with_loss):
            return 0.5 * float((points**2).sum()), points / 4

    elastic = ElasticEmbedding(lam=10.0)
    Y = TSNEEmbedding(initialization.pca(X), affinity.Uniform(X, k_neighbors=10))
    Z = Y.optimize(20, negative_gradient_method=elastic)
    np.testing.assert_array_equal(Z, Y.optimize(20, loss=elastic))
    assert Z.evaluate(loss=elastic) < Y.evaluate(loss=elastic)
    assert _map(X, negative_gradient_method=elastic).loss == elastic
    with pytest.raises(TypeError, match="does not know `dof`"):
        _map(X, negative_gradient_method=elastic, dof=0.5)
    wide = TSNEEmbedding(np.asarray(Y) * 1e4, Y.affinities, negative_gradient_method=Bowl(), learning_rate=0.5)
    assert wide.optimize(100).loss_value < 1e-3 * wide.loss_value


@pytest.mark.parametrize("name", ["auto", "exact", "approx", "annoy", "hnsw", "faiss"])
def test_names_of_the_neighbour_searches(X, name):
    optional = {"annoy": "annoy", "hnsw": "hnswlib"}
    if name in optional:
        pytest.importorskip(optional[name])
    P = affinity.PerplexityBasedNN(X, perplexity=8, method=name, random_state=0).P
    exact = affinity.PerplexityBasedNN(X, perplexity=8, method="exact").P
    assert abs(P - exact).sum() < 0.05
    assert _map(X, neighbors=name, n_iter=1).shape == (120, 2)


def test_pynndescent_by_name(X):
    index = nearest_neighbors.make_index(X, 10, method="pynndescent")  # not built: it compiles for half a minute
    assert type(index) is nearest_neighbors.NNDescent


def test_an_index_is_a_neighbour_search(X):
    np.testing.assert_array_equal(_map(X, neighbors=nearest_neighbors.Sklearn(X, 24)), _map(X, neighbors="exact"))


def test_a_class_that_is_put_in_the_place_of_a_backend_is_used(X, monkeypatch):
    seen = []

    class Noted(nearest_neighbors.Sklearn):
        def build(self):
            seen.append((type(self).__name__, self.random_state))
            return super().build()

    monkeypatch.setattr(nearest_neighbors, "Sklearn", Noted)
    _map(X, neighbors="exact", n_iter=1)
    assert seen == [("Noted", 0)]


def test_several_perplexities(X):
    Y = _map(X, perplexity=[5, 20])
    expected = affinity.MultiscaleMixture(X, perplexities=[5, 20], random_state=0).P
    assert abs(Y.affinities.P - expected).max() == 0
    assert Y.transform(X[:3], perplexity=[3, 6], n_iter=3).shape == (3, 2)


def test_more_than_three_dimensions(X):
    with pytest.raises(UnsupportedDimensionError, match="must not be 'fft' in 4 dimensions") as caught:
        _map(X, n_components=4, negative_gradient_method="fft")
    assert isinstance(caught.value, RuntimeError)
    with pytest.warns(TreeDimensionWarning, match="takes exact sums in 4 dimensions"):
        _map(X, n_components=4, negative_gradient_method="bh")
    assert issubclass(TreeDimensionWarning, FutureWarning)
    assert _map(X, n_components=4).shape == (120, 4)


def test_three_components_on_the_grid(X):
    Y = _map(X, n_components=3, negative_gradient_method="fft")
    expected = _map(X, n_components=3, negative_gradient_method="exact")
    np.testing.assert_allclose(Y[:, 0].std(), expected[:, 0].std(), rtol=0.1)


def test_an_initialization_of_the_wrong_width_is_refused_when_it_is_given():
    with pytest.raises(ValueError, match="`initialization` must have 2 columns"):
        TSNE(n_components=2, initialization=np.zeros((10, 4)))


def test_what_is_no_affinities_object_is_a_type_and_a_value_error():
    for error in (TypeError, ValueError):
        with pytest.raises(error, match="`affinities` must be an Affinities object, got str"):
            TSNE().fit(affinities="perplexity")


def test_a_start_that_needs_data_is_replaced_and_a_wide_one_noted(X, caplog):
    given = affinity.PerplexityBasedNN(X, perplexity=8)
    with caplog.at_level(logging.WARNING, logger=tsne.log.name):
        TSNE(random_state=0).prepare_initial(affinities=given)
        TSNE(random_state=0).prepare_initial(affinities=given, initialization=X[:, :2])
    assert [record.message.split(";")[0] for record in caplog.records] == [
        "`initialization` 'pca' needs the data themselves",
        "`initialization` has a standard deviation above 0.01",
    ]


def test_early_exaggeration_stays_as_it_was_given():
    assert TSNE().get_params()["early_exaggeration"] == "auto"
    assert TSNE(exaggeration=20).early_exaggeration == "auto"


def test_an_optimizer_is_an_object_of_its_own(X):
    optimizer = tsne.gradient_descent()
    assert optimizer.gains is None
    assert optimizer.update is None
    Y = _map(X)
    optimizer.gains, optimizer.update = Y.optimizer.gains, Y.optimizer.update
    restored = pickle.loads(pickle.dumps(optimizer))
    other = TSNEEmbedding(Y, Y.affinities, optimizer=restored.copy(), max_step_norm=5)
    np.testing.assert_array_equal(other.optimize(5), Y.optimize(5))
    with pytest.raises(TypeError, match="`optimizer` must be a gradient_descent object"):
        TSNEEmbedding(Y, Y.affinities, optimizer="adam")


def test_the_smallest_growth_of_gains_can_be_set(X):
    Y = _map(X)
    gains = Y.optimizer.gains
    moved = Y.optimize(1, min_gain=0.5).optimizer.gains
    changed = np.isclose(moved, 0.8 * gains + 0.5)
    assert (changed | np.isclose(moved, gains + 0.2)).all()
    assert changed.any()


def test_options_that_are_not_known_are_named(X):
    with pytest.raises(TypeError, match="`optimize` does not know `learnign_rate`"):
        _map(X).optimize(1, learnign_rate=3)


def test_the_divergence_by_three_methods(X):
    Y = _map(X)
    P = Y.affinities.P
    exact = kl_divergence.kl_divergence_exact(P.toarray(), np.asarray(Y), dof=1)
    assert kl_divergence.kl_divergence_exact(P, Y) == pytest.approx(exact, rel=1e-12)
    for theta in (0, 0.5):
        assert kl_divergence.kl_divergence_approx_bh(P.indices, P.indptr, P.data, Y, theta) == pytest.approx(
            exact, rel=1e-5
        )
    assert kl_divergence.kl_divergence_approx_fft(P.indices, P.indptr, P.data, Y) == pytest.approx(exact, rel=1e-4)


def test_old_grid_parameters_stand_for_an_accuracy(X):
    tolerance = openTSNE.opentsne.tolerance_of
    assert tolerance(3, 50, 1) == tolerance(min_num_intervals=10) == 5e-3
    assert tolerance(n_interpolation_points=5) < tolerance() < tolerance(ints_in_interval=2)
    Y = _map(X)
    P = Y.affinities.P
    exact = kl_divergence.kl_divergence_exact(P, Y)
    fine = kl_divergence.kl_divergence_approx_fft(P.indices, P.indptr, P.data, Y, n_interpolation_points=10)
    assert fine == pytest.approx(exact, rel=1e-5)
    with pytest.raises(ValueError, match="`ints_in_interval` must be positive"):
        tolerance(ints_in_interval=0)


# ------------------------------------------------------------------------------------------------------------ the new


def test_uniform_affinities_in_one_word(X):
    Y = _map(X, n_neighbors=15)
    assert abs(Y.affinities.P - affinity.Uniform(X, k_neighbors=15, random_state=0).P).max() == 0


def test_a_schedule_of_exaggeration_is_one_call(X):
    start = TSNE(**SHORT).prepare_initial(X)
    annealed = start.optimize(12, exaggeration=lambda i: 12 - i)
    by_hand = start
    for rho in range(12, 0, -1):
        by_hand = by_hand.optimize(1, exaggeration=rho)
    np.testing.assert_array_equal(annealed, by_hand)


def test_points_held_still(X):
    Y = TSNE(**SHORT).prepare_initial(X)
    fixed = np.arange(120) < 30
    moved = Y.optimize(10, exaggeration=4, fixed=fixed)
    np.testing.assert_array_equal(moved[fixed], np.asarray(Y)[fixed])
    assert (moved[~fixed] != np.asarray(Y)[~fixed]).all()
    with pytest.raises(ValueError, match="`fixed` must be 120 booleans"):
        Y.optimize(1, fixed=np.arange(30))


def test_graphs_that_are_there_already(X):
    from scipy.sparse import csr_matrix

    indices, distances = nearest_neighbors.Sklearn(X, 24).build()
    graph = csr_matrix((distances.ravel(), indices.ravel(), np.arange(0, 24 * 120 + 1, 24)), shape=(120, 120))
    expected = affinity.PerplexityBasedNN(X, perplexity=8, method="exact").P
    for given in (graph, (indices, distances), nearest_neighbors.PrecomputedNeighbors(indices, distances)):
        made = affinity.from_neighbors(given, perplexity=8)
        assert abs(made.P - expected).max() < 1e-12
    Y = _map(graph, metric="precomputed", initialization="random")
    np.testing.assert_allclose(Y, _map(X, neighbors="exact", initialization="random"), rtol=1e-6, atol=1e-9)


def test_new_parameters_come_after_the_old_ones_by_keyword():
    parameters = inspect.signature(TSNE).parameters.values()
    assert [p.name for p in parameters if p.kind is p.KEYWORD_ONLY] == [
        "n_neighbors",
        "grid_tolerance",
        "schedule",
        "repulsion_every",
        "device",
    ]


def test_initialization_module(X):
    assert initialization.random(X, 2, random_state=0).shape == (120, 2)
    assert initialization.pca(X).std(axis=0)[0] == pytest.approx(1e-4, rel=0.05)


def test_affinities_may_be_scaled_in_place(X):
    P = affinity.Uniform(X, k_neighbors=10).P
    P *= 10
    assert affinity.PrecomputedAffinities(P).P.sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["map", "placed points"])
def test_embeddings_call_their_optimizer_by_openTSNEs_names(X, kind, monkeypatch):
    Y = _map(X, negative_gradient_method="bh")
    embedding = Y if kind == "map" else Y.prepare_partial(X[:5])
    calls = []

    class Noting(tsne.gradient_descent):
        def __call__(self, embedding, P, n_iter, objective_function, **options):
            calls.append({"n_iter": n_iter, "objective_function": objective_function, **options})
            return super().__call__(embedding, P, n_iter, objective_function, **options)

    expected = embedding.optimize(7, dof=0.7, exaggeration=2, max_step_norm=None, min_num_intervals=20)
    embedding._own.optimizer.__class__ = Noting
    found = embedding.optimize(7, dof=0.7, exaggeration=2, max_step_norm=None, min_num_intervals=20)
    np.testing.assert_array_equal(found, expected)
    (call,) = calls
    told = {"n_iter": 7, "objective_function": tsne.kl_divergence_bh, "dof": 0.7, "exaggeration": 2}
    told |= {"max_step_norm": None, "min_num_intervals": 20, "momentum": 0.8, "callbacks": None}
    assert {name: call[name] for name in told} == told


def test_a_covariance_stands_for_its_inverse(X):
    covariance = np.cov(X, rowvar=False)
    one, other = (
        nearest_neighbors.Sklearn(X, 5, metric="mahalanobis", metric_params=given).build()
        for given in ({"V": covariance}, {"VI": np.linalg.inv(covariance)})
    )
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_allclose(one[1], other[1])
