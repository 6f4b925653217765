"""Kills, interrupts and full disks at random moments: ``python -m tests.trials --count 200``.

Each kind of trial starts real processes and lets something happen to them: SIGKILL to a run with a checkpoint, Ctrl-C
to the command line, an end of room to a process that writes over a map. What went wrong is printed, a line each.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

FIT = """
import sys
import numpy as np
from opentsne_like import TSNE
from opentsne_like.callbacks import Checkpoint
X = np.random.default_rng(0).normal(size=(200, 5))
TSNE(perplexity=10, early_exaggeration_iter=60, n_iter=120, random_state=0, n_jobs=1).fit(
    X, checkpoint=Checkpoint(sys.argv[1], every=2)
).save(sys.argv[2])
"""
WRITE = """
import resource, sys
from opentsne_like import load
from opentsne_like.errors import StorageError
Y = load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    Y.optimize(1).save(sys.argv[1])
except StorageError as error:
    print(error)
"""
INTERRUPTED = """
import faulthandler, signal, sys
from opentsne_like.cli import interrupts, main

def watch(self, original=interrupts.Interrupts.watch):
    original(self)
    print("ready", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)  # what the shell starts in the background ignores it
interrupts.Interrupts.watch = watch
faulthandler.dump_traceback_later(300, exit=True)  # says where it hangs
sys.exit(main())
"""
PATIENCE = 600.0  # seconds for a process that may have to compile on a busy machine


def _run(code: str, *arguments: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kills(folder: Path, count: int, chance: random.Random) -> Iterator[str]:
    """Yield what is wrong with runs that are killed again and again until one comes to its end."""
    whole = _run(FIT, "whole.ckpt", "whole.npz", folder=folder)
    began = time.monotonic()
    whole.communicate(timeout=PATIENCE)
    length = time.monotonic() - began
    expected, left = (folder / "whole.npz").read_bytes(), count
    while left > 0:
        for name in folder.glob("run*"):
            name.unlink()
        while True:
            child = _run(FIT, "run.ckpt", "run.npz", folder=folder)
            try:
                _, said = child.communicate(timeout=chance.uniform(0.3, 1.0) * length if left > 0 else PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()
                left -= 1
                continue
            if child.returncode:
                yield f"a killed run cannot be gone on with: {said.strip().splitlines()[-1]}"
            elif not np.array_equal(_coordinates(folder / "run.npz"), _coordinates(folder / "whole.npz")):
                yield "a killed run ended with other bits"
            left -= 1
            break
    if (folder / "whole.npz").read_bytes() != expected:
        yield "a file that nobody wrote to has changed"


def _coordinates(path: Path) -> np.ndarray:
    from opentsne_like import load

    return np.array(load(path))


def interrupts(folder: Path, count: int, chance: random.Random) -> Iterator[str]:
    """Yield what is wrong with the command line after Ctrl-C: one line and 130, whenever it comes."""
    np.save(folder / "X.npy", np.random.default_rng(0).normal(size=(300, 5)))
    words = ["embed", "X.npy", "--out", "map.npz", "-q", "--perplexity", "10"]
    for _ in range(count):
        (folder / "map.npz").unlink(missing_ok=True)
        child = _run(INTERRUPTED, *words, folder=folder)
        assert child.stdout is not None
        child.stdout.readline()  # before, Python itself is starting
        time.sleep(chance.uniform(0.0, 3.0))
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=PATIENCE)
        if child.returncode not in (0, 130) or len(said.strip().splitlines()) > 1:
            yield f"Ctrl-C: exit code {child.returncode}, {said.strip()[-2000:]!r}"
        elif (folder / "map.npz").exists() and not np.isfinite(_coordinates(folder / "map.npz")).all():
            yield "Ctrl-C left a file that is no map"


def full_disks(folder: Path, count: int, chance: random.Random) -> Iterator[str]:
    """Yield what is wrong with a map that is written over when there is no room: one error, and the old map stays."""
    path = folder / "old.npz"
    made = _run(FIT, "old.ckpt", "old.npz", folder=folder)
    made.communicate(timeout=PATIENCE)
    before = path.read_bytes()
    for _ in range(count):
        child = _run(WRITE, "old.npz", str(chance.randrange(len(before))), folder=folder)
        said, wrong = child.communicate(timeout=PATIENCE)
        if child.returncode or "could not be written" not in said:
            yield f"no room: {wrong.strip().splitlines()[-1] if wrong.strip() else said.strip()!r}"
        if path.read_bytes() != before:
            yield "no room: the old map is gone"
            path.write_bytes(before)
        if left := [name for name in os.listdir(folder) if name.startswith("old") and name.endswith(".tmp")]:
            yield f"no room: {left[0]} was left behind"


KINDS: dict[str, Callable[[Path, int, random.Random], Iterator[str]]] = {
    "kills": kills,
    "interrupts": interrupts,
    "full disks": full_disks,
}


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; the status is 1 where something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="trials of each kind (default 50)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    wrong = 0
    for name, trial in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            faults = list(trial(Path(folder), options.count, random.Random(options.seed)))
        print(f"{name}: {options.count} trials, {len(faults)} faults")
        for fault in faults:
            print(f"  {fault}")
        wrong += len(faults)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
