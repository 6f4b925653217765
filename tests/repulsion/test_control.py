"""Forces whose error is known: the tolerance holds on every map, and what was decided is remembered."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from benchmarks import odd
from opentsne_like.errors import InvalidParameterError
from opentsne_like.repulsion import Control, Gaussian, LogInverse, RepulsionEngine, StudentT, exact_sums
from opentsne_like.repulsion.control import EVERY
from opentsne_like.repulsion.ladder import EXACT, FAINT, TREES, climb, last_rung, take_sample

TOLERANCE = 5e-3
RADIALS = [StudentT(1.0), StudentT(0.5), Gaussian(), LogInverse(0.1)]


def control(carried=None, iteration=0):
    return Control({} if carried is None else carried, np.array([iteration]))


def ring(n=1500, radius=100.0):
    angles = 2 * np.pi * np.arange(n) / n
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


def rms(rows):
    return np.sqrt((np.asarray(rows, np.float64) ** 2).sum(axis=1).mean())


def true_error(gradient, points, radial):
    """Return the error over all points, by the definition in `ladder`."""
    exact = exact_sums(points - points.mean(axis=0), None, radial, n_jobs=2)
    faint = FAINT * rms(exact.values[:, None]) / radial.width
    return rms(gradient - exact.gradient) / max(rms(exact.gradient), faint, 1e-30)


def assert_holds(points, radial, tolerance=TOLERANCE):
    for method in ("fft", "auto"):
        known = control()
        potential = known.evaluate(RepulsionEngine(radial, method=method, tolerance=tolerance, n_jobs=2), points)
        assert true_error(potential.gradient, points, radial) < tolerance, (method, known.verdict)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", odd.MAPS)
def test_the_tolerance_holds_on_odd_maps(name, d):
    assert_holds(odd.make(name, 1500, d), StudentT())


@pytest.mark.slow
@pytest.mark.parametrize("radial", RADIALS, ids=str)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", odd.MAPS)
def test_the_tolerance_holds_on_odd_maps_of_every_kernel(name, d, radial):
    assert_holds(odd.make(name, 6000 if radial == StudentT() else 2000, d), radial)
