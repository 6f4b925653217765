"""Scores of rows against columns that stand in panels, the columns with the lowest scores, and the lowest of all.

A panel holds 16 columns side by side: their first coordinates, then their second ones, and so on. Six rows are
multiplied with a panel at once, in 96 sums that the registers hold, so that a product costs little more than its
additions, whatever the shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.extending import intrinsic

from .._types import Array
from ._jit import helper, kernel
from ._lanes import SIXTEEN

PANEL = 16  # columns of a panel
ROWS = 6  # rows that are multiplied with a panel at once
MANHATTAN, CHEBYSHEV = 2, 3  # kinds of scores; all others are products
STRIP = 2**15  # numbers in the panels that all rows of a group go through before the next: they stay in the cache
GROUP = 252  # rows of a group at most
ROOM = 2**17  # scores that the buffers of a group hold at most, unless already those of a few rows are more
LANE = 32  # scores that are tested against the threshold at once
ONE, MAGNITUDE = np.uint32(1), 2**31 - 1

load, store, splat = SIXTEEN[:3]


def _below_bits(typing: Any, row: Any, start: Any, limit: Any) -> Any:
    """Return the 32 bits that say which of ``row[start : start + 32]`` are below `limit`, by one vector comparison."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.VectorType(ir.FloatType(), LANE)
        unset, zeros = ir.Constant(wide, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANE), [0] * LANE)
        first = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        values = builder.load(builder.bitcast(first, wide.as_pointer()))
        values.align = 4
        limits = builder.insert_element(unset, args[2], ir.Constant(ir.IntType(32), 0))
        limits = builder.shuffle_vector(limits, unset, zeros)
        return builder.bitcast(builder.fcmp_ordered("<", values, limits), ir.IntType(LANE))

    return types.uint32(row, types.int64, types.float32), generate


def _lowest_bit_of(typing: Any, mask: Any) -> Any:
    """Return the position of the lowest bit that is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), generate


def _larger_lanes(typing: Any, a: Any, b: Any) -> Any:
    """Return the larger of two vectors, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[1], args[0]), args[1], args[0])

    return a(a, b), generate


if config.DISABLE_JIT:  # type: ignore[attr-defined]  # intrinsics are instructions, so plain Python needs its own

    def _python_below(row: Array, start: int, limit: float) -> Any:
        return np.uint32(sum(1 << t for t in range(LANE) if row[start + t] < limit))

    def _python_lowest_bit(mask: Any) -> Any:
        return (int(mask) & -int(mask)).bit_length() - 1

    _below: Any = _python_below
    _lowest_bit: Any = _python_lowest_bit
    _larger: Any = np.maximum

else:
    _below = intrinsic(_below_bits)
    _lowest_bit = intrinsic(_lowest_bit_of)
    _larger = intrinsic(_larger_lanes)


@helper
def _multiply(left: Array, i: int, panels: Array, at: int, tile: Array, to: int, pitch: int) -> None:
    """Write the products of six rows, from row `i`, with a panel that begins `at`."""
    a = b = c = d = e = f = splat(np.float32(0))
    for t in range(left.shape[1]):
        y = load(panels, at + t * PANEL)
        a = a + splat(left[i, t]) * y
        b = b + splat(left[i + 1, t]) * y
        c = c + splat(left[i + 2, t]) * y
        d = d + splat(left[i + 3, t]) * y
        e = e + splat(left[i + 4, t]) * y
        f = f + splat(left[i + 5, t]) * y
    store(tile, to, a)
    store(tile, to + pitch, b)
    store(tile, to + 2 * pitch, c)
    store(tile, to + 3 * pitch, d)
    store(tile, to + 4 * pitch, e)
    store(tile, to + 5 * pitch, f)


@helper
def _differ(largest: bool, left: Array, i: int, panels: Array, at: int, tile: Array, to: int) -> None:
    """Write the sums, or the largest, of the absolute differences of a row and the columns of a panel."""
    total = splat(np.float32(0))
    for t in range(left.shape[1]):
        x, y = splat(left[i, t]), load(panels, at + t * PANEL)
        size = _larger(x - y, y - x)
        total = _larger(total, size) if largest else total + size
    store(tile, to, total)


