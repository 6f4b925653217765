"""What affinities will need in memory, before any work starts."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Any

import numpy as np

from ..devices import card
from ..errors import InsufficientMemoryError

UNION = 1.6  # values per neighbour in a symmetrized graph; 1.43 on Fashion-MNIST at perplexity 30, 2 at the very most


def estimate_memory(n_samples: int, k_neighbors: float, dtype: Any = np.float64, n_columns: int = 0) -> int:
    """Return about how many bytes the affinities of a neighbour graph need at their peak, beyond the data.

    That is, per neighbour, its index (4 bytes), its distance (8, or 4 in single precision), its place in the transposed
    graph (4) and the entries of the symmetric matrix (index and value, 1.6 of them), and 80 bytes per point; or, where
    that is more, the neighbours and the copy in single precision that dense data are searched in.

    Parameters
    ----------
    n_samples : int
    k_neighbors : float
        Of a point, on average.
    dtype : dtype
        Of the affinities.
    n_columns : int
        Of dense data whose neighbours are to be found.

    Returns
    -------
    int

    Examples
    --------
    >>> estimate_memory(1_000_000, 90) / 1e9
    3.248
    >>> estimate_memory(1_000_000, 90, n_columns=784) / 1e9
    4.3
    """
    value = np.dtype(dtype).itemsize
    search = k_neighbors * (4 + value) + 4 * (n_columns + 1)
    matrix = k_neighbors * (8 + value + UNION * (4 + value))
    return int(n_samples * (80 + max(search, matrix)))


def check_memory(n_samples: int, k_neighbors: float, dtype: Any, n_columns: int) -> None:
    """Raise `InsufficientMemoryError` if the affinities cannot fit into the memory that is free now."""
    needed = estimate_memory(n_samples, k_neighbors, dtype, n_columns)
    free = available_memory()
    if free is not None and needed > free:
        raise InsufficientMemoryError(
            f"affinities of {n_samples} points with {k_neighbors:g} neighbours each need about {needed / 1e9:.1f} GB, "
            f"got {free / 1e9:.1f} GB of free memory; lower the perplexity or the number of neighbours, use "
            "dtype=float32, or embed a sample and transform the rest"
        )


def estimate_memory_on_gpu(n_samples: int, k_neighbors: int, dtype: Any, n_columns: int, data_dtype: Any) -> int:
    """Return about how many bytes of a GPU neighbours and affinities need at their peak, the data among them.

    That is, per number of the data, itself and a copy in single precision while neighbours are looked for, and of these
    index and distance; or, where that is more, per neighbour, index and distance, weight, two keys of 8 bytes and the
    entries of the symmetric matrix; and 64 bytes per point, and products of 8,192 points with as many.

    Parameters
    ----------
    n_samples, k_neighbors : int
    dtype : dtype
        Of the affinities.
    n_columns : int
    data_dtype : dtype
        Of the data.

    Examples
    --------
    >>> estimate_memory_on_gpu(1_000_000, 90, np.float64, 50, np.float32) / 1e9
    5.140435456
    """
    value, number = np.dtype(dtype).itemsize, np.dtype(data_dtype).itemsize
    lists = k_neighbors * (4 + min(value, number))
    search = 4 * n_columns + lists
    matrix = lists + k_neighbors * (value + 16 + UNION * (4 + value))
    return int(n_samples * (64 + number * n_columns + max(search, matrix)) + 4 * min(n_samples, 8192) ** 2)


def check_memory_on_gpu(n_samples: int, k_neighbors: int, dtype: Any, n_columns: int, data_dtype: Any) -> None:
    """Raise `InsufficientMemoryError` if neighbours and affinities cannot fit into the memory of the GPU."""

    def needed(n: int) -> int:
        return estimate_memory_on_gpu(n, k_neighbors, dtype, n_columns, data_dtype)

    free = card().free_bytes()
    if needed(n_samples) > free:
        fits, beyond = 0, n_samples
        while beyond - fits > 1:
            middle = (fits + beyond) // 2
            fits, beyond = (middle, beyond) if needed(middle) <= free else (fits, middle)
        raise InsufficientMemoryError(
            f"neighbours and affinities of {n_samples} points with {k_neighbors} neighbours each need about "
            f"{needed(n_samples) / 1e9:.1f} GB of a GPU, got {free / 1e9:.1f} GB of free memory, enough for {fits} "
            "points; lower the perplexity or the number of neighbours, give data in float32, or use device='cpu'"
        )


def available_memory() -> int | None:
    """Return how many bytes can be allocated now without swapping, or None where the system does not say.

    Examples
    --------
    >>> available_memory() is None or available_memory() > 0
    True
    """
    free = _available_on_linux()
    if free is None:
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None
    limit = _container_limit()
    return free if limit is None else min(free, limit)


def hand_back() -> None:
    """Give the system what was freed.

    The C library of most Linux systems keeps the blocks of a few megabytes that a neighbour search has freed, about a
    kilobyte per point of 70,000, and would hold them beside the affinities.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _available_on_linux() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _container_limit() -> int | None:
    """Return what a control group still allows; what it holds of files can be dropped and counts as free."""
    group = "/sys/fs/cgroup/memory."
    try:
        with open(group + "max", encoding="ascii") as most, open(group + "current", encoding="ascii") as now:
            free = int(most.read()) - int(now.read())
        with open(group + "stat", encoding="ascii") as lines:
            entries = dict(line.split() for line in lines)
    except (OSError, ValueError):  # no such group, or "max"
        return None
    return max(0, free + int(entries.get("file", 0)))
