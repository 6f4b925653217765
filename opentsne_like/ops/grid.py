"""Charges onto a regular grid, and values and gradients of what the grid holds back at points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .plane import row_length
from .potential import Potential
from .workspace import Workspace

TAPS = 6  # nodes that a point touches along an axis, as in `kernels.grid`
HARMONICS = 3  # of the self-interaction, as in `kernels.grid`
GRAIN = 2048  # points that are gathered at a time
CHEAP_GRAIN = 8192  # points that are sorted at a time; fewer of them are not worth a second thread


@dataclass(frozen=True)
class Grid:
    """A regular grid: `spacing`, the map's nodes along its axes, and the padded lengths of the transforms.

    Examples
    --------
    >>> from opentsne_like.ops import Grid
    >>> grid = Grid(spacing=0.5, shape=(1, 16, 32), padded=(1, 32, 64))
    >>> grid.is_plane, grid.axes
    (True, (1, 2))
    """

    spacing: float
    shape: tuple[int, int, int]
    padded: tuple[int, int, int]

    @property
    def is_plane(self) -> bool:
        """Whether it has two real axes."""
        return self.padded[0] == 1 and self.padded[1] > 1

    @property
    def axes(self) -> tuple[int, ...]:
        """The real axes; loops are compiled for each number of them."""
        return tuple(axis for axis in range(3) if self.padded[axis] > 1)


class Place(NamedTuple):
    """Where a map lies on a grid: a point y stands ``(y - corner) * cells_per_unit + offset`` cells from node 0.

    Attributes
    ----------
    corner : ndarray of shape (d,), float64
        A corner of the map. It is taken off first, so that no point leaves the grid by rounding.
    offset : ndarray of shape (d,), float64
        How many cells the corner lies from node 0.
    cells_per_unit : float
        Of length: one over the spacing of the grid.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ops.Place(corner=np.zeros(2), offset=np.full(2, 7.0), cells_per_unit=2.0).cells_per_unit
    2.0
    """

    corner: Array
    offset: Array
    cells_per_unit: float


def spread(
    points: Array, place: Place, grid: Grid, work: Workspace, n_jobs: int, charges: Array | None = None
) -> Array:
    """Return the charges of points on a grid, by B-splines of six nodes per axis.

    Points are sorted by strips of the first real axis, on fixed chunks, and keep their sequence within a strip; strips
    of even and of odd number take turns, so that no two threads meet.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64
        Within the grid, three cells or more from its border; d is 1, 2 or 3.
    place : Place
    grid : Grid
    work : Workspace
        Holds what is returned.
    n_jobs : int
        Threads; the result has the same bits for any number.
    charges : ndarray of shape (n, q), float32, optional
        By default there is one column, of ones.

    Returns
    -------
    ndarray of shape (g0, g1, columns), float32
        With as many columns as `convolve` wants; (q, g0, g1, columns) with charges.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> grid = ops.Grid(1.0, (1, 16, 16), (1, 32, 32))
    >>> place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)  # the origin is at node 7 along both axes
    >>> charges = ops.spread(np.array([[0.0, 0.0], [1.0, 0.5]]), place, grid, ops.Workspace(), n_jobs=1)
    >>> round(float(charges.sum()), 5)
    2.0
    """
    n, d = points.shape
    length = grid.shape[3 - d]
    height = max(16, -(-length // 64))
    n_strips = -(-length // height)
    columns = row_length(grid.shape[2]) if grid.is_plane else grid.padded[2]
    shape = (*grid.shape[:2], columns)
    q = 1 if charges is None else charges.shape[1]
    grids = work.take("charges", (q, *shape), np.float32)
    grids.fill(0)
    strips, nodes = work.take("strips", (n,), np.int32), work.take("nodes", (n,), np.int64)
    parts = work.take("parts", (d, n), np.float32)
    chunks = _parallel.chunk_bounds(n, CHEAP_GRAIN)
    counts = np.empty((len(chunks), n_strips), np.int32)
    count, locate = kernels.grid.count_strips, kernels.grid.locate
    at = tuple(place)  # loops take a plain one
    counting = [(count, (*chunk, points, at, height, strips, counts[c])) for c, chunk in enumerate(chunks)]
    _parallel.run_tasks(counting, n_jobs=n_jobs)
    ends = np.cumsum(counts.T.ravel(), dtype=np.int32).reshape(n_strips, len(chunks)).T
    slots = np.ascontiguousarray(ends - counts)
    bounds = np.append(slots[0], np.int32(n)).tolist()
    order = work.take("order", (0 if charges is None else n,), np.int32)
    shared = (points, at, shape, strips)
    locating = [(locate, (*chunk, *shared, slots[c], nodes, parts, order)) for c, chunk in enumerate(chunks)]
    _parallel.run_tasks(locating, n_jobs=n_jobs)
    kernel: Any = kernels.grid.spread
    located: tuple[Any, ...] = (nodes, parts, grids[0])
    if charges is not None:
        kernel, located = kernels.grid.spread_charges, (nodes, parts, order, charges, grids)
    for parity in (0, 1):
        ranges = [(bounds[s], bounds[s + 1]) for s in range(parity, n_strips, 2)]
        spreading = [(kernel, (*each, *located)) for each in ranges]
        _parallel.run_tasks(spreading, n_jobs=n_jobs if n >= 2 * CHEAP_GRAIN else 1)
    return grids[0] if charges is None else grids


def gather(
    potential: Array,
    points: Array,
    place: Place,
    grid: Grid,
    own: Array,
    shift: float,
    faintest: float,
    n_jobs: int,
) -> tuple[Potential, int]:
    """Return value and gradient at points of a potential on a grid.

    Parameters
    ----------
    potential : ndarray of shape (g0, g1, columns), float32
        From `convolve`.
    points : ndarray of shape (m, d), float64
    place, grid
        As in `spread`.
    own : ndarray of shape (HARMONICS, HARMONICS, HARMONICS), float64
        Harmonics of the self-interaction, what a point feels of its own charge, which is subtracted; zeros for points
        that carry none.
    shift : float
        Added to every value.
    faintest : float
        Value that the grid is not good for, nor for any below.
    n_jobs : int

    Returns
    -------
    Potential
        ``values`` (m,) and ``gradient`` (m, d), float32; 0 where the grid is not good.
    int
        How many points those are: faint ones, and those near the border or outside.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> grid = ops.Grid(1.0, (1, 16, 16), (1, 32, 32))
    >>> place = ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    >>> level = np.full((1, 16, 32), 3.0, np.float32)
    >>> found, missing = ops.gather(level, np.zeros((1, 2)), place, grid, np.zeros((3, 3, 3)), 0.0, -np.inf, n_jobs=1)
    >>> found.values.round(5).tolist(), missing
    ([3.0], 0)
    """
    n, d = points.shape
    values, gradient = np.empty(n, np.float32), np.empty((n, d), np.float32)
    at, shape = tuple(place), np.array(grid.shape)
    shared = (points, at, shape, grid.axes, potential, own, shift, faintest, values, gradient)
    tasks = [(kernels.grid.gather, (*chunk, *shared)) for chunk in _parallel.chunk_bounds(n, GRAIN)]
    sums = _parallel.run_tasks(tasks, n_jobs=n_jobs)
    return Potential(values, gradient, float(sum(part[0] for part in sums))), sum(part[1] for part in sums)


def gather_charges(
    potentials: Array,
    points: Array,
    place: Place,
    grid: Grid,
    own: Array,
    shift: Array,
    charges: Array,
    n_jobs: int,
) -> Potential:
    """Return value and gradient of several potentials on a grid at the points whose charges made them.

    Parameters
    ----------
    potentials : ndarray of shape (q, g0, g1, columns), float32
    points, place, grid, own, n_jobs
        As in `gather`; `own` is the self-interaction of a charge of 1.
    shift : ndarray of shape (q,), float64
        Added to every value.
    charges : ndarray of shape (n, q), float32

    Returns
    -------
    Potential
        ``values`` (n, q) and ``gradient`` (n, q, d), float32.

    Examples
    --------
    A level of 3 on the whole grid, for two points that carry a charge of 1 and none:

    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> grid, place = ops.Grid(1.0, (1, 16, 16), (1, 32, 32)), ops.Place(np.zeros(2), np.full(2, 7.0), 1.0)
    >>> level, charges = np.full((1, 1, 16, 32), 3.0, np.float32), np.array([[1.0], [0.0]], np.float32)
    >>> own = np.zeros((3, 3, 3))
    >>> own[0, 0, 0] = 0.5
    >>> found = ops.gather_charges(level, np.zeros((2, 2)), place, grid, own, np.zeros(1), charges, n_jobs=1)
    >>> found.values.round(5).tolist()
    [[2.5], [3.0]]
    """
    (n, d), q = points.shape, len(potentials)
    values, gradient = np.empty((n, q), np.float32), np.empty((n, q, d), np.float32)
    at, shape = tuple(place), np.array(grid.shape)
    shared = (points, at, shape, grid.axes, potentials, own, charges, shift, values, gradient)
    _parallel.for_chunks(kernels.grid.gather_charges, n, shared, n_jobs=n_jobs, grain=GRAIN)
    return Potential(values, gradient, float(values.sum(dtype=np.float64)))
