"""Runs this package and its peers on the same task, in turn and in separate processes, and prints one table.

For example ``python -m benchmarks.compare --data fashion-mnist --n 70000 --peers openTSNE``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import data, participants, process, report


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    line.add_argument("--data", default="fashion-mnist", choices=sorted(data.MAKERS))
    line.add_argument("--n", type=int, help="use the first N rows (default: all)")
    line.add_argument(
        "--peers",
        nargs="*",
        default=["openTSNE"],
        metavar="NAME[:KEY=VALUE,...]",
        help=f"peers, with options of theirs: {', '.join(participants.PACKAGES)}",
    )
    line.add_argument("--ours", default=participants.OURS, help="this package, with options of its own")
    line.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter of a peer")
    line.add_argument("--threads", type=int, default=2)
    line.add_argument("--repeat", type=int, default=3)
    line.add_argument("--early-iter", type=int, default=250)
    line.add_argument("--n-iter", type=int, default=500)
    line.add_argument("--perplexity", type=float, default=30)
    line.add_argument("--components", type=int, default=2, choices=(1, 2, 3))
    line.add_argument("--seed", type=int, default=0)
    line.add_argument("--timeout", type=float, help="seconds after which a run is stopped")
    line.add_argument("--no-warm-up", action="store_true", help="let the first runs compile what is not compiled yet")
    line.add_argument("--no-judge", action="store_true", help="time only (exact measures of 1,000,000 rows take long)")
    line.add_argument("--out", type=Path, help="the JSON file (default: in benchmarks/results)")
    return line


def interpreters(pairs: Sequence[str], people: Sequence[participants.Participant]) -> dict[str, str]:
    """Return the interpreter that each participant runs with.

    The one that was given; else this one, if it has the package; else that of an environment of the package's own,
    which is made once and kept in ``benchmarks/results/peers``.
    """
    given = {name: path for name, _, path in (pair.partition("=") for pair in pairs)}
    found = {}
    for name, package in {person.name: person.package for person in people}.items():
        python = given.get(name, sys.executable)
        if name != participants.OURS and not process.has_module(python, package.module):
            if name in given or not package.requirements:
                raise SystemExit(
                    f"{name} is not installed for {python}: give its interpreter with --python {name}=PATH"
                )
            python = process.own_environment(data.RESULTS / "peers" / name, package.requirements, package.module)
        found[name] = python
    return found


def collect(
    people: Sequence[participants.Participant],
    task: process.Task,
    pythons: dict[str, str],
    options: argparse.Namespace,
) -> dict[str, list[dict[str, Any]]]:
    """Run everybody in turn, `repeat` times, and return the reports of each, the maps under the key ``map``."""

    def once(person: participants.Participant, work: process.Task, what: str) -> dict[str, Any]:
        load = report.load()
        try:
            result, embedding = process.run(person, work, pythons[person.name], options.timeout)
        except process.RunError as error:
            _note(f"{what}: {person.label}: {error}")
            return {"error": str(error)}
        seconds = sum(value for stage, value in result["seconds"].items() if stage in report.STAGES)
        _note(f"{what}: {person.label}, fit {seconds:.2f} s")
        return {**result, "load_before": load, "map": embedding}

    if not options.no_warm_up:
        for person in people:  # peers only load and compile what they need; ours also touches what large data needs
            once(person, task if person is people[0] else replace(task, n=min(task.n, 1000)), "warm-up")
    runs: dict[str, list[dict[str, Any]]] = {person.label: [] for person in people}
    for turn in range(options.repeat):
        for person in people:
            runs[person.label].append(once(person, task, f"run {turn + 1} of {options.repeat}"))
    return runs


def evaluate(runs: dict[str, list[dict[str, Any]]], options: argparse.Namespace, n: int) -> dict[str, dict[str, float]]:
    """Judge every map, take it out of its run, and return the medians of every participant that succeeded."""
    succeeded = {label: [result for result in results if "error" not in result] for label, results in runs.items()}
    made = [(result, result.pop("map")) for results in succeeded.values() for result in results]
    measures: dict[bytes, dict[str, float]] = {}
    if not options.no_judge:
        from .judge import Judge

        _note("judging the maps")
        known = {embedding.tobytes(): embedding for _, embedding in made}  # a deterministic package makes one map
        judged = Judge(options.data, n, options.perplexity).compare(list(known.values()))
        measures = dict(zip(known, judged, strict=True))
    for result, embedding in made:
        result["measures"] = measures.get(embedding.tobytes(), {})
    return {
        label: report.medians([report.flatten(result, result["measures"]) for result in results])
        for label, results in succeeded.items()
        if results
    }


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and return the exit code."""
    options = parser().parse_args(arguments)
    people = [participants.parse(text) for text in (options.ours, *options.peers)]
    pythons = interpreters(options.python, people)
    rows, _ = data.stored(options.data)
    available = len(np.load(rows, mmap_mode="r"))
    task = process.Task(
        data=str(rows),
        n=min(available, options.n or available),
        threads=options.threads,
        perplexity=options.perplexity,
        early_iter=options.early_iter,
        n_iter=options.n_iter,
        n_components=options.components,
        seed=options.seed,
    )
    machine = report.machine()
    runs = collect(people, task, pythons, options)
    summary = evaluate(runs, options, task.n)
    if people[0].label not in summary:
        _note("no run of this package succeeded")
        return 1
    versions: dict[str, dict[str, str]] = {
        label: next((r["versions"] for r in results if "versions" in r), {}) for label, results in runs.items()
    }
    settings = asdict(replace(task, data=options.data))
    print(
        f"{options.data}, n = {task.n}, {task.threads} threads, {task.early_iter} + {task.n_iter} iterations, ", end=""
    )
    print(f"perplexity {task.perplexity:g}, medians of {options.repeat}; {machine['cpu']}\n")
    print(report.table(summary, people[0].label))
    out = options.out or data.RESULTS / f"compare-{options.data}-{task.n}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    report.write(out, {"task": settings, "machine": machine, "versions": versions, "medians": summary, "runs": runs})
    _note(f"\nwritten to {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
