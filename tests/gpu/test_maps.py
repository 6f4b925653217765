"""Maps by `device="cuda"`: the same objects, methods, callbacks and files as on the CPU."""

from __future__ import annotations

import pickle
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from opentsne_like import TSNE, Embedding, NeighborEmbedding, TSNEEmbedding, affinity, devices, load, methods
from opentsne_like.callbacks import Checkpoint, EarlyStopping, History, Hook, ProgressBar, Snapshots, TimeLimit
from opentsne_like.embedding.on_gpu import OnGPU
from opentsne_like.errors import InsufficientMemoryError, MissingDependencyError, UnavailableError
from opentsne_like.objectives import SNE, ElasticEmbedding, InfoNCE, KullbackLeibler, NegativeSampling
from opentsne_like.optimizer import LBFGS, Sphere

from .oracles import check_same

N = 80
LOSSES = [KullbackLeibler(method="fft"), KullbackLeibler("learn"), NegativeSampling(), ElasticEmbedding()]
X = np.random.default_rng(0).normal(0, 6, (4, 10))[np.arange(N) % 4] + np.random.default_rng(1).normal(size=(N, 10))


@pytest.fixture(scope="module")
def affinities():
    return affinity.PerplexityBasedNN(X, perplexity=8, method="exact", n_jobs=1)


@pytest.fixture(autouse=True)
def _there(card, monkeypatch):
    monkeypatch.setattr("opentsne_like.embedding.settings.need_gpu", lambda: card.device.xp)


def begin(affinities, loss=LOSSES[0], device="cuda", d=2, **settings):
    start = np.random.default_rng(2).normal(0, 0.1, (N, d))
    return Embedding(start, affinities, loss=loss, device=device, n_jobs=1, random_state=0, **settings)


def arrays(embedding):
    """Return all that a file of a map would hold, but for the times that iterations took."""
    found = embedding.optimizer.state.arrays()
    found["history"] = found["history"][:, :-1]
    assert all(type(array) is np.ndarray for array in found.values())
    return (np.asarray(embedding), *(found[name] for name in sorted(found)))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_a_map_is_that_of_the_cpu(loss, d, affinities):
    mine, theirs = (begin(affinities, loss, device, d).optimize(8) for device in ("cuda", "cpu"))
    assert type(mine) is Embedding
    assert mine.settings.resources.device == "cuda"
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=0.02 * np.abs(theirs).max())
    assert mine.loss_value == pytest.approx(theirs.loss_value, rel=2e-3)
    kept = [{*each.optimizer.state.arrays()} - {"carried.verdict"} for each in (mine, theirs)]  # of a grid alone
    assert kept[0] == kept[1]


@pytest.mark.parametrize("loss", [SNE(), InfoNCE(method="fft")], ids=lambda loss: type(loss).__name__)
def test_rows_are_normalised_as_on_the_cpu(loss, affinities):
    mine, theirs = (begin(affinities, loss, device).optimize(3) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=0.02 * np.abs(theirs).max())
    assert mine.loss_value == pytest.approx(theirs.loss_value, rel=2e-3)
    check_same(arrays(begin(affinities, loss).optimize(1).optimize(2)), arrays(mine))


def test_the_same_bits_in_pieces_and_through_files(affinities, tmp_path):
    whole = begin(affinities).optimize(8, exaggeration=4)
    parts = begin(affinities).optimize(3, exaggeration=4)
    parts.save(tmp_path / "map.npz")
    parts = load(tmp_path / "map.npz").optimize(2, exaggeration=4)
    parts = pickle.loads(pickle.dumps(parts)).copy().optimize(3, exaggeration=4)
    check_same(arrays(parts), arrays(whole))


def test_a_map_goes_on_elsewhere(affinities):
    begun = begin(affinities).optimize(4)
    here, there = begun.optimize(4, device="cpu"), begun.optimize(4, device="cuda")
    np.testing.assert_allclose(here, there, rtol=0, atol=0.02 * np.abs(there).max())
    assert begin(affinities, device="cpu").optimize(2).optimize(2, device="cuda").shape == (N, 2)


@pytest.mark.parametrize(
    ("kind", "lengths"),
    [
        (NeighborEmbedding, {"early_exaggeration_iter": 4, "n_iter": 4}),
        (TSNE, {"early_exaggeration_iter": 4, "n_iter": 4}),
        (methods.NegTSNE, {"early_iter": 4, "n_iter": 4}),
        (methods.ElasticEmbedding, {"n_iter": 8}),
    ],
)
def test_estimators(kind, lengths, affinities):
    start = np.random.default_rng(2).normal(0, 1e-3, (N, 2))
    made = kind(device="cuda", n_jobs=1, random_state=0, **lengths)
    mine = made.fit(affinities=affinities, initialization=start)
    assert mine.settings.resources.device == "cuda"
    assert len(mine.history) == 8
    assert mine.stop_reason is not None


