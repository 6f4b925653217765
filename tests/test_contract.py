"""What works for one loss works for every loss: the contract between a loss and the house around it.

A new loss enters `objectives.LOSSES`, and here with the settings under which it makes a map of the small data below.
"""

from __future__ import annotations

import copy
import functools
import logging
import pickle
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from opentsne_like import Embedding, NeighborEmbedding, affinity, initialization, load
from opentsne_like.callbacks import (
    Checkpoint,
    EarlyStopping,
    ErrorApproximations,
    ErrorLogger,
    ExaggerationStopping,
    History,
    Hook,
    ProgressBar,
    Snapshots,
    StopReason,
    TimeLimit,
    VerifyExaggerationError,
)
from opentsne_like.errors import InvalidTypeError, UnavailableError
from opentsne_like.objectives import (
    LOSSES,
    SNE,
    AllPairs,
    Distortion,
    ElasticEmbedding,
    FuzzyCrossEntropy,
    InfoNCE,
    KullbackLeibler,
    Loss,
    NegativeSampling,
    NoiseContrastive,
    PaCMAP,
    Pairwise,
)
from opentsne_like.optimizer import Schedule
from opentsne_like.repulsion import Square, StudentT

N, NEW, STEPS = 150, 12, 50
CASES = {  # the loss, and the standard deviation of the start
    "t-SNE": (KullbackLeibler(), 1e-4),
    "t-SNE, dof learned": (KullbackLeibler("learn"), 1e-4),
    "t-SNE, stale forces": (KullbackLeibler(repulsion_every=3), 1e-2),
    "Neg-t-SNE": (NegativeSampling(c=0.1), 1.0),
    "elastic embedding": (ElasticEmbedding(lam=10.0), 0.1),
    "elastic embedding, distances": (ElasticEmbedding(lam=10.0, repulsion="distance"), 0.1),
    "SNE": (SNE(), 1e-2),
    "InfoNC-t-SNE": (InfoNCE(), 1e-4),
    "UMAP": (FuzzyCrossEntropy(), 3.0),
    "NC-t-SNE": (NoiseContrastive(), 1.0),
    "Neg-t-SNE, sampled": (NegativeSampling(repulsion="sampled"), 1.0),
    "NC-t-SNE, sampled": (NoiseContrastive(repulsion="sampled"), 1.0),
    "UMAP, sampled": (FuzzyCrossEntropy(repulsion="sampled"), 1.0),
    "PaCMAP": (PaCMAP(w_mid_near=3.0), 0.1),
    "minimum distortion": (Distortion(repulsion="all", average="weights"), 1.0),
    "pairwise": (Pairwise(Square(), StudentT(2.0), "rows", weight=2.0), 0.1),  # bounded below, as not every pair is
}
SAMPLED = {name for name in CASES if "sampled" in name}
WITHOUT_ERROR = {"PaCMAP", *SAMPLED}  # whose forces on a map are sums along edges, or estimates
EVERY = pytest.mark.parametrize("name", CASES)


@cache
def data() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(N + NEW, 5)) + 4 * rng.normal(size=(3, 5))[rng.integers(3, size=N + NEW)]


@cache
def affinities() -> affinity.PerplexityBasedNN:
    return affinity.PerplexityBasedNN(data()[:N], perplexity=10, method="exact", random_state=0)


def begin(name: str, **settings) -> Embedding:
    loss, scale = CASES[name]
    start = initialization.rescale(initialization.pca(data()[:N], random_state=0), target_std=scale)
    return Embedding(start, affinities(), loss=loss, random_state=0, **settings)


@cache
def _finished(name: str) -> Embedding:
    return begin(name).optimize(STEPS)


def finished(name: str) -> Embedding:
    return _finished(name).copy()


def assert_same(one: Embedding, other: Embedding) -> None:
    np.testing.assert_array_equal(one, other)
    assert type(one) is type(other)
    assert (one.loss, one.n_iter_, one.stop_reason) == (other.loss, other.n_iter_, other.stop_reason)
    np.testing.assert_array_equal(one.force_error, other.force_error)
    mine, its = one.optimizer.state, other.optimizer.state
    assert sorted(mine) == sorted(its)
    for array in mine:
        np.testing.assert_array_equal(mine[array], its[array])


