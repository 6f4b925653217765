"""Runs that are killed and go on: the same bits as one that ran through."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from functools import cache

import numpy as np
import pytest

from opentsne_like import TSNEEmbedding, affinity, load
from opentsne_like.callbacks import Checkpoint, EarlyStopping, History, Hook, ProgressBar, Snapshots, TimeLimit
from opentsne_like.embedding import Embedding
from opentsne_like.errors import InvalidParameterError, StorageError
from opentsne_like.methods import accelerated
from opentsne_like.nearest_neighbors import IVF, _ivf, kept_by

from .makers import begin, estimator, old_and_new


class StopAt(Hook):
    """Leaves as Ctrl-C does, after so many iterations of the map."""

    def __init__(self, total):
        self.total = total

    def iteration(self, progress):
        if progress.total == self.total:
            raise KeyboardInterrupt


@cache
def whole_fit(method):
    return estimator(negative_gradient_method=method, n_jobs=1).fit(old_and_new()[0])


@pytest.mark.parametrize("method", ["exact", "bh", "fft", "auto"])
@pytest.mark.parametrize("total", [1, 29, 30, 31, 69])
def test_a_fit_goes_on_where_it_was_interrupted(tmp_path, method, total):
    X, X_new = old_and_new()
    path = tmp_path / "run.npz"
    whole = whole_fit(method)
    with pytest.raises(KeyboardInterrupt):
        estimator(negative_gradient_method=method, callbacks=StopAt(total)).fit(X, checkpoint=path)
    assert load(path).n_iter_ == total
    resumed = estimator(negative_gradient_method=method).fit(X, checkpoint=path)
    np.testing.assert_array_equal(resumed, whole)
    assert [r.exaggeration for r in resumed.history] == [12.0] * 30 + [1.0] * 40
    np.testing.assert_array_equal(resumed.transform(X_new, n_iter=5), whole.transform(X_new, n_iter=5))
    np.testing.assert_array_equal(estimator(negative_gradient_method=method).fit(X, checkpoint=path), whole)


class Cut:
    """Stops the search of an index, as Ctrl-C does, after some blocks of rows."""

    def __init__(self, monkeypatch, after):
        self.rows, self._after = 0, after
        self._search = _ivf.Lists.search
        monkeypatch.setattr(_ivf, "BLOCK", 60)
        monkeypatch.setattr(_ivf.Lists, "search", lambda *args, **options: self(*args, **options))

    def __call__(self, lists, queries, *args, **options):
        if self.rows >= self._after:
            raise KeyboardInterrupt
        self.rows += len(queries)
        return self._search(lists, queries, *args, **options)


def test_a_search_for_neighbours_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, caplog):
    X, _ = old_and_new()
    path, kept = tmp_path / "run.npz", tmp_path / "run.npz.neighbors"
    cells = {"neighbors": "ivf", "knn_kwargs": {"n_cells": 8}}
    whole = estimator(**cells).fit(X)
    with monkeypatch.context() as patch:
        cut = Cut(patch, after=120)
        with pytest.raises(KeyboardInterrupt):
            estimator(**cells).fit(X, checkpoint=path)
    assert kept.is_dir()
    assert not path.exists()
    done = cut.rows
    damaged = sorted(kept.glob("*.0.npz"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-100])
    again = np.load(sorted(kept.glob("*.1.npz"))[0])["indices"].shape[0]
    with monkeypatch.context() as patch:
        cut = Cut(patch, after=np.inf)
        resumed = estimator(**cells).fit(X, checkpoint=path)
    assert cut.rows == len(X) - again  # what was damaged is searched for again, what was not is not
    assert done < len(X)
    assert "damaged" in caplog.text
    np.testing.assert_array_equal(resumed, whole)
    assert path.exists()
    assert not kept.exists()


def test_neighbours_of_another_run_are_found_anew(tmp_path, monkeypatch):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    cells = {"neighbors": "ivf", "knn_kwargs": {"n_cells": 8}}
    with monkeypatch.context() as patch:
        Cut(patch, after=120)
        with pytest.raises(KeyboardInterrupt):
            estimator(**cells).fit(X, checkpoint=path)
    other = estimator(**cells).fit(X + 1.0, checkpoint=path)
    np.testing.assert_array_equal(other, estimator(**cells).fit(X + 1.0))


def cut_off(path, X, monkeypatch, **parameters):
    """Begin a run whose search for neighbours is interrupted, and return the folder with what was found."""
    with monkeypatch.context() as patch:
        Cut(patch, after=120)
        with pytest.raises(KeyboardInterrupt):
            estimator(neighbors="ivf", knn_kwargs={"n_cells": 8}, **parameters).fit(X, checkpoint=path)
    return path.with_name(f"{path.name}.neighbors")


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_generator_goes_on_from_where_a_search_would_have_left_it(tmp_path, monkeypatch, make):
    X, _ = old_and_new()
    cells = {"neighbors": "ivf", "knn_kwargs": {"n_cells": 8}, "initialization": "random"}
    cut_off(tmp_path / "run.npz", X, monkeypatch, initialization="random", random_state=make(5))
    resumed = estimator(**cells, random_state=make(5)).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(resumed, estimator(**cells, random_state=make(5)).fit(X))


def test_neighbours_of_a_seed_that_is_lost_are_found_anew(monkeypatch):
    """No seed was given: another one is drawn, whose cells are others."""

    class Memory(dict):
        put = dict.__setitem__

    monkeypatch.setattr(_ivf, "BLOCK", 60)
    X, _ = old_and_new()
    memory, cells = Memory(), {"n_cells": 8, "n_probes": 1}
    with kept_by(memory):
        IVF(X, k=5, knn_kwargs=cells).build()
    del memory["seed"], memory["neighbors"]
    index = IVF(X, k=5, knn_kwargs=cells)
    with kept_by(memory):
        found, _ = index.build()
    index.trim()
    np.testing.assert_array_equal(index.build()[0], found)


def test_neighbours_under_the_name_of_others_are_found_anew(tmp_path, monkeypatch):
    X, _ = old_and_new()
    kept = cut_off(tmp_path / "run.npz", X, monkeypatch)
    first, second = (sorted(kept.glob(f"*.{block}.npz"))[0] for block in (0, 1))
    second.write_bytes(first.read_bytes())
    cells = {"neighbors": "ivf", "knn_kwargs": {"n_cells": 8}}
    resumed = estimator(**cells).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(resumed, estimator(**cells).fit(X))


def test_files_of_others_beside_kept_neighbours_stay(tmp_path, monkeypatch):
    X, _ = old_and_new()
    kept = cut_off(tmp_path / "run.npz", X, monkeypatch)
    (kept / "notes.txt").write_text("mine")
    estimator(neighbors="ivf", knn_kwargs={"n_cells": 8}).fit(X, checkpoint=tmp_path / "run.npz")
    assert [file.name for file in kept.iterdir()] == ["notes.txt"]


def test_seeds_that_were_not_given_are_kept(tmp_path):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    random_start = {"initialization": "random", "random_state": None}
    with pytest.raises(KeyboardInterrupt):
        estimator(**random_start, callbacks=StopAt(20)).fit(X, checkpoint=path)
    first = load(path)
    resumed = estimator(**random_start).fit(X, checkpoint=path)
    on = first.optimize(10, exaggeration=12).optimize(40)
    np.testing.assert_array_equal(resumed, on)


def test_callbacks_remember_and_kl_is_asked_for_at_the_same_iterations(tmp_path):
    X, _ = old_and_new()

    def hooks():
        return [History(kl_every=7), Snapshots(every=9), EarlyStopping(every=5, tolerance=1e-12, patience=9)]

    through, killed, resumed = hooks(), hooks(), hooks()
    whole = estimator(callbacks=through).fit(X)
    with pytest.raises(KeyboardInterrupt):
        estimator(callbacks=[*killed, StopAt(47)]).fit(X, checkpoint=tmp_path / "run.npz")
    again = estimator(callbacks=[ProgressBar(), *resumed, TimeLimit(1e9)]).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_equal(resumed[0].records, through[0].records)
    assert [total for total, _ in resumed[1].frames] == [total for total, _ in through[1].frames]
    np.testing.assert_array_equal(resumed[1].frames[0][1], through[1].frames[0][1])
    assert resumed[2].state() == through[2].state()
    kl = np.array(again.history)[:, 1]
    np.testing.assert_array_equal(kl[~np.isnan(kl)], [r.kl_divergence for r in whole.history if r[1] == r[1]])


def test_a_phase_that_converged_is_not_gone_on_with(tmp_path):
    X, _ = old_and_new()

    def stopping():
        return EarlyStopping(tolerance=0.5, patience=1, every=5)

    whole = estimator(callbacks=stopping()).fit(X)
    path = tmp_path / "run.npz"
    estimator(callbacks=stopping()).fit(X, checkpoint=path)
    np.testing.assert_array_equal(estimator(callbacks=stopping()).fit(X, checkpoint=path), whole)


def test_exaggeration_is_given_again_where_it_is_a_function(tmp_path):
    X, _ = old_and_new()

    def falling(iteration):
        return 4.0 - 3.0 * iteration / 40

    whole = estimator(exaggeration=falling).fit(X)
    with pytest.raises(KeyboardInterrupt):
        estimator(exaggeration=falling, callbacks=StopAt(44)).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(estimator(exaggeration=falling).fit(X, checkpoint=tmp_path / "run.npz"), whole)


@pytest.mark.parametrize("stop", [4, 9, 13])
def test_the_accelerated_schedule_goes_on_too(tmp_path, stop):
    X, _ = old_and_new()
    whole = estimator(schedule="accelerated").fit(X)
    with pytest.raises(KeyboardInterrupt):
        estimator(schedule="accelerated", callbacks=StopAt(stop)).fit(X, checkpoint=tmp_path / "run.npz")
    again = estimator(schedule="accelerated").fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(again, whole)


@pytest.mark.parametrize("stop", [1, 3, 5, 6, 8, 9, 10, 12])
def test_a_map_that_is_multiplied_between_stages_goes_on_too(tmp_path, monkeypatch, stop):
    monkeypatch.setattr(accelerated, "MANY", 100)
    X, _ = old_and_new()
    whole = estimator(schedule="accelerated").fit(X)
    assert [record.exaggeration for record in whole.history] == [12] * 3 + [1.5] * 2 + [1] * 7
    with pytest.raises(KeyboardInterrupt):
        estimator(schedule="accelerated", callbacks=StopAt(stop)).fit(X, checkpoint=Checkpoint(tmp_path / "run.npz", 1))
    again = estimator(schedule="accelerated").fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_array_equal(estimator(schedule="accelerated").fit(X, checkpoint=tmp_path / "run.npz"), whole)


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_kill_beside_the_multiplication_neither_loses_nor_repeats_it(tmp_path, monkeypatch, place):
    monkeypatch.setattr(accelerated, "MANY", 100)
    X, _ = old_and_new()

    def stopping():
        return EarlyStopping(tolerance=0.9, patience=1, every=2)

    whole = estimator(schedule="accelerated", callbacks=stopping(), n_iter=100).fit(X)
    assert len(whole.history) < 5 + 10 + 6, "the middle stage converged"
    scale = Embedding.scale

    def killed(self, factor, inplace=False):
        if self.n_iter_ and place == "after":
            scale(self, factor, inplace)
        if self.n_iter_:
            raise KeyboardInterrupt
        return scale(self, factor, inplace)

    with monkeypatch.context() as patch:
        patch.setattr(Embedding, "scale", killed)
        with pytest.raises(KeyboardInterrupt):
            estimator(schedule="accelerated", callbacks=stopping(), n_iter=100).fit(X, checkpoint=tmp_path / "run.npz")
    again = estimator(schedule="accelerated", callbacks=stopping(), n_iter=100).fit(X, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(again, whole)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"perplexity": 10}, "perplexity=12 instead of 10"),
        ({"n_iter": 41}, "n_iter=40 instead of 41"),
        ({"random_state": 1}, "random_state=0 instead of 1"),
        ({"initialization": "random"}, "initialization='pca' instead of 'random'"),
        ({"dof": 0.5}, "dof=1 instead of 0.5"),
        ({"schedule": "accelerated"}, "schedule='standard' instead of 'accelerated'"),
    ],
)
def test_other_parameters_are_refused(tmp_path, change, name):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    estimator().fit(X, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(InvalidParameterError, match=name):
        estimator(**change).fit(X, checkpoint=path)
    with pytest.raises(InvalidParameterError, match="same data"):
        estimator().fit(X + 1, checkpoint=path)
    assert path.read_bytes() == before
    estimator(n_jobs=1, verbose=False, callbacks=History()).fit(X, checkpoint=path)


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    path.write_text("something of the user's")
    with pytest.raises(StorageError, match="cannot be read"):
        estimator().fit(X, checkpoint=path)
    assert path.read_text() == "something of the user's"
    estimator().fit(X).save(tmp_path / "map.npz")
    with pytest.raises(InvalidParameterError, match="run of `fit`"):
        estimator().fit(X, checkpoint=tmp_path / "map.npz")
    with pytest.raises(StorageError, match="existing folder"):
        estimator().fit(X, checkpoint=tmp_path / "no" / "run.npz")


def test_affinities_are_written_once_and_belong_to_their_run(tmp_path):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    estimator().fit(X, checkpoint=Checkpoint(path, every=5))
    (beside,) = tmp_path.glob("run.npz.*.affinities")
    written = beside.stat().st_mtime_ns
    estimator().fit(X, checkpoint=Checkpoint(path, every=5))
    assert beside.stat().st_mtime_ns == written
    whole = beside.read_bytes()
    beside.write_bytes(whole[:500] + b"?" + whole[501:])
    with pytest.raises(StorageError):
        load(path)
    begin().optimize(1, callbacks=Checkpoint(path, every=5))
    assert load(path).n_iter_ == 1, "damaged affinities are written anew"
    (beside,) = tmp_path.glob("run.npz.*.affinities")
    beside.unlink()
    with pytest.raises(StorageError, match="existing file"):
        load(path)


def test_a_new_run_leaves_the_checkpoint_that_is_there_until_it_has_one(tmp_path):
    X, _ = old_and_new()
    path = tmp_path / "run.npz"
    begin().optimize(3, callbacks=Checkpoint(path, every=1))
    other = TSNEEmbedding(np.array(begin()), affinity.Uniform(X, 5))
    fingerprint = other.save_affinities(path)
    assert load(path).n_iter_ == 3
    assert len(list(tmp_path.glob("*.affinities"))) == 2
    other.save_checkpoint(path, fingerprint, {})
    assert len(list(tmp_path.glob("*.affinities"))) == 1
    assert load(path).n_iter_ == 0


def test_a_checkpoint_of_optimize_can_be_gone_on_with(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        begin().optimize(20, exaggeration=12, callbacks=[Checkpoint(path, every=5), StopAt(13)])
    Y = load(path)
    assert Y.n_iter_ == 13
    Y = Y.optimize(20, exaggeration=12, first_iteration=13)
    np.testing.assert_array_equal(Y, begin().optimize(20, exaggeration=12))


def test_every_seconds(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("opentsne_like.TSNEEmbedding.save_checkpoint", lambda self, *a: written.append(self.n_iter_))
    begin().optimize(6, callbacks=Checkpoint(tmp_path / "run.npz", every_seconds=1e-9))
    assert written == [0, 1, 2, 3, 4, 5, 6, 6]
    written.clear()
    begin().optimize(6, callbacks=Checkpoint(tmp_path / "run.npz", every=4))
    assert written == [0, 4, 6]
    written.clear()
    begin().optimize(6, callbacks=Checkpoint(tmp_path / "run.npz"))
    assert written == [0, 6]


class Slow(Hook):
    """Says which iteration was made, and gives others time to look at it."""

    def __init__(self, says):
        self.says = says

    def iteration(self, progress):
        self.says.send(progress.total)
        time.sleep(0.001)


def long_fit(folder, n_jobs, method, says):
    options = {"early_exaggeration_iter": 100, "n_iter": 150, "negative_gradient_method": method, "n_jobs": n_jobs}
    Y = estimator(callbacks=Slow(says), **options).fit(
        old_and_new()[0], checkpoint=Checkpoint(folder / "run.npz", every=3)
    )
    np.save(folder / "map.npy", np.asarray(Y))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "fft", "bh"])
def test_a_killed_process_goes_on_with_the_same_bits(tmp_path, method):
    """Kill a real process at random moments, twelve times and more over the three methods."""
    from .. import forks

    rng = random.Random(method)

    def start(folder, n_jobs, until=np.inf):
        """Return a process that has made so many iterations of a map, or has ended."""
        folder.mkdir(exist_ok=True)
        iterations, says = forks.Pipe(duplex=False)
        child = forks.Process(target=long_fit, args=(folder, n_jobs, method, says))
        child.start()
        says.close()
        with contextlib.suppress(EOFError):
            while iterations.recv() < until:
                pass
        return child

    def finish(child):
        child.join()
        assert child.exitcode == 0

    finish(start(tmp_path / "whole", 1))
    whole, folder = np.load(tmp_path / "whole" / "map.npy"), tmp_path / "killed"
    done = 0
    for _ in range(4):
        child = start(folder, rng.choice([1, 2, 3]), done + rng.randint(4, 50))
        time.sleep(rng.uniform(0.0, 0.005))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        now = load(folder / "run.npz").n_iter_
        assert now > done
        done = now
    finish(start(folder, 2))
    np.testing.assert_array_equal(np.load(folder / "map.npy"), whole)
    assert not list(folder.glob(".*.tmp")), "what killed processes left behind is cleared away"
