"""Distortion functions against their twins and their own differences; what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from opentsne_like import distortions as dist
from opentsne_like.errors import InvalidObjectError, InvalidParameterError, StorageError
from tests.distortions.twins import EVERY

FUNCTIONS = pytest.mark.parametrize("function", EVERY, ids=repr)


def edges(function, n=200):
    """Numbers and lengths, over four orders of magnitude."""
    rng = np.random.default_rng(0)
    numbers = rng.uniform(0.2, 2.0, n)
    if function.takes == "weights":
        numbers *= -1 if isinstance(function, dist.InvPowerPenalty) else rng.choice([-1, 1], n)
    return numbers, np.append(rng.uniform(0.05, 3.0, n // 2), np.geomspace(1e-2, 20.0, n - n // 2))


@FUNCTIONS
def test_values_are_those_of_the_twin(function):
    numbers, lengths = edges(function)
    np.testing.assert_allclose(function(numbers, lengths), EVERY[function](numbers, lengths), rtol=1e-9, atol=1e-12)


@FUNCTIONS
def test_slopes_are_those_of_differences(function):
    """Central differences of the twin; their error is about the square of the step."""
    numbers, lengths = edges(function)
    step = 1e-6 * lengths
    more, less = (EVERY[function](numbers, lengths + sign * step) for sign in (1, -1))
    slopes = function.evaluate(numbers, lengths)[1]
    np.testing.assert_allclose(slopes, (more - less) / (2 * step), rtol=1e-5, atol=1e-6)


def test_every_function_has_a_twin():
    assert {type(function) for function in EVERY} == set(dist.DISTORTIONS.values())


@FUNCTIONS
def test_a_function_is_stored_by_its_name_and_numbers(function):
    assert dist.unpack_distortion(function.packed()) == function
    assert len({function, dist.unpack_distortion(function.packed())}) == 1


def test_far_and_near_values_stay_numbers():
    for function in EVERY:
        number = -1.0 if isinstance(function, dist.InvPowerPenalty) else 1.0
        values, slopes = function.evaluate(np.full(2, number), np.array([1e-5, 800.0]))
        assert not np.isnan(values).any()
        assert not np.isnan(slopes).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dist.PowerPenalty(0.0), "`exponent` must be positive, got 0.0"),
        (lambda: dist.HuberPenalty(-1), "`threshold` must be at least 0, got -1"),
        (lambda: dist.SoftFractionalDeviation(0), "`gamma` must be positive, got 0"),
        (lambda: dist.PowerDeviation(float("nan")), "`exponent` must be finite"),
        (lambda: dist.PushAndPull(dist.AbsoluteDeviation()), "`attractive` must be a penalty such as"),
        (lambda: dist.PushAndPull(repulsive=dist.LogPenalty), "`repulsive` must be a penalty such as"),
        (lambda: dist.unpack_distortion({"distortion": "Cube"}), "which is not known"),
    ],
)
def test_what_makes_no_function_is_refused(make, message):
    with pytest.raises((InvalidParameterError, InvalidObjectError, StorageError), match=message):
        make()


def test_a_function_of_ones_own_hears_all_lengths_in_their_order():
    weights, places = np.array([1.0, 10.0, 100.0]), np.array([2.0, 0.0, 1.0])
    own = dist.OwnDistortion(lambda d: weights * d**2, lambda d: 2 * weights * d)
    values, slopes = own.evaluate(places, np.array([3.0, 1.0, 2.0]))
    np.testing.assert_allclose(values, [900.0, 1.0, 40.0])
    np.testing.assert_allclose(slopes, [600.0, 2.0, 40.0])
    by_differences = dist.OwnDistortion(own.function).evaluate(places, np.array([3.0, 1.0, 2.0]))[1]
    np.testing.assert_allclose(by_differences, slopes, rtol=1e-8)


def test_a_derivative_of_something_else_is_refused():
    own = dist.OwnDistortion(lambda d: d**2, lambda d: d)
    with pytest.raises(
        InvalidParameterError, match="`derivative` must be that of `function`, got 2 at the length 2 of"
    ):
        own.check(np.array([0.0, 2.0]))
    dist.OwnDistortion(lambda d: d**2, lambda d: 2 * d).check(np.linspace(0, 5, 30))
    with pytest.raises(InvalidParameterError, match="must return 2 numbers, one for each edge, got shape"):
        dist.OwnDistortion(np.sum).evaluate(np.arange(2.0), np.ones(2))