def test_every_loss_is_in_the_contract():
    assert {type(loss) for loss, _ in CASES.values()} == set(LOSSES.values())


@EVERY
def test_the_loss_falls(name):
    Y = finished(name)
    assert Y.loss_value < begin(name).loss_value
    assert Y.stop_reason is StopReason.FINISHED
    assert [record.iteration for record in Y.history] == list(range(1, STEPS + 1))


@EVERY
@pytest.mark.parametrize("inplace", [True, False])
def test_one_by_one_is_the_same_as_all_at_once(name, inplace):
    Y = begin(name)
    for _ in range(STEPS):
        Y = Y.optimize(1, inplace=inplace)
    assert_same(Y, finished(name))


@EVERY
def test_the_error_of_the_forces_is_known(name):
    assert np.isnan(begin(name).force_error)
    assert np.isnan(begin(name, method="exact").optimize(3).force_error)
    Y = begin(name, method="fft").optimize(60)
    if name in WITHOUT_ERROR:
        assert np.isnan(Y.force_error)
        return
    assert 0 < Y.force_error < Y.loss.tolerance
    by_one = begin(name, method="fft")
    for _ in range(60):
        by_one.optimize(1, inplace=True)
    assert_same(by_one, Y)
    Y[0] += 1.0
    assert np.isnan(Y.force_error)


@EVERY
def test_edges_and_engine_are_made_once(name, monkeypatch):
    from opentsne_like.objectives import Edges
    from opentsne_like.repulsion import RepulsionEngine

    made = []
    for kind, method in ((Edges, "of"), (RepulsionEngine, "__init__")):
        original = getattr(kind, method)

        def noted(*args, original=original, kind=kind, **options):
            made.append(kind)
            return original(*args, **options)

        monkeypatch.setattr(kind, method, staticmethod(noted) if method == "of" else noted)
    Y = begin(name, method="exact")
    for _ in range(4):
        Y = Y.optimize(1)
    assert np.isfinite(Y.loss_value)
    assert Y.evaluate() == Y.evaluate()
    if name == "PaCMAP":
        assert (made.count(Edges), made.count(RepulsionEngine)) == (3, 0), "a graph for each kind of pairs"
        return
    assert made.count(Edges) == 1
    if not Y.loss.parameters():  # a new kernel takes a new engine
        assert made.count(RepulsionEngine) == 2, "one to go down, one that reads the value with smaller errors"


@EVERY
@pytest.mark.parametrize("method", ["exact", "bh", "fft"])
def test_any_number_of_threads_gives_the_same_bits(name, method):
    one, *others = (begin(name, method=method, n_jobs=jobs).optimize(20) for jobs in (2, 1, 3))
    for other in others:
        assert_same(one, other)
        assert one.loss_value == other.loss_value


@EVERY
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda Y: Y.copy(),
        copy.copy,
        copy.deepcopy,
        lambda Y: pickle.loads(pickle.dumps(Y)),
    ],
    ids=["method", "copy", "deepcopy", "pickle"],
)
def test_duplicates_go_on_by_themselves(name, duplicate):
    Y = finished(name)
    Z = duplicate(Y)
    assert_same(Z, Y)
    Z.optimize(7, inplace=True)
    assert_same(Y, finished(name))
    assert_same(Z, Y.optimize(7))


@EVERY
def test_a_file_goes_on_with_the_same_bits(name, tmp_path):
    Y = finished(name)
    Y.save(tmp_path / "map.npz")
    Z = load(tmp_path / "map.npz")
    assert_same(Z, Y)
    assert Z.settings == Y.settings
    np.testing.assert_array_equal(np.array(Z.history), np.array(Y.history))
    assert repr(Z) == repr(Y)
    assert Z.loss_value == Y.loss_value
    assert_same(Z.optimize(7), Y.optimize(7))


def estimator(name: str, **options) -> NeighborEmbedding:
    loss, scale = CASES[name]
    made = functools.partial(affinity.PerplexityBasedNN, perplexity=10, method="exact")
    schedule = [Schedule(10, exaggeration=4.0), Schedule(15)]
    return NeighborEmbedding(
        affinities=made, loss=loss, schedule=schedule, init_scaling=scale, random_state=0, **options
    )