def test_new_points_are_placed_by_the_cpu(affinities, card):
    mine = begin(affinities).optimize(4)
    card.device.launched.clear()
    assert mine.transform(X[:5] + 0.01).shape == (5, 2)
    assert not card.device.launched
    grown = mine.add(X[:5] + 0.01).optimize(2)
    assert grown.shape == (N + 5, 2)
    assert "give back" in card.device.launched


class Watcher(Hook):
    """Keeps each map that it sees, and what a copy and a pickle of it hold."""

    def __init__(self):
        self.maps, self.states = [], []

    def iteration(self, progress):
        self.maps.append(np.array(progress.embedding))
        copied, stored = progress.embedding.copy(), pickle.loads(pickle.dumps(progress.embedding))
        check_same(np.asarray(copied), self.maps[-1])
        check_same(arrays(copied), arrays(stored))
        self.states.append(arrays(copied))


def test_hooks_see_each_iteration_whole(affinities):
    watcher = Watcher()
    begin(affinities).optimize(5, callbacks=watcher)
    assert len(watcher.maps) == 5
    for k in range(5):
        check_same(watcher.states[k], arrays(begin(affinities).optimize(k + 1)))


def test_the_map_comes_home_for_hooks_that_look(affinities, tmp_path, monkeypatch):
    homes = []
    usual = OnGPU.bring_home
    monkeypatch.setattr(OnGPU, "bring_home", lambda self: (homes.append(self.points is not None), usual(self))[1])
    quiet = [ProgressBar(), History(), EarlyStopping(), TimeLimit(100.0), Checkpoint(tmp_path / "map.npz", every=4)]
    snapshots = Snapshots(every=3)
    made = begin(affinities).optimize(7, callbacks=[*quiet, snapshots])
    assert len(homes) == 4  # for a checkpoint and two frames, and at the end
    check_same(snapshots.frames[1][1], np.asarray(begin(affinities).optimize(6), np.float32))
    check_same(arrays(load(tmp_path / "map.npz")), arrays(made))


def test_a_checkpoint_holds_the_map_though_nobody_looks(affinities, tmp_path):
    found = []

    class Reader(Hook):
        def looks(self, progress):
            return False

        def iteration(self, progress):
            found.append(load(tmp_path / "map.npz"))

    begin(affinities).optimize(5, callbacks=[Checkpoint(tmp_path / "map.npz", every=4), Reader()])
    check_same(arrays(found[4]), arrays(begin(affinities).optimize(4)))
    check_same(np.asarray(found[4]), np.asarray(begin(affinities).optimize(4)))


def test_callbacks_see_the_map_before_the_step_and_may_move_it(affinities):
    seen = []

    def look(iteration, loss, embedding):
        seen.append((iteration, loss, np.array(embedding)))
        if iteration == 4:
            embedding[:] = 0.5 * np.asarray(embedding)

    made = begin(affinities).optimize(5, callbacks=look, callbacks_every_iters=2)
    assert [each[0] for each in seen] == [2, 4]
    check_same(seen[0][2], np.asarray(begin(affinities).optimize(1)))
    theirs = begin(affinities, device="cpu").optimize(5, callbacks=look, callbacks_every_iters=2)
    np.testing.assert_allclose(made, theirs, rtol=0, atol=0.02 * np.abs(theirs).max())


def test_a_checkpoint_goes_on_with_the_same_bits(affinities, tmp_path):
    path = tmp_path / "map.npz"
    whole = begin(affinities).optimize(6)

    class Stop(Hook):
        def iteration(self, progress):
            return progress.iteration == 4

    begin(affinities).optimize(6, callbacks=[Checkpoint(path, every=2), Stop()])
    stored = load(path)
    assert len(stored.history) == 4
    check_same(arrays(stored.optimize(2)), arrays(whole))


def test_ctrl_c_leaves_the_last_iteration(affinities, card, monkeypatch):
    usual, steps = card.device.launch, []

    def interrupting(name, *rest, **named):
        usual(name, *rest, **named)
        steps.append(name)
        if name == "around_double" and steps.count("step_single") == 3:  # within the commit
            signal.raise_signal(signal.SIGINT)

    broken = begin(affinities)
    with monkeypatch.context() as patch:
        patch.setattr(card.device, "launch", interrupting)
        with pytest.raises(KeyboardInterrupt):
            broken.optimize(6, inplace=True)
    assert len(broken.history) == 3
    check_same(arrays(broken), arrays(begin(affinities).optimize(3)))


