"""The repulsion engine: picks a method for the map at hand and keeps what can be reused between evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from .. import ops
from .._types import Array
from .._validation import check_matrix
from ..devices import beside, is_on_gpu, on_host, operations
from ..errors import InvalidParameterError, NumericalError
from ..ops import Extent, Grid, Potential, Tree
from .costs import exact_cost, grid_cost, tree_cost
from .exact import exact_sums
from .fft import Field, GridConvolver, count_cells, most_cells, plan_grid
from .ladder import EXACT, SHARPER, TREES, Sample, climb, exact_at, last_rung, single_does, take_sample
from .radial import Radial

Method = Literal["auto", "exact", "bh", "fft"]

METHODS = get_args(Method)
DEFAULT_TOLERANCE = 5e-3
DEFAULT_THETA = 0.5
FEWEST_CELLS = 6.0  # across the bulk of a map, or the grid is too coarse for it
FIELD_NOISE = 1e-5  # of the highest potential; what is below is good to less than 2 % on the grid
NARROW = 1e-5  # maps narrower than this, in widths of the kernel, feel its first order alone, to 1e-10
WIDEST_SINGLE = 1e3  # maps up to this width are summed in float32:
FEW_PAIRS = 2**24  # that a GPU sums in less time than a grid takes
SINGLE_ERROR = 4e-3  # even forces on rings are then as good as this


def grid_spacing(tolerance: float, radial: Radial) -> float:
    """Return the coarsest spacing, in units of the map, that keeps the relative error of the forces below `tolerance`.

    The error of quintic splines falls with the sixth power of the spacing in the range of interest. For t-SNE's kernel
    at 0.36 it is 2e-3 on the final map of 70,000 points of Fashion-MNIST and up to 5e-3 on wide, sparse maps. Beyond
    are points on a line or ring (up to 0.14), in tight clusters, or in one place by the dozen, because there the forces
    nearly cancel, but not what the grid does to close neighbours; for such maps there is a ladder, see `ladder`.
    """
    return float(0.36 * radial.width * (tolerance / 5e-3) ** (1 / 6))


def widest_angle(tolerance: float) -> float:
    """Return the opening angle at which Barnes-Hut keeps the relative error of the forces below `tolerance`.

    Measured on the final map of 70,000 points of Fashion-MNIST: 2.7e-4 at 0.4, 6.0e-4 at 0.5, 1.5e-3 at 0.6, 2.8e-3 at
    0.7, 4.1e-3 at 0.8; it falls about with the fourth power.
    """
    return float(min(1.0, 0.7 * (tolerance / DEFAULT_TOLERANCE) ** 0.25))


class Plan(NamedTuple):
    """How the potential of a map is summed.

    Attributes
    ----------
    method : {"exact", "bh", "fft"}
    grid : Grid or None
        None where none is used, nor where a map is so narrow that a formula serves in its place.
    rung : int
        Of the ladder, see `repulsion.ladder`.
    """

    method: Method
    grid: Grid | None
    rung: int

    @property
    def spacing(self) -> float:
        """Of the grid; 0 where there is none."""
        return 0.0 if self.grid is None else self.grid.spacing


class RepulsionEngine:
    """Evaluates the potential of charges at the points of a map.

    Parameters
    ----------
    radial : Radial
        The kernel.
    method : {"auto", "exact", "bh", "fft"}
        "auto" takes what is cheapest for the number of points, the dimension and the width of the map. "bh" takes exact
        sums where those are cheaper than a tree. "fft" takes Barnes-Hut where outliers would make the grid too large.
    theta : float
        Opening angle of Barnes-Hut; 0 is exact. Where "auto" takes a tree, the default stands for the widest angle that
        keeps the tolerance.
    tolerance : float
        Relative error of the forces that the grid may have, and a tree that "auto" takes. `evaluate` keeps it on maps
        that look like maps; `Control` keeps it on all.
    n_jobs : int
        Threads; the result does not depend on it.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)) * 20
    >>> grid, exact = (RepulsionEngine(StudentT(), method=method).evaluate(points) for method in ("fft", "exact"))
    >>> bool(np.linalg.norm(grid.gradient - exact.gradient) < 5e-3 * np.linalg.norm(exact.gradient))
    True
    """

    def __init__(
        self,
        radial: Radial,
        *,
        method: Method = "auto",
        theta: float = DEFAULT_THETA,
        tolerance: float = DEFAULT_TOLERANCE,
        n_jobs: int = -1,
    ) -> None:
        self.radial = radial
        self.method = method
        self.theta = theta
        self.tolerance = tolerance
        self.n_jobs = n_jobs
        self._convolver = GridConvolver(radial, n_jobs=n_jobs)

    @property
    def description(self) -> Array:
        """Numbers that differ where what is evaluated differs, shape (5,) float64."""
        return np.array([*self.radial.identity, METHODS.index(self.method), self.opening_angle, self.tolerance])

    @property
    def opening_angle(self) -> float:
        """The opening angle of the trees that this engine walks through."""
        if self.method == "auto" and self.theta == DEFAULT_THETA:
            return widest_angle(self.tolerance)
        return self.theta

    def choose(self, n_targets: int, n_sources: int, grid: Grid | None, rung: int = 0) -> Method:
        """Return the method for a map, a pure function of its size and width; `grid` is None beyond 3 dimensions."""
        if grid is None or self.method == "exact" or rung == EXACT:
            return "exact"
        d = 3 - grid.padded.count(1)
        cells = count_cells(grid)
        fits = rung < TREES and cells <= most_cells(n_sources)
        if self.method == "fft" and (fits or self.radial.has_tree):
            return "fft" if fits else "bh"
        sizes = (n_targets, n_sources, d, self.radial)
        exact = exact_cost(*sizes)
        mesh = grid_cost(max(n_targets, n_sources), d, cells) if fits and self.method == "auto" else math.inf
        if not self.radial.has_tree:
            return "fft" if mesh < exact else "exact"
        if exact < tree_cost(*sizes, self.theta * _narrower(rung)):  # in the same cases for "bh" and for "auto"
            return "exact"
        return "fft" if mesh < tree_cost(*sizes, self.opening_angle * _narrower(rung)) else "bh"

    def _choose_on_gpu(self, n_targets: int, n_sources: int, grid: Grid | None, rung: int = 0) -> Method:
        """Return the method for a map on a GPU, which has no trees and no grid in space, but sums pairs fast."""
        fits = grid is not None and grid.padded[0] == 1 and rung < TREES and count_cells(grid) <= most_cells(n_sources)
        few = self.method != "fft" and n_targets * n_sources <= FEW_PAIRS
        return "fft" if fits and not few and self.method != "exact" else "exact"

    def plan(self, points: Array, extent: Extent, rung: int = 0) -> Plan:
        """Return how the potential of a map is summed: a pure function of the points and the rung of the ladder."""
        grid = self._grid(extent.spans, rung)
        on_gpu = is_on_gpu(points)
        method = (self._choose_on_gpu if on_gpu else self.choose)(len(points), len(points), grid, rung)
        if method == "fft" and grid is not None and _resolves(grid, extent.spans, points, self.radial):
            return Plan(method, None if self._is_narrow(extent) else grid, rung)
        tree = method in ("bh", "fft") and self.radial.has_tree and not on_gpu
        return Plan("bh" if tree else "exact", None, rung)

    def leave_gpu(self) -> None:
        """Drop what is kept on a GPU: influence functions, and the work memory of the thread that calls."""
        self._convolver.leave_gpu()

    def is_checked(self, plan: Plan) -> bool:
        """Say whether what comes of a plan has an error that is worth comparing."""
        return plan.method == "bh" or plan.grid is not None

    @property
    def keeps_tolerance(self) -> bool:
        """Whether sums may be refined until the tolerance holds; a tree that was asked for by name keeps its angle."""
        return self.method in ("auto", "fft")

    def last_rung(self, n: int) -> int:
        """Return the last rung of the ladder that may be climbed for `n` points, see `ladder.last_rung`."""
        return last_rung(n, self.radial) if self.keeps_tolerance else 0

    def extent(self, points: Array) -> Extent:
        """Return the extent of a map (n, d), or refuse one that is not finite, see `evaluate`."""
        return _finite_extent(points, self.n_jobs)

    def evaluate(self, points: Array, extent: Extent | None = None, charges: Array | None = None) -> Potential:
        """Return the potential of the points' own charges at the points.

        Parameters
        ----------
        points : (n, d) float64
        extent : Extent, optional
            Of the points, where it is known.
        charges : (n,) or (n, q) float, optional
            Of any sign; ones by default, which are faster than others. They are the host's, and so is what comes of
            them, wherever the points lie.

        Returns
        -------
        Potential
            ``values`` (n,) and ``gradient`` (n, d), float32 where they are good to no more; (n, q) and (n, q, d) with
            columns of charges, and float64 with charges. Errors are relative to sums of the charges' magnitudes.

        Raises
        ------
        InvalidParameterError
            If a coordinate or a charge is not finite, or if there is not a charge for every point.
        """
        extent = self.extent(points) if extent is None else extent
        plan = self.plan(points, extent)
        if charges is None:
            return self.carry_out(plan, points, extent)
        found = self.carry_out(plan, points, extent, _checked_charges(charges, len(points)))
        return found if np.ndim(charges) > 1 else Potential(found.values[:, 0], found.gradient[:, 0], found.total)

    def carry_out(self, plan: Plan, points: Array, extent: Extent, charges: Array | None = None) -> Potential:
        """Return the potential of the points' own charges (n, q) at the points, as `plan` says."""
        if charges is None:
            return self._sum(plan, points, extent, None)
        scale = np.abs(charges).max(axis=0, initial=0.0)  # lest charges leave the range of float32
        scale[scale == 0.0] = 1.0
        found = self._sum(plan, points, extent, np.asarray(charges / scale, np.float32))
        values = found.values * scale
        return Potential(values, found.gradient * scale[:, None], float(values.sum()))

    def _sum(self, plan: Plan, points: Array, extent: Extent, charges: Array | None) -> Potential:
        if plan.grid is not None:
            return self._convolver.evaluate(points, plan.grid, extent.low, extent.spans, charges)
        if plan.method == "fft":
            found = first_order(on_host(points), extent, self.radial, charges)
            if charges is not None:
                return found
            return Potential(beside(points, found.values), beside(points, found.gradient), found.total)
        if plan.method == "bh":
            angle = self.opening_angle * _narrower(plan.rung)
            return ops.walk_tree(self.tree(points), None, self.radial.form, angle, self.n_jobs, charges)
        near = self.near_origin(points, extent, plan.rung)
        if charges is None:
            return exact_sums(near, None, self.radial, n_jobs=self.n_jobs)
        found = exact_sums(near, None, self.radial, n_jobs=self.n_jobs, charges=beside(points, charges))
        return Potential(on_host(found.values), on_host(found.gradient), found.total)

    def exactly(self, found: Potential) -> Callable[[Array, Array], Potential]:
        """Return what gives the potential by exact sums at a few places of the points, see `ladder.exact_at`.

        `found` is that of all points, as good as it is known.
        """
        return lambda places, points: exact_at(places, points, self.radial, self.n_jobs)

    def freeze(self, sources: Array, padding: float = 0.25) -> FrozenReference:
        """Return the potential of `sources` (n, d) float64 as something that can be evaluated anywhere.

        `padding` is the room around the map, in widths of it, that the grid covers as well.
        """
        extent = self.extent(sources)

        def attempt(rung: int) -> tuple[FrozenReference, Any]:
            made = self._freeze(sources, extent, padding, rung)
            is_exact = made.method == "exact"
            return made, None if is_exact else lambda places: made.evaluate(sources[places]).gradient

        def sample(_: FrozenReference) -> Sample:
            return take_sample(sources, extent, self.radial, self.tolerance, self.n_jobs)

        made, _, error = climb(attempt, sample, self.tolerance, self.last_rung(len(sources)))
        made.error = error or math.nan
        return made

    def _freeze(self, sources: Array, extent: Extent, padding: float, rung: int) -> FrozenReference:
        room = extent.spans * (1.0 + 2.0 * padding)
        grid = self._grid(room, rung)
        method = self.choose(len(sources), len(sources), grid, rung)
        fits = rung < TREES and grid is not None and count_cells(grid) <= most_cells(len(sources))
        if method == "bh" and self.method == "auto" and fits:
            method = "fft"  # made once and read often, where a tree is walked through for every target
        field = None
        if method == "fft" and grid is not None:
            if _resolves(grid, extent.spans, sources, self.radial) and not self._is_narrow(extent):
                field = self._convolver.field(sources, grid, extent.low - extent.spans * padding, room)
            else:
                method = "bh"
        return FrozenReference(sources, self, method, extent, field, rung)

    def tree(self, sources: Array) -> Tree:
        """Return a tree of `sources`."""
        return ops.build_tree(sources, self.n_jobs)

    def near_origin(self, points: Array, extent: Extent, rung: int) -> Array:
        """Return the points around the mean of a map, in float32 where differences of that are good enough.

        The mean, unlike the middle, stays near the bulk where there are outliers.
        """
        single = extent.spans.max() < WIDEST_SINGLE and rung < TREES
        if self.keeps_tolerance and self.tolerance < SINGLE_ERROR:
            single = single and single_does(extent, self.tolerance)
        near: Array = operations(points).around(points, extent.mean, np.float32 if single else np.float64)
        return near

    def _is_narrow(self, extent: Extent) -> bool:
        return bool(extent.spans.max() < NARROW * self.radial.width)

    def _grid(self, spans: Array, rung: int = 0) -> Grid | None:
        return plan_grid(spans, grid_spacing(self.tolerance / SHARPER[rung], self.radial)) if len(spans) <= 3 else None


