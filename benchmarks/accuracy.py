"""Prints error against time for every way to compute the repulsion, ours beside openTSNE's, on maps at several stages.

For example ``python -m benchmarks.accuracy --n 70000 --dimensions 2 --peers openTSNE``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import compare, data, judge, loops, maps, odd, participants, process, report
from .participants import OURS

Floats = npt.NDArray[np.float64]

OUR_METHODS: list[dict[str, Any]] = [
    {"label": "exact", "method": "exact", "settings": {}},
    {"label": "bh theta 0.5", "method": "bh", "settings": {"theta": 0.5}},
    {"label": "bh theta 0.3", "method": "bh", "settings": {"theta": 0.3}},
    {"label": "fft tolerance 2e-2", "method": "fft", "settings": {"tolerance": 2e-2}},
    {"label": "fft (default)", "method": "fft", "settings": {}},
    {"label": "fft tolerance 1e-3", "method": "fft", "settings": {"tolerance": 1e-3}},
    {"label": "auto", "method": "auto", "settings": {}},
]
GRID = {"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1}  # openTSNE's defaults
PEER_METHODS: list[dict[str, Any]] = [
    {"label": "openTSNE bh theta 0.5", "method": "bh", "settings": {"theta": 0.5}},
    {"label": "openTSNE fft (default)", "method": "fft", "settings": GRID},
    {"label": "openTSNE fft interval 0.5", "method": "fft", "settings": {**GRID, "ints_in_interval": 0.5}},
]
MOST_TARGETS = 20_000


def truth(points: Floats, targets: npt.NDArray[np.int64]) -> tuple[Floats, float]:
    """Return exact forces ``sum_j w^2 (y_i - y_j)`` at the targets, and the normalizer of the whole map."""
    padded = np.ascontiguousarray(np.stack(judge.columns(points), axis=1))
    forces, potentials = np.empty((len(targets), 3)), np.empty(len(targets))
    loops.repulsion(padded, targets, forces, potentials)
    return forces[:, : points.shape[1]], float(loops.normalizer(*judge.columns(points)))


def errors(forces: Floats, exact: Floats) -> tuple[float, float]:
    """Return the relative error of all forces together, and the largest error of one over the typical (rms) force."""
    difference = np.linalg.norm(forces - exact, axis=1)
    size = np.linalg.norm(exact, axis=1)
    return float(np.linalg.norm(difference) / np.linalg.norm(size)), float(difference.max() / np.sqrt((size**2).mean()))


def measure(
    paths: dict[str, Path], targets: npt.NDArray[np.int64], dimensions: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return a row for every map and method: milliseconds, errors of forces and normalizer."""
    peer = options.python.partition("=")[2]
    people = [(OURS, sys.executable, OUR_METHODS)]
    if peer:
        usable = [method for method in PEER_METHODS if dimensions < 3 or method["method"] == "bh"]
        people.append(("openTSNE", peer, usable))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "targets.npy"
        np.save(place, targets)
        shared = {
            "maps": {name: str(path.resolve()) for name, path in paths.items()},
            "targets": str(place),
            "folder": folder,
            "threads": options.threads,
            "repeat": options.repeat,
        }
        for package, python, methods in people:
            config = {**shared, "package": package, "methods": methods}
            variables = process.environment(options.threads, python, package)
            rows += process.execute("run_repulsion.py", config, python, variables)["rows"]
        for name, path in paths.items():
            points = np.load(path).astype(np.float64)
            exact, z = truth(points, targets)
            for row in (row for row in rows if row["map"] == name):
                row["error"], row["largest"] = errors(np.load(row.pop("forces")), exact)
                row["z_error"] = abs(row["z"] / z - 1)
                row["ms"] = 1e3 * statistics.median(row["seconds"])
                row |= {
                    "dimensions": dimensions,
                    "std": float(points.std()),
                    "span": float(np.ptp(points, axis=0).max()),
                }
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, map by map."""
    lines = [
        "| map | std | span | method | ms | force error | largest | Z error |",
        "|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    order = list({row["map"]: None for row in rows})
    lines += [
        f"| {row['dimensions']}-D {row['map']} | {row['std']:.2g} | {row['span']:.3g} | {row['method']} "
        f"| {row['ms']:.2f} | {row['error']:.1e} | {row['largest']:.1e} | {row['z_error']:.1e} |"
        for row in sorted(rows, key=lambda row: order.index(row["map"]))
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    line.add_argument("--n", type=int, default=70_000)
    line.add_argument("--dimensions", type=int, nargs="+", default=[1, 2, 3], choices=(1, 2, 3))
    line.add_argument("--maps", nargs="+", default=[*maps.STAGES, "uniform", "clustered"])
    line.add_argument("--odd", type=int, default=1500, metavar="N", help="points of odd maps; 0 for none of them")
    line.add_argument("--peers", nargs="*", default=[], choices=("openTSNE",), help="who is measured as well")
    line.add_argument("--python", default="", metavar="openTSNE=PATH", help="an interpreter that has openTSNE")
    line.add_argument("--threads", type=int, default=1)
    line.add_argument("--repeat", type=int, default=5)
    line.add_argument("--out", type=Path, default=data.RESULTS / "accuracy.json")
    options = line.parse_args(arguments)
    if options.peers and not options.python:
        options.python = f"openTSNE={compare.interpreters([], [participants.parse('openTSNE')])['openTSNE']}"
    targets = np.sort(np.random.default_rng(0).choice(options.n, min(options.n, MOST_TARGETS), replace=False))
    rows = []
    machine = report.machine()
    for dimensions in options.dimensions:
        paths = maps.staged(maps.of_size(options.n), options.n, dimensions)
        span = float(np.ptp(np.load(paths["final"]), axis=0).max())
        paths |= maps.synthetic(options.n, dimensions, span)
        wanted = {name: path for name, path in paths.items() if name in options.maps}
        found = measure(wanted, targets, dimensions, options)
        print(f"\n{options.n} points, {dimensions}-D, {options.threads} threads, medians of {options.repeat}\n")
        print(table(found), flush=True)
        rows += found
    strange = odd.measure(options.odd, options.dimensions, options.threads) if options.odd else []
    if strange:
        print(f"\nOdd maps of {options.odd} points, tolerance 5e-3\n")
        print(odd.table(strange), flush=True)
    found_in = {"machine": machine, "n": options.n, "threads": options.threads}
    report.write(options.out, {**found_in, "rows": rows, "odd": strange})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
