"""Processes that may be killed, forked from one that has made a map already: imports and kernels are there at once."""

from __future__ import annotations

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.warm"])
Process, Pipe = CONTEXT.Process, CONTEXT.Pipe
