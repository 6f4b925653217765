"""All-pairs repulsion by one convolution on a grid.

Unit charges are spread onto a grid by B-splines, convolved with the kernel by one forward and one inverse real FFT, and
the potential and its gradient are gathered by the same splines. The influence function is the one that minimizes the
mean squared error of this (Hockney & Eastwood 1988), and the self-interaction, what a point feels of its own charge, is
subtracted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, cast

import numpy as np

from .. import ops
from .._types import Array
from ..devices import beside, on_host, operations
from ..ops import HARMONICS, TAPS, Grid, Place, Potential, Workspace
from .radial import Radial

MARGIN = 3  # empty cells between the map and the border, where the kernel levels off
CELLS_ACROSS = 40.0  # a map narrower than this many cells gets a finer grid
MOST_CELLS = 2**24  # of the map's own grid (an eighth of the padded one in space, a quarter in the plane)
FREE_CELLS, CELLS_PER_POINT = 2**21, 256  # fewer points have to do with fewer cells
CROWDED = 4  # points per cell
COLUMNS, COLUMN_CELLS = 8, 2**24  # columns of charges that are spread together, and cells that they may take
WAVES_AT_ONCE = 2**16


@lru_cache(maxsize=2)
def _lengths(in_plane: bool) -> Array:
    """Return the ladder of transform lengths: even, of small prime factors, at most 9 % apart.

    In the plane no factor is above 5, and they are up to 20 % apart, 12 % above 200.
    """
    powers = {2**a * 3**b * 5**c for a in range(1, 26) for b in range(9) for c in range(6)}
    smooth = powers if in_plane else {length * factor for length in powers for factor in (1, 7, 11, 13)}
    small = set() if in_plane else set(range(32, 128, 2))
    candidates = sorted({length for length in smooth if 32 <= length <= 2**26} | small)
    ladder = [32]
    for length, longer in pairwise(candidates):
        if length > ladder[-1] and longer > 1.09 * ladder[-1]:
            ladder.append(length)
    return np.array(ladder)


def plan_grid(spans: Array, coarsest: float, cells_across: float = CELLS_ACROSS) -> Grid:
    """Return the grid for a map that is `spans` wide: a pure function, so that a resumed run takes the same grid.

    The spacing is `coarsest`, halved in steps of √2 while the map is small: the widest span then covers
    `cells_across` cells or more.
    """
    widest = float(spans.max())
    spacing = coarsest
    if widest < coarsest * cells_across:
        steps = np.ceil(2.0 * np.log2(coarsest * cells_across / max(widest, 1e-150)))
        spacing = coarsest * 2.0 ** (-steps / 2.0)
    needed = 2 * (np.ceil(spans / spacing) + TAPS + 2 * MARGIN).astype(np.float64)
    lengths = _lengths(len(spans) == 2)
    padded = [int(lengths[min(np.searchsorted(lengths, n), len(lengths) - 1)]) for n in needed]
    missing = [1] * (3 - len(padded))
    return Grid(spacing, (*missing, *(n // 2 for n in padded)), (*missing, *padded))  # type: ignore[arg-type]


def most_cells(n: int) -> int:
    """Return how many cells a grid for `n` points may have: memory is bounded, and so is waste."""
    return min(MOST_CELLS, FREE_CELLS + CELLS_PER_POINT * n)


def count_cells(grid: Grid) -> int:
    """Return the number of nodes of the map's own grid."""
    return int(np.prod([float(n) for n in grid.shape]))


@dataclass(frozen=True)
class Influence:
    """The influence function of a kernel on a grid, and what belongs to it.

    Attributes
    ----------
    spectrum : ndarray, float32
        The influence function, real and even, as `ops.arrange` lays it out for `ops.convolve`.
    own : ndarray of shape (HARMONICS, HARMONICS, HARMONICS), float64
        The self-interaction of a unit charge as harmonics of its place in the cell, see `ops.gather`.
    constant : float
        What was taken off the kernel before its transform, and is added to the sums apart from the grid.
    """

    spectrum: Array
    own: Array
    constant: float


