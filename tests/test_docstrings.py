"""The examples in the docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import opentsne_like
from opentsne_like.errors import MissingDependencyError

MODULES = [
    "opentsne_like",
    *sorted(info.name for info in pkgutil.walk_packages(opentsne_like.__path__, "opentsne_like.")),
]

# Rooms whose examples are run where an optional package is there.
NEEDS = {
    "opentsne_like.methods.parametric": "torch",
    "opentsne_like.anndata.": "anndata",
    "opentsne_like.dask": "distributed",
}

# An example says what a part is for sooner than its parameters do.
SHOWN = [
    *(
        "affinity",
        "anndata",
        "callbacks",
        "dask",
        "distortions",
        "embedding",
        "initialization",
        "mde",
        "methods",
        "metrics",
    ),
    *("nearest_neighbors", "objectives", "opentsne", "ops", "optimizer", "plotting", "repulsion", "storage"),
]


@pytest.fixture(autouse=True)
def _plain_folder(tmp_path, monkeypatch):
    """Examples may write files; they do so in a folder of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    for room, package in NEEDS.items():
        if name.startswith(room):
            pytest.importorskip(package)
    try:
        module = importlib.import_module(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, optionflags=flags)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples in {name} differ; see the output above"


@pytest.mark.parametrize("room", SHOWN)
def test_every_public_class_and_function_has_an_example(room):
    module = importlib.import_module(f"opentsne_like.{room}")
    offered = {name: getattr(module, name) for name in module.__all__}
    without = [
        name
        for name, value in offered.items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and ">>>" not in (value.__doc__ or "")
    ]
    assert not without
