"""One seed, one map: in every process, whatever is compiled or loaded, for any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CHILD = """
import hashlib
import sys
import numpy as np
from sklearn.datasets import make_blobs
from opentsne_like import TSNE

X = make_blobs(500, 8, centers=6, random_state=0)[0]
for case in sys.argv[1:]:
    method, n_components = case.split()
    estimator = TSNE(
        int(n_components), 20, early_exaggeration_iter=30, n_iter=60, negative_gradient_method=method, random_state=0
    )
    Y = estimator.fit(X)
    placed = Y.transform(X[:50] + 0.1, n_iter=20)
    parts = (Y.affinities.P.data, Y, placed, np.array([Y.kl_divergence]))
    hashes = [hashlib.md5(np.ascontiguousarray(part).tobytes()).hexdigest() for part in parts]
    print(case, *hashes)
"""
CASES = ["exact 1", "exact 2", "exact 3", "bh 1", "bh 2", "bh 3", "fft 1", "fft 2"]
COMPILED = ["exact 2", "bh 3", "fft 2"]  # which takes ten times as long as all of them from a cache


@pytest.mark.slow
def test_every_process_gives_the_same_bits(tmp_path):
    def run(cases, **environment):
        child = subprocess.run(
            [sys.executable, "-c", CHILD, *cases],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return child.stdout.splitlines()

    loaded = run(CASES, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    assert len(loaded) == len(CASES)
    assert run(CASES, OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="3") == loaded
    compiled = run(COMPILED, NUMBA_CACHE_DIR=str(tmp_path))
    assert compiled == [line for line in loaded if line.startswith(tuple(COMPILED))]
