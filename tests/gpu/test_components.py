"""Principal components on a device: those of a singular value decomposition, and the start of the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import devices
from opentsne_like.gpu import components
from opentsne_like.initialization import pca
from opentsne_like.initialization.pca import _InMemory


def data(kind, dtype):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 12)) * np.linspace(3, 1, 12) + 5
    if kind == "far":
        X += 1e4
    return (X * {"tiny": 1e-200, "huge": 1e200}.get(kind, 1.0)).astype(dtype)


CASES = [("random", np.float64), ("random", np.float32), ("far", np.float64), ("far", np.float32)]
SCALED = [("tiny", np.float64), ("huge", np.float64)]


@pytest.mark.parametrize("rows", [1000, 7])
@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_products_are_those_of_centred_data(kind, dtype, rows, card, both_ways, monkeypatch):
    monkeypatch.setattr(components, "NUMBERS", 12 * rows)
    X, basis = data(kind, dtype), np.random.default_rng(0).normal(size=(12, 3))
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)

    def made():
        table = components.Table(card.device.xp.asarray(X), _InMemory(X, 1).around.center)
        return table.covariance(), table.normal(basis), table.project(basis)

    covariance, normal, scores = both_ways(made)
    np.testing.assert_allclose(covariance, centred.T @ centred, rtol=0, atol=1e-9)
    np.testing.assert_allclose(normal, centred.T @ (centred @ basis), rtol=0, atol=1e-9)
    np.testing.assert_allclose(scores, centred @ basis, rtol=0, atol=1e-10)


@pytest.mark.parametrize("solver", ["auto", "randomized"])
@pytest.mark.parametrize(("kind", "dtype"), CASES + SCALED)
def test_a_start_is_that_of_the_cpu(kind, dtype, solver, card, both_ways):
    X = data(kind, dtype)

    def made():
        with devices.copied_to_gpu(X):
            return pca(X, 3, solver, random_state=0, n_jobs=1)

    card.device.launched = launched = []
    start = both_ways(made)
    assert set(launched) >= {"centre_double" if dtype is np.float64 else "centre_single"}
    theirs = pca(X, 3, solver, random_state=0, n_jobs=1)
    near = 1e-9 if dtype is np.float64 else 3e-3 if kind == "far" else 1e-5
    np.testing.assert_allclose(start, theirs, rtol=0, atol=near * 1e-4)
    if solver == "auto":
        wide = X.astype(np.longdouble) / (1e200 if kind == "huge" else 1e-200 if kind == "tiny" else 1)
        centred = (wide - wide.mean(axis=0)).astype(np.float64)
        axes = np.linalg.svd(centred, full_matrices=False)[2][:3].T
        axes *= np.sign(axes[np.abs(axes).argmax(axis=0), range(3)])
        exact = centred @ axes
        with devices.copied_to_gpu(X):
            plain = pca(X, 3, add_jitter=False, n_jobs=1)
        np.testing.assert_allclose(plain, exact * 1e-4 / exact[:, 0].std(), rtol=0, atol=1e-12)


def test_constant_data(card):
    with devices.copied_to_gpu(X := np.ones((20, 4))):
        assert np.isfinite(pca(X, 2, random_state=0)).all()