class FrozenReference:
    """The potential of points that do not move.

    What it says about a target depends on the reference and the target alone, not on which other targets come along.

    Attributes
    ----------
    error : float
        The relative error of the forces at a sample of its own points, see `repulsion.ladder`; NaN where sums are
        exact.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> reference = RepulsionEngine(StudentT(), method="exact").freeze(np.array([[0.0, 0.0], [2.0, 0.0]]))
    >>> reference.evaluate(np.array([[1.0, 0.0]])).values.tolist()
    [1.0]
    """

    def __init__(
        self, sources: Array, engine: RepulsionEngine, method: Method, extent: Extent, field: Field | None, rung: int
    ) -> None:
        self.sources = sources
        self.method = method if engine.radial.has_tree or field is not None else "exact"
        self._engine = engine
        self._extent = extent
        self._field = field
        self._rung = rung
        self._built_tree: Tree | None = None
        self.error = math.nan

    def evaluate(self, targets: Array) -> Potential:
        """Return the potential of the reference at `targets` (m, d) float64."""
        if self._field is None:
            return self._without_grid(targets)
        found, missing = self._field.evaluate(targets, FIELD_NOISE)
        if not missing:
            return found
        faint = found.values == 0.0
        found.values[faint], found.gradient[faint], _ = self._without_grid(targets[faint])
        return found._replace(total=float(found.values.sum(dtype=np.float64)))

    def fields_of(self, charges: Array) -> list[Field]:
        """Return a field of each column of charges (n, q) of the sources; none where they are summed without a grid."""
        return [] if self._field is None else self._engine._convolver.fields(self.sources, self._field, charges)

    def _without_grid(self, targets: Array) -> Potential:
        engine = self._engine
        if self.method == "exact" or not engine.radial.has_tree:
            near, far = (engine.near_origin(places, self._extent, self._rung) for places in (targets, self.sources))
            return exact_sums(near, far, engine.radial, n_jobs=engine.n_jobs)
        if self._built_tree is None:
            self._built_tree = engine.tree(self.sources)
        angle = engine.opening_angle * _narrower(self._rung)
        return ops.walk_tree(self._built_tree, targets, engine.radial.form, angle, engine.n_jobs)


