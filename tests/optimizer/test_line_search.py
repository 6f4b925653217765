"""The search along a line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from opentsne_like.optimizer import Trial, search_line

LINES = {  # value, slope; all fall at 0
    "parabola": (lambda t: (t - 3.0) ** 2, lambda t: 2.0 * (t - 3.0)),
    "narrow": (lambda t: (1e3 * t - 1.0) ** 2, lambda t: 2e3 * (1e3 * t - 1.0)),
    "wide": (lambda t: (1e-3 * t - 1.0) ** 2, lambda t: 2e-3 * (1e-3 * t - 1.0)),
    "quartic": (lambda t: (t - 2.0) ** 4 - t, lambda t: 4.0 * (t - 2.0) ** 3 - 1.0),
    "waves": (
        lambda t: -math.sin(5.0 * t) + 0.1 * (t - 7.0) ** 2,
        lambda t: -5.0 * math.cos(5.0 * t) + 0.2 * (t - 7.0),
    ),
    "wall": (lambda t: -t if t < 0.7 else math.inf, lambda t: -1.0),
    "hole": (lambda t: -t if t < 0.4 or t > 20 else math.nan, lambda t: -1.0),
}


def at(name, seen=None):
    value, slope = LINES[name]

    def evaluate(length):
        if seen is not None:
            seen.append(length)
        return Trial(length, value(length), slope(length), length)

    return evaluate


@pytest.mark.parametrize("first", [1e-6, 1.0, 1e3])
@pytest.mark.parametrize("name", LINES)
def test_what_it_finds_is_lower_and_flat_or_the_best_there_was(name, first):
    seen = []
    evaluate = at(name, seen)
    start = evaluate(0.0)
    found = search_line(evaluate, start, first, 1e5)
    assert len(seen) <= 21
    assert np.isfinite(found.value)
    assert found.value <= start.value + 1e-4 * found.length * start.slope
    if name not in ("wall", "hole"):
        assert abs(found.slope) <= 0.9 * abs(start.slope)


def test_it_goes_no_farther_than_it_may():
    found = search_line(at("wide"), at("wide")(0.0), 1.0, 50.0)
    assert found.length == 50.0


NOWHERE = {
    "rises": lambda t: 1.0 + t,
    "is none": lambda t: math.nan if t else 1.0,
    "jumps": lambda t: 1.0 + 1e-3 * (t > 0),
}


@pytest.mark.parametrize("value", NOWHERE.values(), ids=NOWHERE)
def test_it_returns_the_start_where_nothing_is_lower(value):
    tried = []

    def evaluate(length):
        tried.append(length)
        return Trial(length, value(length), -1e-9)

    start = evaluate(0.0)
    assert search_line(evaluate, start, 1.0, 10.0) is start
    assert len(tried) <= 21


def test_within_the_error_of_values_slopes_decide():
    """A parabola whose values are rounded to 1e-7 of them."""
    rng = np.random.default_rng(0)

    def evaluate(length):
        return Trial(length, 1.0 + 1e-9 * (length - 1.0) ** 2 + 1e-7 * rng.random(), 2e-9 * (length - 1.0))

    found = search_line(evaluate, Trial(0.0, 1.0, -2e-9), 1.0, 10.0)
    assert 0.05 < found.length < 2.0
