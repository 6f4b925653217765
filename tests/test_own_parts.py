"""Losses, objectives, optimizers and radial functions of the user's own, where they meet the rest of the package."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from opentsne_like import TSNE, Embedding, NeighborEmbedding, TSNEEmbedding, affinity, load
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, UnavailableError
from opentsne_like.objectives import (
    LOSSES,
    Edges,
    ElasticEmbedding,
    KullbackLeibler,
    LogPartition,
    Loss,
    PairLoss,
    Parts,
)
from opentsne_like.optimizer import Adam, Momentum, Proposal, Schedule, State
from opentsne_like.repulsion import Gaussian, LogStudentT, Radial, RepulsionEngine, StudentT

X = np.random.default_rng(0).normal(size=(90, 5))
SCHEDULE = [Schedule(10, exaggeration=4.0), Schedule(10)]
AFFINITIES = functools.partial(affinity.PerplexityBasedNN, perplexity=5, method="exact", n_jobs=1)


@pytest.fixture(scope="module")
def affinities():
    return AFFINITIES(X[:80])


def begin(affinities, kind=Embedding, **settings):
    return kind(X[:80, :2] / 10, affinities, n_jobs=1, **settings)


class Bowl:
    """An objective that can change."""

    weight = 1.0

    def evaluate(self, points, *, exaggeration, with_loss):
        return self.weight * float((points**2).sum()), self.weight * points / 2


@dataclass(frozen=True)
class Plain(Loss):
    """A loss without anything of the package's, not even a method of summing."""

    weight: float = 1.0
    tolerance: float = 0.1
    label: ClassVar[str] = "plain"

    def bind(self, P, context):
        bowl = Bowl()
        bowl.weight = self.weight
        return bowl

    def learning_rate(self, n, exaggeration):
        return 0.1


@dataclass(frozen=True)
class Signs:
    """Steps of one length."""

    length: float = 0.01
    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = ("drift",)

    def start(self, points):
        return State({"drift": np.zeros(points.shape)})

    def auto_rate(self, unit, exaggeration):
        return 1.0

    def made(self, points, step):
        return points

    def propose(self, objective, points, state, step, with_loss):
        loss, gradient = objective.evaluate(points, exaggeration=step.exaggeration, with_loss=with_loss)
        state.spare["drift"][:] = 0.9 * state["drift"] + 0.1 * gradient
        new = points - self.length * np.sign(state.spare["drift"])
        mean = new.mean(axis=0)
        return Proposal(self.made(new, step), mean, step.constraint.offset(mean), loss, float(np.linalg.norm(gradient)))


def interrupted(path, **parts):
    """Return an estimator's map that was cut and gone on with, and one that was not."""

    make = functools.partial(NeighborEmbedding, affinities=AFFINITIES, schedule=SCHEDULE, random_state=0, n_jobs=1)
    make(**parts, callbacks=lambda i, error, Y: i == 7, callbacks_every_iters=7).fit(X, checkpoint=path)
    return make(**parts).fit(X, checkpoint=path), make(**parts).fit(X)


@pytest.mark.parametrize(
    "optimizer", [Momentum(use_gains=False), Momentum(min_gain=0.1, max_step_norm=None)], ids=["plain", "gains"]
)
def test_a_run_goes_on_with_the_optimizer_it_was_begun_with(tmp_path, optimizer):
    resumed, whole = interrupted(tmp_path / "run.npz", optimizer=optimizer)
    assert resumed.settings.optimizer == optimizer
    assert resumed.n_iter_ == whole.n_iter_ == 20
    assert np.asarray(resumed).tobytes() == np.asarray(whole).tobytes()


@pytest.mark.parametrize("given", [{"loss": Plain()}, {"negative_gradient_method": Plain()}], ids=["loss", "method"])
def test_openTSNE_s_embedding_takes_any_loss(affinities, given):
    Y = begin(affinities, TSNEEmbedding, **given).optimize(3)
    assert Y.loss == Plain()
    params = dict(Y.gradient_descent_params)
    assert (params["negative_gradient_method"], params["weight"], params["tolerance"]) == (Plain(), 1.0, 0.1)
    assert Y.settings.changed(tolerance=0.7).loss == Plain(tolerance=0.7)


def test_openTSNE_s_estimator_takes_any_loss():
    for loss in (Plain(), Bowl()):
        estimator = TSNE(negative_gradient_method=loss, n_iter=3, early_exaggeration_iter=3, perplexity=5, n_jobs=1)
        assert estimator.fit(X).n_iter_ == 6


def test_the_tolerance_that_was_asked_for_outlives_a_change_of_the_loss(affinities):
    Y = begin(affinities, TSNEEmbedding, grid_tolerance=1e-3)
    assert Y.settings.changed(loss=ElasticEmbedding()).loss.tolerance == 1e-3
    assert Y.settings.changed(loss=ElasticEmbedding(tolerance=1e-4)).loss.tolerance == 1e-4


def test_values_of_an_object_that_may_change_are_not_kept(affinities):
    bowl = Bowl()
    Y = begin(affinities, loss=bowl)
    before = Y.loss_value
    bowl.weight = 3.0
    assert Y.loss_value == Y.evaluate() == pytest.approx(3 * before)