def _finite_extent(points: Array, n_jobs: int) -> Extent:
    """Return the extent of a map, or refuse one that is not finite: compiled loops would look for it in no cell."""
    extent: Extent = operations(points).extent(points, n_jobs)
    if not (np.isfinite(extent.mean).all() and np.isfinite(extent.spans).all()):
        places = on_host(points)
        check_matrix(places, "embedding")
        raise NumericalError(f"`embedding` must not be wider than 1e300, got coordinates up to {np.abs(places).max()}")
    return extent


def _resolves(grid: Grid, spans: Array, points: Array, radial: Radial) -> bool:
    """Return whether a grid is fine enough for the bulk of a map that outliers widen.

    Where the kernel is flat over the whole map, all that counts is far away, and any grid will do.
    """
    if spans.max() < radial.flat:
        return True
    first, last = operations(points).bulk(points)
    return bool(np.max(last - first) >= FEWEST_CELLS * grid.spacing)


def _checked_charges(charges: Array, n: int) -> Array:
    """Return charges as columns (n, q), float64, or refuse them."""
    array = np.asarray(charges)
    columns = check_matrix(array[:, None] if array.ndim == 1 else array, "charges")
    if len(columns) != n:
        raise InvalidParameterError(f"`charges` must have a row for each of the {n} points, got shape {array.shape}")
    return np.asarray(columns, np.float64)


