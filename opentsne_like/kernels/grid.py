"""Quintic B-spline spreading and gathering on a regular grid, in one, two or three dimensions.

A grid always has three axes; the leading ones have a single node where the map has fewer dimensions. Along a real axis
a point at ``u`` cells from the origin touches the six nodes ``floor(u) - 2 ... floor(u) + 3``, along a missing axis
the only node, with weight 1. The last axis is always a real one and is contiguous.

The weights are the B-spline of order 6 (degree 5): Hockney & Eastwood, *Computer Simulation Using Particles* (1988);
Essmann et al., *A smooth particle mesh Ewald method* (1995).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import helper, kernel
from ._lanes import EIGHT

TAPS = 6
HARMONICS = 3  # of the self-interaction, the constant included; the next is a thousandth of the last
BLOCK = 256  # points whose places and self-interactions are taken together

load, store, splat, pick, total, _ = EIGHT  # six taps and two lanes of weight 0

# Coefficients of the weights at the fraction t of a cell, by powers of t, a row of lanes each.
_SPLINE = np.zeros((TAPS, 8))
_SPLINE[:, :TAPS] = [
    [1, 26, 66, 26, 1, 0],
    [-5, -50, 0, 50, 5, 0],
    [10, 20, -60, 20, 10, 0],
    [-10, 20, 0, -20, 10, 0],
    [5, -20, 30, -20, 5, 0],
    [-1, 5, -10, 10, -5, 1],
]
WEIGHTS = (_SPLINE / 120.0).astype(np.float32).reshape(-1)
SLOPES = (_SPLINE[1:] * np.arange(1, TAPS)[:, None] / 120.0).astype(np.float32).reshape(-1)
SINGLE = np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float32)


@helper
def _weights(real: bool, t: Any) -> Any:
    """Return the weights at the fraction `t` of a cell along an axis, which is real or missing."""
    x = splat(t)
    w = load(WEIGHTS, 40) * x + load(WEIGHTS, 32)
    w = ((w * x + load(WEIGHTS, 24)) * x + load(WEIGHTS, 16)) * x + load(WEIGHTS, 8)
    return w * x + load(WEIGHTS, 0) if real else load(SINGLE, 0)


@helper
def _slopes(real: bool, t: float) -> Any:
    """Return the derivatives of the weights."""
    x = splat(t)
    w = (load(SLOPES, 32) * x + load(SLOPES, 24)) * x + load(SLOPES, 16)
    return (w * x + load(SLOPES, 8)) * x + load(SLOPES, 0) if real else splat(np.float32(0))


@helper
def _add_to_row(flat: Array, base: int, w: Any) -> None:
    store(flat, base, load(flat, base) + w)


@helper
def _read_plane(real: bool, w: Any, s: Any, flat: Array, base: int, run: int) -> Any:
    """Return the sums of the rows of a plane, `run` apart, by the weights along the second axis and by their slopes."""
    row = load(flat, base)
    value, slope = pick(w, 0) * row, pick(s, 0) * row
    if real:
        row = load(flat, base + run)
        value, slope = value + pick(w, 1) * row, slope + pick(s, 1) * row
        row = load(flat, base + 2 * run)
        value, slope = value + pick(w, 2) * row, slope + pick(s, 2) * row
        row = load(flat, base + 3 * run)
        value, slope = value + pick(w, 3) * row, slope + pick(s, 3) * row
        row = load(flat, base + 4 * run)
        value, slope = value + pick(w, 4) * row, slope + pick(s, 4) * row
        row = load(flat, base + 5 * run)
        value, slope = value + pick(w, 5) * row, slope + pick(s, 5) * row
    return value, slope


@kernel
def count_strips(
    low: int, high: int, places: Array, place: Any, strip_height: int, strips: Array, counts: Array
) -> None:
    """Find the strip that each point begins in, and count the points per strip.

    Parameters
    ----------
    low, high : int
        The range of points.
    places : (n, d) float64
        The points.
    place : tuple
        Corner of the map (d,), how many cells it lies from node 0 (d,), and cells per unit of length. Differences to
        the corner are taken first, so that no point leaves the grid by rounding.
    strip_height : int
        Nodes of the first real axis per strip.
    strips : (n,) int32, out
    counts : (strips,) int32, out
    """
    corner, offset, inverse_spacing = place
    strips_per_node = 1.0 / strip_height
    counts[:] = 0
    for i in range(low, high):
        cell = int((places[i, 0] - corner[0]) * inverse_spacing + offset[0]) - 2
        strips[i] = int((cell + 0.5) * strips_per_node)  # faster than a division of integers, and the same
        counts[strips[i]] += 1


@kernel
def locate(
    low: int,
    high: int,
    points: Array,
    place: Any,
    shape: Any,
    strips: Array,
    slots: Array,
    nodes: Array,
    parts: Array,
    order: Array,
) -> None:
    """Write the first node and the place in the cell of the points of a range, in the order of their strips.

    Within a strip they keep their sequence.

    Parameters
    ----------
    low, high : int
    points, place, strips
        As in `count_strips`.
    shape : tuple
        Of the grid, (g0, g1, g2).
    slots : (strips,) int32, changed
        The next free place in each strip.
    nodes : (n,) int64, out
        In the flat grid.
    parts : (d, n) float32, out
        Fractions of a cell along the real axes.
    order : (n,) int32, out, or (0,)
        The point at each place.
    """
    corner, offset, inverse_spacing = place
    d = points.shape[1]
    n1, n2 = shape[1], shape[2]
    for i in range(low, high):
        q = slots[strips[i]]
        slots[strips[i]] += 1
        node = 0
        for k in range(d):
            u = (points[i, k] - corner[k]) * inverse_spacing + offset[k]
            cell = int(u)
            node = node * (n2 if k == d - 1 else n1) + cell - 2
            parts[k, q] = u - cell
        nodes[q] = node
        if len(order) > 0:
            order[q] = i


@helper
def _add_point(d: int, w0: Any, w1: Any, w2: Any, flat: Array, first: int, run: int, plane: int) -> None:
    """Add a charge to the nodes from `first` on; `run` and `plane` as in `_interpolate`."""
    for a in range(TAPS if d == 3 else 1):
        base = first + a * plane
        w = pick(w0, a) * w2 if d == 3 else w2
        _add_to_row(flat, base, pick(w1, 0) * w)
        if d > 1:
            _add_to_row(flat, base + run, pick(w1, 1) * w)
            _add_to_row(flat, base + 2 * run, pick(w1, 2) * w)
            _add_to_row(flat, base + 3 * run, pick(w1, 3) * w)
            _add_to_row(flat, base + 4 * run, pick(w1, 4) * w)
            _add_to_row(flat, base + 5 * run, pick(w1, 5) * w)


@kernel
def spread(first: int, last: int, nodes: Array, parts: Array, grid: Array) -> None:
    """Add unit charges to the grid, for a range of located points in that sequence.

    Parameters
    ----------
    first, last : int
    nodes : (n,)
    parts : (d, n)
        From `locate`.
    grid : (g0, g1, g2) float32, changed
    """
    n2, plane = grid.shape[2], grid.shape[1] * grid.shape[2]
    d = len(parts)  # not known to the compiler, which would else add the weights to a line's nodes one by one
    flat = grid.reshape(-1)
    zero = np.float32(0)
    for q in range(first, last):
        w0 = _weights(d == 3, parts[0, q] if d == 3 else zero)
        w1 = _weights(d > 1, parts[d - 2, q] if d > 1 else zero)
        w2 = _weights(True, parts[d - 1, q])
        _add_point(d, w0, w1, w2, flat, nodes[q], n2, plane)


@kernel
def spread_charges(
    first: int, last: int, nodes: Array, parts: Array, order: Array, charges: Array, grids: Array
) -> None:
    """Add charges of several columns to a grid each, for a range of located points in that sequence.

    Parameters
    ----------
    first, last, nodes, parts
        As in `spread`.
    order : (n,) int32
        From `locate`.
    charges : (n, q) float32
    grids : (q, g0, g1, g2) float32, changed
    """
    columns, n0, n1, n2 = grids.shape
    d = len(parts)
    flat = grids.reshape(-1)
    zero = np.float32(0)
    for q in range(first, last):
        w0 = _weights(d == 3, parts[0, q] if d == 3 else zero)
        w1 = _weights(d > 1, parts[d - 2, q] if d > 1 else zero)
        w2 = _weights(True, parts[d - 1, q])
        for c in range(columns):
            charged = splat(charges[order[q], c]) * w2
            _add_point(d, w0, w1, charged, flat, c * n0 * n1 * n2 + nodes[q], n2, n1 * n2)


@helper
def _interpolate(axes: Any, t: Any, flat: Array, base: int, run: int, plane: int) -> Any:
    """Return value and gradient per cell of what the grid holds at the fractions `t` of the cell that begins at `base`.

    `run` and `plane` are the distances, in the flat grid, of nodes along the second axis and the first.
    """
    d = len(axes)
    w1, s1 = _weights(d > 1, t[1]), _slopes(d > 1, t[1])
    w2, s2 = _weights(True, t[2]), _slopes(True, t[2])
    rows, along1 = _read_plane(d > 1, w1, s1, flat, base, run)
    along0 = rows
    if d == 3:
        w0, s0 = _weights(True, t[0]), _slopes(True, t[0])
        rows, along1, along0 = pick(w0, 0) * rows, pick(w0, 0) * along1, pick(s0, 0) * rows
        for a in range(1, TAPS):
            values, slopes = _read_plane(True, w1, s1, flat, base + a * plane, run)
            rows, along1 = rows + pick(w0, a) * values, along1 + pick(w0, a) * slopes
            along0 = along0 + pick(s0, a) * values
    return total(rows * w2), total(along0 * w2), total(along1 * w2), total(rows * s2)


@helper
def _find(axes: Any, points: Array, place: Any, shape: Any, n1: int, n2: int, nodes: Array, parts: Array) -> None:
    """Write the first node of points in rows and planes of n2 and n1, -1 for those outside of a grid, and their parts.

    Parameters
    ----------
    points : (count, d)
    axes, place, shape
        As in `gather`.
    n1, n2 : int
    nodes : (>= count,) int64, out
    parts : (3, >= count) float32, out
        Fractions of a cell, 0 along missing axes.
    """
    corner, offset, inverse_spacing = place
    d = len(axes)
    for i in range(len(points)):
        base, inside = 0, True
        t0 = t1 = t2 = np.float32(0)
        for k in range(d):
            u = (points[i, k] - corner[k]) * inverse_spacing + offset[k]
            inside = inside and TAPS // 2 <= u <= shape[3 - d + k] - TAPS
            cell = int(u) if inside else TAPS
            t0, t1, t2 = t1, t2, np.float32(u - cell) if inside else np.float32(0)
            base = base * (n2 if k == d - 1 else n1) + cell - 2
        nodes[i] = base if inside else -1
        parts[0, i], parts[1, i], parts[2, i] = t0, t1, t2


@kernel
def gather(
    low: int,
    high: int,
    points: Array,
    place: Any,
    shape: Array,
    axes: Any,
    potential: Array,
    own: Array,
    shift: float,
    faintest: float,
    phi: Array,
    gradient: Array,
) -> tuple[float, int]:
    """Interpolate the potential and its gradient at a range of points.

    The self-interaction, what a point feels of its own charge, is subtracted: a function of its place in the cell, of
    which `own` holds the first harmonics, ``sum_abc own[a, b, c] cos(2 pi a t0) cos(2 pi b t1) cos(2 pi c t2)``.

    Parameters
    ----------
    low, high : int
    points : (n, d) float64
    place : tuple
        As in `count_strips`.
    shape : (3,) int64
        Nodes of the grid along its axes.
    axes : tuple
        As long as there are real axes: each length is a type of its own, for which the compiler leaves the others out.
    potential : (g0, g1, >= g2) float32
    own : (HARMONICS, HARMONICS, HARMONICS) float64
        All zero for points that carry no charge.
    shift : float
        Added to every value.
    faintest : float
        Potential that the grid is not good for, nor for any below.
    phi : (n,) float32, out
        0 where the grid is not good: near the border, outside, and where the potential is faint.
    gradient : (n, d) float32, out

    Returns
    -------
    total : float
        The sum of `phi` over the range.
    missing : int
        How many points the grid is not good for.
    """
    d, n1, n2 = len(axes), potential.shape[1], potential.shape[2]
    flat = potential.reshape(-1)
    nodes, parts, felt = np.empty(BLOCK, np.int64), np.empty((3, BLOCK), np.float32), np.zeros((4, BLOCK))
    found = np.empty((BLOCK, 4))
    subtract, inverse_spacing = own[0, 0, 0] != 0.0, place[2]
    sum_of_values, missing = 0.0, 0
    for begin in range(low, high, BLOCK):
        count = min(BLOCK, high - begin)
        _find(axes, points[begin : begin + count], place, shape, n1, n2, nodes, parts)
        if subtract:
            _feel_own(axes, own, parts[:, :count], felt)
        for k in range(count):
            t = (parts[0, k], parts[1, k], parts[2, k])
            value, g0, g1, g2 = _interpolate(axes, t, flat, max(nodes[k], 0), n2, n1 * n2)
            found[k, 0] = value - felt[0, k] + shift
            found[k, 1] = (g0 - felt[1, k]) * inverse_spacing
            found[k, 2] = (g1 - felt[2, k]) * inverse_spacing
            found[k, 3] = (g2 - felt[3, k]) * inverse_spacing
        for k in range(count):
            inside = nodes[k] >= 0 and found[k, 0] > faintest
            value = found[k, 0] if inside else 0.0
            sum_of_values += value
            missing += not inside
            phi[begin + k] = value
            for c in range(d):
                gradient[begin + k, c] = found[k, 4 - d + c]
    return sum_of_values, missing


@kernel
def gather_charges(
    low: int,
    high: int,
    points: Array,
    place: Any,
    shape: Array,
    axes: Any,
    potentials: Array,
    own: Array,
    charges: Array,
    shift: Array,
    phi: Array,
    gradient: Array,
) -> None:
    """Interpolate several potentials and their gradients at a range of the points whose charges made them.

    Parameters
    ----------
    low, high, points, place, shape, axes, own
        As in `gather`; `own` is the self-interaction of a charge of 1.
    potentials : (q, g0, g1, >= g2) float32
    charges : (n, q) float32
    shift : (q,) float64
        Added to every value.
    phi : (n, q) float32, out
    gradient : (n, q, d) float32, out
        0 where the grid is not good, as in `gather`.
    """
    columns, n0, n1, n2 = potentials.shape
    d, inverse_spacing = len(axes), place[2]
    flat = potentials.reshape(-1)
    nodes, parts, felt = np.empty(BLOCK, np.int64), np.empty((3, BLOCK), np.float32), np.empty((4, BLOCK))
    for begin in range(low, high, BLOCK):
        count = min(BLOCK, high - begin)
        _find(axes, points[begin : begin + count], place, shape, n1, n2, nodes, parts)
        _feel_own(axes, own, parts[:, :count], felt)
        for k in range(count):
            i, t = begin + k, (parts[0, k], parts[1, k], parts[2, k])
            phi[i] = 0
            gradient[i] = 0
            if nodes[k] < 0:
                continue
            for c in range(columns):
                charge = np.float64(charges[i, c])
                value, g0, g1, g2 = _interpolate(axes, t, flat, c * n0 * n1 * n2 + nodes[k], n2, n1 * n2)
                phi[i, c] = value - charge * felt[0, k] + shift[c]
                gradient[i, c, d - 1] = (g2 - charge * felt[3, k]) * inverse_spacing
                if d > 1:
                    gradient[i, c, d - 2] = (g1 - charge * felt[2, k]) * inverse_spacing
                if d > 2:
                    gradient[i, c, 0] = (g0 - charge * felt[1, k]) * inverse_spacing


@helper
def _cos_sin(t: float) -> tuple[float, float]:
    """Return cos(2 pi t) and sin(2 pi t) for 0 <= t < 1, to 1e-6."""
    x = 2.0 * math.pi * (t - 0.5)
    y = 0.25 * x * x
    half_sin = 0.5 * x * (1 + y * (-1 / 6 + y * (1 / 120 + y * (-1 / 5040 + y * (1 / 362880 - y / 39916800)))))
    half_cos = 1 + y * (-1 / 2 + y * (1 / 24 + y * (-1 / 720 + y * (1 / 40320 - y / 3628800))))
    return 2.0 * half_sin * half_sin - 1.0, -2.0 * half_sin * half_cos


@helper
def _feel_own(axes: Any, own: Array, parts: Array, felt: Array) -> None:
    """Write what points feel of their own charge: the potential and its gradient per cell, along three axes.

    Loops over points with nothing else in them turn into vectors.

    Parameters
    ----------
    axes : tuple
        As in `gather`.
    own : (HARMONICS, HARMONICS, HARMONICS)
        0 but for the constant along missing axes, where any fraction will do.
    parts : (3, count)
    felt : (4, >= count) float64, out
    """
    turn = -math.pi  # the gradient moves the point alone, not its charge: half of what the harmonics say
    plane = own[0]
    for k in range(parts.shape[1]):
        v, g1, g2 = _sum_harmonics(plane, _cos_sin(parts[1, k]), _cos_sin(parts[2, k]))
        felt[0, k], felt[1, k], felt[2, k], felt[3, k] = v, 0.0, turn * g1, turn * g2
    if len(axes) == 3:
        one, two = own[1], own[2]
        for k in range(parts.shape[1]):
            c, s = _cos_sin(parts[0, k])
            v, g1, g2 = _sum_harmonics(one, _cos_sin(parts[1, k]), _cos_sin(parts[2, k]))
            w, h1, h2 = _sum_harmonics(two, _cos_sin(parts[1, k]), _cos_sin(parts[2, k]))
            twice = 2.0 * c * c - 1.0
            felt[0, k] += c * v + twice * w
            felt[1, k] = turn * (s * v + 4.0 * s * c * w)
            felt[2, k] += turn * (c * g1 + twice * h1)
            felt[3, k] += turn * (c * g2 + twice * h2)


@helper
def _sum_harmonics(plane: Array, first: Any, second: Any) -> tuple[float, float, float]:
    """Return ``sum_bc plane[b, c] cos(b x) cos(c y)``, that with ``b sin(b x)``, and that with ``c sin(c y)``.

    Given are cosine and sine of x and of y.
    """
    (c1, s1), (c2, s2) = first, second
    twice1, twice2, double1, double2 = 2.0 * c1 * c1 - 1.0, 2.0 * c2 * c2 - 1.0, 4.0 * s1 * c1, 4.0 * s2 * c2
    v0 = plane[0, 0] + plane[0, 1] * c2 + plane[0, 2] * twice2
    v1 = plane[1, 0] + plane[1, 1] * c2 + plane[1, 2] * twice2
    v2 = plane[2, 0] + plane[2, 1] * c2 + plane[2, 2] * twice2
    t0 = plane[0, 1] * s2 + plane[0, 2] * double2
    t1 = plane[1, 1] * s2 + plane[1, 2] * double2
    t2 = plane[2, 1] * s2 + plane[2, 2] * double2
    return v0 + c1 * v1 + twice1 * v2, s1 * v1 + double1 * v2, t0 + c1 * t1 + twice1 * t2


@kernel
def apply_influence(spectrum: Array, influence: Array, column: int) -> None:
    """Multiply a block of the spectrum by the even, real influence function.

    Parameters
    ----------
    spectrum : (n0, n1, columns) complex64 or complex128, changed
    influence : (n0 // 2 + 1, n1 // 2 + 1, n2 // 2 + 1) float32
    column : int
        The first column of the block.
    """
    n0, n1, columns = spectrum.shape
    for i in range(n0):
        p = min(i, n0 - i)
        for j in range(n1):
            q = min(j, n1 - j)
            for k in range(columns):
                spectrum[i, j, k] *= influence[p, q, column + k]
