"""The comparison with PyMDE, on few rows and without it."""

import numpy as np

from benchmarks import mde as measured
from opentsne_like import mde


def test_one_row_for_every_way(monkeypatch, capsys):
    asked = []

    def nobody(python, problem, max_iter):
        asked.append(python)
        return np.array(problem._X_init), 1.0, max_iter

    monkeypatch.setattr(measured, "theirs", nobody)
    X = np.random.default_rng(0).normal(size=(60, 4))
    measured.neighbors("python", X, np.arange(60) % 3, mde.Centered(), 5)
    measured.distances("python", X, mde.Standardized(), 500, 5)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows] == ["PyMDE, sampled", "sampled", "all pairs", "PyMDE", "this package"]
    assert asked == ["python", "python"]
    assert float(rows[1][4]) < float(rows[0][4])
    assert all(0 < float(row[6]) <= 1 for row in rows[:3])
