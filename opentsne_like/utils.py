"""Small helpers that openTSNE's users import: a timer, a disc to clip points to, a question about packages."""

from __future__ import annotations

import importlib.util
import time
from types import TracebackType

import numpy as np

__all__ = ["Timer", "clip_point_to_disc", "is_package_installed"]


class Timer:
    """Announce a stage on standard output when it begins, and its duration in seconds when it ends.

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
        if self.verbose:
            print(f"   --> Time elapsed: {self.seconds:.2f} seconds")  # noqa: T201


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
