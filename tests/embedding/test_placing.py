"""New points on finished maps, and maps that grow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from opentsne_like import Embedding, PartialTSNEEmbedding, TSNEEmbedding, affinity, initialization
from opentsne_like.callbacks import History
from opentsne_like.errors import InvalidParameterError, UnavailableError

from .makers import begin, estimator, finished, old_and_new

X, X_NEW = old_and_new()
METHODS = pytest.mark.parametrize("method", ["exact", "bh", "fft", "auto"])


def slow_gradient(Y, reference, P, dof):
    """Return a quarter of the gradient and the KL divergence of new points, each by itself, over all pairs."""
    P = P.toarray()
    difference = Y[:, None] - reference[None]
    d2 = (difference**2).sum(axis=2)
    base = 1 / (1 + d2 / dof)
    w = base**dof
    z = w.sum(axis=1, keepdims=True)
    gradient = ((P * base - w * base / z)[:, :, None] * difference).sum(axis=1)
    kl = np.where(P > 0, P * (np.log(np.where(P > 0, P, 1)) - np.log(w / z)), 0).sum()
    return kl, gradient


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("dof", [0.5, 1, 2])
@METHODS
def test_gradient_and_kl_of_new_points(method, dimension, dof):
    reference = begin(dimension, dof=dof).optimize(30)
    partial = reference.prepare_partial(X_NEW, perplexity=5)
    partial += np.random.default_rng(0).normal(size=partial.shape)
    kl, gradient = slow_gradient(np.asarray(partial), np.asarray(reference), partial.P, dof)
    settings = partial.settings.changed(negative_gradient_method=method, dof=dof)
    objective = partial.optimizer.bind(partial, partial.P, settings, reference)
    loss, found = objective.evaluate(np.asarray(partial), exaggeration=1.0, with_loss=True)
    assert np.linalg.norm(found - gradient) < 5e-3 * np.linalg.norm(gradient)
    assert loss == pytest.approx(kl, rel=1e-3)


@METHODS
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_point_lands_where_it_lands_whoever_comes_along(method, dimension):
    steps = 15 if (method, dimension) == ("fft", 3) else 40  # transforms in space take long
    Y = begin(dimension, negative_gradient_method=method).optimize(steps)
    before = np.array(Y)
    together = Y.transform(X_NEW, n_iter=30)
    parts = [Y.transform(X_NEW[low:high], n_iter=30) for low, high in ((0, 1), (1, 8), (8, 20))]
    np.testing.assert_array_equal(np.concatenate(parts), together)
    backwards = Y.transform(X_NEW[::-1], n_iter=30)
    np.testing.assert_array_equal(backwards[::-1], together)
    np.testing.assert_array_equal(Y, before)
    one = begin(dimension, negative_gradient_method=method, n_jobs=1).optimize(steps).transform(X_NEW, n_iter=30)
    np.testing.assert_array_equal(one, together)


AFFINITIES = {
    "perplexity": lambda: affinity.PerplexityBasedNN(X, 12),
    "mixture": lambda: affinity.MultiscaleMixture(X, [5, 15]),
    "multiscale": lambda: affinity.Multiscale(X, [5, 15]),
    "uniform": lambda: affinity.Uniform(X, 10),
    "fixed sigma": lambda: affinity.FixedSigmaNN(X, 2.0, k=10),
    "entropic": lambda: affinity.Entropic(X, 10),
    "fuzzy": lambda: affinity.Fuzzy(X, 10),
    "self-tuning": lambda: affinity.SelfTuning(X, 10),
    "MAGIC": lambda: affinity.MAGIC(X, 10),
    "symmetric entropic": lambda: affinity.SymmetricEntropic(X, 10),
    "sinkhorn": lambda: affinity.Sinkhorn(X, 5.0),
}


@pytest.mark.parametrize("name", AFFINITIES)
@pytest.mark.parametrize("start", ["median", "weighted", "random"])
def test_every_kind_of_affinities_places_new_points(name, start):
    Y = TSNEEmbedding(np.array(begin()), AFFINITIES[name]()).optimize(40, exaggeration=12).optimize(40)
    Z = Y.transform(X_NEW, initialization=start, n_iter=20)
    assert type(Z) is PartialTSNEEmbedding
    assert Z.shape == (20, 2)
    assert np.isfinite(Z).all()
    np.testing.assert_allclose(Z.P.sum(axis=1), 1, rtol=1e-6)
    assert Z.P.shape == (20, 240)


def test_old_rows_as_new_ones_land_near_themselves():
    Y = finished()
    Z = Y.transform(X)
    apart = np.linalg.norm(np.asarray(Z) - np.asarray(Y), axis=1)
    assert np.median(apart) < 0.05 * np.ptp(np.asarray(Y), axis=0).max()


def test_starts(tmp_path):
    Y = finished()
    P, neighbors, distances = Y.affinities.to_new(X_NEW, return_distances=True)
    np.testing.assert_array_equal(
        Y.prepare_partial(X_NEW, k=10), initialization.median(np.asarray(Y), neighbors[:, :10])
    )
    np.testing.assert_array_equal(
        Y.prepare_partial(X_NEW, initialization="weighted", k=10),
        initialization.weighted_mean(X_NEW, np.asarray(Y), neighbors[:, :10], distances[:, :10]),
    )
    given = np.arange(40.0).reshape(20, 2)
    np.testing.assert_array_equal(Y.prepare_partial(X_NEW, initialization=given), given)
    np.testing.assert_array_equal(Y.prepare_partial(X_NEW).P.toarray(), P.toarray())
    few = Y.prepare_partial(X_NEW, perplexity=2, k=30)
    assert few.P.nnz == 20 * 6
    np.testing.assert_array_equal(few, Y.prepare_partial(X_NEW, k=30))
    np.save(tmp_path / "new.npy", X_NEW)
    mapped = np.load(tmp_path / "new.npy", mmap_mode="r")
    np.testing.assert_array_equal(Y.transform(mapped, n_iter=5), Y.transform(X_NEW, n_iter=5))
    np.testing.assert_array_equal(Y.transform(X_NEW.tolist(), n_iter=5), Y.transform(X_NEW, n_iter=5))


def test_any_sparse_format():
    from scipy.sparse import coo_matrix, csr_matrix

    Y = TSNEEmbedding(np.array(begin()), affinity.PerplexityBasedNN(csr_matrix(np.maximum(X, 0)), 10)).optimize(5)
    new = np.maximum(X_NEW, 0)
    expected = Y.transform(csr_matrix(new), n_iter=3)
    np.testing.assert_array_equal(Y.transform(coo_matrix(new), n_iter=3), expected)
    assert Y.add(coo_matrix(new)).shape == (260, 2)


def test_long_tables_are_looked_up_in_blocks(monkeypatch):
    Y = finished()
    whole = Y.transform(X_NEW, n_iter=5)
    monkeypatch.setattr("opentsne_like.embedding.placing.BLOCK", 7)
    blocks = Y.transform(X_NEW, n_iter=5)
    np.testing.assert_array_equal(blocks, whole)
    np.testing.assert_array_equal(blocks.P.toarray(), whole.P.toarray())


@METHODS
@pytest.mark.parametrize("start", ["median", "weighted"])
def test_points_land_in_batches_where_they_land_at_once(method, start):
    Y = begin(negative_gradient_method=method).optimize(30)
    expected = Y.transform(X_NEW, initialization=start, n_iter=20)
    for size in (1, 7, 10**6):
        batches = list(Y.transform_batches(X_NEW, batch_size=size, initialization=start, n_iter=20))
        assert {type(batch) for batch in batches} == {np.ndarray}
        np.testing.assert_array_equal(np.concatenate(batches), expected)
    frame = pd.DataFrame(X_NEW)
    np.testing.assert_array_equal(next(Y.transform_batches(frame, initialization=start, n_iter=20)), expected)


def test_batches_are_refused_where_points_would_depend_on_them():
    Y, bad = finished(), np.array(X_NEW)
    bad[5, 1] = np.nan
    for start in ("random", np.zeros((len(X_NEW), 2))):
        with pytest.raises(InvalidParameterError, match="`initialization` must be one of 'median', 'weighted'"):
            Y.transform_batches(X_NEW, initialization=start)
    with pytest.raises(InvalidParameterError, match="`batch_size` must be at least 1"):
        Y.transform_batches(X_NEW, batch_size=0)
    batches = Y.transform_batches(bad, batch_size=4, n_iter=2)
    assert next(batches).shape == (4, 2)
    with pytest.raises(InvalidParameterError, match="got nan in row 5, column 1"):
        next(batches)
    with pytest.raises(UnavailableError, match="reference_embedding"):
        Y.prepare_partial(X_NEW).transform_batches(X_NEW)


def test_stored_callbacks_stay_silent_unless_passed():
    seen = []
    Y = begin(callbacks=lambda *a: seen.append(a), use_callbacks=True, callbacks_every_iters=5).optimize(10)
    assert len(seen) == 2
    Y.transform(X_NEW, n_iter=10)
    assert len(seen) == 2
    history = History()
    Y.transform(X_NEW, n_iter=10, early_exaggeration_iter=3, callbacks=history)
    assert len(history.records) == 13


@METHODS
def test_the_reference_is_frozen_once_and_dropped_when_it_moves(method, monkeypatch):
    from opentsne_like.repulsion import RepulsionEngine

    made = []
    freeze = RepulsionEngine.freeze
    monkeypatch.setattr(RepulsionEngine, "freeze", lambda self, *a: made.append(1) or freeze(self, *a))
    Y = begin(negative_gradient_method=method).optimize(10)
    Y.transform(X_NEW, n_iter=5, early_exaggeration_iter=5)
    Y.transform(X_NEW[:3], n_iter=5)
    assert len(made) == 1
    Y.optimize(5, inplace=True)
    moved = Y.transform(X_NEW, n_iter=5)
    assert len(made) == 2
    fresh = TSNEEmbedding(np.array(Y), Y.affinities, negative_gradient_method=method)
    np.testing.assert_array_equal(fresh.transform(X_NEW, n_iter=5), moved)
    Y += 1.0
    Y.transform(X_NEW, n_iter=1)
    assert len(made) == 4
    Y.prepare_interpolation_grid(padding=0.5)
    Y.transform(X_NEW, n_iter=1)
    assert len(made) == 5


def test_the_automatic_learning_rate_of_new_points():
    partial = finished().prepare_partial(X_NEW)
    np.testing.assert_array_equal(partial.optimize(5, learning_rate="auto"), partial.optimize(5, learning_rate=0.1))


def test_far_new_points_stay_finite():
    Y = finished()
    far = np.vstack([X_NEW, 1e6 * np.ones((1, 6))])
    Z = Y.transform(far, n_iter=20)
    assert np.isfinite(Z).all()
    np.testing.assert_array_equal(Z[:-1], Y.transform(X_NEW, n_iter=20))


def test_an_object_with_nothing_but_P_places_no_points():
    class Given:
        P = finished().affinities.P

    for kind in (Embedding, TSNEEmbedding):
        Y = kind(np.array(begin()), Given()).optimize(2)
        for place in (Y.transform, Y.prepare_partial, Y.add):
            with pytest.raises(UnavailableError, match=r"class Given cannot place new points, .*`to_new`"):
                place(X_NEW)


def test_an_objective_of_the_users_own_places_points():
    class Bowl:
        def evaluate(self, points, *, exaggeration, with_loss):
            return 0.5 * float((points**2).sum()), points / 4

    Y = Embedding(np.array(begin()), finished().affinities, loss=Bowl()).optimize(2)
    new = Y.transform(X_NEW, learning_rate=0.5)
    assert new.n_iter_ == 250
    assert new.loss_value < 1e-3 * Y.prepare_partial(X_NEW).loss_value


def test_what_knows_no_data_cannot_place_new_points():
    Y = TSNEEmbedding(np.array(begin()), affinity.PrecomputedAffinities(finished().affinities.P))
    for place in (Y.transform, Y.prepare_partial, Y.add):
        with pytest.raises(UnavailableError):
            place(X_NEW)


@pytest.mark.parametrize("name", AFFINITIES)
def test_a_map_that_grows_has_the_affinities_of_all_its_data(name):
    old = TSNEEmbedding(np.array(begin()), AFFINITIES[name]()).optimize(20)
    before = np.array(old)
    grown = old.add(X_NEW)
    whole = type(old.affinities)(
        np.vstack([X, X_NEW]), **{n: getattr(old.affinities, n) for n in old.affinities.ARGUMENTS}
    )
    np.testing.assert_array_equal(grown.affinities.P.toarray(), whole.P.toarray())
    np.testing.assert_array_equal(grown[:240], old)
    np.testing.assert_array_equal(grown.optimizer.gains[:240], old.optimizer.gains)
    np.testing.assert_array_equal(grown.optimizer.update[:240], old.optimizer.update)
    assert (grown.optimizer.gains[240:] == 1).all()
    assert (grown.optimizer.update[240:] == 0).all()
    assert grown.n_iter_ == old.n_iter_
    later = grown.optimize(10)
    assert later.n_iter_ == 30
    fixed = np.arange(260) < 240
    held = grown.optimize(10, fixed=fixed)
    np.testing.assert_array_equal(held[:240], before)
    assert (np.asarray(held)[240:] != np.asarray(grown)[240:]).any()
    np.testing.assert_array_equal(old, before)


def test_a_map_can_grow_again_and_again():
    Y = estimator().fit(X[:100])
    for low in (100, 150, 200):
        Y = Y.add(X[low : low + 50]).optimize(10)
    assert Y.shape == (240, 2)
    whole = affinity.MultiscaleMixture(X, 12, random_state=0)
    np.testing.assert_array_equal(Y.affinities.P.toarray(), whole.P.toarray())
    assert Y.transform(X_NEW, n_iter=3).shape == (20, 2)


def test_a_map_that_was_not_optimized_can_grow():
    grown = begin().add(X_NEW)
    assert grown.shape == (260, 2)
    assert grown.optimize(5).n_iter_ == 5


def test_growing_on_a_given_index():
    from opentsne_like.nearest_neighbors import Sklearn

    P = affinity.PerplexityBasedNN(knn_index=Sklearn(X, 30), perplexity=10)
    grown = TSNEEmbedding(np.array(begin()), P).add(X_NEW)
    whole = affinity.PerplexityBasedNN(knn_index=Sklearn(np.vstack([X, X_NEW]), 30), perplexity=10)
    np.testing.assert_array_equal(grown.affinities.P.toarray(), whole.P.toarray())
    given = affinity.from_neighbors(P.knn_index.build(), perplexity=10)
    with pytest.raises(UnavailableError):
        TSNEEmbedding(np.array(begin()), given).add(X_NEW)


def test_placed_points_cannot_take_further_ones():
    placed = finished().prepare_partial(X_NEW)
    for place in (placed.transform, placed.prepare_partial, placed.add):
        with pytest.raises(UnavailableError, match="reference_embedding"):
            place(X_NEW)


@pytest.mark.parametrize("bad", [X_NEW[:, :2], np.full((2, 6), np.nan), "rows", X_NEW[0]])
def test_bad_new_data_is_refused(bad):
    for place in (finished().transform, finished().add):
        with pytest.raises((InvalidParameterError, TypeError)):
            place(bad)


@pytest.mark.parametrize("form", ["graph", "arrays"])
@pytest.mark.parametrize("place", ["transform", "prepare_partial", "add"])
def test_a_map_of_given_neighbours_says_why_it_cannot_place_rows(form, place):
    indices, distances = affinity.get_knn_index(X, "exact", 30, "euclidean").build()
    starts = np.arange(0, indices.size + 1, 30)
    graph = csr_matrix((distances.ravel(), indices.ravel(), starts), shape=(len(X), len(X)))
    given = affinity.from_neighbors(graph if form == "graph" else (indices, distances), perplexity=5)
    Y = estimator(n_iter=1, initialization="random").fit(affinities=given)
    with pytest.raises((InvalidParameterError, UnavailableError), match="fit with `X` beside `affinities`, or make"):
        getattr(Y, place)(X_NEW)
    Y = estimator(n_iter=1).fit(X, affinities=affinity.PrecomputedAffinities(given.P))
    with pytest.raises(UnavailableError, match="PrecomputedAffinities do not say how new points belong"):
        getattr(Y, place)(X_NEW)