def test_an_objective_that_is_bound_to_other_points_is_refused(affinities):
    edges = Edges.of(affinities.P, n_jobs=1)
    bound = PairLoss(edges, LogStudentT(), RepulsionEngine(StudentT(), n_jobs=1), LogPartition(edges))
    Y = begin(affinities, loss=bound).optimize(2)
    with pytest.raises(InvalidParameterError, match=r"`points` must be 80, one per row"):
        Y.add(X[80:]).optimize(1)
    with pytest.raises(InvalidParameterError, match=r"`points` must be 80, one per row"):
        Y.transform(X[80:], n_iter=1)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda new: new[:3].copy(), r"float64 array of shape \(80, 2\), got float64 of shape \(3, 2\)"),
        (lambda new: new.astype(np.float32), "got float32"),
        (lambda new: new.tolist(), "got list"),
    ],
)
def test_a_proposal_of_another_shape_is_refused(affinities, made, message):
    @dataclass(frozen=True)
    class Wrong(Signs):
        def made(self, points, step):
            return made(points)

    Y = begin(affinities)
    with pytest.raises(InvalidTypeError, match=message):
        Y.optimize(1, optimizer=Wrong(), inplace=True)
    assert Y.n_iter_ == 0


def test_an_optimizer_lacks_nothing_before_it_is_taken(affinities):
    @dataclass(frozen=True)
    class Half:
        def propose(self, objective, points, state, step, with_loss):
            raise AssertionError

    with pytest.raises(InvalidTypeError, match="with the methods `start`, `auto_rate` and `propose`"):
        begin(affinities, optimizer=Half())


def test_a_loss_that_places_without_saying_how_takes_the_usual_numbers(affinities):
    @dataclass(frozen=True)
    class Places(ElasticEmbedding):
        placing: ClassVar[Any] = None

    assert np.isfinite(begin(affinities, loss=Places()).transform(X[80:], learning_rate=0.1)).all()
    with pytest.raises(UnavailableError, match="cannot place new points"):
        begin(affinities, loss=Plain()).transform(X[80:])


def test_what_a_loss_carries_of_its_own_comes_back(affinities, tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Carrying(KullbackLeibler):
        @property
        def carries(self):
            return (*super().carries, "own")

        def bind(self, P, context):
            context.state and context.state.carried.setdefault("own", np.arange(3.0))
            return super().bind(P, context)

    monkeypatch.setitem(LOSSES, "Carrying", Carrying)
    begin(affinities, loss=Carrying()).optimize(2).optimize(2).save(tmp_path / "map.npz")
    assert load(tmp_path / "map.npz").optimizer.state.carried["own"].tolist() == [0.0, 1.0, 2.0]


def test_tuples_of_a_loss_are_tuples_again(affinities, tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Stepped(ElasticEmbedding):
        path: tuple[Any, ...] = ()

    monkeypatch.setitem(LOSSES, "Stepped", Stepped)
    Y = begin(affinities, loss=Stepped(path=(1.0, (2.0, 3.0))))
    Y.save(tmp_path / "map.npz")
    assert load(tmp_path / "map.npz").loss == Y.loss


@pytest.mark.parametrize("parts", [{"loss": Plain()}, {"optimizer": Signs()}], ids=["loss", "optimizer"])
def test_what_cannot_be_stored_is_refused_before_any_work(tmp_path, parts):
    def never(X):
        raise AssertionError("work was done")

    with pytest.raises(InvalidParameterError, match="must be of a class that files know"):
        NeighborEmbedding(**parts, affinities=never).fit(X, checkpoint=tmp_path / "run.npz")


def test_a_map_that_another_optimizer_has_moved_comes_back(affinities, tmp_path, caplog):
    Y = begin(affinities).optimize(3, optimizer=Adam())
    Y.save(tmp_path / "adam.npz")
    again = load(tmp_path / "adam.npz")
    assert np.asarray(again.optimize(3)).tobytes() == np.asarray(Y.optimize(3)).tobytes()
    go_on = [Z.optimize(3, optimizer=Adam()) for Z in (again, Y)]
    assert np.asarray(go_on[0]).tobytes() == np.asarray(go_on[1]).tobytes()
    begin(affinities).optimize(3, optimizer=Signs()).save(tmp_path / "signs.npz")
    assert "is not stored" in caplog.text
    assert load(tmp_path / "signs.npz").n_iter_ == 3


def test_a_refused_call_leaves_nothing_behind(affinities):
    @dataclass(frozen=True)
    class Newton(Signs):
        requires: ClassVar[tuple[str, ...]] = ("evaluate", "hessian")

    Y = begin(affinities, repulsion_every=3, method="fft").optimize(4)
    refused = Y.copy()
    with pytest.raises(UnavailableError, match="`hessian`"):
        refused.optimize(3, optimizer=Newton(), inplace=True)
    assert refused.force_error == Y.force_error
    moved = [Z.copy() for Z in (Y, refused)]
    for Z in moved:
        Z[0] += 1.0
    assert np.isnan([Z.force_error for Z in moved]).all()
    assert np.asarray(moved[0].optimize(2)).tobytes() == np.asarray(moved[1].optimize(2)).tobytes()


def test_a_value_does_not_depend_on_how_a_map_is_moved(affinities):
    Y = begin(affinities)
    for changes in ({"momentum": 0.3}, {"exaggeration": 4}, {"max_step_norm": 1.0}, {"callbacks": print}):
        with pytest.raises(InvalidTypeError, match=f"`evaluate` takes .* got `{next(iter(changes))}`"):
            Y.evaluate(**changes)
    assert Y.evaluate(method="exact", n_jobs=1) == pytest.approx(Y.evaluate(), rel=1e-3)


def test_a_radial_function_has_to_be_told_from_others():
    @dataclass
    class Loose(Radial):
        scale: float = 1.0
        width: ClassVar[float] = 1.0

        def __call__(self, s):
            return np.exp(-s)

    with pytest.raises(InvalidTypeError, match="Loose must be a frozen dataclass of numbers"):
        Parts().engine(Loose(), method="fft", n_jobs=1)
    assert isinstance(Parts().engine(Gaussian(), method="fft", n_jobs=1), RepulsionEngine)
