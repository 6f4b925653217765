"""The measurements of a GPU, tried on the CPU with few rows."""

import json
import subprocess
from types import SimpleNamespace

from benchmarks import gpu


def test_every_measure_has_a_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "STEPS", 5)
    monkeypatch.setattr(subprocess, "run", lambda command, **options: SimpleNamespace(stdout="warned\n1.5\n"))
    compile(gpu.CHILD, "child", "exec")
    out = tmp_path / "gpu.json"
    few = ["--data", "digits", "--rows", "700", "--large-data", "digits", "--large", "900", "--huge", "1200"]
    few += ["--entries", "8", "--repeat", "1"]
    assert gpu.main(["--device", "cpu", *few, "--out", str(out)]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [line["reach"] for line in rows if line["reach"]] == [
        "0.3 s", "6 s", "1.5 s", "CPU's, to 0.005", "5e-3", "0.15 ms", "0.03 s", "0.75 ms", "3.5 ms", "12 s"
    ]  # fmt: skip
    found = {line["measure"]: line["value"] for line in rows}
    assert found["KL from one P and start, 700 rows"] == found["the same on the CPU"]
    assert found["relative error of forces"] < 5e-3
    assert all(line["value"] > 0 for line in rows if line["unit"] == "s")
    assert capsys.readouterr().out.startswith("| measure | found | to reach |")