@pytest.mark.parametrize("when", ["settle", "around_single", "step_single", "at once"])
def test_too_little_memory_leaves_the_last_iteration(when, affinities, card, monkeypatch):
    usual, steps = card.device.launch, []

    def fail(*arguments):
        raise card.device.memory_error("Out of memory allocating 512 bytes")

    def launch(name, *rest, **named):
        if name == when and len(steps) == 2:
            fail()
        steps.extend([name] * (name == "step_single"))
        usual(name, *rest, **named)

    broken = begin(affinities)
    with monkeypatch.context() as patch:
        patch.setattr(card.device, "launch", launch)
        if when == "at once":
            patch.setattr(card.device, "xp", SimpleNamespace(asarray=fail))
        with pytest.raises(InsufficientMemoryError, match=rf"map of {N} points, got 'Out of memory .*use device='cpu'"):
            broken.optimize(6, inplace=True)
    done = 0 if when == "at once" else 2
    assert len(broken.history) == broken.optimizer.state.counter[0] == done
    check_same(np.asarray(broken), np.asarray(begin(affinities).optimize(done) if done else begin(affinities)))


def test_the_memory_of_the_card_is_given_back(affinities, card):
    made = begin(affinities)
    made.optimize(3, inplace=True)
    assert card.device.launched[-1] == "give back"
    parts = made.optimizer.parts
    kept = [parts._edges[1], *(engine._convolver for engine in parts._engines.values())]
    assert not [name for each in kept for name in vars(each) if "gpu" in name]
    influences = [key for each in kept[1:] for key in each._influences]
    assert not [key for key in influences if "gpu" in key[1]]


def test_two_maps_in_two_threads(affinities, card):
    """One after the other in the emulation, whose threads of a block are one of the host's; both at once on a card."""
    lock, usual = threading.Lock(), card.device.launch
    made = {}

    def launch(*arguments, **named):
        with lock:
            usual(*arguments, **named)

    card.device.launch = launch
    try:
        threads = [
            threading.Thread(target=lambda k=k: made.update({k: begin(affinities, LOSSES[k]).optimize(4)}))
            for k in (0, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        del card.device.launch
    for k in (0, 2):
        check_same(arrays(made[k]), arrays(begin(affinities, LOSSES[k]).optimize(4)))


REFUSED = [
    ({"loss": SNE(method="bh")}, {}, r"for `loss` SNE\("),
    ({"loss": KullbackLeibler(method="bh")}, {}, r"for `loss` KullbackLeibler\(method='bh'"),
    ({"loss": KullbackLeibler(repulsion_every=2)}, {}, "for `loss` KullbackLeibler"),
    ({"loss": NegativeSampling(repulsion="sampled")}, {}, "for `loss` NegativeSampling"),
    ({"loss": ElasticEmbedding(repulsion="distance")}, {}, "for `loss` ElasticEmbedding"),
    ({}, {"optimizer": LBFGS()}, "for `optimizer` LBFGS"),
    ({}, {"constraint": Sphere()}, "for `constraint`"),
    ({}, {"fixed": np.arange(N) < 3}, "for `constraint`, or points that are fixed,"),
    ({"d": 4, "loss": KullbackLeibler()}, {}, "for a map of 4 dimensions"),
]


@pytest.mark.parametrize(("settings", "options", "says"), REFUSED)
def test_what_a_gpu_does_not_do_is_refused_by_name(settings, options, says, affinities):
    made = begin(affinities, **settings)
    before = np.array(made)
    with pytest.raises(UnavailableError, match=rf"`device` must be 'cpu' {says}"):
        made.optimize(3, inplace=True, **options)
    check_same(np.asarray(made), before)


def test_without_cupy_the_package_is_named_before_any_work(affinities, monkeypatch):
    def missing():
        raise MissingDependencyError("`cupy-cuda13x` must be installed for this")

    monkeypatch.setattr("opentsne_like.embedding.settings.need_gpu", missing)
    with pytest.raises(ImportError, match="cupy-cuda13x"):
        begin(affinities).optimize(1)
    monkeypatch.setattr(NeighborEmbedding, "_affinities", lambda self, X: pytest.fail("work was begun"))
    with pytest.raises(ImportError, match="cupy-cuda13x"):
        NeighborEmbedding(device="cuda").fit(X)


def test_the_embedding_of_opentsne(affinities):
    start = np.random.default_rng(2).normal(0, 0.1, (N, 2))
    made = TSNEEmbedding(start, affinities, n_jobs=1).optimize(3, device="cuda")
    assert type(made) is TSNEEmbedding
    assert made.kl_divergence > 0
    assert not devices.is_on_gpu(np.asarray(made))
