"""`NeighborEmbedding`: parameters that no preset has."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import SNE, TSNE, InfoNCTSNE, NeighborEmbedding, affinity, load, sklearn
from opentsne_like.callbacks import StopReason
from opentsne_like.embedding import PlacedEmbedding, Resources
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import NegativeSampling
from opentsne_like.optimizer import LBFGS, Schedule

from .test_contract import StopAt, assert_same

X = np.random.default_rng(0).normal(size=(90, 4))
MANY = X[np.random.default_rng(1).integers(60, size=90)]  # no more than 60 different rows
AFFINITIES = functools.partial(affinity.PerplexityBasedNN, perplexity=5, method="exact")


def estimator(**parameters):
    options = {"loss": NegativeSampling(), "schedule": Schedule(20), "init_scaling": 1.0, "affinities": AFFINITIES}
    return NeighborEmbedding(**{**options, "random_state": 0, **parameters})


def test_a_stage_ends_where_the_gradient_is_small_unless_it_says_otherwise():
    Y = estimator(min_grad_norm=1e9, schedule=[Schedule(20), Schedule(10, min_grad_norm=0.0)]).fit(X)
    assert (Y.n_iter_, Y.stop_reason) == (10, StopReason.FINISHED)
    assert estimator(min_grad_norm=1e9).fit(X).stop_reason is StopReason.FLAT
    assert_same(estimator(min_grad_norm=0.0).fit(X), estimator().fit(X))


def test_two_stages_go_by_four_words():
    words = {"n_iter": 8, "early_exaggeration": 4.0, "early_exaggeration_iter": 6, "learning_rate": [30.0, 20.0]}
    stages = [Schedule(6, [30.0, 20.0], exaggeration=4.0), Schedule(8, [30.0, 20.0])]
    assert_same(estimator(schedule=None, **words).fit(X), estimator(schedule=stages).fit(X))
    assert estimator(schedule=None)._schedules() == [Schedule(250, exaggeration=12.0), Schedule(500)]
    assert estimator(schedule=None, n_iter=5, early_exaggeration_iter=0).fit(X).n_iter_ == 5


def test_a_rate_may_be_a_function_of_the_iteration():
    asked = []

    def rate(iteration):
        asked.append(iteration)
        return 40.0 / (1 + iteration)

    Y = estimator(schedule=None, n_iter=3, early_exaggeration_iter=0, learning_rate=rate).fit(X)
    assert set(asked) == {0, 1, 2}
    np.testing.assert_array_equal(Y, estimator(schedule=Schedule(3, [40.0, 20.0, 40.0 / 3])).fit(X))


def test_strength_is_that_of_the_loss():
    Y = estimator(repulsion_strength=2.0).fit(X)
    assert Y.loss == NegativeSampling(repulsion_strength=2.0)
    assert_same(Y, estimator(loss=NegativeSampling(repulsion_strength=2.0)).fit(X))
    assert Y.std() > estimator().fit(X).std()


class Bowl:
    def evaluate(self, points, *, exaggeration, with_loss):
        return float((points**2).sum()), points / 2


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"repulsion_strength": -1.0}, InvalidParameterError, "`repulsion_strength` must be at least 0, got -1"),
        ({"repulsion_strength": 2.0, "loss": Bowl()}, InvalidParameterError, "`repulsion_strength` must be left out"),
        ({"n_iter": 5}, InvalidParameterError, "`n_iter` must be left out with `schedule`"),
        ({"schedule": None, "n_iter": -1}, InvalidParameterError, "`n_iter` must be at least 0, got -1"),
        ({"schedule": None, "early_exaggeration": 0}, InvalidParameterError, "`early_exaggeration` must be positive"),
        (
            {"schedule": None, "early_exaggeration_iter": 2.5},
            InvalidParameterError,
            "`early_exaggeration_iter` must be",
        ),
        ({"schedule": None, "learning_rate": "fast"}, InvalidParameterError, "`learning_rate` must be"),
        ({"schedule": None, "learning_rate": [1.0, -1.0]}, InvalidParameterError, "`learning_rate` must be positive"),
        ({"schedule": None, "learning_rate": lambda i: 0.0}, InvalidParameterError, "`learning_rate` must be positive"),
        ({"min_grad_norm": -1.0}, InvalidParameterError, "`min_grad_norm` must be at least 0, got -1"),
        ({"process_duplicates": "yes"}, (InvalidParameterError, InvalidTypeError), "`process_duplicates` must be"),
        (
            {"device": "cuda", "optimizer": LBFGS()},
            UnavailableError,
            "`device` must be 'cpu' for `optimizer` LBFGS, got",
        ),
        ({"device": "tpu"}, InvalidParameterError, "`device` must be one of"),
    ],
)
def test_what_cannot_work_is_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        estimator(**parameters).fit(X)


def test_a_device_changes_no_bit_and_is_stored(tmp_path):
    Y = estimator(device="cpu").fit(X)
    assert_same(Y, estimator().fit(X))
    Y.save(tmp_path / "map.npz")
    assert load(tmp_path / "map.npz").settings.resources == Resources(device="cpu")


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, lambda rows: rows.tolist()])
def test_equal_rows_are_one_point(kind):
    rows, where = np.unique(MANY, axis=0, return_inverse=True)
    _, first = np.unique(where, return_index=True)
    order = np.sort(first)  # as they come in the table
    Y = estimator(process_duplicates=True, initialization="random").fit(kind(MANY))
    assert isinstance(Y, PlacedEmbedding)
    assert Y.shape == (90, 2)
    alone = estimator(initialization="random").fit(kind(MANY[order]))
    assert len(alone) == len(rows) < 61
    assert_same(Y.reference_embedding, alone)
    np.testing.assert_array_equal(Y[order], alone)
    for _, same in enumerate(rows):
        assert len(np.unique(Y[(same == MANY).all(axis=1)], axis=0)) == 1
    np.testing.assert_allclose(Y.P.sum(axis=1), 1.0)


def test_without_equal_rows_nothing_changes():
    assert_same(estimator(process_duplicates=True).fit(X), estimator().fit(X))
    given = AFFINITIES(X)
    assert_same(estimator(process_duplicates=True).fit(affinities=given), estimator().fit(affinities=given))


def test_the_map_of_different_rows_goes_on(tmp_path):
    start = np.random.default_rng(2).normal(size=(90, 2))
    fit = estimator(process_duplicates=True).fit
    Y = fit(MANY, initialization=start)
    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        estimator(process_duplicates=True, callbacks=StopAt(7)).fit(MANY, initialization=start, checkpoint=path)
    again = fit(MANY, initialization=start, checkpoint=path)
    assert_same(again.reference_embedding, Y.reference_embedding)
    np.testing.assert_array_equal(again, Y)
    Y.save(tmp_path / "map.npz")
    loaded = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(loaded, Y)
    one = loaded.reference_embedding
    assert_same(one.optimize(3), Y.reference_embedding.optimize(3))
    np.testing.assert_array_equal(one.transform(X[:3]), Y.reference_embedding.transform(X[:3]))
    assert len(one.add(X[:3])) == len(one) + 3
    with pytest.raises(UnavailableError, match="reference_embedding"):
        Y.transform(X[:3])


def test_columns_are_known_by_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(MANY, columns=list("abcd"))
    one = estimator(process_duplicates=True).fit(frame).reference_embedding
    new = frame[list("dcba")].iloc[:3] + 0.1
    np.testing.assert_array_equal(one.transform(new), one.transform(MANY[:3] + 0.1))


def test_transformers_know_all_rows():
    made = sklearn.transformer(NeighborEmbedding)(**estimator(process_duplicates=True).get_params()).fit(MANY)
    np.testing.assert_array_equal(made.transform(MANY), made.embedding_)
    assert made.transform(X[:3] + 0.1).shape == (3, 2)
    assert (made.n_iter_, made.loss_) == (20, made.embedding_.reference_embedding.loss_value)


def test_nothing_but_equal_rows_is_refused():
    with pytest.raises(InvalidParameterError, match="`X` must have at least 2 different rows"):
        estimator(process_duplicates=True).fit(np.ones((5, 2)))


@pytest.mark.parametrize("kind", [SNE, InfoNCTSNE, TSNE])
def test_early_exaggeration_may_come_in_parts(kind):
    options = {"perplexity": 5, "n_iter": 3, "early_exaggeration_iter": 4, "random_state": 0}
    Y = kind(early_exaggeration=[6.0, 2.0], **options).fit(X)
    assert [record.exaggeration for record in Y.history] == [6.0, 6.0, 2.0, 2.0, 1.0, 1.0, 1.0]
