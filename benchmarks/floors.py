"""The least time that the parts of an iteration can take, from the bytes and operations that they cannot do without.

Two speeds of the machine are measured: how fast it reads and writes memory, and how many single-precision
multiplications or additions it does when nothing waits for memory. A floor is the longer of bytes / bandwidth and
operations / speed. It assumes perfect vectors and coordinates that stay in the cache, so it cannot be reached; what it
shows is where there is room.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

TAPS = 6  # nodes of the grid that a point touches along each axis
SPACING = 0.36  # of the grid, in units of the map
DIVISION = 8  # a division takes about as long as this many multiplications


class Speed(NamedTuple):
    """What some threads of the machine do in a second."""

    bytes: float
    operations: float


@numba.njit(nogil=True, fastmath=True, cache=True)
def _multiply_and_add(values: Any, rounds: int) -> None:
    factor, term = np.float32(0.999999), np.float32(1e-7)
    for start in range(0, len(values), 256):
        block = values[start : start + 256]
        for _ in range(rounds):
            for i in range(256):
                block[i] = block[i] * factor + term


@lru_cache
def machine_speed(threads: int) -> Speed:
    """Return the speed of `threads` threads: copying of 256 MB for bytes, a block in the first cache for operations."""
    source, target = np.ones(2**25, np.float32), np.ones(2**25, np.float32)
    values = np.ones((threads, 4096), np.float32)
    rounds = 4000
    _multiply_and_add(values[0], 1)
    copied, computed = [], []
    with ThreadPoolExecutor(threads) as pool:
        halves = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(*pair), halves))
            copied.append(time.perf_counter() - start)
            start = time.perf_counter()
            list(pool.map(lambda row: _multiply_and_add(row, rounds), values))
            computed.append(time.perf_counter() - start)
    return Speed(2 * source.nbytes / min(copied), 2.0 * values.size * rounds / min(computed))


def floors(n: int, n_edges: int, points: npt.NDArray[np.floating], speed: Speed) -> dict[str, float]:
    """Return the floor of each part, in milliseconds, for a map in the plane.

    Parameters
    ----------
    n, n_edges : int
        Points, and entries of P.
    points : (n, 2)
        The map, whose span sets the size of the grid.
    speed : Speed
        Of the machine.
    """
    nodes = float(np.prod(np.ptp(points, axis=0) / SPACING + 2 * TAPS))
    padded = 4 * nodes
    work = {
        # an index of 4 bytes and a weight of 4; two differences, two squares, one division, four for the sums
        "attraction": (8 * n_edges + 24 * n, (9 + DIVISION) * n_edges),
        # coordinates and an index in, half the coordinates out
        "order": (28 * n, 4 * n),
        # coordinates twice in, strips out and in, nodes and fractions out and in
        "spread": ((2 * 16 + 2 * 4 + 2 * 16) * n + 4 * nodes, (20 + 2 * TAPS**2) * n),
        # 2.5 m log2 m each way for a real transform of m values, half of it on rows that are zero or not read
        "FFT": (4 * 4 * nodes + 4 * 4 * padded / 2, 0.75 * 5 * padded * np.log2(padded)),
        # value and two slopes
        "gather": (16 * n + 12 * n + 4 * nodes, 3 * 2 * TAPS**2 * n),
        # points, step and gains in and out, gradient in
        "update": ((3 * 2 * 8 + 4) * 2 * n, 12 * 2 * n),
        "range": (16 * n, 4 * n),
        "exact": (16 * n, (10 + DIVISION) * float(n) * n),
    }
    return {
        part: 1e3 * float(max(size / speed.bytes, count / speed.operations)) for part, (size, count) in work.items()
    }
