"""A checkpoint belongs to one living run."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest

import opentsne_like
from opentsne_like.callbacks import Checkpoint
from opentsne_like.errors import StorageError


@pytest.fixture(scope="module")
def start():
    X = np.random.default_rng(0).normal(size=(120, 5))
    return opentsne_like.TSNE(perplexity=10, random_state=0).prepare_initial(X)


def test_a_checkpoint_is_written_by_one_run_at_a_time(start, tmp_path):
    path = tmp_path / "run.npz"
    held = Checkpoint(path)
    held.hold()
    with pytest.raises(StorageError, match="`checkpoint` must be a file that no other run is writing to"):
        start.optimize(1, callbacks=Checkpoint(path))
    assert os.listdir(tmp_path) == [held._claim._file.name]
    for _ in range(2):  # several calls of one run
        start.optimize(1, callbacks=held)
        assert held._claim is not None
    held.release()
    assert not list(tmp_path.glob(".*"))
    start.optimize(1, callbacks=Checkpoint(path))


def test_a_checkpoint_stays_where_it_began_wherever_callbacks_go(start, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    def leave(iteration, error, points):
        os.chdir(tmp_path / "elsewhere")

    Y = start.optimize(6, callbacks=[leave, Checkpoint("run.npz", every=2)], callbacks_every_iters=1)
    assert os.listdir(tmp_path / "elsewhere") == []
    np.testing.assert_array_equal(opentsne_like.load(tmp_path / "run.npz"), Y)


@pytest.mark.parametrize("failing", ["save_affinities", "save_checkpoint"])
def test_a_checkpoint_that_fails_holds_nothing(start, tmp_path, monkeypatch, failing):
    def fail(self, *args):
        raise StorageError("the disk is full")

    monkeypatch.setattr(type(start), failing, fail)
    checkpoint = Checkpoint(tmp_path / "run.npz")
    with pytest.raises(StorageError, match="the disk is full"):
        start.optimize(1, callbacks=checkpoint)
    assert checkpoint._claim is None
    assert not list(tmp_path.glob(".*"))
    copy.deepcopy(checkpoint)
