"""Principal components: right, finite, and the same bits for any number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import initialization
from opentsne_like.errors import InvalidParameterError, InvalidTypeError


def twin(X, k):
    """Return scores by a full singular value decomposition, scaled."""
    X = np.asarray(X, dtype=np.float64)
    _, _, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    V = Vt[:k].T
    V = V * np.sign(V[np.abs(V).argmax(axis=0), np.arange(k)])
    scores = (X - X.mean(axis=0)) @ V
    return scores / scores[:, 0].std() * 1e-4


@pytest.fixture
def X(rng):
    return rng.normal(size=(500, 30)) * np.linspace(6, 1, 30) + rng.normal(size=30) * 10


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_agrees_with_the_twin(X, solver, k):
    Y = initialization.pca(X, n_components=k, svd_solver=solver, add_jitter=False)
    np.testing.assert_allclose(Y, twin(X, k), atol=1e-14)
    assert Y.dtype == np.float64
    assert Y.flags.c_contiguous
    assert Y[:, 0].std() == pytest.approx(1e-4)


@pytest.mark.parametrize("solver", ["randomized", "arpack"])
def test_the_iteration_agrees_with_the_twin(X, solver):
    Y = initialization.pca(X, svd_solver=solver, random_state=0, add_jitter=False)
    np.testing.assert_allclose(Y, twin(X, 2), atol=3e-6)


def test_many_columns(rng):
    X = rng.normal(size=(100, 3)) * [5, 3, 1] @ rng.normal(size=(3, 1100)) + rng.normal(size=(100, 1100))
    Y = initialization.pca(X, add_jitter=False, random_state=0)
    np.testing.assert_allclose(Y, twin(X, 2), atol=1e-6)


def test_sparse_data_are_centred_without_being_made_dense(rng):
    X = sparse.random_array((400, 60), density=0.1, rng=rng, format="csr")
    X.data *= 10
    for given in (X, X.tocsc(), sparse.csr_matrix(X)):
        Y = initialization.pca(given, add_jitter=False, random_state=0)
        assert abs(np.corrcoef(Y[:, 0], twin(X.toarray(), 2)[:, 0])[0, 1]) > 0.999


def test_orders_of_magnitude_and_offsets(X):
    expected = twin(X, 2)
    for factor in (1e-200, 1e-6, 1e6, 1e150):
        Y = initialization.pca(X * factor, add_jitter=False)
        np.testing.assert_allclose(Y, expected, atol=1e-12)
    far = initialization.pca((X + 1e4).astype(np.float32), add_jitter=False)
    np.testing.assert_allclose(far, expected, atol=1e-6)
    for factor in (1e-30, 1e30):
        Y = initialization.pca((X * factor).astype(np.float32), add_jitter=False)
        np.testing.assert_allclose(Y, expected, atol=1e-8)


def test_kinds_of_input(X, tmp_path):
    pandas = pytest.importorskip("pandas")
    expected = initialization.pca(X, random_state=0)
    np.save(tmp_path / "X.npy", X)
    readonly = X.copy()
    readonly.flags.writeable = False
    for given in (
        X.tolist(),
        pandas.DataFrame(X),
        np.asfortranarray(X),
        readonly,
        np.load(tmp_path / "X.npy", mmap_mode="r"),
    ):
        np.testing.assert_allclose(initialization.pca(given, random_state=0), expected, atol=1e-15)
    np.testing.assert_allclose(initialization.pca(X.astype(np.float32), random_state=0), expected, atol=1e-8)
    np.testing.assert_allclose(initialization.pca(X.astype(np.float16), random_state=0), expected, atol=1e-5)
    assert np.isfinite(initialization.pca((X * 3).astype(int), random_state=0)).all()


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((20, 4)),
        np.full((20, 4), 7.3),
        np.repeat(np.arange(5.0), 4)[:, None] * np.ones(3),
        np.c_[np.arange(20.0), np.zeros((20, 2))],
        np.array([[0.0, 1.0], [2.0, 5.0]]),
        np.full((20, 4), 1e300),
        sparse.csr_matrix((20, 4)),
    ],
)
@pytest.mark.parametrize("solver", ["auto", "randomized"])
def test_degenerate_data_give_distinct_finite_starts(X, solver):
    Y = initialization.pca(X, svd_solver=solver, random_state=1)
    assert Y.shape == (X.shape[0], 2)
    assert np.isfinite(Y).all()
    assert len(np.unique(Y, axis=0)) == len(Y)
    assert np.abs(Y).max() < 1e-2


def test_noise_is_that_of_the_seed(X):
    plain = initialization.pca(X, add_jitter=False)
    noisy = initialization.pca(X, random_state=3)
    np.testing.assert_array_equal(noisy, initialization.pca(X, random_state=3))
    difference = noisy - plain
    np.testing.assert_allclose(difference, np.random.RandomState(3).normal(0, 1e-6, plain.shape), atol=1e-12)
    assert (initialization.pca(X, random_state=4) != noisy).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_components": 31}, "`n_components` must be at most the number of columns of `X`, 30, got 31"),
        ({"n_components": 0}, "`n_components` must be at least 1, got 0"),
        ({"svd_solver": "magic"}, "`svd_solver` must be one of 'auto'"),
        ({"X": np.array([[1.0, np.nan]])}, "`X` must be finite, got nan in row 0, column 1"),
        ({"X": np.ones(5)}, "`X` must be two-dimensional"),
        ({"n_jobs": 0}, "`n_jobs` must be positive or negative"),
    ],
)
def test_one_clear_error(X, change, message):
    with pytest.raises((InvalidParameterError, InvalidTypeError)) as caught:
        initialization.pca(**{"X": X, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["auto", "randomized"])
def test_threads_do_not_change_a_bit(rng, dtype, solver):
    X = (rng.normal(size=(9000, 40)) + 5).astype(dtype)
    expected = initialization.pca(X, svd_solver=solver, random_state=0, n_jobs=1)
    for n_jobs in (2, 3, -1):
        found = initialization.pca(X, svd_solver=solver, random_state=0, n_jobs=n_jobs)
        np.testing.assert_array_equal(found, expected)


PROGRAM = """
import hashlib, sys
import numpy as np
from opentsne_like import initialization
X = np.random.default_rng(0).normal(size=(6000, 200))
digest = hashlib.sha256()
for solver in ("auto", "randomized"):
    digest.update(initialization.pca(X, svd_solver=solver, random_state=0, n_jobs=int(sys.argv[1])).tobytes())
