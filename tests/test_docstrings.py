"""The examples in the docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import opentsne_like
from opentsne_like.errors import MissingDependencyError

MODULES = [
    "opentsne_like",
    *sorted(info.name for info in pkgutil.walk_packages(opentsne_like.__path__, "opentsne_like.")),
]


@pytest.fixture(autouse=True)
def _plain_folder(tmp_path, monkeypatch):
    """Examples may write files; they do so in a folder of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    try:
        module = importlib.import_module(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, optionflags=flags)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples in {name} differ; see the output above"
