"""What is asked of a cluster: tasks whose results are waited for, and one error where it is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from ..errors import ClusterLostError

PATIENCE = 60.0  # seconds without any worker, in which a cluster may start others
LOOK = 2.0  # seconds between looks at the workers while results are waited for


@contextmanager
def reaching(client: Any) -> Iterator[None]:
    """Say in one line where a cluster is gone, whatever `distributed` calls that.

    Parameters
    ----------
    client : distributed.Client

    Raises
    ------
    ClusterLostError

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from opentsne_like.dask.cluster import reaching
    >>> with reaching(SimpleNamespace(status="closed")):
    ...     raise OSError("Connection refused")
    Traceback (most recent call last):
    opentsne_like.errors.ClusterLostError: the cluster went away (its scheduler does not answer: Connection refused)...
    """
    try:
        yield
    except ClusterLostError:
        raise
    except Exception as error:
        if type(error).__name__ == "KilledWorker":
            raise _lost("workers died one after the other at one task, as they do for want of memory") from error
        if not isinstance(error, (CancelledError, TimeoutError, OSError)) and client.status == "running":
            raise
        said = " ".join(str(error).split())[:150]
        raise _lost(f"its scheduler does not answer: {said or type(error).__name__}") from error


def mapped(client: Any, function: Callable[..., Any], *lists: Sequence[Any], **shared: Any) -> list[Any]:
    """Return futures of a function of the entries of lists, one task each.

    A task is a pure function of what it is given, so one whose worker dies is done again by another.

    Parameters
    ----------
    client : distributed.Client
    function : callable
    *lists : sequence
        Arguments; futures stand for their results.
    **shared
        Arguments that all tasks have in common, and that are small.
    """
    import dask

    with reaching(client), dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        return list(client.map(function, *lists, **shared, key=function.__name__, pure=False))


def sent(client: Any, value: Any) -> Any:
    """Return a future of a value of this process, which workers have from each other.

    It is the result of a task and not scattered, because the scheduler makes it again where the worker that held it
    dies.

    Parameters
    ----------
    client : distributed.Client
    value : object
    """
    return mapped(client, given, [value])[0]


def given(value: Any) -> Any:
    """Return what is given, in a task.

    Examples
    --------
    >>> from opentsne_like.dask.cluster import given
    >>> given(3)
    3
    """
    return value


def gathered(client: Any, futures: Sequence[Any]) -> list[Any]:
    """Return the results of tasks, in order.

    Parameters
    ----------
    client : distributed.Client
    futures : sequence of distributed.Future

    Raises
    ------
    ClusterLostError
        If the scheduler is gone, or there has been no worker for a minute.
    """
    from distributed import wait

    with reaching(client):
        alone: float | None = None  # since when there has been no worker
        while True:
            try:
                wait(futures, timeout=LOOK)  # type: ignore[no-untyped-call]
                break
            except TimeoutError:
                now = time.monotonic()
                alone = None if client.nthreads() else alone or now
                if alone is not None and now - alone > PATIENCE:
                    raise _lost(f"it has had no worker for {PATIENCE:.0f} seconds") from None
        return list(client.gather(futures, direct=True))


def _lost(why: str) -> ClusterLostError:
    return ClusterLostError(f"the cluster went away ({why}); the map is that of its last iteration")
