"""Prints where the time of an iteration goes, next to the floor that bytes and operations set on this machine.

For example ``python -m benchmarks.iteration --n 1000 10000 70000 --threads 1 2 --methods fft bh``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from . import data, floors, maps, process, report
from .participants import OURS

# Name of the part, and the operation of `opentsne_like.ops` that does it; parts do not contain each other.
PARTS = (
    ("order", "take_rows"),
    ("attraction", "attract"),
    ("range", "extent"),
    ("exact", "exact"),
    ("tree", "build_tree"),
    ("walk", "walk_tree"),
    ("spread", "spread"),
    ("FFT", "convolve"),
    ("gather", "gather"),
    ("update", "step"),
    ("update", "commit"),
)
EXACT_MOST = 20_000  # points; more take minutes with exact sums
WARM_UP = 3  # iterations, after which the edges of large maps are in order


@contextmanager
def stopwatches() -> Iterator[dict[str, float]]:
    """Yield the seconds spent in each part since they were last cleared, while the body runs."""
    from opentsne_like import ops

    seconds: dict[str, float] = {}
    originals = {name: getattr(ops, name) for _, name in PARTS}
    try:
        for part, name in PARTS:
            setattr(ops, name, _timed(originals[name], part, seconds))
        yield seconds
    finally:
        for name, original in originals.items():
            setattr(ops, name, original)


def _timed(function: Callable[..., Any], part: str, seconds: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - start

    return timed


def profile(embedding: Any, n_iter: int, repeat: int) -> dict[str, float]:
    """Return the median milliseconds of each part of an iteration, of what is left, of all (``total``), and of a call.

    A call of `optimize` looks through P and takes work memory, however many iterations it makes. So calls of one
    iteration are taken off calls of `n_iter` more, after a few by which edges come into the order of the map.
    """
    embedding.optimize(n_iter=WARM_UP, momentum=0.8, inplace=True)
    found: list[dict[str, float]] = []
    for _ in range(repeat):
        short, long = _call(embedding, 1), _call(embedding, 1 + n_iter)
        parts = {part: (value - short.get(part, 0.0)) / n_iter for part, value in long.items()}
        inside = sum(value for part, value in parts.items() if part != "total")
        left = {"overhead": parts["total"] - inside, "call": short["total"] - parts["total"]}
        found.append({part: 1e3 * value for part, value in {**parts, **left}.items()})
    names = list(dict.fromkeys(part for run in found for part in run))
    return {part: statistics.median(run.get(part, 0.0) for run in found) for part in names}


def _call(embedding: Any, n_iter: int) -> dict[str, float]:
    """Return the seconds of a call of `optimize`, and of each part in it."""
    with stopwatches() as seconds:
        start = time.perf_counter()
        embedding.optimize(n_iter=n_iter, momentum=0.8, inplace=True)
        total = time.perf_counter() - start
    return {**seconds, "total": total}


def measure(n: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for every method, number of threads and part, at the end of a run on `n` points."""
    from scipy import sparse

    from opentsne_like import TSNEEmbedding
    from opentsne_like.affinity import PrecomputedAffinities

    name = maps.of_size(n)
    affinities = maps.affinities(name, n)
    place = maps.staged(name, n, 2)["final"]
    P, points = sparse.load_npz(affinities).tocsr(), np.load(place)
    rows = []
    for threads in options.threads:
        speed = floors.machine_speed(threads)
        for method in options.methods:
            if method == "exact" and n > EXACT_MOST:
                continue
            embedding = TSNEEmbedding(
                points, PrecomputedAffinities(P), n_jobs=threads, negative_gradient_method=method, random_state=0
            )
            n_iter = max(2, min(options.n_iter, 2_000_000 // n))
            parts = profile(embedding, n_iter, options.repeat)
            floor = floors.floors(n, P.nnz, points, speed)
            shared = {"n": n, "method": method, "threads": threads}
            rows += [{**shared, "part": part, "ms": ms, "floor": floor.get(part)} for part, ms in parts.items()]
    return rows + peers(n, affinities, place, options)


def peers(n: int, affinities: Path, place: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for whole iterations of openTSNE from the same P and map, where its interpreter is given."""
    python = options.python.partition("=")[2]
    rows = []
    for threads in options.threads if python else ():
        for method in (method for method in options.methods if method in {"bh", "fft"}):
            config = {
                "package": "openTSNE",
                "affinities": str(affinities.resolve()),
                "map": str(place.resolve()),
                "method": method,
                "threads": threads,
                "n_iter": max(2, min(20, 1_000_000 // n)),
                "repeat": options.repeat if n <= 200_000 else 1,
            }
            variables = process.environment(threads, python, "openTSNE")
            seconds = process.execute("run_iterations.py", config, python, variables)["seconds"]
            ms = 1e3 * statistics.median(seconds)
            rows.append({"n": n, "method": f"openTSNE {method}", "threads": threads, "part": "total", "ms": ms})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: a column for each part, milliseconds with the floor in brackets."""
    order = [*dict.fromkeys(part for part, _ in PARTS), "overhead", "total", "call"]
    used = [part for part in order if any(row["part"] == part for row in rows)]
    lines = [
        "| n | method | threads | " + " | ".join(used) + " |",
        "|---:|---|---:|" + "---:|" * len(used),
    ]
    keys = dict.fromkeys((row["n"], row["method"], row["threads"]) for row in rows)
    for key in keys:
        cells = {row["part"]: row for row in rows if (row["n"], row["method"], row["threads"]) == key}
        shown = [_cell(cells[part]) if part in cells else "" for part in used]
        lines.append(f"| {key[0]} | {key[1]} | {key[2]} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    floor = row.get("floor")
    return f"{row['ms']:.2f}" if floor is None else f"{row['ms']:.2f} ({floor:.2f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.iteration", description=__doc__.splitlines()[0])
    line.add_argument("--n", type=int, nargs="+", default=[1000, 10_000, 70_000], help="up to 1,000,000")
    line.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    line.add_argument("--methods", nargs="+", default=["fft", "bh", "exact"], choices=("auto", "exact", "bh", "fft"))
    line.add_argument(
        "--n-iter", type=int, default=20, help="iterations timed together (fewer when there are many points)"
    )
    line.add_argument("--repeat", type=int, default=5)
    line.add_argument("--python", default="", metavar="openTSNE=PATH", help="an interpreter that has openTSNE")
    line.add_argument("--out", type=Path, default=data.RESULTS / "iteration.json")
    options = line.parse_args(arguments)
    machine = report.machine()
    speeds = {str(threads): floors.machine_speed(threads)._asdict() for threads in options.threads}
    rows = []
    for n in options.n:
        rows += measure(n, options)
        print(f"{OURS}: {n} points done", file=sys.stderr, flush=True)
    print("Milliseconds of an iteration at the end of a run, floor in brackets\n")
    print(table(rows))
    report.write(options.out, {"machine": machine, "speed": speeds, "rows": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