class StopAt(Hook):
    """Leaves as Ctrl-C does."""

    def __init__(self, total):
        self.total = total

    def iteration(self, progress):
        if progress.total == self.total:
            raise KeyboardInterrupt


@cache
def whole_fit(name: str) -> Embedding:
    return estimator(name).fit(data()[:N])


@EVERY
@pytest.mark.parametrize("total", [4, 10, 17])
def test_an_interrupted_fit_goes_on(name, total, tmp_path):
    X = data()[:N]
    with pytest.raises(KeyboardInterrupt):
        estimator(name, callbacks=StopAt(total)).fit(X, checkpoint=tmp_path / "run.npz")
    assert load(tmp_path / "run.npz").n_iter_ == total
    assert_same(estimator(name).fit(X, checkpoint=tmp_path / "run.npz"), whole_fit(name))


def fit_and_write(name: str, path: Path, **options) -> None:
    """Fit, and write a checkpoint at every iteration: what is killed."""
    estimator(name, **options).fit(data()[:N], checkpoint=Checkpoint(path, every=1))


def kill_a_fit(name: str, path: Path, **options) -> None:
    """Start a fit in a process of its own and kill it once it has done three iterations."""
    from . import forks

    child = forks.Process(target=fit_and_write, args=(name, path), kwargs=options)
    child.start()
    deadline = time.monotonic() + 120
    while child.is_alive() and time.monotonic() < deadline:
        if path.exists() and load(path).n_iter_ >= 3:
            child.kill()
            break
        time.sleep(0.005)
    child.join(120)
    assert path.exists()


@pytest.mark.slow
@EVERY
def test_a_killed_fit_goes_on(name, tmp_path):
    path = tmp_path / "run.npz"
    kill_a_fit(name, path)
    assert_same(estimator(name).fit(data()[:N], checkpoint=path), whole_fit(name))


@EVERY
def test_new_points_land_where_they_land_whoever_comes_along(name):
    Y, X_new = finished(name), data()[N:]
    before = np.array(Y)
    if Y.loss.placing is None:
        with pytest.raises(UnavailableError, match=type(Y.loss).__name__):
            Y.transform(X_new)
        return
    together = Y.transform(X_new, n_iter=30)
    assert np.isfinite(together).all()
    apart = np.concatenate([Y.transform(X_new[:5], n_iter=30), Y.transform(X_new[5:], n_iter=30)])
    np.testing.assert_array_equal(together, apart)
    np.testing.assert_array_equal(Y, before)
    assert together.loss_value < Y.prepare_partial(X_new).loss_value
    assert np.isfinite(together.optimize(3).loss_value)


@EVERY
def test_old_rows_are_placed_near_themselves(name):
    Y = begin(name).optimize(250)
    placed = Y.transform(data()[:20])
    assert np.median(np.linalg.norm(placed - np.asarray(Y)[:20], axis=1)) < 0.15 * np.ptp(Y)


@EVERY
def test_a_map_grows(name):
    Y, X_new = finished(name), data()[N:]
    grown = Y.add(X_new)
    np.testing.assert_array_equal(grown[:N], Y)
    assert grown.loss == Y.loss
    further = grown.optimize(20)
    assert further.loss_value < grown.loss_value
    held = grown.optimize(5, fixed=np.arange(N + NEW) < N)
    np.testing.assert_array_equal(held[:N], Y)
    assert not np.array_equal(held[N:], grown[N:])


@EVERY
def test_every_callback(name, tmp_path, caplog):
    Y = begin(name)
    history, snapshots = History(loss_every=5), Snapshots(every=10)
    seen = []
    hooks = [
        history,
        snapshots,
        EarlyStopping(every=5),
        ExaggerationStopping(every=5),
        TimeLimit(1e9),
        ProgressBar(loss_every=10),
        ErrorLogger(seen.append),
        VerifyExaggerationError(Y),
        Checkpoint(tmp_path / "run.npz", every=10),
    ]
    errors = ErrorApproximations(affinities().P)
    if isinstance(Y.loss, AllPairs):
        hooks.append(errors)
    with caplog.at_level(logging.INFO):
        Z = Y.optimize(20, callbacks=hooks, callbacks_every_iters=10)
    assert_same(Z, Y.optimize(20))
    assert_same(load(tmp_path / "run.npz"), Z)
    assert [frame[0] for frame in snapshots.frames] == [10, 20]
    assert history.records[-1]["loss"] == history.records[-1]["kl_divergence"]
    assert all(Y.label in line for line in seen)
    assert len(seen) == 2
    if isinstance(Y.loss, AllPairs):
        np.testing.assert_allclose(errors.fft_errors, errors.exact_errors, rtol=1e-3, atol=1e-3)


