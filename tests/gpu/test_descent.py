"""Maps that go down a loss on a device, state and all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import affinity
from opentsne_like.objectives import Context, ElasticEmbedding, KullbackLeibler, NegativeSampling, Parts
from opentsne_like.optimizer import Momentum, Schedule, State, run
from opentsne_like.optimizer.loop import Silent

from .oracles import check_same

N = 90


class Curious(Silent):
    """A follower that wants the loss of every iteration, and looks at the map before each step."""

    def wants_loss(self, iteration):
        return True

    def looks(self, iteration):
        return True


@pytest.fixture(scope="module")
def P():
    rng = np.random.default_rng(0)
    X = rng.normal(0, 6, (4, 10))[rng.integers(0, 4, N)] + rng.normal(size=(N, 10))
    return affinity.PerplexityBasedNN(X, perplexity=8, method="exact", n_jobs=1).P


def start(d=2):
    return np.random.default_rng(1).normal(0, 1e-2, (N, d))


def descend(card, loss, P, points, stages=((4, 12.0), (4, 1.0)), optimizer=None, cut=False):
    """Return the map and the state after the stages, on the device, or on the host without one."""
    optimizer = Momentum() if optimizer is None else optimizer
    points = points.copy() if card is None else card.device.xp.asarray(points)
    state, parts = optimizer.start(points), Parts()
    for n_iter, exaggeration in stages:
        for some in (n_iter // 2, n_iter - n_iter // 2) if cut else (n_iter,):
            if cut:
                state, parts = State.from_arrays(state.arrays()) if card is None else carried(card, state), Parts()
            objective = loss.bind(P, Context(1, state, parts))
            schedule = Schedule(some, exaggeration=exaggeration)
            plan = schedule.plan(N, lambda rho: loss.learning_rate(N, rho), None, n_jobs=1)
            run(points, state, objective, optimizer, plan, Curious())
    return points, state


def carried(card, state):
    """Return a state that was taken to the host as arrays and back."""
    arrays = {name: card.back(array) for name, array in state.arrays().items()}
    taken = State.from_arrays(arrays)
    for name in ("gains", "update"):
        taken[name] = card.device.xp.asarray(arrays[name])
    return taken


LOSSES = [
    KullbackLeibler(method="fft"),
    KullbackLeibler(dof=0.5, method="fft"),
    KullbackLeibler(method="exact"),
    NegativeSampling(method="fft"),
    ElasticEmbedding(method="fft"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_a_map_is_that_of_the_cpu(loss, P, card):
    there, state = descend(card, loss, P, start())
    here, other = descend(None, loss, P, start())
    assert hasattr(state["gains"], "__cuda_array_interface__")
    mine, theirs = ([record.loss for record in each.history] for each in (state, other))
    np.testing.assert_allclose(mine, theirs, rtol=2e-3)
    few = {"rtol": 0, "atol": 0.02 * np.abs(here).max()}
    np.testing.assert_allclose(card.back(there), here, **few)


@pytest.mark.parametrize("d", [1, 3])
def test_on_a_line_and_in_space(d, P, card):
    loss = KullbackLeibler()
    state, other = (descend(where, loss, P, start(d))[1] for where in (card, None))
    assert state.history[-1].loss == pytest.approx(other.history[-1].loss, rel=2e-3)


def test_the_same_bits_again_and_after_a_cut(P, both_ways, card):
    loss = KullbackLeibler(method="fft")

    def made(cut):
        points, state = descend(card, loss, P, start(), cut=cut)
        return tuple(map(card.back, (points, state["gains"], state["update"])))

    check_same(both_ways(lambda: made(False)), made(True))


def test_the_same_bits_for_points_in_another_order(P, card, monkeypatch):
    """Edges keep their sequence within a row, as they do when a graph is sorted along a curve."""
    monkeypatch.setattr("opentsne_like.objectives.locality.FEWEST_POINTS", 1)
    monkeypatch.setattr("opentsne_like.objectives.locality.FIRST", 2)
    loss = KullbackLeibler(method="fft", tolerance=1.0)  # no sample of the points decides about the grid
    points, _ = descend(card, loss, P, start())
    order = np.random.default_rng(3).permutation(N)
    rank = np.argsort(order)
    counts = np.diff(P.indptr)[order]
    edges = np.concatenate([np.arange(P.indptr[i], P.indptr[i + 1]) for i in order])
    turned = sparse.csr_matrix((P.data[edges], rank[P.indices[edges]], np.append(0, np.cumsum(counts))), shape=(N, N))
    again, _ = descend(card, loss, turned, start()[order])
    check_same(card.back(again), card.back(points)[order])


def test_degrees_of_freedom_are_learned(P, card):
    loss = KullbackLeibler("learn", method="fft")
    states = []
    for where in (card, None):
        optimizer = Momentum()
        points = start() if where is None else card.device.xp.asarray(start())
        state = optimizer.start(points)
        state["log_dof"] = loss.parameters()["log_dof"]
        plan = Schedule(6).plan(N, lambda rho: loss.learning_rate(N, rho), None, n_jobs=1)
        run(points, state, loss.bind(P, Context(1, state, Parts())), optimizer, plan, Silent())
        states.append(float(state["log_dof"][0, 0]))
    assert states[0] == pytest.approx(states[1], abs=0.02)
    assert states[0] != 0.0
