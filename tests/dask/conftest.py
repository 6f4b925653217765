"""A cluster of processes on this machine, and what `distributed` says by itself."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager

import pytest

distributed = pytest.importorskip("distributed")


@contextmanager
def local(workers, **options):
    """A client of so many processes of one thread each."""
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, **options}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Port .* is already in use", UserWarning)
        warnings.filterwarnings("ignore", "unclosed", ResourceWarning)  # sockets of workers that are killed
        with (
            distributed.LocalCluster(n_workers=workers, silence_logs=logging.CRITICAL, **options) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture(scope="package")
def client():
    """Two processes that tests share who kill none."""
    with local(2) as client:
        yield client
