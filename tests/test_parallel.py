"""Threads: order, chunks, bits, and everything that can interrupt them."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

from opentsne_like import _parallel as par
from opentsne_like.errors import InvalidParameterError

THREADS = [1, 2, 3, 7]


def test_thread_count():
    cores = par.available_cores()
    assert cores >= 1
    assert par.thread_count(None) == par.thread_count(-1) == cores
    assert par.thread_count(-2) == max(1, cores - 1)
    assert par.thread_count(-1000) == 1
    assert par.thread_count(5) == 5
    with pytest.raises(InvalidParameterError, match="`n_jobs`"):
        par.thread_count(0)


@pytest.mark.parametrize("n", [0, 1, 5, 511, 512, 1023, 1024, 16_384, 16_385, 1_000_003])
def test_chunks_cover_the_range_once(n):
    bounds = par.chunk_bounds(n, 512)
    assert [i for low, high in bounds for i in range(low, high)] == list(range(n))
    assert len(bounds) <= par.MOST_CHUNKS
    assert len(bounds) == 1 or min(high - low for low, high in bounds) >= 512


@pytest.mark.parametrize("n_jobs", THREADS)
def test_for_chunks_fills_the_output(n_jobs):
    out = np.zeros(10_000, dtype=np.int64)

    def fill(low, high, out):
        out[low:high] += np.arange(low, high)

    par.for_chunks(fill, len(out), (out,), n_jobs=n_jobs)
    np.testing.assert_array_equal(out, np.arange(10_000))


def test_sums_have_the_same_bits_for_any_number_of_threads(rng):
    values = rng.normal(size=20_001) * 10.0 ** rng.integers(-8, 8, size=20_001)

    def add(low, high, values):
        return float(values[low:high].sum())

    sums = {par.sum_chunks(add, len(values), (values,), n_jobs=n_jobs) for n_jobs in THREADS for _ in range(5)}
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(math.fsum(values), rel=1e-12)


@pytest.mark.parametrize("n_jobs", THREADS)
def test_results_come_in_order(n_jobs):
    def late(i):
        time.sleep(0.002 * (10 - i))
        return i

    assert par.run_tasks([(late, (i,)) for i in range(10)], n_jobs=n_jobs) == list(range(10))
    assert par.run_tasks([], n_jobs=n_jobs) == []


def test_work_runs_on_several_threads():
    together = threading.Barrier(3, timeout=30)
    names = set()

    def meet():
        names.add(threading.current_thread().name)
        together.wait()

    par.run_tasks([(meet, ())] * 3, n_jobs=3)
    assert len(names) == 3
    assert threading.current_thread().name in names


def test_no_more_threads_than_asked_for():
    lock, inside, most = threading.Lock(), 0, 0

    def enter():
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.005)
        with lock:
            inside -= 1

    par.run_tasks([(enter, ())] * 20, n_jobs=2)
    assert most <= 2


def test_nested_calls_do_not_wait_for_each_other():
    def outer(i):
        return sum(par.run_tasks([(inner, (i, j)) for j in range(40)], n_jobs=8))

    def inner(i, j):
        return sum(par.run_tasks([(lambda k: i + j + k, (k,)) for k in range(3)], n_jobs=4))

    result = par.run_tasks([(outer, (i,)) for i in range(80)], n_jobs=40)
    assert result == [sum(i + j + k for j in range(40) for k in range(3)) for i in range(80)]


def test_calls_from_several_threads_do_not_disturb_each_other():
    results = {}

    def call(name):
        results[name] = par.run_tasks([(lambda i: (name, i), (i,)) for i in range(200)], n_jobs=4)

    callers = [threading.Thread(target=call, args=(name,)) for name in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert results == {name: [(name, i) for i in range(200)] for name in range(6)}


@pytest.mark.parametrize("n_jobs", THREADS)
def test_an_exception_passes_unchanged_and_leaves_nothing_running(n_jobs):
    running, lock, started = 0, threading.Lock(), 0

    def work(i):
        nonlocal running, started
        with lock:
            running += 1
            started += 1
        try:
            time.sleep(0.002)
            if i == 5:
                raise KeyError("five")
        finally:
            with lock:
                running -= 1

    with pytest.raises(KeyError, match="five"):
        par.run_tasks([(work, (i,)) for i in range(1000)], n_jobs=n_jobs)
    assert running == 0
    assert started < 1000
    assert par.run_tasks([(abs, (-i,)) for i in range(9)], n_jobs=n_jobs) == list(range(9))


CTRL_C = """
import os, signal, threading, time
from opentsne_like import _parallel as par

running, finished, lock = 0, 0, threading.Lock()

def work(i):
    global running, finished
    with lock:
        running += 1
    if i == 3:
        threading.Thread(target=press).start()
    time.sleep(0.3)  # a kernel: no exception can enter it
    with lock:
        running -= 1
        finished += 1

def press():
    for _ in range({presses}):
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

def step(i):
    try:
        work(i)
    except KeyboardInterrupt:
        global running
        running -= 1  # the interrupt entered the sleep of the calling thread
        raise

try:
    par.run_tasks([(step, (i,)) for i in range(400)], n_jobs=4)
except KeyboardInterrupt:
    assert running == 0, running
    assert finished < 20, finished
    try:
        time.sleep(0.5)  # the other presses arrive
    except KeyboardInterrupt:
        pass
    assert par.run_tasks([(abs, (-i,)) for i in range(9)], n_jobs=4) == list(range(9))
    print("left in order")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals to oneself differ on Windows")
@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_leaves_no_worker_behind(presses):
    command = [sys.executable, "-W", "error", "-c", CTRL_C.replace("{presses}", str(presses))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.strip() == "left in order", run.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_pool():
    numbers = [(abs, (-i,)) for i in range(50)]
    par.run_tasks(numbers, n_jobs=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(30)
            status = 0 if par.run_tasks(numbers, n_jobs=4) == list(range(50)) else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert par.run_tasks(numbers, n_jobs=4) == list(range(50))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_limits_its_linear_algebra_anew():
    import scipy.linalg  # noqa: F401 (brings a library along)
    from threadpoolctl import threadpool_info

    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    with par.serial_blas(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(30)
                free = threads() == before
                with par.serial_blas():
                    limited = set(threads()) == {1}
                status = 0 if free and limited and threads() == before else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert threads() == before


def test_compiled_kernels_run_in_chunks(rng):
    numba = pytest.importorskip("numba")

    @numba.njit(nogil=True)
    def add_squares(low, high, values):
        total = 0.0
        for i in range(low, high):
            total += values[i] * values[i]
        return total

    values = rng.normal(size=50_000)
    sums = {par.sum_chunks(add_squares, len(values), (values,), n_jobs=n_jobs) for n_jobs in THREADS}
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(math.fsum(values**2), rel=1e-12)
