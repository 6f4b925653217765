"""The estimators of the family: presets of parts, at the door and beside the general estimator."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import opentsne_like
from opentsne_like import (
    NCTSNE,
    SNE,
    UMAP,
    ElasticEmbedding,
    InfoNCTSNE,
    LargeVis,
    NegTSNE,
    NeighborEmbedding,
    PaCMAP,
    affinity,
    load,
    metrics,
    objectives,
)
from opentsne_like.callbacks import Hook
from opentsne_like.errors import InvalidParameterError, InvalidTypeError
from opentsne_like.optimizer import Momentum, Schedule

N = 120
SHORT = {"random_state": 0, "n_jobs": 1}
METHODS = {
    "SNE": SNE(perplexity=10, n_iter=30, early_exaggeration_iter=10, **SHORT),
    "InfoNCTSNE": InfoNCTSNE(perplexity=10, n_iter=30, early_exaggeration_iter=10, **SHORT),
    "NegTSNE": NegTSNE(c=0.1, n_iter=20, early_iter=10, **SHORT),
    "NCTSNE": NCTSNE(n_iter=20, early_iter=10, **SHORT),
    "LargeVis": LargeVis(perplexity=10, n_iter=30, **SHORT),
    "ElasticEmbedding": ElasticEmbedding(perplexity=10, n_iter=30, **SHORT),
    "UMAP": UMAP(n_epochs=30, **SHORT),
    "PaCMAP": PaCMAP(num_iters=(10, 10, 20), **SHORT),
}
EVERY = pytest.mark.parametrize("name", METHODS)
OF_PERPLEXITY = functools.partial(affinity.PerplexityBasedNN, perplexity=10, random_state=0, n_jobs=1)
OF_NEIGHBORS = functools.partial(affinity.Uniform, k_neighbors=15, random_state=0, n_jobs=1)
OF_UMAP = functools.partial(affinity.Fuzzy, k_neighbors=15, random_state=0, n_jobs=1)
PLAIN = Momentum(use_gains=False)
PARTS = {  # affinities, loss, optimizer, schedule, width of the start; what is left of a run comes after it
    "SNE": (OF_PERPLEXITY, objectives.SNE(), PLAIN, [(10, 4.0, 0.9), (30, None, 0.9)], None),
    "InfoNCTSNE": (OF_PERPLEXITY, objectives.InfoNCE(), PLAIN, [(10, 12.0, 0.9), (30, None, 0.95)], None),
    "NegTSNE": (OF_NEIGHBORS, objectives.NegativeSampling(), Momentum(), [(10, None, 0.8)], 1.0),
    "NCTSNE": (OF_NEIGHBORS, objectives.NegativeSampling(), Momentum(), [(10, None, 0.8)], 1.0),
    "LargeVis": (OF_PERPLEXITY, objectives.NegativeSampling(), Momentum(), [(30, None, 0.8)], 1.0),
    "ElasticEmbedding": (OF_PERPLEXITY, objectives.ElasticEmbedding(100.0), Momentum(), [(30, None, 0.8)], 0.1),
    "UMAP": (OF_UMAP, objectives.FuzzyCrossEntropy(*objectives.similarity_curve()), Momentum(), [(30, None, 0.9)], 3.0),
}
AFTERWARDS = {"NegTSNE": objectives.NegativeSampling(c=0.1), "NCTSNE": objectives.NoiseContrastive()}


@functools.cache
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 5)) + 4 * rng.normal(size=(3, 5))[rng.integers(3, size=N)]


def test_they_stand_at_the_top():
    for name in METHODS:
        assert getattr(opentsne_like, name) is type(METHODS[name])
    assert opentsne_like.InfoTSNE is InfoNCTSNE
    assert opentsne_like.NCVis is NCTSNE


@pytest.mark.parametrize("name", PARTS)
def test_presets_and_parts_give_the_same_bits(name):
    made, loss, optimizer, stages, width = PARTS[name]
    schedule = [Schedule(n, exaggeration=rho, momentum=momentum) for n, rho, momentum in stages]
    by_parts = NeighborEmbedding(
        affinities=made, loss=loss, optimizer=optimizer, schedule=schedule, init_scaling=width, **SHORT
    ).fit(data())
    if name in AFTERWARDS:
        by_parts = by_parts.optimize(20, loss=AFTERWARDS[name])
    whole = METHODS[name].fit(data())
    np.testing.assert_array_equal(whole, by_parts)
    assert whole.loss == AFTERWARDS.get(name, loss)


class StopAt(Hook):
    """Leaves as Ctrl-C does."""

    def __init__(self, total):
        self.total = total

    def iteration(self, progress):
        if progress.total == self.total:
            raise KeyboardInterrupt


@EVERY
def test_a_run_goes_on_in_every_stage_with_any_number_of_threads(name, tmp_path):
    whole = METHODS[name].fit(data())
    parameters = METHODS[name].get_params()
    for total in (6, 17):
        path = tmp_path / f"{total}.npz"
        with pytest.raises(KeyboardInterrupt):
            type(METHODS[name])(**{**parameters, "callbacks": StopAt(total)}).fit(data(), checkpoint=path)
        resumed = type(METHODS[name])(**{**parameters, "n_jobs": 3}).fit(data(), checkpoint=path)
        np.testing.assert_array_equal(resumed, whole)
        assert resumed.loss_value == whole.loss_value
    whole.save(tmp_path / "map.npz")
    again = load(tmp_path / "map.npz")
    np.testing.assert_array_equal(again.optimize(5), whole.optimize(5))


@EVERY
def test_affinities_and_a_start_of_ones_own(name):
    given = affinity.Uniform(data(), k_neighbors=5)
    start = np.random.default_rng(1).normal(size=(N, 3))
    estimator = METHODS[name]
    made = type(estimator)(**{**estimator.get_params(), "n_components": 3}).fit(affinities=given, initialization=start)
    assert made.shape == (N, 3)
    assert made.affinities is given
    assert made.loss_value < type(made)(start, given, loss=made.loss).loss_value
    assert estimator.get_params() == METHODS[name].get_params()
    assert repr(estimator).startswith(f"{name}(")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "recall"),
    [
        (InfoNCTSNE(random_state=0), 0.57),
        (SNE(random_state=0), 0.39),
        (UMAP(random_state=0), 0.48),
        (NegTSNE(s=0, random_state=0), 0.42),
        (NCTSNE(random_state=0), 0.44),
        (LargeVis(random_state=0), 0.42),
        (ElasticEmbedding(random_state=0), 0.39),
    ],
    ids=lambda value: type(value).__name__,
)
def test_they_keep_neighbours_and_classes_of_digits(estimator, recall, digits):
    X, y = digits
    Y = np.asarray(estimator.fit(X))
    assert metrics.knn_recall(X, Y, k=10) > recall
    assert metrics.knn_accuracy(Y, y) > 0.93


def test_places_on_the_spectrum():
    n, m = N, 5
    odds = [NegTSNE(**given)._odds(n) for given in ({}, {"s": 1}, {"s": 0}, {"Z_bar": 50.0}, {"c": 0.3})]
    np.testing.assert_allclose(odds, [1.0, 1.0, 100 * m / (n - 1), 50 * m / (n * (n - 1)), 0.3])


def test_an_embedding_goes_along_a_path_of_lam():
    path = ElasticEmbedding(perplexity=10, lam=[1.0, 50.0], n_iter=15, **SHORT).fit(data())
    step = ElasticEmbedding(perplexity=10, lam=1.0, n_iter=15, **SHORT).fit(data())
    np.testing.assert_array_equal(path, step.optimize(15, lam=50.0))
    assert path.loss.lam == 50.0
    assert path.n_iter_ == 30


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (NegTSNE(s=0, c=1), "`s` and `c` must not both be given"),
        (NegTSNE(Z_bar=10, c=1), "`Z_bar` and `c` must not both be given"),
        (NegTSNE(c=0), "`c` must be"),
        (NegTSNE(Z_bar=-1), "`Z_bar` must be"),
        (NegTSNE(s=float("nan")), "`s` must be"),
        (NegTSNE(s=1e6), "`s` must lie nearer to 0, got 1e"),
        (NegTSNE(s=-1e6), "`s` must lie nearer to 0, got -1e"),
        (NegTSNE(n_negatives=0), "`n_negatives` must be"),
        (NCTSNE(n_negatives=0), "`n_negatives` must be"),
        (UMAP(min_dist=2.0), "`min_dist` must be at most `spread`"),
        (UMAP(a=1.0), "`a` and `b` must be given together"),
        (UMAP(target_metric="categorical"), "`target_metric` must be left out"),
        (UMAP(n_neighbors=1), "`n_neighbors` must be"),
        (UMAP(negative_sample_rate=0), "`negative_sample_rate` must be"),
        (UMAP(set_op_mix_ratio=1.5), "`set_op_mix_ratio` must be"),
        (UMAP(local_connectivity=-1), "`local_connectivity` must be"),
        (UMAP(repulsion_strength=-1), "`repulsion_strength` must be"),
        (ElasticEmbedding(lam=-1), "`lam` must be"),
        (ElasticEmbedding(lam=[]), "`lam` must be"),
        (ElasticEmbedding(lam=[1, "x"]), "`lam` must be"),
        (SNE(early_exaggeration=-1), "`early_exaggeration` must be"),
        (SNE(method="fast"), "`method` must be"),
        (InfoNCTSNE(n_iter=-1), "`n_iter` must be"),
    ],
    ids=repr,
)
def test_parameters_that_mean_nothing_are_refused_before_any_work(estimator, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError), match=message):
        estimator.fit(affinities=affinity.Uniform(data(), k_neighbors=5), initialization="spectral")


def test_a_start_that_is_none_is_refused_by_the_name_that_the_user_wrote():
    for estimator, name in ((UMAP(init="best"), "init"), (SNE(initialization="best"), "initialization")):
        with pytest.raises(InvalidParameterError, match=f"`{name}` must be"):
            estimator.fit(data())


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_fuzzy_sets_are_mixed(ratio):
    one_way = affinity.Fuzzy(data(), k_neighbors=10, symmetrize=False, normalize=False).P.toarray()
    both = one_way * one_way.T
    expected = ratio * (one_way + one_way.T - both) + (1 - ratio) * both
    mixed = UMAP(n_neighbors=10, set_op_mix_ratio=ratio)._affinities(data()).P
    np.testing.assert_allclose(mixed.toarray(), expected / expected.sum(), atol=1e-15)
