"""Small helpers: a timer, a disc to clip points to, a question about packages, one map laid upon another."""

from __future__ import annotations

import importlib.util
import logging
import time
from types import TracebackType
from typing import Any

import numpy as np

from ._types import Array
from ._validation import check_flag, check_matrix
from .errors import InvalidParameterError

log = logging.getLogger(__name__)

__all__ = ["Progress", "Timer", "align", "clip_point_to_disc", "in_words", "is_package_installed"]


class Timer:
    """Announce a stage on standard output when it begins, and its duration in seconds when it ends.

    In any case both go to the log, at level INFO, as records with an attribute ``begins``.

    Parameters
    ----------
    message : str
        What is being done.
    verbose : bool
        False: stay silent.

    Attributes
    ----------
    seconds : float
        Duration, known after the stage.

    Examples
    --------
    >>> with Timer("Finding neighbours...") as timer:
    ...     pass
    >>> timer.seconds >= 0
    True
    """

    def __init__(self, message: str, verbose: bool = False) -> None:
        self.message = message
        self.verbose = verbose
        self.start_time = time.perf_counter()
        self.seconds = 0.0

    def __enter__(self) -> Timer:
        self.start_time = time.perf_counter()
        log.info(self.message, extra={"begins": True})
        if self.verbose:
            print(f"===> {self.message}")  # noqa: T201
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.seconds = time.perf_counter() - self.start_time
        log.info("%s %.2f s", self.message, self.seconds, extra={"begins": False})
        if self.verbose:
            print(f"   --> Time elapsed: {self.seconds:.2f} seconds")  # noqa: T201


class Progress:
    """Say now and then how far a long stage is, and how long the rest of it is going to take.

    The lines go to standard output and, at level INFO, to the log; the first comes after ten seconds.

    Parameters
    ----------
    what : str
        What is counted, such as "rows".
    total : int
    verbose : bool
        False: the log alone.

    Examples
    --------
    >>> progress = Progress("rows", 100, verbose=True)
    >>> progress.advance(20)
    >>> progress.done
    20
    """

    EVERY = 10.0  # seconds

    def __init__(self, what: str, total: int, verbose: bool = False) -> None:
        self.what, self.total, self.verbose = what, total, verbose
        self.done = 0
        self._began = self._said = time.perf_counter()

    def advance(self, count: int) -> None:
        """Note that so many more are done."""
        self.done += count
        now = time.perf_counter()
        if now - self._said < self.EVERY or self.done >= self.total:
            return
        self._said = now
        left = (now - self._began) * (self.total - self.done) / self.done
        line = f"{self.done} of {self.total} {self.what}, about {in_words(left)} left"
        log.info(line)
        if self.verbose:
            print(f"   --> {line}")  # noqa: T201


def in_words(seconds: float) -> str:
    """Return a duration as a reader would say it.

    Examples
    --------
    >>> in_words(12.34), in_words(1200.0), in_words(9000.0)
    ('12 s', '20 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} minutes" if seconds < 5400 else f"{seconds / 3600:.2g} hours"


def is_package_installed(libname: str) -> bool:
    """Say whether a package can be imported, without importing it.

    Examples
    --------
    >>> is_package_installed("numpy"), is_package_installed("no_such_package")
    (True, False)
    """
    try:
        return importlib.util.find_spec(libname) is not None
    except (ImportError, ValueError):
        return False


def clip_point_to_disc(points: np.ndarray, radius: float, inplace: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Pull points that lie outside a disc around the origin onto its rim, along their radius.

    Parameters
    ----------
    points : ndarray of shape (n, n_components), floating
    radius : float
        Radius of the disc, in the units of `points`.
    inplace : bool
        Change `points` itself.

    Returns
    -------
    points : ndarray of shape (n, n_components)
    mask : bool ndarray of shape (n,)
        True for the points that were outside.

    Examples
    --------
    >>> clip_point_to_disc(np.array([[3.0, 4.0], [0.0, 1.0]]), 2.5)[0].tolist()
    [[1.5, 2.0], [0.0, 1.0]]
    """
    if not inplace:
        points = points.copy()
    lengths = np.linalg.norm(points, axis=1)
    mask = lengths > radius
    points[mask] *= (radius / lengths[mask])[:, np.newaxis]
    return points, mask


def align(source: Any, target: Any, scale: bool = False) -> Array:
    r"""Return a map turned, mirrored and shifted so that it lies upon another of the same points.

    Of all rigid motions the one of least :math:`\sum_i |s_i R + t - y_i|^2`, with R a rotation or reflection (P.
    Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 1966): distances stay, and
    with them the loss of a map. Where several motions are as good, as for points on a line or all at one place, it
    turns no further than it must.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (n, d)
        The same points in the same order.
    scale : bool
        Also multiply the source by the factor, 0 or more, that suits best.

    Returns
    -------
    float64 ndarray of shape (n, d)
        Coordinates alone, also of an embedding: what an optimizer knows of its steps holds in the old directions. To
        go on from there, make an embedding of them.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        The maps have different shapes, or are not finite.

    Examples
    --------
    >>> Y = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> turned = Y @ np.array([[0.0, 1.0], [1.0, 0.0]]) + 5
    >>> bool(np.allclose(align(turned, Y), Y)), bool(np.allclose(align(3 * turned, Y, scale=True), Y))
    (True, True)
    """
    moved, goal = (
        np.asarray(check_matrix(part, name)).astype(np.float64)
        for part, name in ((source, "source"), (target, "target"))
    )
    if moved.shape != goal.shape:
        raise InvalidParameterError(
            f"`target` must have the shape of `source`, {moved.shape}, got {goal.shape}; give the same points in the "
            "same order"
        )
    check_flag(scale, "scale")
    centre = goal.mean(axis=0)
    moved, goal = moved - moved.mean(axis=0), goal - centre
    width, height = (float(np.abs(part).max()) or 1.0 for part in (moved, goal))
    moved, goal = moved / width, goal / height  # so that no product overflows or vanishes
    common = moved.T @ goal
    weight = float(np.linalg.norm(common))
    # what is left open is settled in favour of no turn, by so little that nothing else changes
    left, sizes, right = np.linalg.svd(common + 1e-12 * (weight or 1.0) * np.eye(len(common)))
    factor = height / width * float(sizes.sum()) / float((moved**2).sum()) if scale and moved.any() else 1.0
    return np.asarray(factor * width * (moved @ (left @ right)) + centre)