def first_order(points: Array, extent: Extent, radial: Radial, charges: Array | None = None) -> Potential:
    """Return the potential of a map (n, d) that is narrow: ``k(0) + k'(0) d²`` summed over all pairs.

    With z the places from any point near the map, and N, S and Q the sums of the charges and of these times z and z²,
    ``sum_j c_j |z_i - z_j|² = N |z_i|² - 2 z_i · S + Q``. The forces are ``2 k'(0) (N z_i - S)``.
    """
    columns = np.ones((len(points), 1)) if charges is None else charges.astype(np.float64)
    slope = float(radial.slope(np.zeros(1))[0])
    places = points - extent.low  # exact, and 0 for points that coincide
    squares = (places**2).sum(axis=1)
    count, moment = columns.sum(axis=0), (columns[:, :, None] * places[:, None]).sum(axis=0)
    apart = count * squares[:, None] - 2.0 * (places[:, None] * moment).sum(axis=2)
    apart += (columns * squares[:, None]).sum(axis=0)
    values = (count - columns) * radial.peak + slope * apart
    gradient = 2.0 * slope * (count[:, None] * places[:, None] - moment)
    if charges is None:
        values, gradient = values[:, 0], gradient[:, 0]
    return Potential(values.astype(np.float32), gradient.astype(np.float32), float(values.sum()))


def _narrower(rung: int) -> float:
    """Return the factor on the opening angle of trees: their error falls with its fourth power."""
    return float(SHARPER[rung] ** -0.25)
