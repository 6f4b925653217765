"""Barnes-Hut sums of a radial kernel and its gradient, by groups of points that share their lists of nodes.

One walk through the tree serves a whole group: nodes that look small from everywhere in the group are expanded to
second order about their centres, the leaves that are left over are summed point by point. Both lists are brought into
float32 coordinates around the group's centre, and two loops run over them that the compiler turns into vector
instructions.

Three arguments choose the machine code by their types alone: `form`, one of `forms` that `ratio` is defined for, is the
radial kernel; `axes` is a tuple of as many zeros as there are dimensions, 2 or 3; `charges` is `Unit` or `Charges`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ._jit import helper, kernel
from .forms import Cauchy, Gaussian, StudentT, by_type

f32 = np.float32

MOST_NEAR = 2048  # points and nodes that are summed at a time: they stay in the cache
MOST_FAR = 512
STRIDE = 32  # lists are filled up to a multiple of this by entries without mass
WIDE = 128.0  # wider groups are summed in float32 coordinates around each of their points
FARTHEST = 10.0  # where exp(-d²) is nothing in float32
# The farthest point of a node that is expanded is within the root of this times the limit of its size. In an even cube
# it is at 0.87 of the size; of a crowd with a few stragglers, one of which may be next to the target, the mean squared
# distance says nothing of these.
UNEVEN = 2.0


class Unit(NamedTuple):
    """Charges that are all 1, so that nodes have no dipoles about the means of their points."""


class Charges(NamedTuple):
    """Charges of any sign, of the points in the order of the tree and, about its centres, of the nodes.

    Attributes
    ----------
    point : (n,) float32
    mass : (nodes,) float64
    dipole : (nodes, 3) float64
    moment : (nodes, 6) float64
        Second moments: xx, xy, yy or xx, xy, xz, yy, yz, zz.
    """

    point: Array
    mass: Array
    dipole: Array
    moment: Array


@by_type
def of_point(charges: Any, j: Any) -> Any:
    """Return the charge of a point."""
    return f32(1)


@by_type
def of_node(charges: Any, tree: Any, v: Any) -> Any:
    """Return the sum of the charges of a node."""
    return tree[3][v, 1] - tree[3][v, 0]


@by_type
def moment_of(charges: Any, tree: Any, v: Any, a: Any) -> Any:
    """Return a second moment of a node."""
    return tree[2][v, a]


@by_type
def dipole_of(charges: Any, v: Any, a: Any) -> Any:
    """Return a component of the dipole of a node."""
    return 0.0


@of_point.of(Charges)
def _charge_of_point(charges: Any, j: Any) -> Any:
    return charges.point[j]


@of_node.of(Charges)
def _charge_of_node(charges: Any, tree: Any, v: Any) -> Any:
    return charges.mass[v]


@moment_of.of(Charges)
def _moment_of_charges(charges: Any, tree: Any, v: Any, a: Any) -> Any:
    return charges.moment[v, a]


@dipole_of.of(Charges)
def _dipole_of_charges(charges: Any, v: Any, a: Any) -> Any:
    return charges.dipole[v, a]


@helper
def _log2(x: Any) -> Any:
    """Return ``log2(x)`` for float32 x >= 1; the error is that of rounding the result."""
    bits = np.float32(x).view(np.int32)
    exponent = np.int32((bits - np.int32(0x3F3504F3)) >> np.int32(23))
    m = np.int32(bits - (exponent << np.int32(23))).view(np.float32)  # from sqrt(1/2) to sqrt(2)
    s = (m - f32(1)) / (m + f32(1))
    s2 = s * s
    return f32(exponent) + s * (f32(2.88539042) + s2 * (f32(0.961588907) + s2 * f32(0.595761397)))


@helper
def _exp2(y: Any) -> Any:
    """Return ``2^y`` for float32 y <= 0 to a relative 2e-7; 2^-126 is the smallest value."""
    y = max(y, f32(-126))
    whole = np.int32(y - f32(0.5))
    f = y - f32(whole)
    series = f32(0.0555035711) + f * (f32(0.00967603192) + f * f32(0.00133908634))
    series = f32(1.00000008) + f * (f32(0.693147188) + f * (f32(0.240221075) + f * series))
    return series * np.int32((whole + np.int32(127)) << np.int32(23)).view(np.float32)


@by_type
def ratio(form: Any, square: Any) -> Any:
    """Return k and q at a squared distance: the n-th derivative of k is ``k (-q)^n`` times a number."""


@by_type
def numbers(form: Any) -> Any:
    """Return those numbers for the second derivative and for the third."""
    return f32(1), f32(1)


@by_type
def reach(form: Any) -> Any:
    """Return a and b: nodes are expanded where their size is below theta times ``sqrt(a + b d²)``.

    The expansion converges for sizes below ``sqrt(dof + d²)``. Within the core of the kernel forces largely cancel, so
    that errors weigh more; kernels of more degrees of freedom fall more steeply, but add less from afar.
    """


@by_type
def vanishes(form: Any) -> Any:
    """Return whether the kernel is nothing in float32 beyond `FARTHEST`."""
    return False


@ratio.of(Cauchy)
def _cauchy(form: Any, square: Any) -> Any:
    q = f32(1) / (f32(1) + square)
    return q, q


@numbers.of(Cauchy)
def _cauchy_numbers(form: Any) -> Any:
    return f32(2), f32(6)


@reach.of(Cauchy)
def _cauchy_reach(form: Any) -> Any:
    return 0.5, 1.0


@ratio.of(StudentT)
def _student_t(form: Any, square: Any) -> Any:
    base = f32(1) + square * f32(1.0 / form.dof)
    return _exp2(-f32(form.dof) * _log2(base)), f32(1) / base


@numbers.of(StudentT)
def _student_t_numbers(form: Any) -> Any:
    inverse = 1.0 / form.dof
    return f32(1 + inverse), f32((1 + inverse) * (1 + 2 * inverse))


@reach.of(StudentT)
def _student_t_reach(form: Any) -> Any:
    return 0.5 * min(1.0, form.dof), min(1.0, max(0.4, 1.0 / form.dof))


@ratio.of(Gaussian)
def _gaussian(form: Any, square: Any) -> Any:
    return _exp2(f32(-1.44269504) * square), f32(1)


@reach.of(Gaussian)
def _gaussian_reach(form: Any) -> Any:
    return 0.5, 0.4


@vanishes.of(Gaussian)
def _gaussian_vanishes(form: Any) -> Any:
    return True


@helper
def _sum_points(form: Any, axes: Any, near: Array, count: Any, tx: Any, ty: Any, tz: Any) -> Any:
    """Return value and gradient at a target of the first `count` columns x, y, z, mass of `near`."""
    x, y, z, mass = near[0], near[1], near[2], near[3]
    total = sx = sy = sz = f32(0)
    for j in range(count):
        dx = tx - x[j]
        dy = ty - y[j]
        dz = tz - z[j] if len(axes) == 3 else f32(0)
        k, q = ratio(form, dx * dx + dy * dy + dz * dz)
        k *= mass[j]
        total += k
        k *= q
        sx += k * dx
        sy += k * dy
        if len(axes) == 3:
            sz += k * dz
    return total, f32(-2) * sx, f32(-2) * sy, f32(-2) * sz


@helper
def _sum_nodes(form: Any, axes: Any, charges: Any, far: Array, count: Any, tx: Any, ty: Any, tz: Any) -> Any:
    """Return value and gradient at a target of the first `count` nodes of `far`.

    With u = q (t - c), M the second moments and the derivatives of k equal to -k q, c2 k q² and -c3 k q³, the value is
    ``k (m - q tr M + 2 c2 u·Mu)`` and its gradient ``k u (2 c2 q tr M - 2 m - 4 c3 u·Mu) + 4 c2 k q Mu``. In this order
    no product leaves the range of float32 while coordinates are below 1e12.

    A dipole D adds ``2 k u·D`` to the value and ``2 k q D - 4 c2 k (u·D) u`` to the gradient.
    """
    x, y, z, mass = far[0], far[1], far[2], far[3]
    xx, xy, yy = far[4], far[5], far[6 if len(axes) == 2 else 7]
    xz, yz, zz = far[6], far[8], far[9]
    c2, c3 = numbers(form)
    total = sx = sy = sz = f32(0)
    for j in range(count):
        dx = tx - x[j]
        dy = ty - y[j]
        dz = tz - z[j] if len(axes) == 3 else f32(0)
        k, q = ratio(form, dx * dx + dy * dy + dz * dz)
        ux, uy, uz = q * dx, q * dy, q * dz
        vx = xx[j] * ux + xy[j] * uy
        vy = xy[j] * ux + yy[j] * uy
        vz = f32(0)
        trace = xx[j] + yy[j]
        if len(axes) == 3:
            vx += xz[j] * uz
            vy += yz[j] * uz
            vz = xz[j] * ux + yz[j] * uy + zz[j] * uz
            trace += zz[j]
        inner = ux * vx + uy * vy + uz * vz
        trace *= q
        m = mass[j]
        total += k * (m - trace + (c2 + c2) * inner)
        along = k * ((c2 + c2) * trace - (m + m) - f32(4) * c3 * inner)
        across = f32(4) * c2 * k * q
        sx += along * ux + across * vx
        sy += along * uy + across * vy
        if len(axes) == 3:
            sz += along * uz + across * vz
        if len(charges) > 0:
            px, py, pz = far[10, j], far[11, j], far[12, j]
            inner = ux * px + uy * py + uz * pz
            total += (k + k) * inner
            along = f32(-4) * c2 * k * inner
            across = (k + k) * q
            sx += along * ux + across * px
            sy += along * uy + across * py
            if len(axes) == 3:
                sz += along * uz + across * pz
    return total, sx, sy, sz


@helper
def _frame(axes: Any, targets: Array, first: int, last: int, frame: Array) -> bool:
    """Write middle and half widths of the box of some targets, and return whether it is wide."""
    square = 0.0
    for a in range(len(axes)):
        lowest = highest = targets[a, first]
        for t in range(first + 1, last):
            lowest = min(lowest, targets[a, t])
            highest = max(highest, targets[a, t])
        frame[0, a] = 0.5 * (lowest + highest)
        frame[1, a] = 0.5 * (highest - lowest)
        square += (highest - lowest) ** 2
    return square > WIDE * WIDE


@helper
def _walk(
    form: Any, axes: Any, tree: Any, first: int, last: int, frame: Array, theta: float, lists: Any
) -> tuple[int, int]:
    """List the nodes to expand and the ranges of points to sum for a box; return how many there are.

    The nodes that contain the box's own group are always opened, so that a point never feels itself. Each node is
    written to all lists, which grow by conditions taken as numbers: there is no branch to be predicted wrongly.
    """
    _, centre, moment, link = tree
    queue, nodes, spans = lists
    base, slope = reach(form)
    base, slope = theta * theta * base, theta * theta * slope
    spans[0, 0], spans[0, 1] = first, last
    n_nodes, n_spans = 0, int(first < last)
    queue[0] = 0
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        begin, end, right = link[v, 0], link[v, 1], link[v, 2]
        dx = max(abs(centre[v, 0] - frame[0, 0]) - frame[1, 0], 0.0)
        dy = max(abs(centre[v, 1] - frame[0, 1]) - frame[1, 1], 0.0)
        square = dx * dx + dy * dy
        if len(axes) == 3:
            dz = max(abs(centre[v, 2] - frame[0, 2]) - frame[1, 2], 0.0)
            square += dz * dz
        around = (begin <= first) & (last <= end) & (first < last)
        wanted = not (around & (begin == first) & (end == last))
        limit = base + slope * square
        small = (centre[v, 3] < limit * limit * limit) & (not around)
        small &= moment[v, 7] * moment[v, 7] < UNEVEN * limit
        if vanishes(form):
            wanted &= math.sqrt(square) - moment[v, 7] < FARTHEST
            small &= square < 4.0 * FARTHEST * FARTHEST  # farther centres would overflow in the expansion
        leaf = right == 0
        nodes[n_nodes] = v
        n_nodes += wanted & small
        spans[n_spans, 0], spans[n_spans, 1] = begin, end
        n_spans += wanted & leaf & (not small)
        queue[tail], queue[tail + 1] = v + 1, right
        tail += 2 * (wanted & (not leaf) & (not small))
    return n_nodes, n_spans


@helper
def _load_points(
    axes: Any, charges: Any, points: Array, spans: Array, at: Any, stop: int, origin: Any, near: Array
) -> Any:
    """Fill `near` with the points of spans from `at` on; return its padded length and where to go on."""
    count = 0
    while at < stop and count + spans[at, 1] - spans[at, 0] <= MOST_NEAR:
        for j in range(spans[at, 0], spans[at, 1]):
            near[0, count] = points[0, j] - origin[0]
            near[1, count] = points[1, j] - origin[1]
            if len(axes) == 3:
                near[2, count] = points[2, j] - origin[2]
            near[3, count] = of_point(charges, j)
            count += 1
        at += 1
    padded = (count + STRIDE - 1) // STRIDE * STRIDE
    for j in range(count, padded):
        near[3, j] = 0
    return padded, at


@helper
def _load_nodes(axes: Any, charges: Any, tree: Any, nodes: Array, at: Any, stop: int, origin: Any, far: Array) -> Any:
    """Fill `far` with nodes from `at` on; return its padded length and where to go on."""
    centre = tree[1]
    count = min(stop - at, MOST_FAR)
    padded = (count + STRIDE - 1) // STRIDE * STRIDE
    for j in range(padded):
        v = nodes[at + min(j, count - 1)]
        mass = 1 if j < count else 0
        far[0, j] = centre[v, 0] - origin[0]
        far[1, j] = centre[v, 1] - origin[1]
        if len(axes) == 3:
            far[2, j] = centre[v, 2] - origin[2]
        far[3, j] = mass * of_node(charges, tree, v)
        for a in range(6 if len(axes) == 3 else 3):
            far[4 + a, j] = mass * moment_of(charges, tree, v, a)
        if len(charges) > 0:
            for a in range(len(axes)):
                far[10 + a, j] = mass * dipole_of(charges, v, a)
    return padded, at + count


@kernel
def evaluate(
    low: int,
    high: int,
    form: Any,
    axes: Any,
    charges: Any,
    tree: Any,
    targets: Array,
    groups: Array,
    own: bool,
    theta: float,
    order: Array,
    values: Array,
    gradient: Array,
) -> float:
    """Sum the kernel and its gradient over all points of a tree for a range of groups, and return the sum of values.

    Parameters
    ----------
    low, high : int
        The range of groups.
    form, axes, charges : NamedTuple, tuple, NamedTuple
        See the module.
    tree : tuple
        Points (d, n) float64; centre, moment and link of the nodes as the kernels of `tree` write them.
    targets : (d, m) float64
    groups : (groups + 1,) int32
        Where the groups of targets begin, and m.
    own : bool
        Whether the targets are the points of the tree and the groups nodes of it.
    theta : float
        Nodes whose size is less than about this times their distance are expanded; 0 sums all pairs.
    order : (m,) int32
        Where the result for each target goes.
    values : (m,) float32, out
    gradient : (m, d) float32, out
    """
    d, n = len(axes), len(tree[3]) + 2
    queue, nodes, spans = np.empty(n, np.int32), np.empty(n, np.int32), np.empty((n, 2), np.int32)
    near, far = np.zeros((4, MOST_NEAR), np.float32), np.zeros((13, MOST_FAR), np.float32)
    frame, sums = np.zeros((3, 3)), np.empty((MOST_NEAR, 4))
    origin = frame[2]
    total = 0.0
    for g in range(low, high):
        first, last = groups[g], groups[g + 1]
        wide = _frame(axes, targets, first, last, frame)
        n_nodes, n_spans = _walk(form, axes, tree, first, last if own else first, frame, theta, (queue, nodes, spans))
        for t in range(last - first):
            for a in range(4):
                sums[t, a] = 0
        node = span = np.int64(0)  # a plain 0 is a type of its own, for which the helpers would be compiled once more
        while node < n_nodes or span < n_spans:
            alone = own and span == 0  # the group's own points come first in the list, and a point does not feel itself
            n_near = n_far = next_node = next_span = np.int64(0)
            for t in range(first, last):
                if wide or t == first:
                    for a in range(d):
                        origin[a] = targets[a, t] if wide else frame[0, a]
                    n_near, next_span = _load_points(axes, charges, tree[0], spans, span, n_spans, origin, near)
                    n_far, next_node = _load_nodes(axes, charges, tree, nodes, node, n_nodes, origin, far)
                x = f32(targets[0, t] - origin[0])
                y = f32(targets[1, t] - origin[1])
                z = f32(targets[d - 1, t] - origin[d - 1])
                if alone:
                    near[3, t - first] = 0
                by_points = _sum_points(form, axes, near, n_near, x, y, z)
                by_nodes = _sum_nodes(form, axes, charges, far, n_far, x, y, z)
                if alone:
                    near[3, t - first] = of_point(charges, t)
                for a in range(4):
                    sums[t - first, a] += by_points[a] + by_nodes[a]
            node, span = next_node, next_span
        for t in range(first, last):
            total += sums[t - first, 0]
            values[order[t]] = sums[t - first, 0]
            for a in range(d):
                gradient[order[t], a] = sums[t - first, 1 + a]
    return total
