"""Runs an adapter in a process of its own and brings back its result and its map."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
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


def environment(threads: int, python: str, name: str) -> dict[str, str]:
    """Return the variables of an adapter's process: `threads` for every threading library, no import paths of ours."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    variables.update({name: str(threads) for name in THREAD_VARIABLES})
    if name == OURS and python == sys.executable:
        variables["PYTHONPATH"] = str(HERE.parent)
    return variables


def has_module(python: str, module: str) -> bool:
    """Return whether the interpreter can find a module, looked for outside this repository."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        return subprocess.run([python, "-c", code], cwd=tempfile.gettempdir(), check=False).returncode == 0
    except OSError:
        return False


def own_environment(folder: Path, requirements: Sequence[str], module: str) -> str:
    """Return the interpreter of the environment in `folder`, made with the requirements if the module is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (python.exists() and has_module(str(python), module)):
        print(f"installing {', '.join(requirements)} in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)
    return str(python)


def execute(
    script: str, config: Mapping[str, Any], python: str, variables: Mapping[str, str], timeout: float | None = None
) -> dict[str, Any]:
    """Run a script of ``benchmarks/workers`` and return the result that it writes.

    Parameters
    ----------
    script : str
        Its file name.
    config : mapping
        What it finds in its configuration, beside the path ``result``.
    python : str
        The interpreter.
    variables : mapping
        All of its environment variables.
    timeout : float, optional
        Seconds after which it is stopped.

    Raises
    ------
    RunError
        If it ends without a result; the message ends with the last line that it wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        result = place / "result.json"
        (place / "config.json").write_text(json.dumps({**config, "result": str(result)}))
        command = [python, str(HERE / "workers" / script), str(place / "config.json")]
        try:
            ended = subprocess.run(
                command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"{script} did not end within {timeout:g} s") from error
        if ended.returncode or not result.exists():
            lines = (ended.stderr or ended.stdout).strip().splitlines()
            reason = lines[-1] if lines else "no message"
            raise RunError(f"{script} failed with exit code {ended.returncode}: {reason}")
        return dict(json.loads(result.read_text()))


def run(
    participant: Participant, task: Task, python: str, timeout: float | None = None, script: str | None = None
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
    script : str, optional
        The adapter, instead of the package's own.
    """
    package = participant.package
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "map.npy")
        who = {"name": participant.name, "package": package.module, "options": participant.options, "map": path}
        variables = environment(task.threads, python, participant.name)
        result = execute(script or package.script, {**asdict(task), **who}, python, variables, timeout)
        return result, np.load(path)
