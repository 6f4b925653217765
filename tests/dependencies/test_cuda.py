"""CuPy's packages, and which of them a driver needs."""

from __future__ import annotations

import ctypes
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import opentsne_like
from opentsne_like.dependencies import cuda, need_cupy, need_gpu
from opentsne_like.errors import MissingDependencyError, UnavailableError
from opentsne_like.gpu.device import Card

ROOT = Path(opentsne_like.__file__).parents[1]


@pytest.mark.parametrize(
    ("driver", "says"),
    [
        ((12, 2), r"^`cupy-cuda12x` must be installed .* CUDA 12\.2: pip install 'opentsne-like\[cuda12\]'$"),
        ((13, 0), r"^`cupy-cuda13x` must be installed .* CUDA 13\.0: pip install 'opentsne-like\[cuda13\]'$"),
        ((14, 1), r"^`cupy-cuda13x` must be installed .* CUDA 14\.1: pip install 'opentsne-like\[cuda13\]'$"),
        ((11, 8), r"^an NVIDIA driver for CUDA 12 or newer must be installed .* CUDA 11\.8; update it$"),
        (None, r"^an NVIDIA driver must be installed for this, none was found; .*\[cuda13\]'$"),
    ],
)
def test_what_is_missing_is_named(driver, says, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(cuda, "driver_version", lambda: driver)
    with pytest.raises(MissingDependencyError, match=says) as caught:
        need_cupy()
    assert isinstance(caught.value, ImportError)
    with pytest.raises(ImportError):
        Card()


@pytest.mark.parametrize("count", [0, RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")])
def test_a_machine_without_a_card_is_told_so(count, monkeypatch):
    def answer():
        if isinstance(count, Exception):
            raise count
        return count

    there = SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=answer)))
    monkeypatch.setitem(sys.modules, "cupy", there)
    with pytest.raises(
        UnavailableError, match=r"`device` must be 'cpu' where CuPy finds no NVIDIA GPU, got 'cuda' and"
    ):
        need_gpu()
    there.cuda.runtime.getDeviceCount = lambda: 1
    need_gpu()


def test_cupy_is_handed_on(monkeypatch):
    there = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "cupy", there)
    assert need_cupy() is there


@pytest.mark.parametrize(
    ("number", "failed", "version"), [(12040, 0, (12, 4)), (13000, 0, (13, 0)), (0, 0, None), (0, 3, None)]
)
def test_the_version_that_a_driver_serves(number, failed, version, monkeypatch):
    def answer(place):
        place._obj.value = number
        return failed

    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(cuDriverGetVersion=answer))
    assert cuda.driver_version() == version


def test_without_a_driver_there_is_no_version(monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert cuda.driver_version() is None


def test_extras_are_those_of_the_project():
    if not (path := ROOT / "pyproject.toml").exists():
        pytest.skip("only the package is here, not the project")
    extras = tomllib.loads(path.read_text())["project"]["optional-dependencies"]
    for major, package in cuda.PACKAGES.items():
        (line,) = extras[f"cuda{major}"]
        assert line.startswith(f"{package}>=")
