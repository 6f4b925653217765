"""The placing of new points, on data so small that it takes moments."""

import json

import numpy as np
import pytest

from benchmarks import transform


def test_label_accuracy_is_that_of_a_classifier():
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    labels = rng.integers(3, 7, 240)
    Y = rng.normal(size=(240, 2)) + labels[:, None]
    expected = KNeighborsClassifier(transform.VOTERS).fit(Y[:200], labels[:200]).score(Y[200:], labels[200:])
    assert transform.label_accuracy(labels, Y[:200], Y[200:]) == pytest.approx(expected, abs=1e-12)


def test_every_new_point_finds_the_only_old_one():
    labels = np.array([5, 5, 8])
    assert transform.label_accuracy(labels, np.zeros((1, 2)), np.ones((2, 2))) == 0.5


@pytest.mark.parametrize("rows", [["--old", "1700", "--new", "98"], ["--old", "300", "--new", "0"]])
def test_impossible_numbers_of_rows_are_refused(rows):
    with pytest.raises(SystemExit, match="at most"):
        transform.main(["--data", "digits", *rows, "--peers"])


def test_a_peer_with_another_interface_is_refused():
    with pytest.raises(SystemExit, match="interface, got 'scikit-learn'"):
        transform.main(["--peers", "scikit-learn"])


def test_placing(tmp_path, capsys):
    out = tmp_path / "transform.json"
    short = ["--early-iter", "20", "--n-iter", "20", "--repeat", "2", "--out", str(out)]
    assert transform.main(["--data", "digits", "--old", "300", "--new", "50", "--peers", *short]) == 0
    written = json.loads(out.read_text())
    run = written["runs"]["opentsne_like"]
    assert run["medians"]["kept"] is True
    assert run["medians"]["placed"] > 0.5
    assert {what: len(times["wall"]) for what, times in run["notes"]["calls"].items()} == {
        "cold": 1,
        "transform": 2,
        "one": 10,
    }
    assert run["versions"]["opentsne_like"]
    assert written["machine"]["cpu"]
    assert "| old map kept its bits" in capsys.readouterr().out
