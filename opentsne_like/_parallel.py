"""Threads: compiled loops mapped over fixed chunks.

A kernel is compiled to release the GIL and works on a range ``[low, high)``. The boundaries of the chunks depend on the
length of the loop alone, never on the number of threads, and reductions add one partial result per chunk in order. So
the result has the same bits for any number of threads.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from ._validation import check_n_jobs

USUAL = 256  # threads or fewer are taken without a look
MOST_CHUNKS = 32  # enough to balance uneven work over many cores, few enough for the dispatch not to show

_requests: SimpleQueue[_Help] = SimpleQueue()
_workers = 0
_workers_lock = threading.Lock()
_blas_limits: Any = None
_blas_users = 0
_blas_lock = threading.Lock()


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def thread_count(n_jobs: int | None) -> int:
    """Return how many threads `n_jobs` asks for: -1 or None for all cores, -2 for all but one, and so on."""
    if type(n_jobs) is not int or not 0 < abs(n_jobs) <= USUAL:  # a step asks many times for what the door has checked
        n_jobs = check_n_jobs(n_jobs)
    return n_jobs if n_jobs > 0 else max(1, available_cores() + 1 + n_jobs)


def chunk_bounds(n: int, grain: int, most: int = MOST_CHUNKS) -> list[tuple[int, int]]:
    """Return the fixed boundaries of the chunks of ``range(n)``, each at least `grain` long where there are several."""
    count = max(1, min(most, n // max(1, grain)))
    return [(n * i // count, n * (i + 1) // count) for i in range(count)]


def for_chunks(kernel: Callable[..., Any], n: int, args: Sequence[Any], *, n_jobs: int, grain: int = 512) -> None:
    """Call ``kernel(low, high, *args)`` for every chunk of ``range(n)`` on up to `n_jobs` threads."""
    run_tasks([(kernel, (low, high, *args)) for low, high in chunk_bounds(n, grain)], n_jobs=n_jobs)


def sum_chunks(kernel: Callable[..., float], n: int, args: Sequence[Any], *, n_jobs: int, grain: int = 512) -> float:
    """Return the sum of what ``kernel(low, high, *args)`` returns for the chunks of ``range(n)``, added in order."""
    parts = run_tasks([(kernel, (low, high, *args)) for low, high in chunk_bounds(n, grain)], n_jobs=n_jobs)
    return float(sum(parts))


def run_tasks(tasks: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]], *, n_jobs: int) -> list[Any]:
    """Run ``function(*args)`` for every task and return the results in order.

    The calling thread works too, so nested calls cannot wait for each other, and no worker is left running when an
    exception, Ctrl-C included, leaves this function.
    """
    threads = min(thread_count(n_jobs), len(tasks))
    if threads <= 1:
        return [function(*args) for function, args in tasks]
    results: list[Any] = [None] * len(tasks)
    turns = itertools.count()
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set() and (i := next(turns)) < len(tasks):
            function, args = tasks[i]
            try:
                results[i] = function(*args)
            except BaseException:
                stopped.set()
                raise

    helpers = [_Help(work) for _ in range(threads - 1)]
    try:
        _call(helpers)
        work()
    except BaseException:
        stopped.set()
        raise
    finally:
        _settle(helpers)
    for helper in helpers:
        if helper.error is not None:
            raise helper.error
    return results


@contextmanager
def serial_blas() -> Iterator[None]:
    """Keep the linear algebra libraries on one thread meanwhile.

    Their results depend on the number of their threads. With fixed blocks, mapped by this module, they do not. Import
    what brings a library along, such as `scipy.linalg`, before.
    """
    global _blas_users, _blas_limits
    from threadpoolctl import ThreadpoolController

    with _blas_lock:
        if _blas_users == 0:
            _blas_limits = ThreadpoolController().limit(limits=1, user_api="blas")
        _blas_users += 1
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users = max(0, _blas_users - 1)  # a child that was forked in between has forgotten its users
            if _blas_users == 0:
                _blas_limits.restore_original_limits()


class _Help:
    """What a worker is asked to do for one call of `run_tasks`, unless the caller was done before it woke.

    A `Future` does the same and takes 60 microseconds where this takes 10; an iteration asks a dozen times.
    """

    __slots__ = ("_done", "_owner", "_work", "error", "finished")

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._owner: dict[str, str] = {}
        self._done = threading.Lock()
        self._done.acquire()
        self.error: BaseException | None = None
        self.finished = False

    def begin(self) -> None:
        """Do the work, in a worker."""
        if self._owner.setdefault("owner", "worker") != "worker":
            return
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.finished = True
            self._done.release()

    def settle(self) -> None:
        """See to it that the work never begins, or wait until it ends; may be called again when it was interrupted."""
        if self._owner.setdefault("owner", "caller") == "caller":
            return
        while not self.finished:
            self._done.acquire()


def _settle(helpers: list[_Help]) -> None:
    """Wait until no helper runs, even if Ctrl-C is pressed again meanwhile."""
    interrupted: KeyboardInterrupt | None = None
    waiting = list(helpers)
    while waiting:
        try:
            waiting[-1].settle()
            waiting.pop()
        except KeyboardInterrupt as again:
            interrupted = again
    if interrupted is not None:
        raise interrupted


def _call(helpers: list[_Help]) -> None:
    """Hand requests to workers, of which there are as many as were ever wanted at once by one call."""
    global _workers
    if _workers < len(helpers):
        with _workers_lock:
            while _workers < len(helpers):
                name = f"opentsne_like_{_workers}"
                threading.Thread(target=_serve, args=(_requests,), name=name, daemon=True).start()
                _workers += 1
    for helper in helpers:
        _requests.put(helper)


def _serve(requests: SimpleQueue[_Help]) -> None:
    """Work for whoever asks, for as long as the process lives."""
    while True:
        requests.get().begin()


def _forget_pool() -> None:
    """In a forked child: threads do not survive a fork, so new ones are started when they are needed."""
    global _requests, _workers, _workers_lock, _blas_lock, _blas_users
    _requests = SimpleQueue()
    _workers = 0
    _workers_lock = threading.Lock()
    _blas_lock = threading.Lock()
    if _blas_users > 0:
        _blas_users = 0
        _blas_limits.restore_original_limits()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
