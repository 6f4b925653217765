"""A few trials of each kind; ``python -m tests.trials`` makes as many as one likes."""

from __future__ import annotations

import random
import sys

import pytest

from . import trials


@pytest.mark.slow
@pytest.mark.parametrize("kind", trials.KINDS)
def test_nothing_is_lost(kind, tmp_path):
    if kind == "full disks" and sys.platform == "win32":
        pytest.skip("limits of file sizes are not known there")
    assert list(trials.KINDS[kind](tmp_path, 2, random.Random(0))) == []
