"""A card that the host stands in for."""

from __future__ import annotations

import pytest

from opentsne_like.gpu import device

from .emulated import Emulated


@pytest.fixture(scope="session")
def _emulated(tmp_path_factory):
    """Compiled once, by whichever process of the tests comes first."""
    return Emulated(tmp_path_factory.getbasetemp().parent)


@pytest.fixture
def card(_emulated, monkeypatch):
    """The device of all operations of a test."""
    monkeypatch.setattr(device, "current", lambda: _emulated)
    monkeypatch.setattr(_emulated, "backward", False)
    _emulated.launched.clear()
    return _emulated


@pytest.fixture
def both_ways(card):
    """A function that returns what a call gives, after a check that the order of threads and blocks changes no bit."""
    from . import oracles

    def run(call):
        card.backward = False
        there = call()
        card.backward = True
        back = call()
        card.backward = False
        oracles.check_same(there, back)
        return there

    return run
