"""Turns runs into medians, a table and a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

STAGES = ("neighbours", "affinities", "init", "early", "main", "fit")
MEASURES = ("kl", "matched", "recall", "correlation", "accuracy", "span", "stray", "placed", "kept")
NAMES = {
    "import": "import (s)",
    "first": "first small fit (s)",
    "neighbours": "neighbours (s)",
    "affinities": "affinities (s)",
    "init": "init (s)",
    "early": "early exaggeration (s)",
    "main": "main phase (s)",
    "total": "whole fit (s)",
    "all": "import to map (s)",
    "peak": "peak memory (MB)",
    "cold": "first transform, few points (s)",
    "transform": "transform, all new points (s)",
    "one": "transform, one point (s)",
    "kl": "final KL",
    "matched": "KL at matched width",
    "recall": "neighbour recall at 10",
    "correlation": "distance correlation",
    "accuracy": "class accuracy",
    "span": "span",
    "stray": "stray points",
    "placed": "label accuracy of new points",
    "kept": "old map kept its bits",
}

Run = Mapping[str, Any]


def flatten(result: Mapping[str, Any], measures: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of one run: seconds of each stage, ``total`` of the fit, ``all``, ``peak`` in MB, measures."""
    seconds = result["seconds"]
    numbers = {stage: float(value) for stage, value in seconds.items() if stage != "fit"}
    numbers["total"] = float(sum(value for stage, value in seconds.items() if stage in STAGES))
    numbers["all"] = float(sum(seconds.values()))
    numbers["peak"] = result["peak_bytes"] / 1e6
    return {**numbers, **measures}


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of every number over the runs."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]} if runs else {}


def shown(key: str, value: float | None) -> str:
    """Return a number as the table prints it, a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "peak":
        return f"{value:.0f}"
    if key in MEASURES:
        return f"{value:.0f}" if key == "span" else f"{value:.4f}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def table(summary: Mapping[str, Mapping[str, float]], first: str) -> str:
    """Return a Markdown table: a row for each number, a column for each participant, ratios to the column `first`.

    A ratio says how many times as long, or as much memory, the participant needs.
    """
    labels = [first, *(label for label in summary if label != first)]
    rows = [["", *labels]]
    for key, name in NAMES.items():
        values = [summary[label].get(key) for label in labels]
        if any(value is not None for value in values):
            own = values[0] if key not in MEASURES else None
            rows.append([name, shown(key, values[0]), *(_beside(key, value, own) for value in values[1:])])
    widths = [max(len(row[column]) for row in rows) for column in range(len(labels) + 1)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = ["-" * (width - 1) + ":" if column else "-" * width for column, width in enumerate(widths)]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def _beside(key: str, value: float | None, own: float | None) -> str:
    """Return a peer's number with its ratio to ours, where both exist and ours is not 0."""
    return f"{shown(key, value)} ({value / own:.2f}×)" if value is not None and own else shown(key, value)


def machine() -> dict[str, Any]:
    """Return what identifies the machine and how busy it is."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux
        pass
    return {"cpu": model, "cores": os.cpu_count(), "platform": platform.platform(), "load": load()}


def load() -> float | None:
    """Return the load average of the last minute, None where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def over_sets(
    options: argparse.Namespace,
    measure: Callable[[str, int | None, argparse.Namespace], list[dict[str, Any]]],
    show: Callable[[Sequence[dict[str, Any]]], str],
) -> None:
    """Measure each of ``options.data``, NAME or NAME:ROWS; print the table and write the rows to ``options.out``."""
    before = machine()
    rows: list[dict[str, Any]] = []
    for chosen in options.data:
        name, _, count = chosen.partition(":")
        rows += measure(name, int(count) if count else None, options)
        print(f"{chosen} done", file=sys.stderr, flush=True)
    print(show(rows))
    write(options.out, {"machine": before, "rows": rows})