@helper
def _fill(
    kind: int, left: Array, i: int, panels: Array, first: int, count: int, tile: Array, to: int, pitch: int
) -> None:
    """Write the scores of six rows, from row `i`, and some panels, those of a row `pitch` after those of the last."""
    length = left.shape[1] * PANEL
    for p in range(count):
        if kind != MANHATTAN and kind != CHEBYSHEV:
            _multiply(left, i, panels, (first + p) * length, tile, to + p * PANEL, pitch)
        else:
            for r in range(ROWS):
                place = to + r * pitch + p * PANEL
                _differ(kind == CHEBYSHEV, left, i + r, panels, (first + p) * length, tile, place)


@helper
def _turned(bits: int) -> int:
    """Return integers in the order of the float32 with these bits; twice gives the bits again."""
    return bits ^ ((bits >> 31) & MAGNITUDE)


@helper
def _select(score: Array, column: Array, n: int, keep: int, most: int) -> tuple[int, Any]:
    """Move the lowest of ``score[:n]`` to the front, at least `keep`, at best `most`; return their number and a bound.

    The bound is halved until it leaves few enough: counting and moving go without branches that depend on the scores,
    so this takes a quarter of the time of a quickselect.
    """
    low, high, within = score[0], score[0], n
    for i in range(1, n):
        low, high = min(low, score[i]), max(high, score[i])
    low, high, under = int(low) - 1, int(high), 0
    while within > most and high - low > 1:
        middle = (low + high) >> 1
        below = 0
        for i in range(n):
            below += score[i] <= middle
        if below < keep:
            low, under = middle, below
        else:
            high, within = middle, below
    room = n if within <= most else keep - under  # for those that are equal to the bound
    kept = 0
    for i in range(n):
        s = score[i]
        score[kept], column[kept] = s, column[i]
        left_out = s == high and room == 0
        room -= s == high and room > 0
        kept += s <= high and not left_out
    return kept, np.int32(_turned(high)).view(np.float32)


@helper
def _mask(tile: Array, start: int, left: int, limit: Any) -> Any:
    """Return the bits that say which scores from `start` are below the limit, of those that are `left`."""
    mask = _below(tile, start, limit)
    if left < LANE:
        mask &= (ONE << np.uint32(left)) - ONE
    return mask


