"""Batches of mutants in processes of their own, which may die or hang."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

BATCH = 500
PATIENCE = 60.0  # seconds without a word after which a process hangs


def run(folder: Path, count: int, first: int = 0, processes: int = 2) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Try mutants and return how many were refused, used and at fault, and the faults.

    Parameters
    ----------
    folder : Path
        Empty; specimens and mutants are written there.
    count, first : int
        Of the seeds; a mutant depends on its seed and its specimen alone.
    processes : int
    """
    originals = folder / "specimens"
    originals.mkdir()
    subprocess.run(_command(originals), check=True)

    def batch(low: int) -> list[dict[str, Any]]:
        own = folder / str(low)
        shutil.copytree(originals, own)
        return _batch(own, low, min(low + BATCH, first + count))

    with ThreadPoolExecutor(processes) as pool:
        results = [result for part in pool.map(batch, range(first, first + count, BATCH)) for result in part]
    return Counter(result["outcome"] for result in results), [r for r in results if r["outcome"] == "fault"]


def _command(folder: Path, *arguments: int) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.trials", str(folder), *map(str, arguments)]


def _batch(folder: Path, low: int, high: int) -> list[dict[str, Any]]:
    """Try the seeds [low, high), in a new process after each that did not survive one."""
    results = []
    while low < high:
        found, end = _process(folder, low, high)
        results += [result for result in found if "outcome" in result]
        begun = found[-1] if found else {"seed": low, "specimen": "none"}
        if end and "outcome" not in begun:
            results.append({**begun, "outcome": "fault", "use": "", "error": end, "frames": []})
        low = begun["seed"] + 1
    return results


def _process(folder: Path, low: int, high: int) -> tuple[list[dict[str, Any]], str]:
    """Return what one process said, and how it ended where that was before its time."""
    lines: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(
        _command(folder, high - low, low), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        threading.Thread(target=lambda: [*map(lines.put, child.stdout), lines.put(None)], daemon=True).start()
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.append(child.stderr.read()), daemon=True)
        reader.start()
        found, end = [], ""
        try:
            while (line := lines.get(timeout=PATIENCE)) is not None:
                found.append(json.loads(line))
        except queue.Empty:
            child.kill()
            return found, f"no word for {PATIENCE:.0f} s"
        if child.wait():
            reader.join()
            end = f"ended with status {child.returncode}: {' '.join(errors).strip()[-200:]}"
    return found, end
