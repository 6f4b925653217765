"""What each worker will need in memory, before the work starts."""

from __future__ import annotations

import inspect
from typing import Any

from ..affinity.memory import UNION
from ..errors import InsufficientMemoryError, UnavailableError
from .cluster import reaching


def check_workers(client: Any, held: float, task: float, what: str) -> None:
    """Refuse work for which a worker has too little memory.

    Parameters
    ----------
    client : distributed.Client
    held : float
        Bytes that all workers hold together.
    task : float
        Bytes that a task needs besides, of which a worker does as many at a time as it has threads.
    what : str
        What is held.

    Raises
    ------
    InsufficientMemoryError
    UnavailableError
        There is no worker.
    """
    workers = workers_of(client)
    if not workers:
        raise UnavailableError("`client` must be the client of a cluster with workers, got one without any")
    for limit, threads in workers:
        needed = held / len(workers) + threads * task
        if limit and needed > limit:
            raise InsufficientMemoryError(
                f"{what} need about {needed / 1e9:.2g} GB on each of {len(workers)} workers ({held / 1e9:.2g} GB that "
                f"all share, {task / 1e9:.2g} GB for each thread), got one with {limit / 1e9:.2g} GB and {threads} "
                f"threads; take more workers, ones with more memory or fewer threads, or fewer neighbours"
            )


def workers_of(client: Any) -> list[tuple[int, int]]:
    """Return the limit of memory, 0 where there is none, and the number of threads of each worker."""
    every = {"n_workers": -1} if "n_workers" in inspect.signature(client.scheduler_info).parameters else {}
    with reaching(client):
        workers = client.scheduler_info(**every)["workers"].values()
    return [(int(worker["memory_limit"] or 0), int(worker["nthreads"])) for worker in workers]


def bytes_of_edges(n: int, k: int, itemsize: int) -> float:
    """Return the bytes that hold P of k neighbours while it is made: edges, those on their way, and rows joined.

    Examples
    --------
    >>> from opentsne_like.dask.memory import bytes_of_edges
    >>> bytes_of_edges(1_000_000, 90, 8) / 1e9
    4.248
    """
    edge = 4 + itemsize
    return n * k * (edge + 8 + itemsize + UNION * edge)


def bytes_of_search(rows: int, d: int, itemsize: int, n_cells: int) -> float:
    """Return the bytes of a task that searches among some rows: as they came, together, and in single precision.

    Examples
    --------
    >>> from opentsne_like.dask.memory import bytes_of_search
    >>> bytes_of_search(100_000, 50, 4, 1000) / 1e6
    66.4
    """
    return rows * (d * (2 * itemsize + 4) + 24) + 4 * n_cells**2


def bytes_of_joining(rows: int, n: int, k: int, itemsize: int) -> float:
    """Return the bytes of a task that joins some of n rows: edges as they came, together, sorted, and joined.

    Examples
    --------
    >>> from opentsne_like.dask.memory import bytes_of_joining
    >>> bytes_of_joining(80_000, 300_000, 90, 8) / 1e9
    0.5772
    """
    return rows * k * 5 * (8 + itemsize) + 4 * n