@helper
def _take(
    tile: Array, row: int, width: int, first: int, keep: int, score: Array, column: Array, n: int, limit: float
) -> tuple[int, float]:
    """Add the scores below the limit to a buffer of `n`, which is cut to about `keep` when it is full.

    The limit never rises, although what was found below an earlier one may lie between.
    """
    capacity, bits = len(score), tile.view(np.int32)
    for start in range(0, width, LANE):
        mask = _mask(tile, row + start, width - start, limit)
        if mask == 0:
            continue
        if n + LANE > capacity:
            n, bound = _select(score, column, n, keep, keep + keep // 4)
            limit = min(limit, bound)
        while mask != 0:
            j = start + int(_lowest_bit(mask))
            score[n] = _turned(bits[row + j])
            column[n] = first + j
            n += 1
            mask &= mask - ONE
    return n, limit


@kernel
def scan(
    left: Array,
    panels: Array,
    blocks: Array,
    kind: int,
    groups: Array,
    visits: Array,
    visit: Array,
    column: Array,
    count: Array,
    threshold: Array,
) -> None:
    """Find the columns of the lowest scores among those that each row looks at.

    The running selection holds what is below a threshold, and cuts it to about the lowest `keep` scores when its buffer
    is full, the highest of which is the new threshold. So the work per row grows with the logarithm of the number of
    columns, but for the scores themselves and one test for 32 of them.

    Parameters
    ----------
    left : (m + ROWS - 1, height) float32
        Rows, such as ``(-2 x, 1)`` for products, and at the end some whose scores are ignored.
    panels : (n_panels * height * PANEL,) float32
        Coordinates of the columns.
    blocks : (n_blocks + 1, 2) int64
        The first panel and the first column of each block of columns, then their numbers. Blocks begin with a new
        panel; what follows the last column of a block in its last panel is ignored.
    kind : int
        `MANHATTAN` for sums of absolute differences, `CHEBYSHEV` for the largest, anything else for products.
    groups : (n_groups + 1,) int64
        The first row of each group of rows that look at the same columns, then m.
    visits : (n_groups + 1,) int64
        Where the blocks that a group looks at begin in `visit`, then its length.
    visit : (v,) integers
        Blocks, in the order that a group looks at them; no group twice at one.
    column : (m, keep) int32 or int64, out
    count : (m,) int64, out
        How many columns there are, fewer than `keep` only where a row looks at fewer.
    threshold : (m,) float32, out
        No column that was left out scores below, infinity where none was left out.
    """
    keep, height = column.shape[1], left.shape[1]
    capacity = keep + max(96, keep // 2)
    group = max(ROWS, min(GROUP, ROOM // capacity // ROWS * ROWS))
    strip = max(2, STRIP // (height * PANEL) // 2 * 2)
    score, place = np.empty((group, capacity), np.int32), np.empty((group, capacity), column.dtype)
    pitch = strip * PANEL
    tile = np.empty(ROWS * pitch, np.float32)
    for g in range(len(groups) - 1):
        for first in range(groups[g], groups[g + 1], group):
            last = min(first + group, groups[g + 1])
            for i in range(first, last):  # assigning to slices takes two seconds to compile
                count[i], threshold[i] = 0, np.inf
            for b in visit[visits[g] : visits[g + 1]]:
                for p in range(blocks[b, 0], blocks[b + 1, 0], strip):
                    many = min(strip, blocks[b + 1, 0] - p)
                    at = blocks[b, 1] + (p - blocks[b, 0]) * PANEL
                    width = min(many * PANEL, blocks[b + 1, 1] - at)
                    for i in range(first, last, ROWS):
                        _fill(kind, left, i, panels, p, many, tile, 0, pitch)
                        for j in range(i, min(i + ROWS, last)):
                            s, c = score[j - first], place[j - first]
                            count[j], threshold[j] = _take(
                                tile, (j - i) * pitch, width, at, keep, s, c, count[j], threshold[j]
                            )
            for i in range(first, last):
                s, c = score[i - first], place[i - first]
                if count[i] > keep:
                    count[i], bound = _select(s, c, count[i], keep, keep)
                    threshold[i] = min(threshold[i], bound)
                for n in range(count[i]):
                    column[i, n] = c[n]


@kernel
def scores(left: Array, panels: Array, kind: int, first: int, tile: Array) -> None:
    """Write the scores of all rows and some panels.

    Parameters
    ----------
    left, panels, kind
        As in `scan`.
    first : int
        The first panel.
    tile : (m + ROWS - 1, width) float32, out
        Width a multiple of PANEL. What is in the last rows means nothing.
    """
    flat, pitch = tile.reshape(-1), tile.shape[1]
    for i in range(0, len(tile) - ROWS + 1, ROWS):
        _fill(kind, left, i, panels, first, pitch // PANEL, flat, i * pitch, pitch)


@kernel
def lowest(left: Array, panels: Array, count: int, column: Array) -> None:
    """Find the column of the lowest product with each row, the first of equal ones, or 0 if none is a number.

    Parameters
    ----------
    left, panels
        As in `scan`.
    count : int
        The number of columns.
    column : (m,) int64, out
    """
    many = -(-count // PANEL)
    pitch = many * PANEL
    tile = np.empty(ROWS * pitch + LANE, np.float32)
    m = len(column)
    for i in range(0, m, ROWS):
        _fill(0, left, i, panels, 0, many, tile, 0, pitch)
        for j in range(i, min(i + ROWS, m)):
            row, least = (j - i) * pitch, np.float32(np.inf)
            column[j] = 0
            for start in range(0, count, LANE):
                mask = _mask(tile, row + start, count - start, least)
                while mask != 0:
                    c = start + int(_lowest_bit(mask))
                    if tile[row + c] < least:
                        least, column[j] = tile[row + c], c
                    mask &= mask - ONE
