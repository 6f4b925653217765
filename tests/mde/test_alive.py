"""What `embed` returns goes on: stopped and resumed, killed, stored, changed, with new items, looked at."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from opentsne_like import Embedding, load, mde
from opentsne_like.callbacks import Checkpoint, Hook
from opentsne_like.distortions import LogPenalty, PushAndPull, QuadraticPenalty
from opentsne_like.errors import UnavailableError
from opentsne_like.mde import losses, penalties
from opentsne_like.objectives import Distortion
from opentsne_like.optimizer import Adam
from tests.mde.data import clusters

STEPS = 24


def neighbours(repulsion="sampled", **options):
    """Weights of either sign, where pairs are sampled."""
    return mde.preserve_neighbors(clusters()[:80], repulsion=repulsion, **options)


def distances(**options):
    X = clusters()[:40]
    edges = mde.all_edges(40)
    lengths = np.linalg.norm(X[edges[:, 0]] - X[edges[:, 1]], axis=1)
    return mde.MDE(40, 2, edges, losses.Huber(lengths, 0.5, weights=1 / lengths), **options)


PROBLEMS = {
    "sampled": neighbours,
    "all pairs": lambda: neighbours("all"),
    "standardized": lambda: neighbours(constraint=mde.Standardized()),
    "anchored": lambda: neighbours(constraint=mde.Anchored([0, 7], [[2.0, 0.0], [-2.0, 0.0]])),
    "targets with factors": distances,
}
EVERY = pytest.mark.parametrize("name", PROBLEMS)


class StopAt(Hook):
    """Leaves as Ctrl-C does."""

    def __init__(self, total):
        self.total = total

    def iteration(self, progress):
        if progress.total == self.total:
            raise KeyboardInterrupt


def assert_same(one, other):
    """The same points, and the same memory of what the next step is made of."""
    np.testing.assert_array_equal(one, other)
    ours, theirs = (made.optimizer.state.arrays() for made in (one, other))
    assert ours.keys() == theirs.keys()
    for key in ours.keys() - {"history"}:  # it has seconds
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


@EVERY
def test_an_interrupted_run_goes_on_with_the_same_bits(name, tmp_path):
    whole = PROBLEMS[name]().embed(max_iter=STEPS)
    problem = PROBLEMS[name]()
    with pytest.raises(KeyboardInterrupt):
        problem.embed(max_iter=STEPS, callbacks=[Checkpoint(tmp_path / "run.npz", every=4), StopAt(13)])
    assert problem.X.n_iter_ == problem.solve_stats.iterations == 13, "Ctrl-C leaves the last good embedding"
    assert problem.value is None, "of the whole run alone"
    assert_same(problem.X.optimize(STEPS - 13), whole)
    stored = load(tmp_path / "run.npz")
    assert_same(stored.optimize(STEPS - stored.n_iter_), whole)


@EVERY
def test_files_pickles_and_copies_go_on_with_the_same_bits(name, tmp_path):
    X = PROBLEMS[name]().embed(max_iter=10)
    X.save(tmp_path / "map.npz")
    further = X.optimize(8)
    for again in (load(tmp_path / "map.npz"), pickle.loads(pickle.dumps(X)), copy.deepcopy(X)):
        assert again.loss == X.loss
        assert (again.affinities.P != X.affinities.P).nnz == 0
        assert_same(again.optimize(8), further)


def test_a_file_keeps_negative_weights(tmp_path):
    X = neighbours().embed(max_iter=3)
    assert (X.affinities.P.data < 0).any()
    X.save(tmp_path / "map.npz")
    np.testing.assert_array_equal(load(tmp_path / "map.npz").affinities.P.data, X.affinities.P.data)


CHILD = """
import sys
from opentsne_like.callbacks import Checkpoint
from tests.mde.test_alive import PROBLEMS
PROBLEMS[sys.argv[1]]().embed(max_iter=2000, eps=0.0, callbacks=Checkpoint(sys.argv[2], every=1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sampled", "standardized"])
def test_a_killed_run_goes_on_with_the_same_bits(name, tmp_path):
    path = tmp_path / "run.npz"
    child = subprocess.Popen([sys.executable, "-c", CHILD, name, str(path)])
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        if path.exists() and load(path).n_iter_ >= 3:
            child.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    assert child.wait(120) == -signal.SIGKILL, "it was done too soon"
    killed = load(path)
    whole = PROBLEMS[name]().embed(max_iter=killed.n_iter_ + 5, eps=0.0)
    assert_same(killed.optimize(5), whole)


@EVERY
def test_any_number_of_threads_gives_the_same_bits(name):
    X = PROBLEMS[name]().embed(max_iter=10)
    np.testing.assert_array_equal(X.optimize(5, n_jobs=1), X.optimize(5, n_jobs=3))


def test_it_goes_on_under_another_distortion_and_another_constraint():
    X = neighbours().embed(max_iter=20)
    other = Distortion(PushAndPull(QuadraticPenalty(), LogPenalty()))
    begun = mde.Standardized().project_onto_constraint(X, inplace=False)
    changed = X.optimize(40, loss=other, constraint="standardized")
    assert (
        Embedding(changed, X.affinities, loss=other).loss_value < Embedding(begun, X.affinities, loss=other).loss_value
    )
    np.testing.assert_allclose(changed.T @ changed / len(X), np.eye(2), atol=1e-9)
    held = X.optimize(10, fixed=np.arange(len(X)) < 5)
    np.testing.assert_array_equal(held[:5], X[:5])
    assert X.optimize(20, optimizer=Adam()).shape == X.shape


@pytest.mark.parametrize("repulsion", ["all", "sampled"])
def test_new_items_find_their_neighbours_whoever_comes_along(repulsion):
    X = neighbours(repulsion).embed(max_iter=60)
    before, new = np.array(X), clusters()[80:100]
    together = X.transform(new, n_iter=20)
    apart = np.concatenate([X.transform(new[:7], n_iter=20), X.transform(new[7:], n_iter=20)])
    np.testing.assert_array_equal(together, apart)
    np.testing.assert_array_equal(X, before)
    again = X.transform(clusters()[:20])
    assert np.median(np.linalg.norm(again - before[:20], axis=1)) < 0.1 * np.ptp(before)
    grown = X.add(new)
    np.testing.assert_array_equal(grown[:80], X)
    assert grown.optimize(5).loss_value < grown.loss_value


def test_targets_place_new_items_by_an_anchored_problem():
    """The position of an item is found again from its distances to the others."""
    flat = np.random.default_rng(0).normal(size=(30, 2))
    edges = np.c_[np.arange(29), np.full(29, 29)]
    lengths = np.linalg.norm(flat[:29] - flat[29], axis=1)
    X = mde.preserve_distances(flat).embed(max_iter=5)
    with pytest.raises(UnavailableError, match="know no data"):
        X.transform(flat[:1])
    fixed = mde.Anchored(np.arange(29), flat[:29])
    placed = mde.MDE(30, 2, edges, losses.Quadratic(lengths), fixed).embed(np.zeros((30, 2)) + 0.1)
    np.testing.assert_allclose(placed, flat, atol=1e-3)


@EVERY
def test_diagnostics_add_up_to_the_distortion(name):
    problem = PROBLEMS[name]()
    X = problem.embed(max_iter=10)
    np.testing.assert_allclose(X.loss_value, problem.value)
    np.testing.assert_allclose(problem.average_distortion(), problem.value)
    np.testing.assert_allclose(X.point_losses().sum(), problem.value)
    if problem.loss.repulsion is None:
        np.testing.assert_allclose(X.edge_losses().sum(), problem.value)
        np.testing.assert_allclose(problem.distortions().mean(), problem.value)
    pairs, values = X.worst_pairs(3)
    worst = problem.high_distortion_pairs()[1]
    assert pairs.shape == (3, 2)
    if problem.loss.repulsion is None:
        np.testing.assert_allclose(values, worst[:3] / problem.p)


def test_an_odd_penalty_goes_on_too():
    """Hinges are flat over long stretches: the steps end where no lower place is found."""
    rng = np.random.default_rng(0)
    weights = rng.choice([-1.0, 1.0], 190)
    problem = mde.MDE(20, 2, mde.all_edges(20), penalties.Hinge(weights, threshold=1.0))
    X = problem.embed(rng.normal(size=(20, 2)))
    assert problem.value < problem.solve_stats.average_distortions[0]
    np.testing.assert_array_equal(X.optimize(3), X.optimize(1).optimize(2))
