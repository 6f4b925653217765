"""The estimator: what goes in, what is refused, what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import TSNE, TSNEEmbedding, affinity, callbacks, metrics
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.methods import accelerated
from opentsne_like.optimizer import accelerated_momentum

SHORT = {"perplexity": 8, "early_exaggeration_iter": 20, "n_iter": 30, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return np.round(rng.normal(size=(90, 5)) + 4 * rng.integers(3, size=(90, 1)), 3)


def fit(X, **params):
    return TSNE(**{**SHORT, **params}).fit(X)


def test_digits_look_right(digits):
    X, y = digits
    Y = TSNE(random_state=0).fit(X)
    assert type(Y) is TSNEEmbedding
    assert Y.shape == (1797, 2)
    assert Y.n_iter_ == 750
    assert Y.kl_divergence < 0.76
    assert metrics.knn_recall(X, Y, k=10) > 0.55
    assert metrics.knn_accuracy(Y, y, k=10) > 0.97
    np.testing.assert_array_equal(TSNE(random_state=0, n_jobs=1).fit(X), Y)


@pytest.mark.parametrize("method", ["auto", "exact", "bh", "fft"])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_every_method_in_every_dimension(X, method, n_components):
    maps = [fit(X, negative_gradient_method=method, n_components=n_components, n_jobs=jobs) for jobs in (1, 2, 3, 7)]
    assert maps[0].shape == (90, n_components)
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])
    assert maps[0].kl_divergence < maps[0].history[0].gradient_norm + 2


def test_landmarks_are_mapped_first(digits, monkeypatch):
    from opentsne_like.initialization import landmarks

    monkeypatch.setattr(
        landmarks.multiscale, "__kwdefaults__", {**landmarks.multiscale.__kwdefaults__, "n_landmarks": 500}
    )
    X, y = digits
    estimator = TSNE(initialization="landmarks", early_exaggeration_iter=50, n_iter=100, random_state=0)
    start = estimator.prepare_initial(X)
    assert np.std(start[:, 0]) == pytest.approx(1e-4, rel=1e-3)
    assert metrics.knn_accuracy(start, y) > 0.85  # principal components have 0.6
    Y = estimator.fit(X)
    np.testing.assert_array_equal(TSNE(**{**estimator.get_params(), "n_jobs": 1}).fit(X), Y)
    assert metrics.knn_accuracy(Y, y) > 0.95


def test_landmarks_of_few_points_and_without_data(X, caplog):
    assert np.isfinite(fit(X[:5], initialization="landmarks", perplexity=2)).all()
    index = affinity.get_knn_index(X, "exact", 24, "euclidean")
    assert np.isfinite(fit(X, initialization="landmarks", neighbors=index)).all()
    fit(X, initialization="landmarks", callbacks=lambda iteration, error, embedding: None)
    TSNE(**SHORT, initialization="landmarks").fit(affinities=affinity.PerplexityBasedNN(X, 8))
    assert "'landmarks' needs the data themselves" in caplog.text


@pytest.mark.parametrize("dof", [0.3, 0.5, 1, 2, 10])
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_degrees_of_freedom(X, dof, method):
    Y = fit(X, dof=dof, negative_gradient_method=method)
    P = Y.affinities.P
    assert Y.kl_divergence == pytest.approx(metrics.kl_divergence(P, np.asarray(Y), dof), rel=2e-3)


def test_what_is_accepted(X):
    import pandas
    from scipy.sparse import csc_matrix, csr_matrix

    expected = fit(X)
    fortran, readonly = np.asfortranarray(X), X.copy()
    readonly.setflags(write=False)
    for same in (fortran, readonly, X.tolist(), pandas.DataFrame(X), X[::1]):
        np.testing.assert_array_equal(fit(same), expected)
    for other in (X.astype(np.float32), X.astype(np.float16), (10 * X).astype(int), csr_matrix(X), csc_matrix(X)):
        Y = fit(other, initialization="random")
        assert Y.shape == (90, 2)
        assert np.isfinite(Y).all()
        assert Y.dtype == np.float64


def test_what_the_caller_owns_is_not_changed(X):
    before, start = X.copy(), np.random.default_rng(0).normal(size=(90, 2))
    start_before = start.copy()
    given = affinity.PerplexityBasedNN(X, 8)
    P = given.P.copy()
    fit(X, initialization=start)
    TSNE(**SHORT).fit(affinities=given, initialization=start)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(start, start_before)
    np.testing.assert_array_equal(given.P.data, P.data)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda X: fit(X[0]), InvalidParameterError, "`X`"),
        (lambda X: fit(X[None]), InvalidParameterError, "`X`"),
        (lambda X: fit(X[:0]), InvalidParameterError, "`X`"),
        (lambda X: fit(X[:, :0]), InvalidParameterError, "`X`"),
        (lambda X: fit(X[:1]), InvalidParameterError, "`X`"),
        (lambda X: fit([["a", "b"], ["c", "d"]]), InvalidTypeError, "`X`"),
        (lambda X: fit("X"), (InvalidTypeError, InvalidParameterError), "`X`"),
        (lambda X: fit([[1, 2], [3]]), InvalidParameterError, "`X`"),
        (lambda X: fit(np.where(X[3, 2] == X, np.nan, X)), InvalidParameterError, "`X`.*row 3"),
        (lambda X: fit(np.where(X[3, 2] == X, np.inf, X)), InvalidParameterError, "`X`.*row 3"),
        (lambda X: fit(X * 1j), InvalidTypeError, "`X`"),
        (lambda X: fit(None), InvalidParameterError, "`X` or `affinities`"),
        (lambda X: fit(X, perplexity=0), InvalidParameterError, "`perplexity` must be positive, got 0"),
        (lambda X: fit(X, perplexity=-3), InvalidParameterError, "`perplexity` must be positive, got -3"),
        (lambda X: fit(X, perplexity=np.nan), InvalidParameterError, "`perplexity`"),
        (lambda X: fit(X, perplexity="thirty"), InvalidTypeError, "`perplexity`"),
        (lambda X: fit(X, perplexity=[]), InvalidParameterError, "perplexit"),
        (lambda X: fit(X, n_components=0), InvalidParameterError, "`n_components`"),
        (lambda X: fit(X, n_components=1.5), InvalidParameterError, "`n_components`"),
        (lambda X: fit(X, n_components=6), InvalidParameterError, "`n_components`"),
        (lambda X: fit(X, n_components=4, negative_gradient_method="fft"), RuntimeError, "negative_gradient_method"),
        (lambda X: fit(X, initialization="umap"), InvalidParameterError, "`initialization`"),
        (lambda X: fit(X, initialization=np.zeros((3, 2))), InvalidParameterError, "`initialization` must have shape"),
        (lambda X: fit(X, initialization=np.full((90, 2), np.nan)), InvalidParameterError, "`initialization`"),
        (lambda X: fit(X, metric="nearness"), InvalidParameterError, "`metric`"),
        (lambda X: fit(X, neighbors="close"), InvalidParameterError, "`neighbors`|`method`"),
        (lambda X: fit(X, negative_gradient_method="fast"), InvalidParameterError, "`negative_gradient_method`"),
        (lambda X: fit(X, learning_rate="slow"), (InvalidTypeError, InvalidParameterError), "`learning_rate`"),
        (lambda X: fit(X, learning_rate=-1), InvalidParameterError, "`learning_rate`"),
        (lambda X: fit(X, early_exaggeration="big"), InvalidParameterError, "`early_exaggeration`"),
        (lambda X: fit(X, early_exaggeration=0), InvalidParameterError, "exaggeration`"),
        (lambda X: fit(X, exaggeration=-1), InvalidParameterError, "`exaggeration`"),
        (lambda X: fit(X, n_iter=-1), InvalidParameterError, "`n_iter`"),
        (lambda X: fit(X, early_exaggeration_iter=2.5), InvalidParameterError, "`early_exaggeration_iter`"),
        (lambda X: fit(X, dof=0), InvalidParameterError, "`dof`"),
        (lambda X: fit(X, theta=-1), InvalidParameterError, "`theta`"),
        (lambda X: fit(X, n_jobs=0), InvalidParameterError, "`n_jobs`"),
        (lambda X: fit(X, random_state="seed"), (InvalidTypeError, InvalidParameterError), "`random_state`"),
        (lambda X: fit(X, final_momentum=1.0), InvalidParameterError, "momentum`"),
        (lambda X: fit(X, n_neighbors=0), InvalidParameterError, "neighbors`"),
        (lambda X: fit(X, n_neighbors=90), InvalidParameterError, "neighbors`"),
        (lambda X: fit(X, callbacks=7), InvalidTypeError, "`callbacks`"),
        (lambda X: fit(X, grid_tolerance=0), InvalidParameterError, "`grid_tolerance`"),
        (lambda X: fit(X, max_step_norm=-5), InvalidParameterError, "`max_step_norm`"),
        (lambda X: fit(X, schedule="fast"), InvalidParameterError, "`schedule`"),
        (lambda X: fit(X, schedule="accelerated", initial_momentum="x"), InvalidTypeError, "`initial_momentum`"),
        (lambda X: fit(X, callbacks=[callbacks.EarlyStopping]), InvalidTypeError, r"EarlyStopping\(\)"),
        (lambda X: fit(X, schedule="accelerated", final_momentum=0.9), InvalidParameterError, "`final_momentum`"),
        (lambda X: TSNE().fit(affinities=X), InvalidTypeError, "`affinities`"),
        (lambda X: TSNE().set_params(speed=3), InvalidParameterError, "`speed`"),
    ],
)
def test_bad_input_is_refused_before_any_work(X, bad, error, message, monkeypatch):
    def worked(*args, **kwargs):
        raise AssertionError("neighbours were looked for before the input was checked")

    monkeypatch.setattr("opentsne_like.nearest_neighbors.Sklearn.build", worked)
    with pytest.raises(error, match=message):
        bad(X)


@pytest.mark.parametrize("n", range(2, 11))
def test_tiny_data(n):
    X = np.random.default_rng(0).normal(size=(n, 3))
    Y = TSNE(perplexity=30, early_exaggeration_iter=20, n_iter=30, random_state=0).fit(X)
    assert Y.shape == (n, 2)
    assert np.isfinite(Y).all()


@pytest.mark.parametrize(
    "X",
    [np.ones((40, 4)), np.zeros((40, 1)), np.repeat(np.eye(4), 10, axis=0), 1e-6 * np.eye(40), 1e6 * np.eye(40)],
    ids=["constant", "zeros", "duplicates", "tiny", "huge"],
)
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_degenerate_data(X, method):
    dims = min(2, X.shape[1])
    Y = TSNE(
        n_components=dims, perplexity=5, early_exaggeration_iter=30, n_iter=30, negative_gradient_method=method
    ).fit(X)
    assert Y.shape == (40, dims)
    assert np.isfinite(Y).all()


def test_parameters_like_scikit_learn():
    estimator = TSNE(perplexity=5, n_neighbors=None)
    assert estimator.get_params()["early_exaggeration"] == "auto"
    assert estimator.set_params(perplexity=7) is estimator
    assert repr(estimator) == "TSNE(perplexity=7)"


def test_uniform_affinities_by_one_word(X):
    Y = fit(X, n_neighbors=6)
    assert isinstance(Y.affinities, affinity.Uniform)
    np.testing.assert_array_equal(Y.affinities.P.toarray(), affinity.Uniform(X, 6).P.toarray())


def test_several_perplexities(X):
    Y = fit(X, perplexity=[5, 20])
    expected = affinity.MultiscaleMixture(X, [5, 20]).P
    np.testing.assert_array_equal(Y.affinities.P.toarray(), expected.toarray())


def test_the_automatic_rates(X):
    Y = TSNE(**SHORT).prepare_initial(X)
    auto = Y.optimize(5, exaggeration=12)
    np.testing.assert_array_equal(auto, Y.optimize(5, exaggeration=12, learning_rate=90 / 12))
    records = fit(X, exaggeration=20).history
    assert records[0].exaggeration == 20
    records = fit(X, exaggeration=4).history
    assert (records[0].exaggeration, records[-1].exaggeration) == (12, 4)


def test_the_accelerated_schedule_is_two_calls(X):
    settings = {"perplexity": 10, "random_state": 0, "early_exaggeration_iter": 31, "n_iter": 60}
    Y = TSNE(**settings, schedule="accelerated").fit(X)
    staged = TSNE(**settings).prepare_initial(X)
    staged.optimize(10, exaggeration=12, momentum=0.9, use_gains=False, inplace=True)
    staged.optimize(18, momentum=accelerated_momentum(len(X)), use_gains=False, inplace=True)
    assert np.asarray(Y).tobytes() == np.asarray(staged).tobytes()
    assert len(Y.history) == 28
    assert (Y.optimizer.gains == 1.0).all()


def test_from_many_points_on_the_accelerated_schedule_is_three_calls_and_two_multiplications(X, monkeypatch):
    monkeypatch.setattr(accelerated, "MANY", len(X))
    settings = {"perplexity": 10, "random_state": 0, "early_exaggeration_iter": 100, "n_iter": 100}
    Y = TSNE(**settings, schedule="accelerated").fit(X)
    staged = TSNE(**settings).prepare_initial(X)
    staged = staged.scale(1 / np.std(staged, axis=0).max())
    staged = staged.optimize(16, exaggeration=[12, 1.5], momentum=0.9, use_gains=False)
    staged = staged.optimize(10, momentum=0.99, use_gains=False).scale(accelerated.WIDER)
    staged = staged.optimize(6, momentum=[0.94, 0.91, 0.87], use_gains=False)
    np.testing.assert_array_equal(Y, staged)


@pytest.mark.parametrize(
    ("options", "early", "late", "factor"),
    [
        ({}, (12, 1.5), [1.0] * 16, accelerated.WIDER),
        ({"exaggeration": 4}, (12, 4), [4.0] * 16, 1.0),
        ({"early_exaggeration": 4}, (4, 1.0), [1.0] * 16, accelerated.WIDER),
        ({"exaggeration": [2, 1]}, (12, 1.5), [2.0] * 8 + [1.0] * 8, accelerated.WIDER),
        ({"exaggeration": lambda i: 1.0 + i}, (12, 1.5), [1.0 + i for i in range(16)], 1.0),
    ],
)
def test_exaggeration_is_shared_out_among_the_stages(options, early, late, factor):
    stages = accelerated.stages(5_000, (100, 100), (TSNE(**options)._early_exaggeration(), options.get("exaggeration")))
    assert stages[0]["exaggeration"] == early
    settings = TSNE().embedding_class.settings_class()
    plans = [settings.changed(**stage).plan(5_000, placed=False) for stage in stages[1:]]
    assert [plan.exaggeration_at(i) for plan in plans for i in range(plan.n_iter)] == late
    assert [accelerated.factor_after(stages, done) for done in range(3)] == [1.0, factor, 1.0]


def test_a_start_that_is_wide_already_is_left_alone_and_one_that_is_not_is_widened(X, monkeypatch, caplog):
    monkeypatch.setattr(accelerated, "MANY", len(X))
    start = np.random.default_rng(0).normal(size=(len(X), 2))
    estimator = TSNE(perplexity=10, schedule="accelerated", random_state=0)
    for std, expected in [(0.9, 1.0), (5.0, 5.0)]:
        made = estimator.prepare_initial(X, initialization=start / start.std(axis=0).max() * std)
        assert np.std(made, axis=0).max() == pytest.approx(expected)
    assert caplog.text.count("maps converge better") == 1


def test_maps_of_a_spectrum_are_not_multiplied(X, monkeypatch):
    monkeypatch.setattr(accelerated, "MANY", len(X))
    stage = TSNE(schedule="accelerated")._onward(len(X))
    assert stage["n_iter"] == 150
    assert stage["momentum"] == accelerated_momentum(len(X))


def test_the_accelerated_schedule_makes_as_good_a_map_in_fewer_iterations(digits):
    X, _ = digits
    slow, fast = (TSNE(random_state=0, schedule=schedule).fit(X) for schedule in ("standard", "accelerated"))
    assert len(fast.history) * 3 < len(slow.history)
    assert fast.kl_divergence < 1.02 * slow.kl_divergence
    assert np.ptp(fast, axis=0).max() < 2 * np.ptp(slow, axis=0).max()


def test_precomputed_distances(X):
    from scipy.spatial.distance import cdist

    Y = fit(cdist(X, X), metric="precomputed", initialization="spectral")
    np.testing.assert_allclose(Y.affinities.P.toarray(), fit(X, neighbors="exact").affinities.P.toarray(), atol=1e-9)
