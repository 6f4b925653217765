"""Convolution in the plane by Fourier transforms of sixteen rows or columns at a time, one in each lane of a vector.

A grid of (m0, m1) nodes is to be convolved without wrapping around, so it counts as padded with zeros to twice its
lengths. The transform of a padded axis of 2m nodes falls into two of m nodes each: even frequencies ``2j`` are the
transform of x, odd ones ``2j + 1`` that of ``x[n] exp(-2 pi i n / 2m)``; padding itself is never touched.

Along the first axis two real columns share a complex transform. What is kept of it, its even frequencies up to m0 and
then its odd ones, makes the m0 + 1 rows of the spectrum. Transforms are Stockham's (no reordering), of radix 2 to 5, on
real and imaginary parts that stand apart. The inverse is the same with the parts exchanged.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import helper, kernel
from ._lanes import SIXTEEN

WIDTH = 16  # lanes
load, store, splat, _, _, turn = SIXTEEN

HALF = np.float32(0.5)
SIN3 = np.float32(math.sqrt(0.75))
COS5, COS5B = np.float32(math.cos(0.4 * math.pi)), np.float32(math.cos(0.8 * math.pi))
SIN5, SIN5B = np.float32(math.sin(0.4 * math.pi)), np.float32(math.sin(0.8 * math.pi))


@helper
def _store_turned(re: Array, im: Array, q: int, ar: Any, ai: Any, cos: Any, sin: Any) -> None:
    """Store the complex vector ``a * (cos + i sin)``."""
    store(re, q, ar * cos - ai * sin)
    store(im, q, ar * sin + ai * cos)


@helper
def _radix2(n: int, s: int, x: Any, y: Any, roots: Array) -> None:
    """Make the pass of radix 2 of a Stockham transform: `n` is what is left of the length, `s` the run of a node."""
    m, step = n // 2, roots.shape[1] // n
    for p in range(m):
        cos, sin = splat(roots[0, p * step]), splat(roots[1, p * step])
        for q in range(0, s, WIDTH):
            a, b, out = s * p + q, s * (p + m) + q, s * 2 * p + q
            ar, ai, br, bi = load(x[0], a), load(x[1], a), load(x[0], b), load(x[1], b)
            store(y[0], out, ar + br)
            store(y[1], out, ai + bi)
            _store_turned(y[0], y[1], out + s, ar - br, ai - bi, cos, sin)


@helper
def _radix3(n: int, s: int, x: Any, y: Any, roots: Array) -> None:
    """Make the pass of radix 3, see `_radix2`."""
    m, step = n // 3, roots.shape[1] // n
    half, sin3 = splat(HALF), splat(SIN3)
    for p in range(m):
        cos1, sin1 = splat(roots[0, p * step]), splat(roots[1, p * step])
        cos2, sin2 = splat(roots[0, 2 * p * step]), splat(roots[1, 2 * p * step])
        for q in range(0, s, WIDTH):
            a, b, c, out = s * p + q, s * (p + m) + q, s * (p + 2 * m) + q, s * 3 * p + q
            ar, ai, br, bi = load(x[0], a), load(x[1], a), load(x[0], b), load(x[1], b)
            cr, ci = load(x[0], c), load(x[1], c)
            tr, ti = br + cr, bi + ci
            ur, ui = sin3 * (br - cr), sin3 * (bi - ci)
            store(y[0], out, ar + tr)
            store(y[1], out, ai + ti)
            ar, ai = ar - half * tr, ai - half * ti
            _store_turned(y[0], y[1], out + s, ar + ui, ai - ur, cos1, sin1)
            _store_turned(y[0], y[1], out + 2 * s, ar - ui, ai + ur, cos2, sin2)


@helper
def _radix4(n: int, s: int, x: Any, y: Any, roots: Array) -> None:
    """Make the pass of radix 4, see `_radix2`."""
    m, step = n // 4, roots.shape[1] // n
    for p in range(m):
        cos1, sin1 = splat(roots[0, p * step]), splat(roots[1, p * step])
        cos2, sin2 = splat(roots[0, 2 * p * step]), splat(roots[1, 2 * p * step])
        cos3, sin3 = splat(roots[0, 3 * p * step]), splat(roots[1, 3 * p * step])
        for q in range(0, s, WIDTH):
            a, b, c, d = s * p + q, s * (p + m) + q, s * (p + 2 * m) + q, s * (p + 3 * m) + q
            ar, ai, br, bi = load(x[0], a), load(x[1], a), load(x[0], b), load(x[1], b)
            cr, ci, dr, di = load(x[0], c), load(x[1], c), load(x[0], d), load(x[1], d)
            er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
            gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
            out = s * 4 * p + q
            store(y[0], out, er + gr)
            store(y[1], out, ei + gi)
            _store_turned(y[0], y[1], out + s, fr + hi, fi - hr, cos1, sin1)
            _store_turned(y[0], y[1], out + 2 * s, er - gr, ei - gi, cos2, sin2)
            _store_turned(y[0], y[1], out + 3 * s, fr - hi, fi + hr, cos3, sin3)


@helper
def _radix5(n: int, s: int, x: Any, y: Any, roots: Array) -> None:
    """Make the pass of radix 5, see `_radix2`."""
    m, step = n // 5, roots.shape[1] // n
    cos5, cos5b, sin5, sin5b = splat(COS5), splat(COS5B), splat(SIN5), splat(SIN5B)
    for p in range(m):
        cos1, sin1 = splat(roots[0, p * step]), splat(roots[1, p * step])
        cos2, sin2 = splat(roots[0, 2 * p * step]), splat(roots[1, 2 * p * step])
        cos3, sin3 = splat(roots[0, 3 * p * step]), splat(roots[1, 3 * p * step])
        cos4, sin4 = splat(roots[0, 4 * p * step]), splat(roots[1, 4 * p * step])
        for q in range(0, s, WIDTH):
            a, b, c, out = s * p + q, s * (p + m) + q, s * (p + 2 * m) + q, s * 5 * p + q
            d, e = s * (p + 3 * m) + q, s * (p + 4 * m) + q
            ar, ai, br, bi = load(x[0], a), load(x[1], a), load(x[0], b), load(x[1], b)
            cr, ci, dr, di = load(x[0], c), load(x[1], c), load(x[0], d), load(x[1], d)
            er, ei = load(x[0], e), load(x[1], e)
            br, bi, er, ei = br + er, bi + ei, br - er, bi - ei
            cr, ci, dr, di = cr + dr, ci + di, cr - dr, ci - di
            store(y[0], out, ar + br + cr)
            store(y[1], out, ai + bi + ci)
            fr, fi = ar + cos5 * br + cos5b * cr, ai + cos5 * bi + cos5b * ci
            gr, gi = sin5 * er + sin5b * dr, sin5 * ei + sin5b * di
            _store_turned(y[0], y[1], out + s, fr + gi, fi - gr, cos1, sin1)
            _store_turned(y[0], y[1], out + 4 * s, fr - gi, fi + gr, cos4, sin4)
            fr, fi = ar + cos5b * br + cos5 * cr, ai + cos5b * bi + cos5 * ci
            gr, gi = sin5b * er - sin5 * dr, sin5b * ei - sin5 * di
            _store_turned(y[0], y[1], out + 2 * s, fr + gi, fi - gr, cos2, sin2)
            _store_turned(y[0], y[1], out + 3 * s, fr - gi, fi + gr, cos3, sin3)


@helper
def _transform(x: Any, y: Any, factors: Array, roots: Array) -> Any:
    """Transform `x`, a real and an imaginary part of (m, WIDTH) numbers each; return the result, then spare memory."""
    n, s = roots.shape[1] // 2, WIDTH
    for factor in factors:
        if factor == 4:
            _radix4(n, s, x, y, roots)
        elif factor == 5:
            _radix5(n, s, x, y, roots)
        elif factor == 3:
            _radix3(n, s, x, y, roots)
        else:
            _radix2(n, s, x, y, roots)
        n //= factor
        s *= factor
        x, y = y, x
    return x, y


@kernel
def forward_columns(low: int, high: int, charges: Array, factors: Array, roots: Array, spectrum: Array) -> None:
    """Transform a range of blocks of 32 columns along the first axis.

    Parameters
    ----------
    low, high : int
        The range of blocks.
    charges : (m0, columns) float32
        As many columns as blocks hold, a multiple of 32.
    factors : (passes,) int64
        Of m0: 2 to 5 each.
    roots : (2, 2 m0) float32
        Cosines and negative sines of ``2 pi k / (2 m0)``.
    spectrum : (2, >= m0 + 1, columns) float32, out
        Real and imaginary part.
    """
    m = roots.shape[1] // 2
    columns = charges.shape[1]
    flat, real, imaginary = charges.reshape(-1), spectrum[0].reshape(-1), spectrum[1].reshape(-1)
    work = np.empty((4, m * WIDTH), np.float32)
    half = splat(HALF)
    for block in range(low, high):
        first = 2 * WIDTH * block
        for odd in range(2):
            x, y = (work[0], work[1]), (work[2], work[3])
            for n in range(m):
                a, b = load(flat, n * columns + first), load(flat, n * columns + first + WIDTH)
                if odd:
                    _store_turned(x[0], x[1], n * WIDTH, a, b, splat(roots[0, n]), splat(roots[1, n]))
                else:
                    store(x[0], n * WIDTH, a)
                    store(x[1], n * WIDTH, b)
            x, y = _transform(x, y, factors, roots)
            for j in range((m + 1) // 2 if odd else m // 2 + 1):
                k = m - 1 - j if odd else (m - j) % m
                ar, ai = load(x[0], j * WIDTH), load(x[1], j * WIDTH)
                br, bi = load(x[0], k * WIDTH), load(x[1], k * WIDTH)
                row = (j + (m // 2 + 1) * odd) * columns + first
                store(real, row, half * (ar + br))
                store(imaginary, row, half * (ai - bi))
                store(real, row + WIDTH, half * (ai + bi))
                store(imaginary, row + WIDTH, half * (br - ar))


@kernel
def backward_columns(low: int, high: int, spectrum: Array, factors: Array, roots: Array, potential: Array) -> None:
    """Undo `forward_columns`, but for a factor of 2 m0; parameters are the same."""
    m = roots.shape[1] // 2
    columns = potential.shape[1]
    flat, real, imaginary = potential.reshape(-1), spectrum[0].reshape(-1), spectrum[1].reshape(-1)
    work = np.empty((4, m * WIDTH), np.float32)
    for block in range(low, high):
        first = 2 * WIDTH * block
        for odd in range(2):
            x, y = (work[0], work[1]), (work[2], work[3])
            for j in range((m + 1) // 2 if odd else m // 2 + 1):
                k = m - 1 - j if odd else (m - j) % m
                row = (j + (m // 2 + 1) * odd) * columns + first
                ar, ai = load(real, row), load(imaginary, row)
                br, bi = load(real, row + WIDTH), load(imaginary, row + WIDTH)
                store(x[0], k * WIDTH, ar + bi)
                store(x[1], k * WIDTH, br - ai)
                store(x[0], j * WIDTH, ar - bi)
                store(x[1], j * WIDTH, ai + br)
            (im, re), y = _transform((x[1], x[0]), (y[1], y[0]), factors, roots)
            for n in range(m):
                a, b = load(re, n * WIDTH), load(im, n * WIDTH)
                place = n * columns + first
                if odd:
                    cos, sin = splat(roots[0, n]), splat(roots[1, n])
                    store(flat, place, load(flat, place) + a * cos + b * sin)
                    store(flat, place + WIDTH, load(flat, place + WIDTH) + b * cos - a * sin)
                else:
                    store(flat, place, a)
                    store(flat, place + WIDTH, b)


@kernel
def convolve_rows(
    low: int, high: int, length: int, factors: Array, roots: Array, influence: Array, spectrum: Array
) -> None:
    """Transform a range of blocks of 16 rows of the spectrum, multiply by the influence function, transform back.

    Parameters
    ----------
    low, high : int
        The range of blocks.
    length : int
        Columns that count, m1.
    factors, roots
        As in `forward_columns`, of m1.
    influence : (2, m1 // 2 + 1, rows) float32
        Of even and of odd frequencies along the second axis, for the rows of the spectrum.
    spectrum : (2, rows, >= m1) float32, changed
        As many rows as blocks hold.
    """
    m = length
    _, rows, columns = spectrum.shape
    weights, flat = influence.reshape(-1), spectrum.reshape(-1)
    memory = np.zeros((6, -(-m // WIDTH) * WIDTH * WIDTH), np.float32)  # zeros beyond m are turned back, too
    x, y, even = (memory[0], memory[1]), (memory[2], memory[3]), (memory[4], memory[5])
    for block in range(low, high):
        first = WIDTH * block
        for odd in range(2):
            for part in range(2):
                for n in range(0, m, WIDTH):
                    turn(flat, (part * rows + first) * columns + n, columns, x[part], n * WIDTH, WIDTH)
            if odd:
                for n in range(m):
                    a, b = load(x[0], n * WIDTH), load(x[1], n * WIDTH)
                    _store_turned(x[0], x[1], n * WIDTH, a, b, splat(roots[0, n]), splat(roots[1, n]))
            for back in range(2):
                x, y = _transform(x, y, factors, roots)
                if not back:
                    for j in range(m):
                        k = min(j, m - 1 - j if odd else m - j)
                        w = load(weights, (odd * (m // 2 + 1) + k) * rows + first)
                        store(x[0], j * WIDTH, w * load(x[0], j * WIDTH))
                        store(x[1], j * WIDTH, w * load(x[1], j * WIDTH))
                x, y = (x[1], x[0]), (y[1], y[0])
            if not odd:
                x, even = even, x
        for n in range(m):
            cos, sin = splat(roots[0, n]), splat(roots[1, n])
            a, b = load(x[0], n * WIDTH), load(x[1], n * WIDTH)
            store(even[0], n * WIDTH, load(even[0], n * WIDTH) + a * cos + b * sin)
            store(even[1], n * WIDTH, load(even[1], n * WIDTH) + b * cos - a * sin)
        for part in range(2):
            for n in range(0, m, WIDTH):
                turn(even[part], n * WIDTH, WIDTH, flat, (part * rows + first) * columns + n, columns)
            for row in range(part * rows + first, part * rows + first + WIDTH):
                for n in range(-(-m // WIDTH) * WIDTH, columns, WIDTH):
                    store(flat, row * columns + n, splat(np.float32(0)))
