"""Makes one map of millions of rows in a process of its own: time and memory of its stages, quality, a picture.

For example ``python -m benchmarks.large --data mixture-10m --checkpoint run.npz --picture map.png``; the same line goes
on where it was killed. With ``--new`` so many rows that come after those of the map are placed on it in batches:
``python -m benchmarks.large --data mixture-10m:1000000 --start pca --new 5000000``.
"""

from __future__ import annotations

import argparse
import json
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import data, report

JUDGED = 1000  # rows whose neighbours are looked for


class Meter(logging.Handler):
    """Notes seconds, processor seconds and private memory as the package's stages begin and end; Linux alone."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.perf_counter(), time.process_time()
        self.peak = 0.0
        self.lines: list[dict[str, Any]] = []
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line of the log."""
        self.note(record.getMessage())

    def note(self, what: str) -> None:
        """Note where the process stands."""
        wall, processor = time.perf_counter() - self.began[0], time.process_time() - self.began[1]
        line = {"what": what, "seconds": wall, "processor": processor, "GB": private(), "peak": self.peak}
        self.lines.append(line)
        print(f"{wall:8.0f} s {processor:8.0f} cpu {line['GB']:6.2f} GB (peak {self.peak:.2f})  {what}", flush=True)

    def close(self) -> None:
        """Stop watching."""
        self._over.set()
        super().close()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.peak = max(self.peak, private())


def private() -> float:
    """Return the private memory of this process in GB, without files that are mapped."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e6


def fit(options: argparse.Namespace, X: Any, meter: Meter) -> Any:
    """Return the map."""
    from opentsne_like import TSNE
    from opentsne_like.callbacks import Hook

    class Every(Hook):
        def iteration(self, progress: Any) -> None:
            if progress.total % 20 == 0:
                meter.note(f"iteration {progress.total}")

    method = TSNE(
        n_neighbors=options.neighbors,
        schedule=options.schedule,
        initialization=options.start,
        n_jobs=options.threads,
        callbacks=Every(),
        random_state=0,
    )
    return method.fit(X, checkpoint=options.checkpoint)


def judge(X: Any, labels: Any, embedding: Any, threads: int) -> dict[str, float]:
    """Return the divergence, the width, and what a sample of rows says of neighbours and classes."""
    from opentsne_like import metrics

    points = np.asarray(embedding)
    return {
        "kl": float(embedding.kl_divergence),
        "span": float(np.ptp(points, axis=0).max()),
        "recall": metrics.knn_recall(X, points, n_samples=JUDGED, n_jobs=threads),
        "accuracy": metrics.knn_accuracy(points, labels, n_samples=JUDGED, n_jobs=threads),
    }


def place(X_new: Any, embedding: Any, meter: Meter) -> dict[str, float]:
    """Place new rows in batches, of which none is kept, and return how many rows a second."""
    meter.note(f"placing {len(X_new):,} rows")
    meter.peak = before = private()
    began, spent, placed = time.perf_counter(), time.process_time(), 0
    for batch in embedding.transform_batches(X_new):
        placed += len(batch)
        meter.note(f"{placed:,} placed")
    seconds, processor = time.perf_counter() - began, time.process_time() - spent
    return {"rows": placed, "a second": placed / seconds, "a cpu second": placed / processor, "GB": meter.peak - before}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__.splitlines()[0])
    line.add_argument("--data", default="mixture-10m", metavar="NAME[:ROWS]")
    line.add_argument("--neighbors", type=int, default=15)
    line.add_argument("--schedule", default="accelerated")
    line.add_argument("--start", default="landmarks")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--checkpoint", type=Path)
    line.add_argument("--picture", type=Path)
    line.add_argument("--new", type=int, default=0, help="rows after those of the map that are placed on it")
    line.add_argument("--out", type=Path, default=data.RESULTS / "large.json")
    options = line.parse_args(arguments)
    before = report.machine()
    name, _, count = options.data.partition(":")
    n = int(count) if count else None
    rows, classes = data.stored(name)
    whole = np.load(rows, mmap_mode="r")
    X, labels = whole[:n], np.load(classes, mmap_mode="r")[:n]

    meter = Meter()
    log = logging.getLogger("opentsne_like")
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(meter)
    embedding = fit(options, X, meter)
    meter.note("the map is there")
    result: dict[str, Any] = {"data": name, "rows": len(X), "fit": meter.lines[-1], "peak": meter.peak}
    if options.picture is not None:
        from opentsne_like import plotting

        plotting.scatter(np.asarray(embedding), labels, path=options.picture)
    if options.new:
        result["placed"] = place(whole[len(X) : len(X) + options.new], embedding, meter)
    result |= judge(X, labels, embedding, options.threads)
    log.removeHandler(meter)
    log.setLevel(level)
    meter.close()
    print(json.dumps(result, indent=1))
    report.write(options.out, {"machine": before, **result, "lines": meter.lines})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
