"""``python -m tests.fuzzing --count 50000``: try many mutants, and print the faults by kind."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from .batches import run


def main() -> int:
    """Run from the command line; the status is 1 where there are faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="mutants (default 2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default 2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, faults = run(Path(folder), options.count, options.first, options.processes)
    print(dict(counts))
    kinds = defaultdict(list)
    for fault in faults:
        kinds[(fault["use"], (fault["frames"] or ["?"])[-1], fault["error"].split(":")[0])].append(fault)
    for (use, place, _), found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        seeds = ", ".join(f"{fault['seed']} ({fault['specimen']})" for fault in found[:3])
        print(f"{len(found):5d}  {use:10s} {place:40s} {found[0]['error']}; seeds {seeds}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
