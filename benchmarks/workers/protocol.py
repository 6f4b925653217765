"""What every adapter shares: the configuration it reads, the clock, and the files it leaves.

An adapter is started as ``python run_NAME.py config.json`` by the interpreter of the package it measures. Only the
standard library is imported here before the adapter's own import is timed, so that the stage "import" is honest.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Stages:
    """Wall and processor seconds of named stages, in the order in which they ran."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.processor: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the time that the body takes to the stage `name`."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
            self.processor[name] = self.processor.get(name, 0.0) + time.process_time() - processor

    def move(self, source: str, target: str, wall: float, processor: float) -> None:
        """Book time on the stage `target` instead of `source`, inside which it passes."""
        for times, seconds in ((self.wall, wall), (self.processor, processor)):
            times[source] = times.get(source, 0.0) - seconds
            times[target] = times.get(target, 0.0) + seconds


def read_config() -> dict[str, Any]:
    """Return the configuration whose path is the only argument of the script."""
    config: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    return config


def load_rows(config: dict[str, Any]) -> Any:
    """Return the first `n` rows of the data as a C-ordered array of its own."""
    import numpy as np

    return np.array(np.load(config["data"], mmap_mode="r")[: config["n"]], order="C")


def load_graph(config: dict[str, Any]) -> Any:
    """Return the given graph, a CSR matrix (n, n)."""
    from scipy import sparse

    return sparse.load_npz(config["graph"]).tocsr()


def load_start(config: dict[str, Any]) -> Any:
    """Return the given initial coordinates (n, 2)."""
    import numpy as np

    return np.load(config["start"])


def few_rows(X: Any) -> Any:
    """Return 300 random rows with the columns of `X`, for a first fit that loads whatever is loaded when first used."""
    import numpy as np

    return np.random.default_rng(0).normal(size=(300, X.shape[1]))


def peak_bytes() -> int:
    """Return the most memory that this process has held so far (VmHWM), in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):  # not Linux
        import resource

        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return largest if sys.platform == "darwin" else largest * 1024


def finish(config: dict[str, Any], stages: Stages, embedding: Any, versions: dict[str, str], **notes: Any) -> None:
    """Write the map and, last, the result that tells that the run succeeded."""
    peak = peak_bytes()
    import numpy as np

    np.save(config["map"], np.asarray(embedding, dtype=np.float64))
    result = {
        "seconds": stages.wall,
        "processor_seconds": stages.processor,
        "peak_bytes": peak,
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, **versions},
        "notes": notes,
    }
    Path(config["result"]).write_text(json.dumps(result, indent=1))
