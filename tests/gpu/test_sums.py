"""Sums without an order: the same bits for any order, exact where float64 is, at any scale."""

from __future__ import annotations

import math

import numpy as np
import pytest

from opentsne_like import ops
from opentsne_like.gpu import sums

from .oracles import check_same


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 3e25])
@pytest.mark.parametrize("shape", [(1, 1), (257, 2), (5000, 3)])
def test_extremes_and_sums_of_columns(shape, scale, dtype, both_ways, card):
    values = (scale * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    low, high, total = both_ways(lambda: card.call(sums.column_sums, values))
    assert np.array_equal(low, values.min(axis=0))
    assert np.array_equal(high, values.max(axis=0))
    exact = np.array([math.fsum(column) for column in values.T.tolist()])
    np.testing.assert_allclose(total, exact, rtol=0, atol=len(values) * 2.0**-62 * 2 * np.abs(values).max())
    shuffled = np.random.default_rng(1).permutation(values)
    check_same(tuple(card.call(sums.column_sums, shuffled)), (low, high, total))


def test_a_sum_keeps_what_float64_would_lose(card):
    values = np.array([[1e7], [1e-10], [-1e7]])
    assert card.call(sums.column_sums, values).total[0] == pytest.approx(1e-10, abs=2.0**-38)
    assert values.sum() == 0.0


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, -1e-310, 1e308, -1.7e308])
def test_numbers_at_the_ends_of_their_range(value, card):
    low, high, total = card.call(sums.column_sums, np.full((3, 1), value))
    assert low[0] == high[0] == value
    assert total[0] == pytest.approx(3 * value, abs=1e-322)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_shows_in_the_sum(odd, card):
    values = np.ones((1000, 2))
    values[700, 1] = odd
    total = card.call(sums.column_sums, values).total
    assert total[0] == 1000.0
    assert np.isnan(total[1])


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e100])
def test_sums_of_squares(scale, both_ways, card):
    values = scale * np.random.default_rng(0).normal(size=(3000, 1))

    def summed(values):
        board = sums.new_board(1)
        sums.look(values, board)
        sums.add_up(values, board, squared=True)
        return sums.read(board, squared=True).total

    (total,) = both_ways(lambda: card.call(summed, values))
    assert total == pytest.approx(math.fsum((values**2).ravel()), rel=1e-15)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e6])
def test_extent_and_bulk(d, scale, both_ways, card):
    points = scale * np.random.default_rng(d).normal(size=(3000, d))
    mine, theirs = both_ways(lambda: tuple(card.extent(points, 1))), ops.extent(points, 1)
    check_same(mine[:2], theirs[:2])
    np.testing.assert_allclose(mine[2], theirs.mean, rtol=0, atol=1e-15 * scale)
    check_same(card.bulk(points), ops.bulk(points))
    points[17] = np.nan
    assert np.isnan(card.extent(points, 1).mean).all()
