"""A card, or what the host can do in its place."""

from __future__ import annotations

import pytest

from opentsne_like.dependencies.cuda import driver_version
from opentsne_like.gpu import device

from .emulated import Emulated
from .hosted import Hosted
from .oracles import check_same


@pytest.fixture(scope="session")
def _emulated(tmp_path_factory):
    """Compiled once, by whichever process of the tests comes first."""
    return Emulated(tmp_path_factory.getbasetemp().parent)


@pytest.fixture(scope="session")
def _real():
    pytest.importorskip("cupy")
    return device.Card()


REAL = [pytest.param("real", marks=pytest.mark.gpu)] if driver_version() else []


@pytest.fixture(params=["emulated", *REAL])
def card(request, monkeypatch):
    """The operations of a device, see `Hosted`."""
    chosen = request.getfixturevalue(f"_{request.param}")
    monkeypatch.setattr(device, "current", lambda: chosen)
    return Hosted(chosen)


@pytest.fixture
def emulated(_emulated, monkeypatch):
    """The same where only the emulation will do."""
    monkeypatch.setattr(device, "current", lambda: _emulated)
    return Hosted(_emulated)


@pytest.fixture
def both_ways(card, monkeypatch):
    """Return what a call gives, after a check that it gives the same bits again, and in another order of threads."""

    def run(call):
        once = call()
        with monkeypatch.context() as patch:
            patch.setattr(card.device, "backward", True, raising=False)
            check_same(call(), once)
        return once

    return run
