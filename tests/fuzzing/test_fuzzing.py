"""Files that were altered with care are refused, or work, or say what is wrong."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from . import batches
from .mutations import mutated


@pytest.mark.slow
def test_mutants_do_no_harm(tmp_path):
    counts, faults = batches.run(tmp_path, 200)
    assert sum(counts.values()) == 200
    assert counts["used"] > 30, "most mutants are refused at once: mutate less"
    assert counts["refused"] > 30
    assert faults == []


def test_a_mutant_depends_on_its_seed_alone():
    arrays = {"a": np.arange(6.0).reshape(3, 2), "b": np.arange(3), "c": np.array(7), "d": np.zeros((0, 2))}
    header = {"n": 3, "list": [1, None], "nested": {"x": 0.5, "name": "auto"}}
    seen = set()
    for seed in range(400):
        one, other = (mutated(arrays, header, np.random.default_rng(seed)) for _ in range(2))
        shown = [repr(({k: (a.dtype, a.shape, a.tobytes()) for k, a in m[0].items()}, m[1])) for m in (one, other)]
        assert shown[0] == shown[1]
        seen.add(shown[0])
    assert len(seen) > 250, "some change nothing, such as the order of one number"
    assert arrays["a"].tolist() == np.arange(6.0).reshape(3, 2).tolist()
    assert header == {"n": 3, "list": [1, None], "nested": {"x": 0.5, "name": "auto"}}


CHILD = """
import json, os, signal, sys, time
count, first = map(int, sys.argv[1:])
for seed in range(first, first + count):
    print(json.dumps({"seed": seed, "specimen": "plain"}), flush=True)
    if seed == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 5:
        time.sleep(60)
    print(json.dumps({"seed": seed, "specimen": "plain", "outcome": "used"}), flush=True)
"""


def test_processes_that_die_or_hang_are_faults_and_the_rest_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "_command", lambda folder, *numbers: [sys.executable, "-c", CHILD, *map(str, numbers)])
    monkeypatch.setattr(batches, "PATIENCE", 3.0)
    results = batches._batch(tmp_path, 0, 8)
    assert [result["outcome"] for result in results] == ["used"] * 3 + ["fault", "used", "fault", "used", "used"]
    assert "status -9" in results[3]["error"]
    assert "no word" in results[5]["error"]
    assert json.dumps(results)
