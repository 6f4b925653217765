"""The same bits wherever in memory the arrays lie."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import kernels


@pytest.mark.parametrize("n_scales", [1, 3])
@pytest.mark.parametrize("average", [False, True])
def test_the_place_of_arrays_in_memory_changes_no_bit(rng, n_scales, average):
    n, width = 80, 15
    distances = np.sort(rng.random((n, width)), axis=1).ravel()
    precisions = rng.random((n, n_scales)) * 5 + 1
    found, kept = set(), []
    for _ in range(1000):
        out = np.empty(n * width)
        kernels.perplexity.evaluate(0, n, distances, np.arange(n + 1) * width, width, precisions, average, out)
        found.add(out.tobytes())
        kept += [np.empty(rng.integers(1, 2500)), out]
        if len(kept) > 60:  # what is freed in between leaves gaps of all sizes
            rng.shuffle(kept)
            kept = kept[30:]
    assert len(found) == 1
