"""Says whether a package gives the same bits in repeated runs and for any number of threads.

For example ``python -m benchmarks.reproducibility --data fashion-mnist --n 10000 --peers openTSNE``.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import compare, data, participants, process, report


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m benchmarks.reproducibility", description=__doc__.splitlines()[0])
    line.add_argument("--data", default="fashion-mnist", choices=sorted(data.MAKERS))
    line.add_argument("--n", type=int, default=10_000, help="use the first N rows")
    line.add_argument("--peers", nargs="*", default=["openTSNE"], metavar="NAME[:KEY=VALUE,...]")
    line.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter of a peer")
    line.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads")
    line.add_argument("--repeat", type=int, default=2, help="runs with each number of threads")
    line.add_argument("--early-iter", type=int, default=250)
    line.add_argument("--n-iter", type=int, default=500)
    line.add_argument("--out", type=Path, default=data.RESULTS / "reproducibility.json")
    return line


def verdict(maps: dict[int, list[npt.NDArray[np.float64]]]) -> dict[str, Any]:
    """Compare the maps that each number of threads gave.

    Returns
    -------
    dict
        ``repeated`` and ``threads``: whether runs with one number of threads, and with different ones, gave the same
        bits. ``difference``: the largest distance between two places of one point, over the span of the map.
    """
    found = {threads: {hashlib.sha256(Y.tobytes()).hexdigest() for Y in runs} for threads, runs in maps.items()}
    every = [Y for runs in maps.values() for Y in runs]
    apart = max(float(np.linalg.norm(Y - every[0], axis=1).max()) for Y in every)
    return {
        "repeated": all(len(bits) == 1 for bits in found.values()),
        "threads": len(set.union(*found.values())) == 1,
        "difference": apart / float(np.ptp(every[0], axis=0).max()),
    }


def table(verdicts: dict[str, dict[str, Any]]) -> str:
    """Return the verdicts as a Markdown table."""
    words = {True: "the same bits", False: "differ"}
    lines = ["| | repeated runs | other numbers of threads | largest move / span |", "|---|---|---|---:|"]
    lines += [
        f"| {label} | {words[found['repeated']]} | {words[found['threads']]} | {found['difference']:.2g} |"
        for label, found in verdicts.items()
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everybody with every number of threads, print the table and write the JSON file."""
    options = parser().parse_args(arguments)
    people = [participants.parse(text) for text in (participants.OURS, *options.peers)]
    pythons = compare.interpreters(options.python, people)
    rows, _ = data.stored(options.data)
    task = process.Task(str(rows), options.n, early_iter=options.early_iter, n_iter=options.n_iter)
    machine = report.machine()
    verdicts = {}
    for person in people:
        maps: dict[int, list[npt.NDArray[np.float64]]] = {}
        for threads in options.threads:
            for _ in range(options.repeat):
                _, found = process.run(person, replace(task, threads=threads), pythons[person.name])
                maps.setdefault(threads, []).append(found)
                print(f"{person.label}: {threads} threads", file=sys.stderr, flush=True)
        verdicts[person.label] = verdict(maps)
    print(f"{options.data}, n = {options.n}, {options.repeat} runs with each of {options.threads} threads\n")
    print(table(verdicts))
    report.write(options.out, {"task": asdict(task), "machine": machine, "verdicts": verdicts})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
