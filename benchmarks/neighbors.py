"""Measures the stages before the first iteration: neighbours, affinities, their memory, and the start.

For example ``python -m benchmarks.neighbors --data fashion-mnist --python openTSNE=PATH --repeat 3``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import data, judge, process, report

STAGES = ("neighbours", "exact", "affinities", "memory", "whole", "pca")
K = 90  # neighbours at perplexity 30
JUDGED = 1000  # rows whose true neighbours say what the recall is
TENTH = 500_000  # rows above which a slow peer looks up every tenth of them
EXACT = 20_000  # rows of the comparison of exact search

Integers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Runner:
    """Who runs a stage, and how."""

    label: str
    package: str
    options: dict[str, Any] = field(default_factory=dict)
    warm_up: tuple[str, ...] = ()


def ours(label: str = "opentsne_like", **options: Any) -> Runner:
    """Return this package with options of the stage."""
    return Runner(label, "opentsne_like", options, ("exact", "ivf"))


OPENTSNE = Runner("openTSNE", "openTSNE", {}, ("annoy",))
SCIKIT_LEARN = Runner("scikit-learn", "scikit-learn")
FAISS_PROBES = {"fashion-mnist": 24, "mixture-200k": 8}


def runners(stage: str, name: str) -> list[Runner]:
    """Return who runs a stage on a data set, this package first."""
    if stage == "exact":
        return [ours(method="exact"), SCIKIT_LEARN]
    if stage == "memory":
        return [ours(), ours("opentsne_like, float32", dtype="float32"), OPENTSNE]
    if stage == "pca":
        return [ours(), OPENTSNE, SCIKIT_LEARN]
    if stage == "neighbours" and name in FAISS_PROBES:
        return [ours(), OPENTSNE, Runner("faiss IVF", "faiss", {"probes": FAISS_PROBES[name]})]
    return [ours(), OPENTSNE]


def true_neighbors(X: npt.NDArray[np.floating], rows: Integers, k: int) -> Integers:
    """Return the `k` nearest other rows of some rows of `X`, by distances in float64: (m, k)."""
    found = np.empty((len(rows), k), np.int64)
    middle = X.mean(axis=0, dtype=np.float64)
    Z = X - middle
    squares = np.einsum("ij,ij->i", Z, Z)
    for low in range(0, len(rows), 50):
        part = rows[low : low + 50]
        scores = squares - 2 * (Z[part] @ Z.T)
        scores[np.arange(len(part)), part] = np.inf
        found[low : low + 50] = np.argpartition(scores, k - 1, axis=1)[:, :k]
    return found


def run(stage: str, runner: Runner, config: dict[str, Any], python: str) -> dict[str, Any]:
    """Run a stage once in a process of its own; with neighbours, ``found`` holds those of the judged rows."""
    variables = process.environment(config["threads"], python, runner.package)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.npy"
        who = {"package": runner.package, "options": runner.options, "warm_up": runner.warm_up, "found": str(found)}
        result = process.execute("run_stages.py", {**config, **who, "stage": stage}, python, variables)
        return {**result, "found": np.load(found)} if found.exists() else result


def measure(stage: str, name: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each runner of a stage: medians over runs that took turns."""
    path, _ = data.stored(name)
    X = np.load(path, mmap_mode="r")
    n = min(len(X), options.n or len(X), EXACT if stage == "exact" else len(X))
    rows = 10 * np.random.default_rng(0).choice(n // 10, min(JUDGED, n // 10), replace=False)
    config = {"data": str(path.resolve()), "n": n, "k": K, "threads": options.threads, "rows": rows.tolist()}
    true = true_neighbors(np.array(X[:n]), rows, K) if stage in {"neighbours", "exact"} else None
    if stage == "affinities":
        config["neighbors"] = str(_given_neighbors(name, X, n))
    results: dict[str, list[dict[str, Any]]] = {}
    parties = [runner for runner in runners(stage, name) if runner.package in options.available]
    for turn in range(options.repeat):
        for runner in parties:
            scaled = stage == "neighbours" and n > TENTH and runner.package == "openTSNE"
            if turn and (scaled or results[runner.label][0]["seconds"] > options.once_above):
                continue
            part = "tenth" if scaled else "neighbours" if stage == "exact" else stage
            result = run(part, runner, config, options.interpreters.get(runner.package, sys.executable))
            if scaled:
                runner = replace(runner, label=f"{runner.label}, from a tenth of the rows")
            if true is not None:
                result["recall"] = judge.recall(true, result.pop("found"))
            results.setdefault(runner.label, []).append(result)
            print(f"{stage} {name} {runner.label}: {result['seconds']:.2f} s", file=sys.stderr, flush=True)
    shared = {"stage": stage, "data": name, "n": n, "load": report.load()}
    return [{**shared, "who": label, "runs": len(runs), **report.medians(runs)} for label, runs in results.items()]


def _given_neighbors(name: str, X: Any, n: int) -> Path:
    """Return the path of neighbours that all make affinities from, kept with those of the judge."""
    from opentsne_like.nearest_neighbors import make_index

    path = data.RESULTS / "judge" / f"{name}-{n}-k{K}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        indices, distances = make_index(np.array(X[:n]), K, method="exact").build()
        np.savez(path, indices=indices, distances=distances)
    return path.resolve()


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table; a ratio says how many times as long as this package a peer takes."""
    lines = [
        "| stage | data | rows | who | seconds | processor seconds | recall | KB per row: peak, kept, released |",
        "|---|---|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        first = next(other for other in rows if all(other[key] == row[key] for key in ("stage", "data")))
        ratio = "" if first is row else f" ({row['seconds'] / first['seconds']:.2f}×)"
        recall = f"{row['recall']:.4f}" if "recall" in row else ""
        kept = [f"{row[key] / 1e3:.2f}" for key in ("peak", "kept", "released") if key in row]
        what = (row["stage"], row["data"], str(row["n"]), row["who"])
        cells = (*what, f"{row['seconds']:.2f}{ratio}", f"{row['processor']:.2f}", recall, ", ".join(kept))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.neighbors", description=__doc__.splitlines()[0])
    line.add_argument("--data", nargs="+", default=["fashion-mnist"], choices=list(data.MAKERS))
    line.add_argument("--n", type=int, help="the first rows, all by default")
    line.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--repeat", type=int, default=3)
    line.add_argument("--once-above", type=float, default=60, metavar="SECONDS", help="runs that are not repeated")
    line.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter of a peer")
    line.add_argument("--out", type=Path, default=data.RESULTS / "neighbors.json")
    options = line.parse_args(arguments)
    options.interpreters = dict(item.split("=", 1) for item in options.python)
    modules = {"opentsne_like": "numba", "openTSNE": "openTSNE", "scikit-learn": "sklearn", "faiss": "faiss"}
    options.available = {
        package
        for package, module in modules.items()
        if process.has_module(options.interpreters.get(package, sys.executable), module)
    }
    rows = [row for name in options.data for stage in options.stages for row in measure(stage, name, options)]
    print(table(rows))
    report.write(options.out, {"machine": report.machine(), "threads": options.threads, "rows": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
