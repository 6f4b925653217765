"""What the pages for users of other packages say one writes here, runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import opentsne_like

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("umap", "torchdr", "contrastive-ne", "neuralee", "pymde")
pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="only the package is here, not the project")


@pytest.mark.parametrize("page", PAGES)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(105, 4))
    names = {"X": rows[:100], "X_new": rows[100:]}
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    for block in blocks:
        if "ParametricEmbedding(" in block:
            pytest.importorskip("torch")
        exec(compile(block, page, "exec"), names)


def test_names_of_this_package_exist():
    rooms = {"affinity", "callbacks", "metrics", "objectives", "optimizer"}
    for page in PAGES:
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        for room, name in re.findall(r"\b(\w+)\.([A-Za-z]\w+)", text):
            if room in rooms:
                assert hasattr(getattr(opentsne_like, room), name), f"{room}.{name} in {page}.md"