def _over_waves(function: Callable[[Array], Array], padded: int) -> Array:
    """Return ``function(k)`` for the waves k of an axis, in blocks, lest its intermediate results fill the memory."""
    blocks = np.array_split(np.arange(padded // 2 + 1), padded // WAVES_AT_ONCE + 1)
    return np.concatenate([function(k) for k in blocks], axis=-1)


def _aliasing(padded: int) -> Array:
    """Return the factor of the influence function along one axis that makes the mean squared error smallest.

    It is ``B(k)² / (sum_a B(k + 2 pi a)²)²`` with B the transform of the spline, ``(sin(k/2) / (k/2))^6``, once
    for spreading and once for gathering, and the sum over all waves that the grid takes for k.
    """

    def correction(k: Array) -> Array:
        u2 = np.sinc(k / padded + np.arange(-4, 5)[:, None]) ** (2 * TAPS)
        return np.asarray(u2[4] / u2.sum(axis=0) ** 2)

    return _over_waves(correction, padded)


def _distances(padded: int) -> Array:
    """Return the distances from node 0 along one axis, in cells.

    Beyond those between any two nodes that points touch they level off smoothly towards the middle of the period. A
    kernel that rises to a kink there would ring through the whole grid. At the fraction u of the stretch the slope is
    ``1 - (10 u³ - 15 u⁴ + 6 u⁵)``, which goes from 1 to 0 with two continuous derivatives.
    """
    middle = padded // 2
    x = np.arange(middle + 1, dtype=np.float64)
    reach = middle - 2 * MARGIN
    if padded > 1:
        u = (x[reach:] - reach) / (2 * MARGIN)
        x[reach:] = reach + 2 * MARGIN * (u - u**4 * (2.5 - 3.0 * u + u * u))
    return x


def _squared_distances(grid: Grid) -> Array:
    """Return the squared distances from node 0 to those of the padded grid, up to its middles."""
    squares = [(_distances(n) * grid.spacing) ** 2 for n in grid.padded]
    return np.asarray(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])


def make_influence(grid: Grid, radial: Radial, on: Any = ops) -> Influence:
    """Return the influence function of `radial` on `grid` for the operations of a device."""
    small = max(n * grid.spacing for n in grid.shape if n > 1) < radial.flat
    constant = radial.peak if small else 0.0
    if on is not ops and grid.is_plane and radial.form is not None:
        axes = grid.padded[1:]
        squares = tuple((_distances(n) * grid.spacing) ** 2 for n in axes)
        factors, waves = tuple(map(_aliasing, axes)), tuple(map(_harmonics, axes))
        arranged, own = on.influence(grid, radial.form, constant, squares, factors, waves)
        return Influence(arranged, own, constant)
    spectrum = _spectrum(grid, radial, constant)
    own = _self_interaction(spectrum, grid.padded)
    return Influence(on.arrange(spectrum, grid), own, constant)


def _spectrum(grid: Grid, radial: Radial, constant: float) -> Array:
    """Return the influence function of a kernel less a constant, up to the middles of the padded axes."""
    from scipy import fft

    spectrum = radial(_squared_distances(grid))
    spectrum -= constant
    for axis, n in enumerate(grid.padded):
        if n > 1:
            spectrum = fft.dct(spectrum, type=1, axis=axis, overwrite_x=True)
            shape = [1, 1, 1]
            shape[axis] = -1
            spectrum *= _aliasing(n).reshape(shape)
    return np.asarray(spectrum)


def _harmonics(padded: int) -> Array:
    """Return what of each wave of an axis goes into each harmonic of the self-interaction, (HARMONICS, padded/2 + 1).

    Spreading and gathering at the fraction t multiply a wave k by
    ``sum_ab B(k + 2 pi a) B(k + 2 pi b) cos(2 pi (a - b) t)`` with B the transform of the spline; the terms with
    ``|a - b| = m`` make harmonic m.
    """

    def products(k: Array) -> Array:
        images = np.sinc(k / padded + np.arange(-6, 7)[:, None]) ** TAPS
        share = np.where((k == 0) | (k == padded // 2), 1.0, 2.0) / padded
        turns = range(HARMONICS)
        return np.array([(2 if m else 1) * share * (images[: 13 - m] * images[m:]).sum(axis=0) for m in turns])

    return _over_waves(products, padded)


def _self_interaction(spectrum: Array, padded: tuple[int, int, int]) -> Array:
    """Return the harmonics of what a point feels of its own charge, as a function of its place in the cell."""
    response = spectrum
    for axis, n in enumerate(padded):
        if n > 1:
            moved = np.einsum("mk,k...->m...", _harmonics(n), np.moveaxis(response, axis, 0))
            response = np.moveaxis(moved, 0, axis)
    out = np.zeros((HARMONICS,) * 3)
    out[tuple(slice(n) for n in response.shape)] = response
    return out


class GridConvolver:
    """Evaluates the potential of charges; keeps the last influence functions and, for each thread, work memory."""

    def __init__(self, radial: Radial, *, n_jobs: int) -> None:
        self.radial = radial
        self.n_jobs = n_jobs
        self._influences: OrderedDict[Any, Influence] = OrderedDict()
        self._threads = threading.local()

    def _work(self, on: Any) -> Workspace:
        """Return the work memory of the thread that calls, of operations.

        Copies of a map share an engine and may move at the same time.
        """
        spaces = vars(self._threads)
        if on.__name__ not in spaces:
            spaces[on.__name__] = on.Workspace()
        return cast(Workspace, spaces[on.__name__])

    def evaluate(self, points: Array, grid: Grid, low: Array, spans: Array, charges: Array | None = None) -> Potential:
        """Return the potential of the points' charges at the points themselves.

        Parameters
        ----------
        points : (n, d) float64
        grid : Grid
        low, spans : (d,) float64
            From `ops.extent`.
        charges : (n, q) float32, optional
            On the host, where the answer is then, wherever the points lie. Ones by default.
        """
        on = operations(points)
        place, influence = _place(grid, low, spans), self.influence(grid, on)
        if charges is not None:
            most = max(1, min(COLUMNS, COLUMN_CELLS // count_cells(grid)))
            blocks = [charges[:, first : first + most] for first in range(0, charges.shape[1], most)]
            parts = [self._evaluate_block(points, place, grid, influence, block) for block in blocks]
            values, gradient = (np.concatenate([on_host(part[k]) for part in parts], axis=1) for k in (0, 1))
            return Potential(values, gradient, sum(part.total for part in parts))
        potential = self._convolve(points, place, grid, influence, self._work(on))
        own, shift = influence.own, influence.constant * (len(points) - 1)
        if len(points) > CROWDED * count_cells(grid):  # no wave of one point's shows beside all others, its mean does
            own, shift = np.zeros_like(own), shift - own[0, 0, 0]
        found: Potential = on.gather(potential, points, place, grid, own, shift, -np.inf, self.n_jobs)[0]
        return found

    def _evaluate_block(
        self, points: Array, place: Place, grid: Grid, influence: Influence, charges: Array
    ) -> Potential:
        """Return the potential of a few columns of charges, which are spread and gathered together."""
        on, columns = operations(points), np.ascontiguousarray(charges)
        shift = influence.constant * columns.sum(axis=0, dtype=np.float64)
        columns = beside(points, columns)
        potentials = on.spread(points, place, grid, self._work(on), self.n_jobs, columns)
        for k in range(len(potentials)):
            on.convolve(potentials[k], influence.spectrum, grid, self._work(on), self.n_jobs)
        own = influence.own.copy()
        own[0, 0, 0] += influence.constant
        found: Potential = on.gather_charges(potentials, points, place, grid, own, shift, columns, self.n_jobs)
        return found

    def influence(self, grid: Grid, on: Any = ops) -> Influence:
        """Return the influence function for `grid` and operations, made anew where it is not among the last four."""
        key = (grid, on.__name__)
        influence = self._influences.pop(key, None) or make_influence(grid, self.radial, on)
        self._influences[key] = influence
        if len(self._influences) > 4:
            self._influences.popitem(last=False)
        return influence

    def leave_gpu(self) -> None:
        """Drop what is kept on a GPU: influence functions, and the work memory of the thread that calls."""
        for grid, name in [key for key in list(self._influences) if key[1] != ops.__name__]:
            self._influences.pop((grid, name), None)
            vars(self._threads).pop(name, None)

    def field(self, sources: Array, grid: Grid, low: Array, spans: Array) -> Field:
        """Return the potential of `sources` as a field that can be evaluated anywhere within the grid."""
        place, influence = _place(grid, low, spans), self.influence(grid)
        potential = self._convolve(sources, place, grid, influence, Workspace())
        return Field(potential, grid, place, influence.constant * len(sources), self.n_jobs)

    def fields(self, sources: Array, like: Field, charges: Array) -> list[Field]:
        """Return the potentials of columns of charges (n, q) of the sources as fields where that of ones is one."""
        influence = self.influence(like.grid)

        def of(column: Array) -> Field:
            single, work = np.ascontiguousarray(column[:, None], np.float32), Workspace()
            (spread,) = ops.spread(sources, like.place, like.grid, work, self.n_jobs, single)
            potential = ops.convolve(spread, influence.spectrum, like.grid, work, self.n_jobs)
            return Field(potential, like.grid, like.place, influence.constant * float(column.sum()), self.n_jobs)

        return [of(column) for column in charges.T]

    def _convolve(self, points: Array, place: Place, grid: Grid, influence: Influence, work: Workspace) -> Array:
        on = operations(points)
        charges = on.spread(points, place, grid, work, self.n_jobs)
        potential: Array = on.convolve(charges, influence.spectrum, grid, work, self.n_jobs)
        return potential


@dataclass(frozen=True)
class Field:
    """The potential of frozen sources on a grid."""

    potential: Array
    grid: Grid
    place: Place
    shift: float
    n_jobs: int

    @cached_property
    def highest(self) -> float:
        """The highest potential on the grid."""
        return float(self.potential.max()) + self.shift

    def evaluate(self, targets: Array, noise: float) -> tuple[Potential, int]:
        """Return the potential at `targets` (m, d), and how many of them the field is not good for.

        Those are near its border or outside, or where the potential is not above `noise` times the highest. Their
        value is 0.
        """
        none = np.zeros((HARMONICS,) * 3)
        faintest = noise * self.highest
        return ops.gather(self.potential, targets, self.place, self.grid, none, self.shift, faintest, self.n_jobs)


def _place(grid: Grid, low: Array, spans: Array) -> Place:
    """Return where a map from `low` on, `spans` wide, lies on its grid: in the middle."""
    shape = np.array(grid.shape[3 - len(spans) :])
    return Place(low, np.asarray(0.5 * (shape - 1 - spans / grid.spacing)), 1.0 / grid.spacing)
