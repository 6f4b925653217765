"""The table of the stages before the first iteration, on data so small that it takes moments."""

import json
import sys

import numpy as np
import pytest

from benchmarks import judge, neighbors


@pytest.mark.parametrize("offset", [0, 1e4])
def test_true_neighbors_are_those_of_the_judge(offset):
    X = offset + np.random.default_rng(0).normal(size=(300, 5))
    rows = np.arange(0, 300, 3)
    assert judge.recall(judge.exact_neighbors(X, 20)[0][rows], neighbors.true_neighbors(X, rows, 20)) == 1


def test_this_package_comes_first():
    for stage in neighbors.STAGES:
        assert neighbors.runners(stage, "fashion-mnist")[0].package == "opentsne_like"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process where Linux tells it")
def test_recall_and_memory(tmp_path, capsys):
    out = tmp_path / "found.json"
    short = ["--data", "digits", "--n", "400", "--stages", "exact", "memory", "--repeat", "1", "--out", str(out)]
    assert neighbors.main([*short, "--python", "openTSNE=none", "--python", "scikit-learn=none"]) == 0
    exact, *memory = json.loads(out.read_text())["rows"]
    assert exact["who"] == "opentsne_like"
    assert exact["n"] == 400
    assert exact["recall"] > 0.99
    assert [row["who"] for row in memory] == ["opentsne_like", "opentsne_like, float32"]
    assert all(row["peak"] > 0 and row["seconds"] > 0 for row in memory)
    assert "| exact | digits | 400 | opentsne_like |" in capsys.readouterr().out
