"""Data and seeds that many tests share."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import opentsne_like

ROOT = Path(__file__).parent.parent

# The benchmarks are not installed. Last on the path, so that the installed package is what is tested.
sys.path.append(str(ROOT))

# Processes that tests start elsewhere import what the tests do: this checkout, should it not be what is installed.
if Path(opentsne_like.__file__).is_relative_to(ROOT):
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="session", autouse=True)
def _no_note_of_compiling():
    """Compile without saying so, which would fall into whichever test comes first."""
    from opentsne_like.kernels import _cache

    _cache.compiling.told = True


@pytest.fixture(autouse=True)
def _advice_anew():
    """Give advice in each test as if it were the first, so that none depends on those before it."""
    from opentsne_like._validation import forget_advice

    forget_advice()


@pytest.fixture(scope="session")
def _digits():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whatever scikit-learn's import says is not about this package
        from sklearn.datasets import load_digits

        bunch = load_digits()
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target)


@pytest.fixture
def digits(_digits):
    """The 1,797 handwritten digits of scikit-learn: `(X, y)` of shapes (1797, 64) and (1797,), fresh copies."""
    X, y = _digits
    return X.copy(), y.copy()


@pytest.fixture
def small_digits(_digits):
    """The first 300 digits: `(X, y)` of shapes (300, 64) and (300,), fresh copies."""
    X, y = _digits
    return X[:300].copy(), y[:300].copy()


@pytest.fixture
def seed():
    """One seed for all tests that need only one."""
    return 42


@pytest.fixture
def rng(seed):
    """A fresh generator with a fixed seed."""
    return np.random.default_rng(seed)
