"""One map of many rows, with new ones on it: here of few."""

import json

import numpy as np
import pytest

from benchmarks import data, large


@pytest.mark.skipif(not hasattr(large, "private") or not large.Path("/proc/self/status").exists(), reason="Linux alone")
def test_a_map_and_new_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "RESULTS", tmp_path)
    monkeypatch.setitem(data.MAKERS, "small", lambda: data.hierarchical_mixture(900))
    monkeypatch.setattr(large, "JUDGED", 50)
    out, picture = tmp_path / "large.json", tmp_path / "map.png"
    options = ["--data", "small:600", "--start", "pca", "--schedule", "standard", "--new", "200"]
    assert large.main([*options, "--picture", str(picture), "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert (found["rows"], found["placed"]["rows"]) == (600, 200)
    assert found["peak"] > 0.01
    assert found["recall"] > 0.2
    assert found["accuracy"] > 0.2  # of 200 classes
    assert picture.stat().st_size > 10_000
    stages = [line["what"] for line in found["lines"]]
    assert "200 placed" in stages
    assert any(line.startswith("Finding 15") for line in stages)
    assert np.all(np.diff([line["seconds"] for line in found["lines"]]) >= 0)
    assert "iteration 740" in capsys.readouterr().out
