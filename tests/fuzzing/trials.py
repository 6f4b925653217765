"""One process that tries mutants; its parent survives what they do to it.

Each line that it prints is JSON: ``{"seed": 7}`` before a mutant is tried, and with ``"outcome"`` afterwards.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import opentsne_like
from opentsne_like import storage
from opentsne_like.errors import OpenTSNEError, StorageError

from .mutations import mutated
from .specimens import COLUMNS, SPECIMENS, data

ROOM = Path(opentsne_like.__file__).parent
MEMORY = 4 * 2**30  # bytes that a process may take beyond what it has when it begins


def seeds_of(count: int, first: int) -> Iterator[tuple[str, int]]:
    """Yield specimens in turn, each with a seed.

    Parameters
    ----------
    count, first : int
    """
    names = list(SPECIMENS)
    for seed in range(first, first + count):
        yield names[seed % len(names)], seed


def try_mutants(folder: Path, count: int, first: int) -> None:
    """Try mutants one after the other and print what became of them.

    Parameters
    ----------
    folder : Path
        With the specimens; mutants are written there, too.
    count, first : int
        Of the seeds.
    """
    os.fsync = lambda descriptor: None  # nothing here has to survive a crash
    report = os.fdopen(os.dup(1), "w")  # whatever a mutant prints goes elsewhere
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable()
    _bound_memory()
    originals: dict[str, Any] = {}
    for name, seed in seeds_of(count, first):
        print(json.dumps({"seed": seed, "specimen": name}), file=report, flush=True)
        if name not in originals:
            originals[name] = storage.read(folder / name)
        arrays, header = mutated(*originals[name], np.random.default_rng(seed))
        outcome = _outcome(folder, name, arrays, header)
        print(json.dumps({"seed": seed, "specimen": name, **outcome}), file=report, flush=True)


def _bound_memory() -> None:
    with contextlib.suppress(ImportError):
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))


def _outcome(folder: Path, name: str, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> dict[str, Any]:
    """Write a mutant in the place of its specimen, so that what lies beside it is found; use it."""
    path = folder / name
    whole = path.read_bytes()
    try:
        storage.write(path, arrays, header)
        return _use(path, folder)
    finally:
        path.write_bytes(whole)


def _use(path: Path, folder: Path) -> dict[str, Any]:
    try:
        embedding = opentsne_like.load(path)
    except StorageError:
        return {"outcome": "refused"}
    except BaseException as error:
        return _fault("load", error)
    rows = data()[:2] + 0.1
    uses: dict[str, Callable[[], Any]] = {
        "optimize": lambda: embedding.optimize(1),
        "transform": lambda: embedding.transform(rows, n_iter=2),
        "add": lambda: embedding.add(rows),
        "save": lambda: embedding.save(folder / "saved"),
    }
    for use, call in uses.items():
        try:
            if hasattr(embedding, use):
                call()
        except OpenTSNEError:
            continue
        except BaseException as error:
            return _fault(use, error)
    return {"outcome": "used"}


def _fault(use: str, error: BaseException) -> dict[str, Any]:
    frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    ours = [f"{f.relative_to(ROOM)}:{line}" for f, line in zip(frames, lines, strict=True) if f.is_relative_to(ROOM)]
    text = " ".join(str(error).split())[:120]
    return {"outcome": "fault", "use": use, "error": f"{type(error).__name__}: {text}", "frames": ours}


def make_specimens(folder: Path) -> None:
    """Write all specimens into a folder.

    Parameters
    ----------
    folder : Path
    """
    logging.disable()
    for name, make in SPECIMENS.items():
        make(folder / name)
    assert data().shape[1] == COLUMNS


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if len(sys.argv) == 2:
        make_specimens(where)
    else:
        try_mutants(where, int(sys.argv[2]), int(sys.argv[3]))