W = np.zeros((900, 900))
for step in (1, 2, 5, 60):
    W += np.diag(np.random.default_rng(step).random(900 - step), step)
digest.update(initialization.spectral(W + W.T, random_state=0).tobytes())
print(digest.hexdigest())
"""


def test_threads_of_the_linear_algebra_library_do_not_change_a_bit():
    found = set()
    for blas, n_jobs in (("1", "1"), ("2", "1"), ("7", "2")):
        environment = {**os.environ, "OMP_NUM_THREADS": blas, "OPENBLAS_NUM_THREADS": blas, "MKL_NUM_THREADS": blas}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, n_jobs], capture_output=True, text=True, env=environment, check=True
        )
        found.add(run.stdout.strip())
    assert len(found) == 1
    assert len(found.pop()) == len(hashlib.sha256().hexdigest())


def test_the_library_gets_its_threads_back(X):
    from threadpoolctl import threadpool_info

    before = [library["num_threads"] for library in threadpool_info()]
    initialization.pca(X)
    with pytest.raises(InvalidParameterError):
        initialization.pca(X, n_components=99)
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_verbose_reports_the_time(X, capsys):
    initialization.pca(X)
    assert capsys.readouterr().out == ""
    initialization.pca(X, verbose=True)
    assert "PCA" in capsys.readouterr().out
