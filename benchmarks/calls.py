"""Compares many calls of `optimize` of one iteration with one call of many, for every loss: what a call costs.

For example ``python -m benchmarks.calls --data digits fashion-mnist:10000``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import data, report

STEPS = 50


def losses() -> dict[str, tuple[Any, float]]:
    """Return losses with the standard deviation of their start."""
    from opentsne_like.objectives import ElasticEmbedding, KullbackLeibler, NegativeSampling

    return {
        "t-SNE": (KullbackLeibler(), 1e-4),
        "t-SNE, dof learned": (KullbackLeibler("learn"), 1e-4),
        "Neg-t-SNE": (NegativeSampling(c=0.1), 1.0),
        "elastic embedding": (ElasticEmbedding(lam=10.0), 0.1),
    }


def _seconds(embedding: Any, calls: Callable[[Any], Any]) -> tuple[float, Any]:
    copied = embedding.copy()
    began = time.perf_counter()
    moved = calls(copied)
    return time.perf_counter() - began, moved


def _once(embedding: Any) -> Any:
    return embedding.optimize(STEPS, inplace=True)


def _one_by_one(embedding: Any) -> Any:
    for _ in range(STEPS):
        embedding.optimize(1, inplace=True)
    return embedding


def _copies(embedding: Any) -> Any:
    for _ in range(STEPS):
        embedding = embedding.optimize(1)
    return embedding


def measure(name: str, n: int | None, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for every loss: milliseconds of an iteration in one call, and the ratios of the other two ways."""
    from opentsne_like import Embedding, affinity, initialization

    X, _ = data.load(name, n)
    affinities = affinity.PerplexityBasedNN(X, perplexity=30, n_jobs=options.threads, random_state=0)
    start = initialization.pca(X, random_state=0)
    rows = []
    for label, (loss, scale) in losses().items():
        begun = initialization.rescale(start, target_std=scale)
        embedding = Embedding(begun, affinities, loss=loss, n_jobs=options.threads).optimize(150)
        ways = (_once, _one_by_one, _copies)
        runs = [[_seconds(embedding, way) for way in ways] for _ in range(options.repeat + 1)][1:]  # one to warm up
        same = all(np.array_equal(run[0][1], other[1]) for run in runs for other in run)
        once, inplace, copies = (statistics.median(run[k][0] for run in runs) for k in range(3))
        ratios = [statistics.median(run[k][0] / run[0][0] for run in runs) for k in (1, 2)]
        shared = {"data": name, "n": len(X), "loss": label, "ms": 1e3 * once / STEPS, "same_bits": same}
        rows.append({**shared, "inplace": ratios[0], "copies": ratios[1], "seconds": [once, inplace, copies]})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        f"| data | rows | loss | ms an iteration | {STEPS} calls / one | the same, copies | same bits |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        numbers = f"{row['ms']:.2f} | {row['inplace']:.2f} | {row['copies']:.2f}"
        lines.append(
            f"| {row['data']} | {row['n']:,} | {row['loss']} | {numbers} | {'yes' if row['same_bits'] else 'NO'} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__.splitlines()[0])
    line.add_argument("--data", nargs="+", default=["digits", "fashion-mnist:10000"], metavar="NAME[:ROWS]")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--repeat", type=int, default=7)
    line.add_argument("--out", type=Path, default=data.RESULTS / "calls.json")
    report.over_sets(line.parse_args(arguments), measure, table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
