"""Repulsion from a sample: what theory says of it, and the same bits however it is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from opentsne_like import NCTSNE, UMAP, Embedding, LargeVis, NegTSNE, affinity, metrics
from opentsne_like.callbacks import Hook
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import (
    Context,
    FuzzyCrossEntropy,
    NegativeSampling,
    NoiseContrastive,
    Parts,
    SampledForces,
    drawn,
)
from opentsne_like.optimizer import LBFGS, SGD, State
from opentsne_like.repulsion import LogInverse, RepulsionEngine, StudentT

from .test_kl import joint

LOSSES = {
    "Neg-t-SNE": NegativeSampling(c=0.3, n_negatives=4, repulsion="sampled"),
    "NC-t-SNE": NoiseContrastive(c=0.2, repulsion="sampled"),
    "UMAP": FuzzyCrossEntropy(repulsion="sampled"),
}
EVERY = pytest.mark.parametrize("name", LOSSES)
N = 40


def bound(loss, P, iteration=0, n_jobs=1, parts=None):
    return loss.bind(P, Context(n_jobs, State({}, counter=iteration), parts or Parts()))


@EVERY
@pytest.mark.parametrize("of", ["seeds", "iterations"])
def test_the_mean_of_sampled_gradients_is_that_of_all_pairs(name, of):
    loss, P, Y = LOSSES[name], joint(N), 2 * np.random.default_rng(0).normal(size=(N, 2))
    runs, parts = 1500, Parts()
    numbers = [(i, 0) if of == "seeds" else (0, i) for i in range(runs)]
    sampled = np.array(
        [
            bound(replace(loss, seed=seed), P, iteration, parts=parts).evaluate(Y, exaggeration=2.0, with_loss=False)[1]
            for seed, iteration in numbers
        ]
    )
    expected = bound(replace(loss, repulsion="all", method="exact"), P).evaluate(Y, exaggeration=2.0, with_loss=False)
    error = (sampled.mean(axis=0) - expected[1]) / (sampled.std(axis=0) / np.sqrt(runs))
    assert np.abs(error).max() < 5
    assert error.std() == pytest.approx(1, abs=0.3)  # as independent draws have it


@EVERY
def test_the_value_is_that_of_all_pairs(name):
    loss, P, Y = LOSSES[name], joint(N), np.random.default_rng(0).normal(size=(N, 2))
    values = [
        bound(replace(loss, repulsion=by), P).evaluate(Y, exaggeration=1.0, with_loss=True)[0]
        for by in ("all", "sampled")
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_odds_of_one_are_classic_negative_sampling():
    """With q = 1 / (1 + d²) the odds that a pair is an edge: log(1 + 1/q) along edges, log(1 + q) for drawn points."""
    m, P, Y = 5, joint(N), np.random.default_rng(1).normal(size=(N, 2))
    gradient = bound(NegativeSampling(m, repulsion="sampled", seed=3), P).evaluate(Y, exaggeration=1.0, with_loss=False)
    partners = drawn(3, 0, 0, N, 4 * m, N)

    def slow(y, i):
        """Return the loss of point i, which its edges pull twice, as one end and as the other."""
        q = 1 / (1 + ((y[i] - y) ** 2).sum(axis=1))
        pulled = 2 * (P.toarray()[i] * np.log1p(1 / q)).sum()
        return pulled + 2 * np.log1p(q[partners[i]]).sum() / (4 * N)  # four draws for a negative

    for i in range(0, N, 7):
        for k in range(2):
            step = np.zeros_like(Y)
            step[i, k] = 1e-5
            expected = (slow(Y + step, i) - slow(Y - step, i)) / 2e-5 / 4
            assert gradient[1][i, k] == pytest.approx(expected, abs=1e-8 + 1e-4 * float(np.abs(gradient[1]).max()))


@pytest.mark.parametrize("repulsion", ["all", "sampled"])
def test_the_partition_function_grows_with_what_it_is_taken_to_be(repulsion):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5)) + 4 * rng.normal(size=(4, 5))[rng.integers(4, size=300)]
    sizes = []
    for Z_bar in (300.0, 1000.0, 3000.0, 10_000.0):
        Y = NegTSNE(Z_bar=Z_bar, repulsion=repulsion, random_state=0).fit(X)
        sizes.append(RepulsionEngine(StudentT()).evaluate(np.asarray(Y)).total)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 3 * sizes[0]


def test_points_are_drawn_uniformly_and_never_themselves():
    n, count = 50, 20
    runs = np.array([drawn(seed, iteration, 0, n, count, n) for seed in range(5) for iteration in range(200)])
    assert not (runs == np.arange(n)[:, None]).any()
    steps = np.bincount(((runs - np.arange(n)[:, None]) % n).ravel(), minlength=n)[1:]
    chi = ((steps - steps.mean()) ** 2 / steps.mean()).sum()
    assert abs(chi - (n - 2)) < 5 * np.sqrt(2 * (n - 2))
    pairs = np.bincount((runs[:, :-1, 0] * n + runs[:, 1:, 0]).ravel(), minlength=n * n)  # neighbours in the stream
    assert pairs.max() < 6 * pairs.mean()
    for axis in ((0, 1, 0), (0, 0, 1)):  # another iteration, another seed
        other = drawn(axis[2], axis[1], 0, n, count, n)
        assert (other == drawn(0, 0, 0, n, count, n)).mean() < 0.1
    np.testing.assert_array_equal(drawn(2**64 - 1, 2**40, 3, 9, 2, 2**31), drawn(2**64 - 1, 2**40, 0, 9, 2, 2**31)[3:])


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_threads_do_not_show(n_jobs):
    Y = np.random.default_rng(0).normal(size=(20_000, 2))
    one, other = (
        SampledForces(3, 0, None).evaluate(RepulsionEngine(LogInverse(0.5), n_jobs=jobs), Y, None)
        for jobs in (1, n_jobs)
    )
    np.testing.assert_array_equal(one.gradient, other.gradient)
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize(
    ("estimator", "recall"),
    [
        (UMAP(repulsion="sampled", random_state=0), 0.4),
        (NegTSNE(repulsion="sampled", random_state=0), 0.35),
        (NCTSNE(repulsion="sampled", random_state=0), 0.35),
        (LargeVis(repulsion="sampled", random_state=0), 0.35),
    ],
    ids=lambda value: type(value).__name__,
)
def test_estimators_by_samples_keep_neighbours_and_classes(estimator, recall, digits):
    X, y = digits
    Y = estimator.fit(X[:800])
    assert isinstance(Y.settings.optimizer, SGD)
    assert metrics.knn_recall(X[:800], np.asarray(Y), k=10) > recall
    assert metrics.knn_accuracy(np.asarray(Y), y[:800]) > 0.9


class StopAt(Hook):
    """Leaves as Ctrl-C does."""

    def __init__(self, total):
        self.total = total

    def iteration(self, progress):
        if progress.total == self.total:
            raise KeyboardInterrupt


@pytest.mark.parametrize("make", [UMAP, NegTSNE], ids=lambda made: made.__name__)
def test_a_run_that_is_stopped_draws_the_same_with_any_number_of_threads(make, tmp_path, rng):
    X = rng.normal(size=(80, 5))
    short = {"n_epochs": 20} if make is UMAP else {"n_iter": 10, "early_iter": 10}
    options = {"repulsion": "sampled", "random_state": 3, **short}
    whole = make(**options, n_jobs=1).fit(X)
    for total in (4, 15):
        path = tmp_path / f"{total}.npz"
        with pytest.raises(KeyboardInterrupt):
            make(**options, callbacks=StopAt(total)).fit(X, checkpoint=path)
        np.testing.assert_array_equal(make(**options, n_jobs=3).fit(X, checkpoint=path), whole)
    assert whole.loss.seed == 3
    assert not np.array_equal(make(**{**options, "random_state": 4}).fit(X), whole)


def test_what_cannot_be_is_refused(rng):
    X = rng.normal(size=(30, 3))
    for make, name in (
        (lambda: NegativeSampling(repulsion="some"), "repulsion"),
        (lambda: FuzzyCrossEntropy(seed=-1), "seed"),
        (lambda: NoiseContrastive(seed=0.5), "seed"),
        (lambda: UMAP(repulsion="few").fit(X), "repulsion"),
    ):
        with pytest.raises((InvalidParameterError, InvalidTypeError), match=f"`{name}` must be"):
            make()
    Y = Embedding(X[:, :2], affinity.Uniform(X, k_neighbors=5), loss=LOSSES["UMAP"])
    with pytest.raises(UnavailableError, match="LBFGS takes forces of the points as they are"):
        Y.optimize(5, optimizer=LBFGS())
