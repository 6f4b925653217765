"""The comparison of many calls with one."""

from __future__ import annotations

import json

from benchmarks import calls


def test_every_loss_has_a_row_and_the_same_bits(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(calls, "STEPS", 10)
    assert calls.main(["--data", "digits:200", "--repeat", "1", "--out", str(tmp_path / "calls.json")]) == 0
    rows = json.loads((tmp_path / "calls.json").read_text())["rows"]
    assert [row["loss"] for row in rows] == list(calls.losses())
    assert all(row["same_bits"] and row["ms"] > 0 and row["n"] == 200 for row in rows)
    assert capsys.readouterr().out.count("\n") == 2 + len(rows)
