"""Extremes and sums of columns without an order, see `sources/sums.cu`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._types import Array
from . import device

WORDS = 5  # of a line of the board
SUM_BITS = 62
SIGN = 1 << 63
INFINITE = 0x7FF << 52  # bits of the smallest magnitude that is no number


class Columns(NamedTuple):
    """What is known of the columns of a matrix, each of shape (q,), float64.

    Attributes
    ----------
    low, high, total : ndarray
        Smallest and largest number and sum, which is NaN where a number is not finite.
    """

    low: Array
    high: Array
    total: Array


def new_board(columns: int) -> Array:
    """Return a board for as many columns: zeros of shape (columns, 5), uint64, on the device."""
    board: Array = device.current().xp.zeros((columns, WORDS), np.uint64)
    return board


def look(values: Array, board: Array) -> None:
    """Raise extremes and magnitudes of the columns of a matrix (n, q) on a board of q lines."""
    _launch("look", values, board)


def add_up(values: Array, board: Array, squared: bool = False) -> None:
    """Add the columns of a matrix (n, q), or their squares, to a board that knows their magnitudes."""
    _launch("add_up", values, board, squared)


def _launch(name: str, values: Array, board: Array, *rest: bool) -> None:
    n, q = values.shape
    kernel = f"{name}_{precision(values)}"
    device.current().launch(kernel, (device.blocks_for(n, most=512), q), (np.int64(n), q, values, *rest, board))


def column_sums(values: Array) -> Columns:
    """Return extremes and sums of the columns of a matrix (n, q) of the device, float32 or float64."""
    board = new_board(values.shape[1])
    look(values, board)
    add_up(values, board)
    return read(board)


def read(board: Array, squared: bool = False) -> Columns:
    """Return what a board says, when all that was launched before is done."""
    return decoded(device.current().read(board), squared)


def decoded(words: Array, squared: bool = False) -> Columns:
    """Return what the words of a board on the host say; sums are of squares if `squared`."""
    lines = words.tolist()
    return Columns(
        _numbers([line[1] ^ (2 * SIGN - 1) for line in lines]),
        _numbers([line[0] for line in lines]),
        np.array([_sum(line[2], line[3], line[4], squared) for line in lines]),
    )


def _numbers(words: list[int]) -> Array:
    """Return the float64 whose places in the order of all are `words`."""
    bits = [word - SIGN if word >= SIGN else word ^ (2 * SIGN - 1) for word in words]
    return np.array(bits, np.uint64).view(np.float64)


def _sum(magnitude: int, high: int, low: int, squared: bool) -> float:
    if magnitude >= INFINITE:
        return math.nan
    exponent = (magnitude >> 52) - 1022
    whole = (high - 2 * SIGN if high >= SIGN else high) * 2**32 + low
    try:
        return math.ldexp(whole, (2 if squared else 1) * exponent - SUM_BITS)
    except OverflowError:
        return math.copysign(math.inf, whole)


def precision(values: Array) -> str:
    """Return by which name kernels for the type of an array go: "single" or "double"."""
    return "single" if values.dtype == np.float32 else "double"
