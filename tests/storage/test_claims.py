"""One living run at a time writes to a path, and no dead one keeps others from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from opentsne_like.errors import StorageError
from opentsne_like.storage import Claim, claims

HOLD = """
import sys
from opentsne_like.storage import Claim
claim = Claim(sys.argv[1], "checkpoint")
print("held", flush=True)
sys.stdin.read()
claim.release()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def refused(path, match="that no other run is writing to"):
    with pytest.raises(StorageError, match=match) as caught:
        Claim(path, "checkpoint")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("`checkpoint` ")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file that is open stays")
def test_a_claim_that_finds_no_room_leaves_nothing(path, tmp_path, monkeypatch):
    def full(descriptor, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(claims.os, "write", full)
    with pytest.raises(StorageError, match="could not be written: No space left"):
        Claim(path)
    assert os.listdir(tmp_path) == []


def test_one_at_a_time(path, tmp_path):
    claim = Claim(path)
    refused(path, f"which process {os.getpid()} on ")
    refused(os.fsencode(path))
    Claim(tmp_path / "other.npz").release()
    claim.release()
    claim.release()
    assert os.listdir(tmp_path) == []
    Claim(path).release()


def test_links_to_one_file_are_one_path(path, tmp_path):
    (tmp_path / "link.npz").symlink_to(path)
    claim = Claim(path)
    refused(tmp_path / "link.npz")
    claim.release()


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_holds_it_while_it_lives(path, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        refused(path, f"which process {process.pid} on ")
        process.send_signal(signal.SIGKILL)
        process.wait()
        Claim(path).release()
    assert os.listdir(tmp_path) == [], "the lock of the killed process is cleared away"


def test_places_that_cannot_be_written_are_refused(tmp_path):
    refused(tmp_path / "no" / "run.npz", "must be in an existing folder")
    refused(tmp_path, "must be a file, got the folder")


def test_of_many_threads_one_holds_it_at_any_time(path, tmp_path):
    holding, most, counts = [], [], []

    def work():
        done = 0
        while done < 20:
            try:
                claim = Claim(path)
            except StorageError:
                continue
            holding.append(1)
            most.append(len(holding))
            holding.pop()
            claim.release()
            done += 1
        counts.append(done)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), counts) == (1, [20] * 4)
    assert os.listdir(tmp_path) == []


def test_file_systems_without_locks_ask_for_the_process(path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def no_locks(*args):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    claim = Claim(path)
    refused(path)
    claim.release()
    file = claim._file
    for holder in ("", "process 999999999 on " + claims.socket.gethostname(), "process 1 on another machine", "?"):
        file.write_text(holder)
        Claim(path).release()
    file.write_text(f"process {os.getppid()} on {claims.socket.gethostname()}")
    refused(path, f"which process {os.getppid()} on ")
