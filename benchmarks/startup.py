"""Measures what a user waits for before any work: imports, and the compilation of the kernels in the first fit.

``python -m benchmarks.startup [--python openTSNE=PATH]`` prints medians over fresh processes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import data, process, report

IMPORT = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
TWO_FITS = """
import json, time
import numpy as np
from opentsne_like import TSNE
X = np.load({rows!r})[:1000]
seconds = []
for _ in range(2):
    start = time.perf_counter()
    TSNE(n_jobs={threads}, random_state=0).fit(X)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds))
"""


def output(python: str, code: str, variables: dict[str, str]) -> str:
    """Return what a fresh interpreter prints when it runs `code` outside the repository."""
    environment = {**{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}, **variables}
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [python, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    if ended.returncode:
        raise SystemExit(f"{python} failed: {ended.stderr.strip().splitlines()[-1]}")
    return ended.stdout.strip().splitlines()[-1]


def imports(python: str, statements: Sequence[str], repeat: int, variables: dict[str, str]) -> dict[str, float]:
    """Return the median seconds of each import over `repeat` fresh processes, in turn; a first run is not counted."""
    seconds: dict[str, list[float]] = {statement: [] for statement in statements}
    for turn in range(repeat + 1):
        for statement in statements:
            value = float(output(python, IMPORT.format(statement), variables))
            if turn:
                seconds[statement].append(value)
    return {statement: statistics.median(values) for statement, values in seconds.items()}


def compilation(threads: int, variables: dict[str, str]) -> dict[str, float]:
    """Return by how many seconds the first fit of 1,000 points exceeds the second, with an empty and a filled cache."""
    rows, _ = data.stored("digits")
    code = TWO_FITS.format(rows=str(rows.resolve()), threads=threads)
    with tempfile.TemporaryDirectory() as cache:
        found = {}
        for name in ("compiling, empty cache", "loading, second process"):
            first, second = json.loads(output(sys.executable, code, {**variables, "NUMBA_CACHE_DIR": cache}))
            found[name] = first - second
            found[f"warm fit after {name}"] = second
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__.splitlines()[0])
    line.add_argument("--python", default="", metavar="openTSNE=PATH", help="the interpreter that has openTSNE")
    line.add_argument("--repeat", type=int, default=5)
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--out", type=Path, default=data.RESULTS / "startup.json")
    options = line.parse_args(arguments)
    variables = {name: str(options.threads) for name in process.THREAD_VARIABLES}
    ours = {**variables, "PYTHONPATH": str(process.HERE.parent)}
    found = imports(sys.executable, ("import opentsne_like", "from opentsne_like import TSNE"), options.repeat, ours)
    peer = options.python.partition("=")[2] or sys.executable
    if process.has_module(peer, "openTSNE"):
        found |= imports(peer, ("import openTSNE",), options.repeat, variables)
    found |= compilation(options.threads, ours)
    for name, seconds in found.items():
        print(f"{name:40s} {seconds:8.3f} s")
    report.write(options.out, {"machine": report.machine(), "seconds": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
