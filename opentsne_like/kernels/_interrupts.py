"""Ctrl-C and the compiler."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until the block is left.

    Numba and LLVM are entered through locks that are taken and released in Python code, where an exception from outside
    can fall in between. A lock that is left behind in this way belongs to the main thread for ever: a worker that has
    to compile waits for it, and the main thread waits for the worker before it lets the exception out.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield  # Python calls handlers in the main thread alone, and nothing is raised where there is none
        return
    came: list[tuple[object, ...]] = []
    signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            usual(*came[0])  # type: ignore[arg-type]
