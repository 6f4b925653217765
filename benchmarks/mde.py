"""Minimum-distortion embedding beside PyMDE: the same edges and the same start, on one thread each.

    python -m benchmarks.mde --python /path/to/python/with/pymde --data fashion-mnist --rows 5000

Each problem is stated by this package, solved by it, and handed to PyMDE as edges, numbers and start. Seconds are of
the processor, of the steps alone; the value of either embedding is computed by this package, in double precision. "All
pairs" has no counterpart there; its distortion is that of fresh pairs of weight -1, as is that of the sampled one
beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import subspace_angles

from opentsne_like import mde, metrics

from . import data
from .process import environment

WORKER = Path(__file__).parent / "workers" / "run_pymde.py"
FRESH = 4  # fresh negative edges for each sampled one, that maps are compared by


def ours(problem: mde.MDE, max_iter: int) -> tuple[Any, float]:
    """Return the embedding of a problem, and the seconds of its steps; a first step compiles."""
    problem.embed(max_iter=1)
    begun = time.process_time()
    embedding = problem.embed(max_iter=max_iter)
    return np.asarray(embedding), time.process_time() - begun


def theirs(python: str, problem: mde.MDE, max_iter: int, spectral: bool = False) -> tuple[Any, float, int]:
    """Return what PyMDE makes of the same problem: embedding, seconds, steps; `spectral` lets it find the start."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "problem.npz", Path(folder) / "made.npy"
        numbers = problem.distortion_function.numbers
        start = problem._X_init
        np.savez(given, edges=problem.edges, numbers=numbers, start=start)
        asked = {
            "n_items": problem.n_items,
            "constraint": problem.constraint.name().capitalize(),
            "loss": type(problem.distortion_function).__name__,
            "max_iter": max_iter,
            "spectral": spectral,
        }
        command = [python, str(WORKER), str(given), str(made), json.dumps(asked)]
        variables = environment(1, python, "pymde")
        run = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        found = json.loads(run.stdout.splitlines()[-1])
        return np.load(made), float(found["seconds"]), int(found["steps"])


def row(*cells: Any) -> None:
    """Print a row of the table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def judged(X: Any, labels: Any, made: Any) -> tuple[str, str]:
    """Return the share of ten neighbours kept, and the accuracy of their votes."""
    recall = metrics.knn_recall(X, made, k=10, n_jobs=1)
    return f"{recall:.3f}", f"{metrics.knn_accuracy(made, labels, k=10, n_jobs=1):.3f}"


def neighbors(python: str, X: Any, labels: Any, constraint: mde.Constraint, max_iter: int) -> None:
    """Measure `preserve_neighbors` with sampled pairs, there and here, and with all pairs."""
    options = {"constraint": constraint, "n_jobs": 1}
    problem = mde.preserve_neighbors(X, repulsion="sampled", **options)
    weights = problem.distortion_function.numbers
    pulls = weights > 0
    fresh = mde.preprocess.sample_edges(len(X), FRESH * int((~pulls).sum()), exclude=problem.edges[pulls], seed=1)

    def distortion(made: Any) -> float:
        lengths = np.linalg.norm(made[fresh[:, 0]] - made[fresh[:, 1]], axis=1)
        pushed = -np.log(-np.expm1(-lengths)).sum() / FRESH
        return float((problem.distortions(made)[pulls].sum() + pushed) / len(weights))

    name = f"`preserve_neighbors`, {constraint.name()}"
    made, seconds, steps = theirs(python, problem, max_iter)
    value = f"{problem.average_distortion(made):.5f}"
    row(name, "PyMDE, sampled", steps, f"{seconds:.1f}", value, f"{distortion(made):.4f}", *judged(X, labels, made))
    made, seconds = ours(problem, max_iter)
    value = f"{problem.average_distortion(made):.5f}"
    steps = problem.solve_stats.iterations
    row(name, "sampled", steps, f"{seconds:.1f}", value, f"{distortion(made):.4f}", *judged(X, labels, made))
    every = mde.preserve_neighbors(X, repulsion="all", **options)
    made, seconds = ours(every, max_iter)
    steps = every.solve_stats.iterations
    row(name, "all pairs", steps, f"{seconds:.1f}", "", f"{distortion(made):.4f}", *judged(X, labels, made))


def distances(python: str, X: Any, constraint: mde.Constraint, max_distances: float, max_iter: int) -> None:
    """Measure `preserve_distances`."""
    problem = mde.preserve_distances(X, constraint=constraint, max_distances=max_distances, n_jobs=1)
    name = f"`preserve_distances`, {constraint.name()}, {problem.p:,} pairs"
    made, seconds, steps = theirs(python, problem, max_iter)
    row(name, "PyMDE", steps, f"{seconds:.1f}", f"{problem.average_distortion(made):.5f}", "", "", "")
    made, seconds = ours(problem, max_iter)
    value = f"{problem.average_distortion(made):.5f}"
    row(name, "this package", problem.solve_stats.iterations, f"{seconds:.1f}", value, "", "", "")


def laplacian(python: str, X: Any, labels: Any, max_iter: int) -> None:
    """Measure `laplacian_embedding` after the neighbours: the spectral embedding, and steps from there."""
    name, edges = "`laplacian_embedding`", mde.laplacian_embedding(X, init="random", n_jobs=1)
    weights, n = edges.distortion_function.numbers, edges.n_items
    edges._X_init = mde.Standardized().initialization(n, 2)
    made, seconds, steps = theirs(python, edges, max_iter, spectral=True)
    value = f"{edges.average_distortion(made):.6f}"
    row(name, "PyMDE", steps, f"{seconds:.1f}", value, "", *judged(X, labels, made))
    begun = time.process_time()
    found = edges.embed(mde.quadratic.spectral(n, 2, edges.edges, weights), max_iter=max_iter)
    seconds, value = time.process_time() - begun, f"{edges.value:.6f}"
    row(name, "this package", edges.solve_stats.iterations, f"{seconds:.1f}", value, "", *judged(X, labels, found))
    between = np.rad2deg(subspace_angles(made, np.asarray(found)))
    print(f"principal angles between the two: {between[0]:.3f} and {between[1]:.3f} degrees")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--python", required=True, help="an interpreter that has pymde")
    parser.add_argument("--data", default="digits", help="a name of benchmarks.data")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--max-iter", type=int, default=300)
    parser.add_argument("--max-distances", type=float, default=5e6)
    parser.add_argument("--distance-iter", type=int, default=60)
    asked = parser.parse_args()
    X, labels = data.load(asked.data, asked.rows)
    row("problem", "by", "steps", "processor s", "average distortion", "with fresh pairs", "recall at 10", "accuracy")
    row("---", "---", *["---:"] * 6)
    for constraint in (mde.Centered(), mde.Standardized()):
        neighbors(asked.python, X, labels, constraint, asked.max_iter)
        distances(asked.python, X, constraint, asked.max_distances, asked.distance_iter)
    laplacian(asked.python, X, labels, asked.max_iter)


if __name__ == "__main__":
    main()
