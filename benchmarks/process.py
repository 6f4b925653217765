"""Runs an adapter in a process of its own and brings back its result and its map."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .participants import OURS, Participant

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Task:
    """What every participant of a comparison is asked to do."""

    data: str
    n: int
    threads: int = 2
    perplexity: float = 30
    early_iter: int = 250
    n_iter: int = 500
    exaggeration: float = 12
    n_components: int = 2
    seed: int = 0


class RunError(RuntimeError):
    """An adapter ended without a result."""


def environment(threads: int, python: str, participant: Participant) -> dict[str, str]:
    """Return the variables of an adapter's process: `threads` for every threading library, no import paths of ours."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    variables.update({name: str(threads) for name in THREAD_VARIABLES})
    if participant.name == OURS and python == sys.executable:
        variables["PYTHONPATH"] = str(HERE.parent)
    return variables


def has_module(python: str, module: str) -> bool:
    """Return whether the interpreter can find a module, looked for outside this repository."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        return subprocess.run([python, "-c", code], cwd=tempfile.gettempdir(), check=False).returncode == 0
    except OSError:
        return False


def run(
    participant: Participant,
    task: Task,
    python: str,
    timeout: float | None = None,
    variables: dict[str, str] | None = None,
) -> tuple[dict[str, Any], npt.NDArray[np.float64]]:
    """Run one fit and return what it reports and its map.

    Parameters
    ----------
    participant : Participant
        Who runs.
    task : Task
        What it does; `data` is the path of a ``.npy`` file.
    python : str
        The interpreter of the environment in which it is installed.
    timeout : float, optional
        Seconds after which it is stopped.
    variables : dict, optional
        More environment variables.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        config = {
            **asdict(task),
            "name": participant.name,
            "package": participant.package.module,
            "options": participant.options,
            "map": str(place / "map.npy"),
            "result": str(place / "result.json"),
        }
        (place / "config.json").write_text(json.dumps(config))
        script = HERE / "workers" / participant.package.script
        try:
            ended = subprocess.run(
                [python, str(script), str(place / "config.json")],
                cwd=folder,
                env={**environment(task.threads, python, participant), **(variables or {})},
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"{participant.label} did not end within {timeout:g} s") from error
        if ended.returncode or not Path(config["result"]).exists():
            lines = (ended.stderr or ended.stdout).strip().splitlines()
            reason = lines[-1] if lines else "no message"
            raise RunError(f"{participant.label} failed with exit code {ended.returncode}: {reason}")
        return json.loads(Path(config["result"]).read_text()), np.load(config["map"])
