"""Measures how fast and how well new points are placed on a finished map, beside peers with openTSNE's interface.

For example ``python -m benchmarks.transform --data fashion-mnist --old 60000 --new 10000 --peers openTSNE``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import compare, data, judge, participants, process, report

VOTERS = 10  # old points nearest to a new one, whose labels vote on its own


@dataclass(frozen=True)
class Placing(process.Task):
    """A map of the first `old` rows, onto which the others are placed `repeat` times."""

    old: int = 0
    repeat: int = 3


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.transform", description=__doc__.splitlines()[0])
    line.add_argument("--data", default="fashion-mnist", choices=sorted(data.MAKERS))
    line.add_argument("--old", type=int, default=60_000, help="make the map of the first OLD rows")
    line.add_argument("--new", type=int, default=10_000, help="place the NEW rows after them")
    line.add_argument("--peers", nargs="*", default=["openTSNE"], metavar="NAME[:KEY=VALUE,...]")
    line.add_argument("--ours", default=participants.OURS, help="this package, with options of its own")
    line.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter of a peer")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--repeat", type=int, default=3, help="calls with all new rows; single rows five times as many")
    line.add_argument("--early-iter", type=int, default=250)
    line.add_argument("--n-iter", type=int, default=500)
    line.add_argument("--seed", type=int, default=0)
    line.add_argument("--out", type=Path, default=data.RESULTS / "transform.json")
    return line


def label_accuracy(
    labels: npt.NDArray[np.integer], old: npt.NDArray[np.floating], new: npt.NDArray[np.floating]
) -> float:
    """Return how often the labels of the nearest old points on the map vote for the label of a new point.

    `labels` are those of the old points, then those of the new ones.
    """
    from scipy.spatial import cKDTree

    found = cKDTree(old).query(new, k=np.arange(1, 1 + min(VOTERS, len(old))), workers=-1)[1]
    return judge.class_accuracy(labels, found, first=len(old))


def measure(
    person: participants.Participant, task: Placing, python: str, labels: npt.NDArray[np.integer]
) -> dict[str, Any]:
    """Return the report of one participant, with its row of the table under ``medians``."""
    load = report.load()
    result, points = process.run(person, task, python, script="run_transform.py")
    calls = {what: statistics.median(times["wall"]) for what, times in result["notes"]["calls"].items()}
    accuracy = label_accuracy(labels, points[: task.old], points[task.old :])
    medians = {"total": result["seconds"]["fit"], **calls, "placed": accuracy, "kept": result["notes"]["kept"]}
    return {**result, "load_before": load, "medians": medians}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everybody in turn, print the table and write the JSON file."""
    options = parser().parse_args(arguments)
    people = [participants.parse(text) for text in (options.ours, *options.peers)]
    for person in people:
        if person.package.script != participants.PACKAGES[participants.OURS].script:
            raise SystemExit(f"`peers` must have openTSNE's interface, got {person.name!r}")
    pythons = compare.interpreters(options.python, people)
    rows, _ = data.stored(options.data)
    n = options.old + options.new
    _, labels = data.load(options.data, n)
    if min(options.old, options.new) < 1 or len(labels) < n:
        raise SystemExit(
            f"`--old` and `--new` must be positive and at most {len(labels)} together, "
            f"got {options.old} and {options.new}"
        )
    task = Placing(
        data=str(rows.resolve()),
        n=n,
        threads=options.threads,
        early_iter=options.early_iter,
        n_iter=options.n_iter,
        seed=options.seed,
        old=options.old,
        repeat=options.repeat,
    )
    machine = report.machine()
    runs = {}
    for person in people:
        runs[person.label] = found = measure(person, task, pythons[person.name], labels)
        print(f"{person.label}: {found['medians']['transform']:.2f} s", file=sys.stderr, flush=True)
    print(f"{options.data}, {options.new} new points on a map of {options.old}, {options.threads} threads, ", end="")
    print(f"medians of {options.repeat} calls ({5 * options.repeat} of one point); {machine['cpu']}\n")
    print(report.table({label: found["medians"] for label, found in runs.items()}, people[0].label))
    report.write(options.out, {"task": asdict(replace(task, data=options.data)), "machine": machine, "runs": runs})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
