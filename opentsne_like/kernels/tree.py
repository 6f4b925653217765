"""A binary tree of points in the plane or in space, built over their Morton order.

Nodes stand in preorder: node v covers the sorted points ``[link[v, 0], link[v, 1])``; its left child is v + 1 and its
right child ``link[v, 2]``, which is 0 for a leaf. Ranges are split where the highest bit in which their codes differ
changes, so nodes are cells of a quad- or octree halved along one axis; ranges of equal codes are halved by number, so
coincident points make no deep trees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._types import Array
from ._jit import helper, kernel

LEAF = 16  # most points of a leaf
FEWEST = 4  # nodes of fewer points are summed point by point
DIGITS = 2048  # values of a digit of the radix sort
TOP_BIT = 53  # where the highest digit begins
COARSE_BIT = 31  # codes are first sorted by their 33 bits from here on
LONGEST_RUN = 64  # more points than this with equal coarse codes make the finer bits count
AXIS_BITS = {2: 32, 3: 21}


@helper
def _spread_in_plane(value: Any) -> Any:
    """Put a zero behind each of the 32 bits."""
    v = np.uint64(value)
    v = (v | (v << np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    v = (v | (v << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    v = (v | (v << np.uint64(2))) & np.uint64(0x3333333333333333)
    return (v | (v << np.uint64(1))) & np.uint64(0x5555555555555555)


@helper
def _spread_in_space(value: Any) -> Any:
    """Put two zeros behind each of the 21 bits."""
    v = np.uint64(value)
    v = (v | (v << np.uint64(32))) & np.uint64(0x001F00000000FFFF)
    v = (v | (v << np.uint64(16))) & np.uint64(0x001F0000FF0000FF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    v = (v | (v << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    return (v | (v << np.uint64(2))) & np.uint64(0x1249249249249249)


@helper
def _digit(code: Any, bit: int) -> Any:
    return np.int64((code >> np.uint64(bit)) & np.uint64(DIGITS - 1))


@kernel
def encode(low: int, high: int, points: Array, corner: Array, scale: float, codes: Array, counts: Array) -> None:
    """Write the Morton codes of a range of points and count their highest digits.

    Parameters
    ----------
    low, high : int
    points : (n, d) float64, d = 2 or 3
    corner : (d,) float64
        Lowest corner of the box that the codes resolve; what lies outside counts as lying on its border.
    scale : float
        Cells per unit of length.
    codes : (n,) uint64, out
        Left-aligned: the highest bit belongs to the first axis.
    counts : (DIGITS,) int64, in and out
    """
    planar = points.shape[1] == 2
    top = 4294967295.0 if planar else 2097151.0
    for i in range(low, high):
        x = np.uint64(min(max((points[i, 0] - corner[0]) * scale, 0.0), top))
        y = np.uint64(min(max((points[i, 1] - corner[1]) * scale, 0.0), top))
        if planar:
            codes[i] = (_spread_in_plane(x) << np.uint64(1)) | _spread_in_plane(y)
        else:
            z = np.uint64(min(max((points[i, 2] - corner[2]) * scale, 0.0), top))
            code = (_spread_in_space(x) << np.uint64(2)) | (_spread_in_space(y) << np.uint64(1)) | _spread_in_space(z)
            codes[i] = code << np.uint64(1)
    for i in range(low, high):
        counts[_digit(codes[i], TOP_BIT)] += 1


@kernel
def scatter(low: int, high: int, codes: Array, slots: Array, sorted_codes: Array, order: Array) -> None:
    """Sort a range of points by their highest digit.

    Parameters
    ----------
    low, high : int
    codes : (n,) uint64
    slots : (DIGITS,) int64, in and out
        Where the next point of this range with that digit goes.
    sorted_codes : (n,) uint64, out
    order : (n,) int32, out
    """
    for i in range(low, high):
        digit = _digit(codes[i], TOP_BIT)
        slot = slots[digit]
        slots[digit] = slot + 1
        sorted_codes[slot] = codes[i]
        order[slot] = i


@helper
def _pass(low: int, high: int, bit: int, codes: Array, order: Array, to_codes: Array, to_order: Array) -> None:
    """Sort ``[low, high)`` stably by one digit into the other pair of arrays."""
    slots = np.zeros(DIGITS + 1, np.int64)
    for i in range(low, high):
        slots[_digit(codes[i], bit) + 1] += 1
    slots[0] = low
    for digit in range(DIGITS):
        slots[digit + 1] += slots[digit]
    for i in range(low, high):
        digit = _digit(codes[i], bit)
        slot = slots[digit]
        slots[digit] = slot + 1
        to_codes[slot] = codes[i]
        to_order[slot] = order[i]


@kernel
def sort(
    low: int,
    high: int,
    codes: Array,
    order: Array,
    sorted_codes: Array,
    sorted_order: Array,
    points: Array,
    sorted_points: Array,
) -> None:
    """Sort a range of codes and bring its points into that order.

    The lowest 31 bits count, and stay in the codes, only where more than `LONGEST_RUN` points would be alike without
    them: points so close to each other are rare, and half of the passes are saved.

    Parameters
    ----------
    low, high : int
    codes : (n,) uint64
        Changed on the way.
    order : (n,) int32
        Likewise.
    sorted_codes : (n,) uint64, out
    sorted_order : (n,) int32, out
    points : (n, d) float64
        In their own order.
    sorted_points : (d, n) float64, out
    """
    for step in range(3):
        _pass(low, high, COARSE_BIT + 11 * step, codes, order, sorted_codes, sorted_order)
        codes, order, sorted_codes, sorted_order = sorted_codes, sorted_order, codes, order
    # The names now tell the latest from the spare ones; after 3 or 9 passes the latest are those meant for the result.
    longest = run = 0
    for i in range(low + 1, high):
        same = (codes[i] ^ codes[i - 1]) >> np.uint64(COARSE_BIT) == np.uint64(0)
        run = run + 1 if same else 0
        longest = max(longest, run)
    if longest >= LONGEST_RUN:
        for step in range(6):
            _pass(low, high, min(11 * step, TOP_BIT), codes, order, sorted_codes, sorted_order)
            codes, order, sorted_codes, sorted_order = sorted_codes, sorted_order, codes, order
    else:
        for i in range(low, high):
            codes[i] &= ~np.uint64((1 << COARSE_BIT) - 1)
    for axis in range(points.shape[1]):
        for i in range(low, high):
            sorted_points[axis, i] = points[order[i], axis]


@kernel
def split(codes: Array, leaf: int, group: int, link: Array, groups: Array) -> tuple[int, int]:
    """Build the tree over sorted codes and return how many nodes and how many groups it has.

    Parameters
    ----------
    codes : (n,) uint64
    leaf : int
        Most points of a leaf.
    group : int
        Most points of a group: the largest nodes of no more points than this are the groups.
    link : (2n, 3) int32, out
    groups : (n + 1,) int32, out
        Where the groups begin, and n.
    """
    pending = np.empty((128, 3), np.int64)  # first, last and parent of a right child; depth is at most 64 + log2(n)
    pending[0, 0], pending[0, 1], pending[0, 2] = 0, len(codes), -1
    top, nodes, count = 1, 0, 0
    grouped = 0  # points that belong to a group already
    while top > 0:
        top -= 1
        first, last = pending[top, 0], pending[top, 1]
        if pending[top, 2] >= 0:
            link[pending[top, 2], 2] = nodes
        link[nodes, 0], link[nodes, 1], link[nodes, 2] = first, last, 0
        if last - first <= group and first >= grouped:
            groups[count] = first
            count += 1
            grouped = last
        if last - first > leaf:
            middle = _boundary(codes, first, last)
            pending[top, 0], pending[top, 1], pending[top, 2] = middle, last, nodes
            pending[top + 1, 0], pending[top + 1, 1], pending[top + 1, 2] = first, middle, -1
            top += 2
        nodes += 1
    groups[count] = len(codes)
    return nodes, count


@helper
def _boundary(codes: Array, first: int, last: int) -> int:
    """Return where the highest bit that differs within ``[first, last)`` becomes 1, or the middle if none differs."""
    bit = codes[first] ^ codes[last - 1]
    if bit == np.uint64(0):
        return (first + last) // 2
    for shift in (1, 2, 4, 8, 16, 32):
        bit |= bit >> np.uint64(shift)
    bit ^= bit >> np.uint64(1)
    last -= 1
    while first < last:
        middle = (first + last) // 2
        if codes[middle] & bit != np.uint64(0):
            last = middle
        else:
            first = middle + 1
    return first


@kernel
def measure_leaves(low: int, high: int, points: Array, link: Array, centre: Array, moment: Array, box: Array) -> None:
    """Write centre, second moments and box of the leaves among a range of nodes.

    Parameters
    ----------
    low, high : int
    points : (d, n) float64
        In the order of the tree.
    link : (nodes, 3) int32
    centre : (nodes, 4) float64, out
        Mean of the points in the first d columns.
    moment : (nodes, 8) float32, out
        Second central moments, summed over the points: xx, xy, yy or xx, xy, xz, yy, yz, zz.
    box : (nodes, 6) float64, out
        Lowest corner, then the highest from column 3 on.
    """
    d = len(points)
    for v in range(low, high):
        first, last = link[v, 0], link[v, 1]
        if link[v, 2] != 0:
            continue
        for a in range(d):
            row = points[a, first:last]
            total, lowest, highest = 0.0, row[0], row[0]
            for j in range(len(row)):
                total += row[j] - row[0]
                lowest, highest = min(lowest, row[j]), max(highest, row[j])
            centre[v, a] = row[0] + total / len(row)
            box[v, a], box[v, 3 + a] = lowest, highest
        column = 0
        for a in range(d):
            for b in range(a, d):
                square = 0.0
                for j in range(first, last):
                    square += (points[a, j] - centre[v, a]) * (points[b, j] - centre[v, b])
                moment[v, column] = square
                column += 1


@kernel
def measure_nodes(link: Array, centre: Array, moment: Array, box: Array, d: int) -> None:
    """Complete the measures of all nodes from those of the leaves, and write their sizes.

    The size of a node tells the third moment of its points, which the error of an expansion to second order is
    proportional to. It is the cube root of the largest distance from the centre times the mean squared distance, scaled
    such that an interval, a square or a cube of width w, evenly filled, has the size w.

    Parameters
    ----------
    link : (nodes, 3) int32
    centre : (nodes, 4) float64, in and out
        The sixth power of the size, which takes no roots, comes into the last column: infinity for nodes of so few
        points that single ones are cheaper.
    moment : (nodes, 8) float32, in and out
        The largest distance from the centre comes into the last column.
    box : (nodes, 6) float64, in and out
    d : int
    """
    for v in range(len(link) - 1, -1, -1):
        left, right = v + 1, link[v, 2]
        count = link[v, 1] - link[v, 0]
        if right != 0:
            share = (link[right, 1] - link[right, 0]) / count
            reduced = share * (link[left, 1] - link[left, 0])
            column = 0
            for a in range(d):
                box[v, a] = min(box[left, a], box[right, a])
                box[v, 3 + a] = max(box[left, 3 + a], box[right, 3 + a])
                apart = centre[right, a] - centre[left, a]
                centre[v, a] = centre[left, a] + share * apart
                for b in range(a, d):
                    product = reduced * apart * (centre[right, b] - centre[left, b])
                    moment[v, column] = moment[left, column] + moment[right, column] + product
                    column += 1
        trace = reach = squares = 0.0
        column = 0
        for a in range(d):
            reach += max(centre[v, a] - box[v, a], box[v, 3 + a] - centre[v, a]) ** 2
            trace += moment[v, column]
            for b in range(a, d):
                squares += (1.0 if a == b else 2.0) * np.float64(moment[v, column]) ** 2
                column += 1
        moment[v, 7] = math.sqrt(reach)
        centre[v, 3] = math.inf
        if count >= FEWEST:
            flatness = squares / (trace * trace) if trace > 0.0 else 1.0  # one over the dimension of what it holds
            centre[v, 3] = (24.0 * trace / count) ** 2 * reach * flatness**3


@kernel
def measure_charges(
    points: Array, link: Array, centre: Array, charges: Array, mass: Array, dipole: Array, moment: Array
) -> None:
    """Write sums, dipoles and second moments of the charges of all nodes, about the centres of these.

    With `a` from the centre of a node to that of a child, whose sums are m, D and S, the child adds m to the sum,
    ``D + m a`` to the dipole and ``S + a D' + D a' + m a a'`` to the second moments.

    Parameters
    ----------
    points : (d, n) float64
        In the order of the tree.
    link : (nodes, 3) int32
    centre : (nodes, 4) float64
    charges : (n,) float32
        In the order of the tree.
    mass : (nodes,) float64, out
    dipole : (nodes, 3) float64, out
    moment : (nodes, 6) float64, out
        In the order of those in `measure_leaves`.
    """
    d = len(points)
    for v in range(len(link) - 1, -1, -1):
        right = link[v, 2]
        mass[v] = 0.0
        dipole[v] = 0.0
        moment[v] = 0.0
        for j in range(link[v, 0], link[v, 1] if right == 0 else link[v, 0]):
            charge = np.float64(charges[j])
            mass[v] += charge
            column = 0
            for a in range(d):
                along = charge * (points[a, j] - centre[v, a])
                dipole[v, a] += along
                for b in range(a, d):
                    moment[v, column] += along * (points[b, j] - centre[v, b])
                    column += 1
        for child in range(2 if right != 0 else 0):
            w = right if child else v + 1
            mass[v] += mass[w]
            column = 0
            for a in range(d):
                x = centre[w, a] - centre[v, a]
                dipole[v, a] += dipole[w, a] + x * mass[w]
                for b in range(a, d):
                    y = centre[w, b] - centre[v, b]
                    moment[v, column] += moment[w, column] + x * dipole[w, b] + y * dipole[w, a] + x * y * mass[w]
                    column += 1
