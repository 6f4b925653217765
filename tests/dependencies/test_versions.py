"""Versions for bug reports, and that the package says one and the same of itself everywhere."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import opentsne_like
from opentsne_like.dependencies import versions

ROOT = Path(opentsne_like.__file__).parents[1]


def test_what_is_installed_is_named_with_its_version(capsys):
    opentsne_like.show_versions()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["numpy"] == np.__version__
    assert lines["opentsne-like"] == opentsne_like.__version__
    assert {"scipy", "numba", "scikit-learn", "faiss-cpu", "pynndescent", "matplotlib", "pytest"} <= set(lines)


def test_what_is_not_installed_is_left_out(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setattr(metadata, "requires", absent)
    assert list(versions()) == ["opentsne-like", "Python", "platform", "processors"]
    assert versions()["opentsne-like"] == "not installed"


@pytest.mark.parametrize("name", ["pyproject.toml", "CITATION.cff"])
def test_one_number(name):
    if not (path := ROOT / name).exists():
        pytest.skip("only the package is here, not the project")
    assert (
        re.search(r'^version\s*[=:]\s*"?([^"\s]+)"?$', path.read_text(), re.MULTILINE)[1] == opentsne_like.__version__
    )
