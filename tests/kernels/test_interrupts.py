"""Ctrl-C while kernels are compiled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from opentsne_like.kernels._interrupts import deferred_interrupts

PATIENCE = 120.0  # seconds

AT_THE_LOCK = """
import faulthandler, os, signal, threading, time
import numpy as np
from numba.core import compiler_lock
from opentsne_like import _parallel
from opentsne_like.kernels._jit import kernel

faulthandler.dump_traceback_later({patience} / 2, exit=True)
signal.signal(signal.SIGINT, signal.default_int_handler)  # what the shell starts in the background ignores it
acquire = compiler_lock._CompilerLock.acquire
pressed = threading.Event()

def acquire_and_press(self):
    if threading.current_thread() is not threading.main_thread():
        pressed.wait()  # so the worker compiles afterwards
    acquire(self)
    if threading.current_thread() is threading.main_thread() and not pressed.is_set():
        time.sleep(0.2)  # the worker comes to the lock
        pressed.set()
        os.kill(os.getpid(), signal.SIGINT)

@kernel
def increase(low, high, values):
    for i in range(low, high):
        values[i] += 1.0

compiler_lock._CompilerLock.acquire = acquire_and_press
values = np.zeros(4096)
try:
    _parallel.for_chunks(increase, len(values), (values,), n_jobs=2)
except KeyboardInterrupt:
    values[:] = 0.0
    _parallel.for_chunks(increase, len(values), (values,), n_jobs=2)
    assert (values == 1.0).all()
    print("goes on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals to oneself differ on Windows")
def test_ctrl_c_leaves_no_lock_of_the_compiler_behind():
    command = [sys.executable, "-c", AT_THE_LOCK.replace("{patience}", str(PATIENCE))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert run.stdout == "goes on\n", run.stderr


@pytest.fixture
def usual():
    """Return a list of the signals that came, which the handler outside of the block appends to."""
    kept, came = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    yield came
    signal.signal(signal.SIGINT, kept)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to oneself differ on Windows")
@pytest.mark.uncompiled
def test_ctrl_c_waits_for_the_end_of_the_outermost_block(usual):
    with deferred_interrupts():
        with deferred_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert usual == []
        assert usual == []
    assert usual == [signal.SIGINT]
    os.kill(os.getpid(), signal.SIGINT)
    assert usual == [signal.SIGINT] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals to oneself differ on Windows")
@pytest.mark.uncompiled
def test_ctrl_c_comes_after_an_error_too(usual):
    def fail():
        os.kill(os.getpid(), signal.SIGINT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), deferred_interrupts():
        fail()
    assert usual == [signal.SIGINT]


@pytest.mark.uncompiled
def test_workers_and_processes_that_ignore_ctrl_c_are_left_alone(usual):
    handlers = []

    def look():
        with deferred_interrupts():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    worker = threading.Thread(target=look)
    worker.start()
    worker.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    look()
    assert handlers == [before, signal.SIG_IGN]
