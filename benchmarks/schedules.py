"""Compares the accelerated schedule with the standard one: processor time of the optimization, quality of the maps.

For example ``python -m benchmarks.schedules --data digits fashion-mnist:20000 swiss-roll --seeds 0 1 2``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import data, report
from .judge import Judge

SCHEDULES = ("standard", "accelerated")
SETS = (
    *("digits", "fashion-mnist:1000", "fashion-mnist:5000", "fashion-mnist:20000", "fashion-mnist:70000"),
    *("fashion-mnist-raw:20000", "mixture-200k:50000", "swiss-roll", "outliers"),
)
COLUMNS = {
    "seconds": ("processor s", ".2f"),
    "kl": ("KL", ".3f"),
    "matched": ("KL at matched width", ".3f"),
    "recall": ("recall", ".3f"),
    "correlation": ("correlation", ".3f"),
    "accuracy": ("accuracy", ".3f"),
    "span": ("span", ".0f"),
    "stray": ("stray", ".5f"),
}


def measure(name: str, n: int | None, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for every schedule and seed on the first `n` rows of a data set, all from one exact P."""
    from opentsne_like import TSNE
    from opentsne_like.affinity import PrecomputedAffinities
    from opentsne_like.initialization import pca

    judge = Judge(name, n)
    affinities = PrecomputedAffinities(judge.P)
    TSNE(n_jobs=options.threads, n_iter=2, early_exaggeration_iter=2, random_state=0).fit(judge.X[:300])
    rows, maps = [], []
    for seed in options.seeds:
        start = pca(judge.X, random_state=seed)
        for schedule in SCHEDULES:
            estimator = TSNE(schedule=schedule, n_jobs=options.threads, random_state=seed)
            began = time.process_time()
            Y = estimator.fit(affinities=affinities, initialization=start)
            seconds = time.process_time() - began
            shared = {"data": name, "n": judge.n, "schedule": schedule, "seed": seed, "iterations": len(Y.history)}
            rows.append({**shared, "seconds": seconds})
            maps.append(np.asarray(Y))
    return [{**row, **measures} for row, measures in zip(rows, judge.compare(maps), strict=True)]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return medians over the seeds as a Markdown table."""
    lines = [
        "| data | rows | schedule | iterations | " + " | ".join(title for title, _ in COLUMNS.values()) + " |",
        "|---|---:|---|---:|" + "---:|" * len(COLUMNS),
    ]
    for key in dict.fromkeys((row["data"], row["n"], row["schedule"], row["iterations"]) for row in rows):
        runs = [row for row in rows if (row["data"], row["n"], row["schedule"], row["iterations"]) == key]
        cells = [format(statistics.median(run[name] for run in runs), style) for name, (_, style) in COLUMNS.items()]
        lines.append("| " + " | ".join([key[0], f"{key[1]:,}", key[2], str(key[3]), *cells]) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.schedules", description=__doc__.splitlines()[0])
    line.add_argument("--data", nargs="+", default=SETS, metavar="NAME[:ROWS]")
    line.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the jitter of the start")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--out", type=Path, default=data.RESULTS / "schedules.json")
    report.over_sets(line.parse_args(arguments), measure, table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
