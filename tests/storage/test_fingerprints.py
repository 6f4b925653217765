"""Fingerprints: equal for equal data however they lie in memory, different for everything else."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from opentsne_like.errors import InvalidTypeError
from opentsne_like.storage import fingerprint, fingerprints


def test_known_values():
    # stored in files: if these change, checkpoints of earlier versions are refused
    assert fingerprint(np.arange(6.0).reshape(3, 2)) == "6b80cb54e782c0df24a18cd55d82d307"
    assert fingerprint({"perplexity": 30, "metric": "euclidean"}, None, 1.5) == "4a7a9f3382a61dc6ab52f6f57d25fac2"
    assert fingerprint(sp.eye(3, format="csr")) == "c97f38d30de74305f29480e455088c64"


def test_layout_does_not_count(rng):
    X = rng.normal(size=(300, 7))
    wide = np.empty((300, 14))
    wide[:, ::2] = X
    readonly = X.copy()
    readonly.flags.writeable = False
    for same in (X.copy(), np.asfortranarray(X), wide[:, ::2], readonly):
        assert fingerprint(same) == fingerprint(X)


def test_blocks_do_not_count_on_layout_or_memory_maps(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(fingerprints, "_BLOCK", 1000)
    X = rng.normal(size=(500, 3))
    np.save(tmp_path / "X.npy", X)
    expected = fingerprint(X)
    assert fingerprint(np.asfortranarray(X)) == expected
    assert fingerprint(np.load(tmp_path / "X.npy", mmap_mode="r")) == expected
    X[417, 1] = np.nextafter(X[417, 1], 1)
    assert fingerprint(X) != expected


def test_differences_count():
    X = np.arange(12.0).reshape(4, 3)
    values = [
        X,
        X.astype(np.float32),
        X.reshape(3, 4),
        X.ravel(),
        X + 1e-15 * (X == 1),
        X[::-1],
        -X,
        X.tolist(),
        sp.csr_matrix(X),
        sp.csr_matrix(X.astype(np.float32)),
        sp.csr_matrix(np.vstack([X, np.zeros(3)])),
        np.zeros(0),
        np.zeros((0, 3)),
        None,
        "X",
        {},
        [],
        0,
        False,
    ]
    assert len({fingerprint(value) for value in values}) == len(values)
    assert fingerprint("a", "b") != fingerprint("b", "a") != fingerprint("ab") != fingerprint(["a", "b"])
    assert fingerprint() != fingerprint(None)


def test_sparse_matrices_count_by_content(rng):
    matrix = sp.random(50, 40, density=0.2, format="csr", random_state=0)
    wide = matrix.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for same in (matrix.copy(), matrix.tocsc(), wide, sp.csr_array(matrix)):
        assert fingerprint(same) == fingerprint(matrix)
    changed = matrix.copy()
    changed.data[3] += 1
    assert fingerprint(changed) != fingerprint(matrix)


def test_keys_are_sorted_and_numpy_scalars_are_plain():
    assert fingerprint({"a": 1, "b": 2.5}) == fingerprint({"b": np.float64(2.5), "a": np.int64(1)})
    assert fingerprint((1, 2)) == fingerprint([1, 2])


def test_other_processes_agree():
    code = "import numpy as np; from opentsne_like.storage import fingerprint as f; print(f(np.arange(9), {'b': 1}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == fingerprint(np.arange(9), {"b": 1})


@pytest.mark.parametrize("value", [object(), np.array([{}]), {"f": len}, b"bytes"])
def test_what_has_no_fingerprint(value):
    with pytest.raises(InvalidTypeError, match="`values` must"):
        fingerprint(value)
