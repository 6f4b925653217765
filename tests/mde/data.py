"""Data that the tests of this room share: four clusters, a ring with a chord."""

from __future__ import annotations

from functools import cache

import numpy as np

from opentsne_like import mde


@cache
def clusters() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(160, 5)) + 4 * rng.normal(size=(4, 5))[rng.integers(4, size=160)]


def ring() -> mde.Graph:
    return mde.Graph.from_edges([[i, (i + 1) % 16] for i in range(16)] + [[0, 8]])
