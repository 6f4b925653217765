"""The comparison of schedules, on few rows."""

import json

from benchmarks import schedules


def test_one_row_for_every_schedule(tmp_path, capsys):
    out = tmp_path / "schedules.json"
    assert schedules.main(["--data", "digits:300", "--seeds", "0", "1", "--threads", "1", "--out", str(out)]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [(row["schedule"], row["seed"], row["iterations"]) for row in rows] == [
        ("standard", 0, 750),
        ("accelerated", 0, 225),
        ("standard", 1, 750),
        ("accelerated", 1, 225),
    ]
    assert all(0 < row["kl"] < 2 and 0 < row["recall"] <= 1 for row in rows)
    assert len({row["matched"] == row["kl"] for row in rows}) == 2, "the widest map stays as it is, others are enlarged"
    printed = capsys.readouterr().out.splitlines()
    assert printed[2].startswith("| digits | 300 | standard | 750 | ")
    assert len(printed) == 4
