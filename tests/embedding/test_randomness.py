"""Generators in files: what was stored goes on, what was altered is refused before NumPy reads beyond its buffers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from opentsne_like.embedding.randomness import pack_random_state, unpack_random_state
from opentsne_like.errors import StorageError

BITS = {name: getattr(np.random, name) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")}


@pytest.mark.parametrize("bits", ["legacy", *BITS])
@pytest.mark.parametrize("drawn", [0, 1, 5])
def test_every_generator_goes_on(bits, drawn):
    generator = np.random.RandomState(3) if bits == "legacy" else np.random.Generator(BITS[bits](3))
    generator.normal(size=drawn)
    other = unpack_random_state(json.loads(json.dumps(pack_random_state(generator))))
    assert type(other) is type(generator)
    assert other.normal(size=700).tobytes() == generator.normal(size=700).tobytes()


def altered(packed, path, value):
    """Return a packed state with another value at the end of a path of keys."""
    (first, *rest) = path
    return {**packed, first: altered(packed[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("bits", "path", "value"),
    [
        ("MT19937", ["state", "pos"], 700),
        ("MT19937", ["state", "pos"], 10**9),
        ("MT19937", ["state", "pos"], -1),
        ("MT19937", ["state", "pos"], 10**400),
        ("MT19937", ["state", "key"], [1, 2, 3]),
        ("MT19937", ["state", "key"], "key"),
        ("MT19937", ["state"], {}),
        ("Philox", ["buffer_pos"], 5),
        ("Philox", ["buffer_pos"], -(10**6)),
        ("Philox", ["buffer"], [0]),
        ("PCG64", ["state", "state"], 2**200),
        ("PCG64", ["state", "inc"], None),
        ("SFC64", ["state", "state"], [1, 2, 3]),
        ("SFC64", ["bit_generator"], "os"),
        ("SFC64", ["bit_generator"], ["SFC64"]),
    ],
)
def test_an_altered_state_is_refused(bits, path, value):
    packed = pack_random_state(np.random.Generator(BITS[bits](3)))
    with pytest.raises(StorageError, match="random state"):
        unpack_random_state(altered(packed, ["Generator", *path], value))
    if bits == "MT19937":
        packed = pack_random_state(np.random.RandomState(3))
        with pytest.raises(StorageError, match="random state"):
            unpack_random_state(altered(packed, ["RandomState", *path], value))
