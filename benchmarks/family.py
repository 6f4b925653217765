"""Runs methods of the family beside their reference packages, on the same graph and from the same start.

    python -m benchmarks.family --case UMAP --n 5000 --python umap-learn=/path/to/bin/python

Each runs in a process of its own, one after the other. Both maps are judged here, by the same sums over all pairs and
the exact neighbours: the loss is that of our definition, on our affinities.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import opentsne_like
from opentsne_like import Embedding, affinity, initialization, metrics

from . import data, process, report

EXACT = 20_000  # points, up to which the loss is summed exactly; beyond, on the grid


@dataclass(frozen=True)
class Peer:
    """A reference package: its adapter, and what pip installs to have it."""

    script: str
    requirements: tuple[str, ...]
    module: str


PEERS = {
    "umap-learn": Peer("run_umap_layout.py", ("umap-learn==0.5.*",), "umap"),
    "contrastive-ne": Peer("run_contrastive.py", ("contrastive-ne",), "cne"),
    "torchdr": Peer("run_torchdr.py", ("torchdr",), "torchdr"),
}
PERPLEXITY = partial(affinity.PerplexityBasedNN, perplexity=30)
FUZZY = partial(affinity.Fuzzy, k_neighbors=15, normalize=False)
KNN = partial(affinity.Uniform, k_neighbors=15)


@dataclass(frozen=True)
class Case:
    """A method here, a peer that makes the same, the graph and the width of the start that both get."""

    method: str
    peer: str
    graph: Callable[..., Any]
    width: float
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)


CASES = {
    "UMAP": Case("UMAP", "umap-learn", FUZZY, 3.0),
    "Neg-t-SNE, s = 1": Case("NegTSNE", "contrastive-ne", KNN, 1.0, {"s": 1}, {"loss_mode": "neg", "s": 1.0}),
    "Neg-t-SNE, s = 0": Case("NegTSNE", "contrastive-ne", KNN, 1.0, {"s": 0}, {"loss_mode": "neg", "s": 0.0}),
    "InfoNC-t-SNE": Case("InfoNCTSNE", "torchdr", PERPLEXITY, 1e-4, {}, {"estimator": "InfoTSNE"}),
}


class Inputs:
    """Rows, graph and start of a case, as files that adapters read."""

    def __init__(self, case: Case, name: str, n: int, seed: int, folder: Path) -> None:
        from scipy import sparse

        self.X, _ = data.load(name, n)
        graph = case.graph(self.X, random_state=seed).P
        start = initialization.rescale(initialization.pca(self.X, random_state=seed), target_std=case.width)
        self.affinities = affinity.PrecomputedAffinities(graph)
        self.paths = {"data": str(data.stored(name)[0]), "graph": str(folder / "P.npz"), "start": str(folder / "Y.npy")}
        sparse.save_npz(self.paths["graph"], graph, compressed=False)
        np.save(self.paths["start"], start)


def execute(script: str, python: str, owner: str, config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run an adapter, and return its report with the map under ``map``."""
    config = {**config, "map": str(folder / "map.npy")}
    found = process.execute(script, config, python, process.environment(config["threads"], python, owner))
    return {**found, "map": np.load(config["map"])}


def judged(Y: Any, loss: Any, inputs: Inputs) -> dict[str, float]:
    """Return the loss and the recall of a map."""
    how = {"method": "exact"} if len(Y) <= EXACT else {}
    value = Embedding(Y, inputs.affinities, loss=loss).evaluate(**how)
    return {"loss": float(value), "recall": float(metrics.knn_recall(inputs.X, Y, k=10))}


def compare(label: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides of a case and return their figures."""
    case = CASES[label]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        inputs = Inputs(case, options.data, options.n, options.seed, folder)
        shared = {"n": options.n, "threads": options.threads, "seed": options.seed, "whole": options.whole}
        config = {**inputs.paths, **shared, "method": case.method, "options": case.ours}
        runs = {"opentsne_like": execute("run_family.py", sys.executable, "opentsne_like", config, folder)}
        given = dict(pair.partition("=")[::2] for pair in options.python)
        peer = PEERS[case.peer]
        python = given.get(case.peer) or process.own_environment(
            data.RESULTS / "peers" / case.peer, peer.requirements, peer.module
        )
        runs[case.peer] = execute(peer.script, python, case.peer, {**config, "options": case.theirs}, folder)
    loss = getattr(opentsne_like, case.method)(**case.ours)._loss(options.n)
    figures = {name: judged(run.pop("map"), loss, inputs) for name, run in runs.items()}
    return {name: {**run, **figures[name]} for name, run in runs.items()}


def table(label: str, found: dict[str, Any], options: argparse.Namespace) -> str:
    """Return the rows of a Markdown table."""
    lines = []
    for name, run in found.items():
        wall, cpu = run["seconds"]["fit"], run["processor_seconds"]["fit"]
        figures = f"{wall:.1f} | {cpu:.1f} | {run['loss']:.4f} | {run['recall']:.3f}"
        lines.append(f"| {label} | {options.n:,} | {name} | {figures} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the cases that are asked for."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.family", description=__doc__.splitlines()[0])
    line.add_argument("--case", action="append", choices=sorted(CASES), help="(default: all)")
    line.add_argument("--data", default="fashion-mnist", choices=sorted(data.MAKERS))
    line.add_argument("--n", type=int, default=5000, help="the first N rows")
    line.add_argument("--whole", action="store_true", help="fits from the rows, each with its own graph and start")
    line.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter of a peer")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--seed", type=int, default=0)
    line.add_argument("--out", type=Path, default=data.RESULTS / "family.json")
    options = line.parse_args(arguments)
    before, results = report.machine(), {}
    print("| method | rows | package | wall s | processor s | loss | recall |\n|---|---:|---|---:|---:|---:|---:|")
    for label in options.case or CASES:
        try:
            results[label] = compare(label, options)
        except process.RunError as error:
            print(f"{label}: {error}", file=sys.stderr, flush=True)
            continue
        print(table(label, results[label], options), flush=True)
    report.write(options.out, {"machine": before, "n": options.n, "whole": options.whole, "results": results})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