@EVERY
def test_early_stopping_ends_it(name):
    Y = begin(name).optimize(5000, callbacks=EarlyStopping(tolerance=1e-2, every=10))
    assert Y.stop_reason is StopReason.CONVERGED
    assert Y.n_iter_ < 5000


@EVERY
def test_a_map_says_what_it_is(name):
    Y = finished(name)
    assert f"{N} points in 2 dimensions, {STEPS} iterations done, {Y.label} not computed" in repr(Y)
    value = Y.loss_value
    assert f"{Y.label} {value:.4f}" in repr(Y)
    assert isinstance(Y.loss, Loss)
    assert type(Y.loss)(**vars(Y.loss)) == Y.loss


@EVERY
def test_the_value_follows_what_it_depends_on(name):
    Y = Embedding(finished(name), copy.deepcopy(affinities()), loss=CASES[name][0])
    first = Y.loss_value
    Y *= 2.0
    assert Y.loss_value != first
    Y /= 2.0
    P = copy.deepcopy(Y.affinities.P)
    Y.affinities.P = P
    assert Y.loss_value == first
    P.indices[:2] = P.indices[1::-1].copy()
    assert Y.loss_value != first
    placed = finished(name).transform(data()[N:], n_iter=5)
    before = placed.loss_value
    placed.reference_embedding.optimize(10, inplace=True)
    moved = placed.loss_value
    assert moved == placed.evaluate(loss=placed.loss.precise())
    assert moved != before


@EVERY
def test_every_point_and_every_edge_has_its_part_in_the_loss(name):
    Y = finished(name)
    Y = Y.optimize(1, method="fft", inplace=True)
    placed = Y.transform(data()[N:], n_iter=5) if Y.loss.placing is not None else Y
    for points, P in ((Y, Y.affinities.P), (placed, placed.P if placed is not Y else Y.affinities.P)):
        parts, edges = points.point_losses(), points.edge_losses()
        assert parts.shape == (len(points),)
        np.testing.assert_allclose(parts.sum(), points.loss_value, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(edges.indptr, P.indptr)
        np.testing.assert_array_equal(edges.indices, P.indices)
        pairs, losses = points.worst_pairs(5)
        assert pairs.shape == (5, 2)
        assert losses[0] >= losses[4] > 0
    other = finished(name).optimize(1, method="fft", inplace=True)
    for n_jobs in (1, 3):
        again = Embedding(np.array(other), affinities(), loss=other.loss, optimizer=other.optimizer, n_jobs=n_jobs)
        np.testing.assert_array_equal(again.point_losses(), Y.point_losses())
        np.testing.assert_array_equal(again.edge_losses().data, Y.edge_losses().data)


def test_parts_of_t_sne_give_the_bits_of_the_estimator():
    from opentsne_like import TSNE

    X = data()[:N]
    by_parts = NeighborEmbedding(
        affinities=functools.partial(affinity.MultiscaleMixture, perplexities=10, random_state=0),
        loss=KullbackLeibler(),
        schedule=[Schedule(20, exaggeration=12.0), Schedule(30)],
        random_state=0,
    ).fit(X)
    whole = TSNE(perplexity=10, early_exaggeration_iter=20, n_iter=30, random_state=0).fit(X)
    np.testing.assert_array_equal(by_parts, whole)
    assert by_parts.loss_value == whole.kl_divergence


@pytest.mark.parametrize("schedule", [100, "fast", [100], (Schedule(5) for _ in range(2))])
def test_stages_that_are_none_are_refused(schedule):
    with pytest.raises(InvalidTypeError, match="`schedule` must be a Schedule or a sequence of them, got"):
        NeighborEmbedding(schedule=schedule).fit(data()[:20])
