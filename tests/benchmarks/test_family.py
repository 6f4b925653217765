"""The benchmarks of the family: what both sides get, and how they are judged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import sparse

from benchmarks import family, methods, participants, process
from opentsne_like import NegTSNE


@pytest.fixture
def rows(monkeypatch, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    np.save(tmp_path / "rows.npy", X)
    np.save(tmp_path / "labels.npy", np.arange(60) % 3)
    monkeypatch.setattr(family.data, "stored", lambda name: (tmp_path / "rows.npy", tmp_path / "labels.npy"))
    return X


@pytest.mark.parametrize("label", family.CASES)
def test_both_sides_get_the_same_graph_and_start(label, rows, tmp_path):
    case = family.CASES[label]
    inputs = family.Inputs(case, "digits", 60, 0, tmp_path)
    graph, start = sparse.load_npz(inputs.paths["graph"]), np.load(inputs.paths["start"])
    np.testing.assert_allclose(inputs.affinities.P.toarray(), graph.toarray() / graph.sum(), atol=1e-12)
    np.testing.assert_allclose(start[:, 0].std(), case.width)
    if case.peer == "umap-learn":
        assert graph.max() == 1.0  # umap-learn's memberships, not probabilities


def test_the_loss_is_that_of_all_pairs(rows, tmp_path):
    inputs = family.Inputs(family.CASES["Neg-t-SNE, s = 1"], "digits", 60, 0, tmp_path)
    Y = np.random.default_rng(1).normal(size=(60, 2))
    u = 1 + ((Y[:, None] - Y) ** 2).sum(axis=2)
    P, others = inputs.affinities.P.toarray(), ~np.eye(60, dtype=bool)
    expected = (P * np.log1p(u)).sum() + 5 / (60 * 59) * np.log1p(1 / u)[others].sum()
    figures = family.judged(Y, NegTSNE(s=1)._loss(60), inputs)
    assert figures["loss"] == pytest.approx(expected, rel=1e-6)
    assert 0 < figures["recall"] < 1


def test_every_adapter_is_there():
    for name in ("run_family.py", *(peer.script for peer in family.PEERS.values())):
        assert (process.HERE / "workers" / name).exists()
    assert {case.peer for case in family.CASES.values()} == set(family.PEERS)
    assert participants.OURS not in family.PEERS


def test_a_comparison_is_printed_and_written(monkeypatch, tmp_path, capsys, rows):
    def execute(script, python, owner, config, folder):
        spent = {"fit": 1.0 if owner == "opentsne_like" else 6.0}
        return {"seconds": spent, "processor_seconds": spent, "map": np.load(config["start"])}

    monkeypatch.setattr(family, "execute", execute)
    out = tmp_path / "family.json"
    line = ["--case", "UMAP", "--n", "60", "--python", "umap-learn=python", "--out", str(out)]
    assert family.main(line) == 0
    printed = capsys.readouterr().out
    assert "| UMAP | 60 | opentsne_like | 1.0 | 1.0 |" in printed
    assert "| UMAP | 60 | umap-learn | 6.0 | 6.0 |" in printed
    assert set(json.loads(out.read_text())["results"]["UMAP"]) == {"opentsne_like", "umap-learn"}


def test_the_table_of_all_methods():
    X, y = methods.rows_of("mixture", 300)
    assert X.shape == (300, 50)
    assert len(np.unique(y)) > 20
    figures = dict.fromkeys(methods.FIGURES, 0.5)
    table = methods.table("mixture", 300, {"`UMAP`": figures})
    assert "| `UMAP` | 0.5 | 0.500 | 0.500 | 0.500 | 0.500 |" in table
    judged = methods.judged(X, y, X[:, :2], 1.0)
    assert set(judged) == set(methods.FIGURES)
    assert all(np.isfinite(value) for value in judged.values())
