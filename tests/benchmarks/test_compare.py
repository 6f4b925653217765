"""The comparison's machinery: parsing, medians, table, and one short comparison of this package with itself."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import compare, participants, process, report


def test_a_participant_reads_its_options():
    person = participants.parse("openTSNE:negative_gradient_method=bh,theta=0.3")
    assert person.name == "openTSNE"
    assert person.options == {"negative_gradient_method": "bh", "theta": 0.3}


@pytest.mark.parametrize("text", ["nobody", "openTSNE:theta"])
def test_an_unclear_participant_is_refused(text):
    with pytest.raises(ValueError, match="must"):
        participants.parse(text)


def test_a_peer_is_run_by_the_interpreter_that_has_it():
    people = [participants.parse("opentsne_like"), participants.parse("scikit-learn")]
    found = compare.interpreters([], people)
    assert found == {"opentsne_like": sys.executable, "scikit-learn": sys.executable}


def test_a_peer_that_is_missing_where_it_should_be_is_named():
    with pytest.raises(SystemExit, match="openTSNE is not installed for nowhere"):
        compare.interpreters(["openTSNE=nowhere"], [participants.parse("openTSNE")])


def test_an_environment_of_its_own_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "has_module", lambda python, module: Path(python).exists())
    commands = []

    def install(command, check):
        commands.append(command)
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / "python").touch()

    monkeypatch.setattr(process.subprocess, "run", install)
    first = process.own_environment(tmp_path, ("a==1", "b"), "a")
    assert commands[-1][1:] == ["-m", "pip", "install", "--quiet", "a==1", "b"]
    assert process.own_environment(tmp_path, ("a==1", "b"), "a") == first
    assert len(commands) == 2


def run(neighbours, main, peak):
    return {"seconds": {"import": 9.0, "neighbours": neighbours, "main": main}, "peak_bytes": peak}


def test_medians_and_table():
    ours = [report.flatten(run(1.0, main, 2e8), {"kl": 0.5}) for main in (1.0, 4.0, 2.0)]
    peer = [report.flatten(run(2.0, 10.0, 5e8), {"kl": 0.6, "recall": 0.25})]
    summary = {"ours": report.medians(ours), "peer": report.medians(peer)}
    expected = {"import": 9, "neighbours": 1, "main": 2, "total": 3, "all": 12, "peak": 200, "kl": 0.5}
    assert summary["ours"] == expected
    lines = report.table(summary, "ours").splitlines()
    cells = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:4]] for row in lines[2:]}
    assert cells["whole fit (s)"] == ["3.00", "12.00 (4.00×)"]
    assert cells["peak memory (MB)"] == ["200", "500 (2.50×)"]
    assert cells["final KL"] == ["0.5000", "0.6000"]
    assert cells["neighbour recall at 10"] == ["–", "0.2500"]
    assert len({len(line) for line in lines}) == 1


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    pytest.importorskip("opentsne_like.tsne")
    out = tmp_path_factory.mktemp("compare") / "compare.json"
    short = ["--early-iter", "5", "--n-iter", "5", "--repeat", "1", "--no-warm-up", "--out", str(out)]
    code = compare.main(["--data", "digits", "--n", "300", "--peers", "opentsne_like:learning_rate=50", *short])
    assert code == 0
    return json.loads(out.read_text())


def test_a_comparison_times_every_stage(measured):
    numbers = measured["medians"]["opentsne_like"]
    assert {"import", "neighbours", "affinities", "init", "early", "main", "total", "peak"} <= set(numbers)
    assert all(np.isfinite(value) for value in numbers.values())
    assert numbers["total"] == pytest.approx(sum(numbers[stage] for stage in report.STAGES if stage in numbers))


def test_a_comparison_judges_every_map(measured):
    ours, other = measured["medians"]["opentsne_like"], measured["medians"]["opentsne_like:learning_rate=50"]
    assert 0 < ours["kl"] < 10
    assert 0 <= ours["recall"] <= 1
    assert ours["kl"] != other["kl"]
    assert sum(person["matched"] == pytest.approx(person["kl"], rel=1e-12) for person in (ours, other)) == 1


def test_a_comparison_says_where_it_ran(measured):
    assert measured["task"]["n"] == 300
    assert measured["machine"]["cpu"]
    assert measured["versions"]["opentsne_like"]["python"]
