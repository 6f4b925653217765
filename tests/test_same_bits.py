"""One seed, one map: in every process, whatever is compiled or loaded, for any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CHILD = """
import hashlib
import numpy as np
from sklearn.datasets import make_blobs
from opentsne_like import TSNE

X = make_blobs(500, 8, centers=6, random_state=0)[0]
for method in ("exact", "bh", "fft"):
    for n_components in (1, 2, 3):
        if method == "fft" and n_components == 3:
            continue
        estimator = TSNE(
            n_components, 20, early_exaggeration_iter=30, n_iter=60, negative_gradient_method=method, random_state=0
        )
        Y = estimator.fit(X)
        placed = Y.transform(X[:50] + 0.1, n_iter=20)
        parts = (Y.affinities.P.data, Y, placed, np.array([Y.kl_divergence]))
        hashes = [hashlib.md5(np.ascontiguousarray(part).tobytes()).hexdigest() for part in parts]
        print(method, n_components, *hashes)
"""


@pytest.mark.slow
def test_every_process_gives_the_same_bits(tmp_path):
    def run(**environment):
        child = subprocess.run(
            [sys.executable, "-c", CHILD],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return child.stdout

    compiled = run()
    assert compiled.count("\n") == 8
    # Loaded from the cache, besides.
    assert run(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1") == compiled
    assert run(OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="3") == compiled
