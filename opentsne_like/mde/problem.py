"""A problem of minimum-distortion embedding, and what is known of its solution."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from .._types import Array
from .._validation import check_choice, check_integer, check_matrix, check_real, check_verbose
from ..affinity import Affinities, GivenEdges, check_edges, matrix_of
from ..callbacks import ErrorLogger, as_list
from ..distortions import OwnDistortion
from ..embedding import Embedding
from ..errors import InvalidParameterError, NumericalError, OpenTSNEWarning, UnavailableError
from ..objectives import Context, Distortion, Parts, PositionPenalty
from ..optimizer import LBFGS, Objective
from . import pictures
from .constraints import Centered, Sphere, as_constraint
from .functions import EdgeFunction, as_edge_function
from .solving import Following, SolveStats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..plotting import Movie

LONGEST = 5.0  # step of a point under penalties; those that fade with the distance would let it go altogether


class MDE:
    r"""Items, edges, a distortion function and a constraint: find an embedding of the least average distortion.

    .. math::
        \min_X\ \frac{1}{p} \sum_{(i, j)} f_{ij}(|x_i - x_j|) \quad \text{subject to the constraint}

    over the p edges.

    Parameters
    ----------
    n_items : int
    embedding_dim : int
    edges : array-like of shape (p, 2), integer
        Pairs of different items, none of them twice.
    distortion_function : penalty, loss or callable
        Of `penalties` or `losses`, a `Function`, or a NumPy function from the lengths of all edges to distortions.
    constraint : Constraint, optional
        By default `Centered`.
    device : {None, "cpu"}
    repulsion : {None, "all"}, keyword only
        "all" adds what the penalty ``Log`` with a weight of -1 makes of all pairs, in the place of sampled edges, see
        `objectives.Distortion`.
    repulsive_fraction : float, keyword only
        How many pairs of weight -1 that stands for, for each edge.
    position_penalty : PositionPenalty, keyword only, optional
        What items cost by where they lie, added to the average distortion.
    n_jobs : int, keyword only
        Threads; no result depends on it.
    affinities : Affinities, keyword only, optional
        Where the edges come from, by which new points are placed; ``edges`` have to be those of its P, in their order.

    Attributes
    ----------
    X : Embedding or None
        What the last call of `embed` returned.
    value : float or None
        Its average distortion.
    residual_norm : float or None
        The norm of the gradient there, along the constraint.
    solve_stats : SolveStats or None

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For edges, numbers of edges and constraints that cannot be.

    Warns
    -----
    OpenTSNEWarning
        If every weight pulls and nothing keeps the embedding from collapsing.

    Examples
    --------
    The corners of a triangle from its sides:

    >>> from opentsne_like import mde
    >>> problem = mde.MDE(3, 2, [[0, 1], [0, 2], [1, 2]], mde.losses.Quadratic([3.0, 4.0, 5.0]))
    >>> X = problem.embed()
    >>> round(problem.value, 6), problem.distances().round(3).tolist()
    (0.0, [3.0, 4.0, 5.0])
    """

    def __init__(
        self,
        n_items: int,
        embedding_dim: int,
        edges: Any,
        distortion_function: Any,
        constraint: Any = None,
        device: Any = None,
        *,
        repulsion: str | None = None,
        repulsive_fraction: float = 1.0,
        position_penalty: PositionPenalty | None = None,
        n_jobs: int = -1,
        affinities: Affinities | None = None,
    ) -> None:
        check_choice(str(device or "cpu"), "device", ("cpu",))
        self.n_items = check_integer(n_items, "n_items", at_least=2)
        self.embedding_dim = check_integer(embedding_dim, "embedding_dim", at_least=1)
        if self.embedding_dim > self.n_items:
            raise InvalidParameterError(
                f"`n_items` must be at least `embedding_dim`, {self.embedding_dim}, got {self.n_items}"
            )
        self.edges = check_edges(edges, self.n_items)
        if not len(self.edges):
            raise InvalidParameterError("`edges` must be one at least, got none")
        self.distortion_function: EdgeFunction = as_edge_function(distortion_function)
        self._numbers = self.distortion_function.of_edges(len(self.edges))
        self.constraint = as_constraint(constraint)
        self.constraint.check(self.n_items, self.embedding_dim)
        self.n_jobs = n_jobs
        function = self.distortion_function.function
        self.loss = Distortion(function, repulsion, repulsive_fraction, positions=position_penalty)
        self._given = affinities
        self._parts = Parts()  # edges and engines, for the embeddings of this problem
        self._X_init: Array | None = None
        self.X: Any = None
        self.value: float | None = None
        self.residual_norm: float | None = None
        self.solve_stats: SolveStats | None = None
        self._warn_of_collapse()

    def _warn_of_collapse(self) -> None:
        """Warn of a problem whose least distortion is that of all items in one place."""
        pulls = self.loss.function.takes == "weights" and not (self._numbers[0] < 0).any()
        if pulls and isinstance(self.constraint, (Centered, Sphere)) and self.loss.repulsion is None:
            warnings.warn(
                "`distortion_function` has weights of 0 and more alone, so all items fall together; add edges of "
                "negative weight, or take constraint=Standardized() or repulsion='all'",
                OpenTSNEWarning,
                stacklevel=3,
            )

    @property
    def p(self) -> int:
        """The number of edges."""
        return len(self.edges)

    @cached_property
    def affinities(self) -> Affinities:
        """The edges with their numbers, as an embedding has them."""
        if self._given is not None:
            return self._given
        numbers, factors = self._numbers
        return GivenEdges(self.edges, numbers, n_samples=self.n_items, factors=factors)

    @cached_property
    def _pairs(self) -> ops.Pairs:
        rows, columns = (np.ascontiguousarray(ends, np.int32) for ends in self.edges.T)
        return ops.Pairs(rows, columns, np.zeros(0), None)

    def __str__(self) -> str:
        return (
            f"MDE problem: {self.n_items} items in {self.embedding_dim} dimensions, {self.p} edges, "
            f"{type(self.distortion_function).__name__} distortions, {self.constraint.name()}"
        )

    __repr__ = __str__

    def embed(
        self,
        X: Any = None,
        eps: float = 1e-5,
        max_iter: int = 300,
        memory_size: int = 10,
        verbose: bool = False,
        print_every: int | None = None,
        snapshot_every: int | None = None,
        *,
        callbacks: Any = None,
    ) -> Embedding:
        """Solve the problem by projected quasi-Newton steps (`optimizer.LBFGS`).

        Parameters
        ----------
        X : array-like of shape (n_items, embedding_dim), optional
            Where to begin; it is brought onto the constraint. By default the start that a recipe found, or a random
            one.
        eps : float
            The steps end where the norm of the gradient along the constraint is this small.
        max_iter : int
            Steps at most.
        memory_size : int
            How many steps are remembered.
        verbose : bool
        print_every : int, optional
            Say how it goes every so many steps; by default ten times.
        snapshot_every : int, optional
            Keep the embedding every so many steps, for `play`.
        callbacks : callable, Hook, or a list of them, keyword only
            Such as `callbacks.Checkpoint`.

        Returns
        -------
        Embedding of shape (n_items, embedding_dim)
            Its loss is `objectives.Distortion`; it goes on by ``optimize``, under this loss and constraint or others.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        NumericalError
            If a distortion is infinite or not a number at the start, or not a number later on: then `X` has the last
            good embedding.
        """
        check_real(eps, "eps", at_least=0)
        check_integer(max_iter, "max_iter", at_least=0)
        check_integer(memory_size, "memory_size", at_least=1)
        for name, every in (("print_every", print_every), ("snapshot_every", snapshot_every)):
            if every is not None:
                check_integer(every, name, at_least=1)
        embedding = self._begin(self._start(X), memory_size)
        following = Following(eps, snapshot_every)
        hooks = [following, *as_list(callbacks)]
        if check_verbose(verbose):
            hooks.append(ErrorLogger(print))
        self.X, self.value, self.residual_norm = embedding, None, None  # until they are known of this one
        every = print_every or max(1, max_iter // 10)
        try:
            embedding.optimize(max_iter, inplace=True, callbacks=hooks, callbacks_every_iters=every)
        finally:  # also after Ctrl-C
            self.solve_stats = following.stats()
        self.value, self.residual_norm = self._judge(embedding)
        return embedding

    def _begin(self, start: Array, memory_size: int) -> Embedding:
        """Return the embedding before its first step."""
        longest = LONGEST if self.loss.function.takes == "weights" else None
        embedding = Embedding(
            start,
            self.affinities,
            loss=self.loss,
            optimizer=LBFGS(memory_size, longest),
            n_jobs=self.n_jobs,
            random_state=0,
            **self.constraint.settings(self.n_items),
        )
        embedding.optimizer.parts = self._parts
        return embedding

    def _start(self, X: Any) -> Array:
        """Return where the steps begin, on the constraint."""
        if X is None and self._X_init is None:
            start = self.constraint.initialization(self.n_items, self.embedding_dim)
        else:
            start = np.array(self._checked(self._X_init if X is None else X))
        start = np.asarray(self.constraint.project_onto_constraint(start, inplace=False), np.float64)
        if not np.isfinite(start).all():
            raise InvalidParameterError(
                f"`X` must be such that it can be brought onto the constraint {self.constraint.name()!r}; begin "
                "elsewhere"
            )
        lengths = self.distances(start)
        if isinstance(self.loss.function, OwnDistortion):
            self.loss.function.check(lengths)
        if self.loss.positions is not None:
            self.loss.positions.check(start)
        if not np.isfinite(values := self.distortion_function(lengths)).all():
            k = int(np.argmin(np.isfinite(values)))
            said = str(values[k]).replace("nan", "NaN")
            raise NumericalError(
                f"the distortion function returned {said} for the edge ({self.edges[k, 0]}, {self.edges[k, 1]}) of "
                f"length {lengths[k]:g}, at the start; begin elsewhere"
            )
        return start

    def _objective(self) -> Objective:
        return self.loss.bind(matrix_of(self.affinities), Context(self.n_jobs, None, self._parts))

    def _judge(self, X: Any) -> tuple[float, float]:
        """Return the average distortion of an embedding, and the norm of its gradient along the constraint."""
        points = np.asarray(X)
        value, quarter = self._objective().evaluate(points, exaggeration=1.0, with_loss=True)
        gradient = self.constraint.project_onto_tangent_space(points, np.array(4.0 * quarter), inplace=False)
        return float(value), float(np.linalg.norm(gradient))

    def _checked(self, X: Any) -> Array:
        """Return an embedding of the items: `X`, or the last that was found."""
        if X is None and self.X is None:
            raise UnavailableError("`X` must be given before `embed` was called, got None")
        points = np.asarray(check_matrix(self.X if X is None else X, "X"), np.float64)
        if points.shape != (self.n_items, self.embedding_dim):
            raise InvalidParameterError(f"`X` must have shape {(self.n_items, self.embedding_dim)}, got {points.shape}")
        return points

    def differences(self, X: Any = None) -> Array:
        """Return ``x_i - x_j`` of every edge, shape (p, embedding_dim); of the last embedding unless `X` is given."""
        points = self._checked(X)
        return np.asarray(points[self.edges[:, 0]] - points[self.edges[:, 1]])

    def distances(self, X: Any = None) -> Array:
        """Return the length of every edge, shape (p,); of the last embedding unless `X` is given."""
        points = np.ascontiguousarray(self._checked(X))
        return ops.lengths(self._pairs, points, points, self.n_jobs)

    def distortions(self, X: Any = None) -> Array:
        """Return the distortion of every edge, shape (p,); of the last embedding unless `X` is given."""
        return self.distortion_function(self.distances(X))

    def average_distortion(self, X: Any = None) -> float:
        """Return the average distortion, with repulsion of all pairs and penalties on positions if there are some."""
        return self._judge(self._checked(X))[0]

    def high_distortion_pairs(self, X: Any = None) -> tuple[Array, Array]:
        """Return edges (p, 2) and their distortions (p,), the largest first."""
        values = self.distortions(X)
        order = np.argsort(-values, kind="stable")
        return self.edges[order], values[order]

    def distortions_cdf(self, figsize_inches: tuple[float, float] = (8.0, 3.0)) -> Figure:
        """Return a picture of how the distortions are distributed: the share of edges below each value."""
        return pictures.cdf(self.distortions(), figsize_inches)

    def plot(
        self,
        color_by: Any = None,
        color_map: Any = "Spectral",
        colors: Any = None,
        edges: Any = None,
        axis_limits: Any = None,
        background_color: Any = None,
        marker_size: float = 1.0,
        figsize_inches: tuple[float, float] = (8.0, 8.0),
        savepath: Any = None,
    ) -> Figure:
        """Return a picture of the last embedding, see `mde.plot`."""
        options = (color_map, colors, edges, axis_limits, background_color, marker_size, figsize_inches, savepath)
        return pictures.plot(self._checked(None), color_by, *options)

    def play(
        self,
        color_by: Any = None,
        color_map: Any = "Spectral",
        colors: Any = None,
        edges: Any = None,
        axis_limits: Any = None,
        background_color: Any = None,
        marker_size: float = 1.0,
        figsize_inches: tuple[float, float] = (8.0, 8.0),
        fps: float | None = None,
        tmpdir: Any = None,
        savepath: Any = None,
    ) -> Movie:
        """Return a film of how the embedding came about, after ``embed(snapshot_every=...)``.

        Parameters
        ----------
        color_by, color_map, colors, edges, axis_limits, background_color, marker_size, figsize_inches
            As of `mde.plot`.
        fps : float, optional
            Pictures a second; by default such that it takes four seconds, and 15 at least.
        tmpdir : path-like, optional
            A folder where the pictures are written one by one.
        savepath : path-like, optional
            Where the film is written; it ends in .gif, or in .mp4 where ffmpeg is installed.

        Returns
        -------
        plotting.Movie
            Notebooks show it.
        """
        if self.solve_stats is None or not self.solve_stats.snapshots:
            raise UnavailableError("there are no snapshots to play; call embed(snapshot_every=5) before")
        options = {
            "color_by": color_by,
            "color_map": color_map,
            "colors": colors,
            "edges": edges,
            "axis_limits": axis_limits,
            "background_color": background_color,
            "marker_size": marker_size,
            "figsize_inches": figsize_inches,
        }
        return pictures.film(self.solve_stats.snapshots, fps, tmpdir, savepath, options)
