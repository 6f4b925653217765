"""Makes a map by every method of several data sets, and prints the table of the page "Which method?".

    python -m benchmarks.methods --n 2000

Medians are not needed: maps are the same in every run, and so are all figures but the seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from opentsne_like import NCTSNE, SNE, TSNE, UMAP, ElasticEmbedding, InfoNCTSNE, LargeVis, NegTSNE, PaCMAP, metrics

from . import data, report

METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "`TSNE`": (TSNE, {}),
    '`TSNE(schedule="accelerated")`': (TSNE, {"schedule": "accelerated"}),
    "`TSNE(exaggeration=4)`": (TSNE, {"exaggeration": 4}),
    "`InfoNCTSNE`": (InfoNCTSNE, {}),
    "`SNE`": (SNE, {}),
    "`NegTSNE(s=1)`": (NegTSNE, {"s": 1}),
    "`NegTSNE(s=0)`": (NegTSNE, {"s": 0}),
    "`NCTSNE`": (NCTSNE, {}),
    "`LargeVis`": (LargeVis, {}),
    "`UMAP`": (UMAP, {}),
    "`PaCMAP`": (PaCMAP, {}),
    "`ElasticEmbedding`": (ElasticEmbedding, {}),
}
SETS = ("digits", "fashion-mnist", "mixture", "swiss-roll")
COMPILED: set[str] = set()  # methods that have made a map in this process, and so have all kernels at hand
FIGURES = ("seconds", "recall", "trustworthiness", "accuracy", "correlation")


def rows_of(name: str, n: int) -> tuple[Any, Any]:
    """Return rows and classes of a data set; the mixture is of 40 Gaussian clusters, each in 8 directions of 50."""
    if name == "mixture":
        X, labels = data.hierarchical_mixture(20 * n)
        few = np.isin(labels, np.unique(labels)[::5])
        return X[few][:n], labels[few][:n]
    if name == "swiss-roll":
        return data.swiss_roll(n)
    return data.load(name, n)


def judged(X: Any, y: Any, made: Any, seconds: float) -> dict[str, float]:
    """Return the figures of a map."""
    Y = np.asarray(made)
    return {
        "seconds": seconds,
        "recall": metrics.knn_recall(X, Y, k=10),
        "trustworthiness": metrics.trustworthiness(X, Y),
        "accuracy": metrics.knn_accuracy(Y, y),
        "correlation": metrics.distance_correlation(X, Y),
    }


def measure(name: str, n: int, n_jobs: int) -> dict[str, dict[str, float]]:
    """Return the figures of every method on a data set."""
    X, y = rows_of(name, n)
    found = {}
    for label, (kind, options) in METHODS.items():
        estimator = kind(**options, random_state=0, n_jobs=n_jobs)
        if label not in COMPILED:
            COMPILED.add(label)
            estimator.fit(X)
        begun = time.process_time()
        made = estimator.fit(X)
        found[label] = judged(X, y, made, time.process_time() - begun)
    return found


def table(name: str, n: int, found: dict[str, dict[str, float]]) -> str:
    """Return the figures of one data set as a Markdown table."""
    lines = [f"**{name}**, {n:,} rows", "", f"| method | {' | '.join(FIGURES)} |", f"|---|{'---:|' * len(FIGURES)}"]
    for label, figures in found.items():
        shown = [f"{figures['seconds']:.1f}", *(f"{figures[key]:.3f}" for key in FIGURES[1:])]
        lines.append(f"| {label} | {' | '.join(shown)} |")
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.methods", description=__doc__.splitlines()[0])
    line.add_argument("--data", nargs="*", default=SETS, choices=SETS)
    line.add_argument("--n", type=int, default=2000, help="rows of each set; digits has 1,797")
    line.add_argument("--threads", type=int, default=1)
    line.add_argument("--out", type=Path, default=data.RESULTS / "methods.json")
    options = line.parse_args(arguments)
    before, results = report.machine(), {}
    for name in options.data:
        n = min(options.n, 1797) if name == "digits" else options.n
        results[name] = measure(name, n, options.threads)
        print(table(name, n, results[name]), flush=True)
    report.write(options.out, {"machine": before, "results": results})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
