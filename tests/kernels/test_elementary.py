"""Logarithm and power in single precision against NumPy's in double."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from opentsne_like.kernels import elementary

S = np.concatenate([[0.0, 1e-38, 1e-12, 0.41421354, 0.41421357], 10 ** np.linspace(-10, 30, 4001)]).astype(np.float32)


@numba.njit
def logarithms(values):
    return np.array([elementary.log_one_plus(value) for value in values])


@numba.njit
def powers(values, exponent):
    return np.array([elementary.power(value, exponent) for value in values])


@pytest.mark.parametrize("compiled", [True, False])
def test_logarithm(compiled):
    values = S if compiled else S[::50]
    found = logarithms(values) if compiled else np.array([elementary.log_one_plus(value) for value in values])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.log1p(values.astype(np.float64)), rtol=3e-7)
    assert elementary.log_one_plus(0.5) == math.log1p(0.5)
    assert logarithms(values.astype(np.float64)).dtype == np.float64


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("b", [0.1, 0.895, 1.0, 1.9])
def test_power(b, compiled):
    values = S[(S > 1e-6) & (S < 1e15)][:: 1 if compiled else 50]
    exponent = np.float32(b)
    found = powers(values, exponent) if compiled else np.array([elementary.power(t, exponent) for t in values])
    assert found.dtype == np.float32
    expected = values.astype(np.float64) ** float(exponent)
    bound = 1e-6 * (1 + np.abs(float(exponent) * np.log(values.astype(np.float64))) / 4)
    assert (np.abs(found / expected - 1) <= bound).all()
    assert elementary.power(2.0, 0.5) == 2.0**0.5
    assert powers(values.astype(np.float64), b).dtype == np.float64


def test_powers_beyond_the_numbers_stay_finite():
    found = powers(np.array([1e30, 1e-30], np.float32), np.float32(10.0))
    np.testing.assert_allclose(found, [2.0**126, 2.0**-126], rtol=1e-5)
