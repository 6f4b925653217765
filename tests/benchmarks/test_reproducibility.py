"""Whether maps have the same bits: the verdict, and one run of it."""

import json

import numpy as np

from benchmarks import reproducibility


def test_equal_maps_are_equal_and_others_are_not():
    Y = np.random.default_rng(0).normal(size=(50, 2))
    moved = Y.copy()
    moved[3] += 1e-9
    assert reproducibility.verdict({1: [Y, Y.copy()], 2: [Y, Y]}) == {
        "repeated": True,
        "threads": True,
        "difference": 0,
    }
    other = reproducibility.verdict({1: [Y, Y], 2: [moved, moved]})
    assert (other["repeated"], other["threads"]) == (True, False)
    assert 0 < other["difference"] < 1e-8
    assert not reproducibility.verdict({1: [Y, moved]})["repeated"]


def test_this_package_gives_the_same_bits(tmp_path, capsys):
    out = tmp_path / "found.json"
    short = ["--data", "digits", "--n", "300", "--early-iter", "5", "--n-iter", "5", "--repeat", "1"]
    assert reproducibility.main([*short, "--peers", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["verdicts"]["opentsne_like"]["threads"]
    assert "| opentsne_like | the same bits | the same bits | 0 |" in capsys.readouterr().out
