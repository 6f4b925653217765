"""Sums of distortions over edges: their lengths, their values, and the derivative in the points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _parallel, kernels
from .._types import Array
from .forms import check_form

GRAIN = 2**15  # edges of a chunk, each of which adds to a gradient of its own
CHUNKS = 8
BLOCK = 2**14  # edges whose lengths and slopes stay in the cache from one loop to the next


class Pairs(NamedTuple):
    """Edges as pairs of points.

    Attributes
    ----------
    rows, columns : ndarray of shape (edges,), int32
        Their ends.
    numbers : ndarray of shape (edges,), float64
        What the distortion knows of each, such as its weight.
    factors : ndarray of shape (edges,), float64, or None
        By which distortions are multiplied.
    starts : ndarray of shape (n + 1,), or None
        Of edges that stand in the order of their rows: where those of each row begin.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ends = np.array([0], np.int32), np.array([1], np.int32)
    >>> ops.lengths(ops.Pairs(*ends, np.ones(1), None), np.eye(2), np.eye(2), n_jobs=1).round(3).tolist()
    [1.414]
    """

    rows: Array
    columns: Array
    numbers: Array
    factors: Array | None
    starts: Array | None = None


class Distorted(NamedTuple):
    """The distortions of edges together.

    Attributes
    ----------
    total : float
    gradient : ndarray of shape (n, d), float64
        Its derivative in the points.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.ops import Distorted
    >>> Distorted(0.0, np.zeros((3, 2))).gradient.shape
    (3, 2)
    """

    total: float
    gradient: Array


def lengths(pairs: Pairs, points: Array, others: Array, n_jobs: int) -> Array:
    """Return the length of each edge, shape (edges,), float64.

    Parameters
    ----------
    pairs : Pairs
    points, others : ndarray of shape (n, d) and (m, d), float64
        Where the first and the second ends are; the same array for edges within a map.
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> pairs = ops.Pairs(np.array([0], np.int32), np.array([1], np.int32), np.ones(1), None)
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> ops.lengths(pairs, points, points, n_jobs=1).tolist()
    [5.0]
    """
    out = np.empty(len(pairs.rows))

    def fill(low: int, high: int) -> None:
        kernels.distortions.measure(low, high, pairs.rows, pairs.columns, points, others, out[low:high])

    _parallel.run_tasks([(fill, chunk) for chunk in _chunks(pairs)], n_jobs=n_jobs)
    return out


def evaluate(form: Any, numbers: Array, lengths: Array) -> tuple[Array, Array]:
    """Return distortions and their derivatives in the lengths, by the formula of a form.

    Parameters
    ----------
    form : NamedTuple
        One of `kernels.distortions`.
    numbers, lengths : ndarray of shape (edges,), float64

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import distortions
    >>> values, slopes = ops.evaluate(distortions.CubicPenalty(), np.array([2.0]), np.array([3.0]))
    >>> values.tolist(), slopes.tolist()
    ([54.0], [54.0])
    """
    check_form(form, kernels.distortions.value_and_slope)
    values, slopes = np.empty(len(lengths)), np.empty(len(lengths))
    kernels.distortions.distort(form, numbers, lengths, values, slopes)
    return values, slopes


def distort(pairs: Pairs, points: Array, others: Array, form: Any, n_jobs: int) -> Distorted:
    """Return the sum of the distortions of edges, and its derivative in the points.

    Parameters
    ----------
    pairs : Pairs
        In the order of their rows, with `starts`.
    points, others : ndarray of shape (n, d) and (m, d), float64
        Where the ends are. If they are one array, both ends move, else the first alone.
    form : NamedTuple
        One of `kernels.distortions`.
    n_jobs : int
        Threads; the result has the same bits for any number.

    Returns
    -------
    Distorted

    Raises
    ------
    InvalidTypeError
        If no formula is known for the form.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import distortions
    >>> ends = np.array([0], np.int32), np.array([1], np.int32)
    >>> pairs = ops.Pairs(*ends, numbers=np.array([0.5]), factors=None, starts=np.array([0, 1, 1]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> found = ops.distort(pairs, points, points, distortions.QuadraticPenalty(), n_jobs=1)
    >>> found.total, found.gradient.tolist()
    (12.5, [[-3.0, -4.0], [3.0, 4.0]])
    """
    check_form(form, kernels.distortions.value_and_slope)

    def fill(here: slice, far: Array, values: Array, slopes: Array) -> float:
        kernels.distortions.distort(form, pairs.numbers[here], far, values, slopes)
        if pairs.factors is not None:
            values *= pairs.factors[here]
            slopes *= pairs.factors[here]
        return float(values.sum())

    return _descend(pairs, points, others, fill, n_jobs)


def pull(pairs: Pairs, points: Array, others: Array, slopes: Array, n_jobs: int) -> Array:
    """Return the derivative in the points of distortions whose derivatives in the lengths are known.

    Parameters
    ----------
    pairs, points, others, n_jobs
        As in `distort`.
    slopes : ndarray of shape (edges,), float64

    Returns
    -------
    float64 ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ends = np.array([0], np.int32), np.array([1], np.int32)
    >>> pairs = ops.Pairs(*ends, numbers=np.zeros(1), factors=None, starts=np.array([0, 1, 1]))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> ops.pull(pairs, points, points, np.array([5.0]), n_jobs=1).tolist()
    [[-3.0, -4.0], [3.0, 4.0]]
    """

    def fill(here: slice, far: Array, values: Array, out: Array) -> float:
        out[:] = slopes[here]
        return 0.0

    return _descend(pairs, points, others, fill, n_jobs).gradient


def _descend(
    pairs: Pairs,
    points: Array,
    others: Array,
    fill: Callable[[slice, Array, Array, Array], float],
    n_jobs: int,
) -> Distorted:
    """Return the sum of what `fill` returns, which writes values and slopes of a block of edges of known lengths."""
    d, loops = points.shape[1], kernels.distortions

    def work(low: int, high: int) -> Distorted:
        total, gradient = 0.0, np.zeros(points.shape)
        apart, memory = np.empty((d, BLOCK)), np.empty((3, BLOCK))  # once: fresh memory costs as much as a loop
        for begin in range(low, high, BLOCK):
            end = min(begin + BLOCK, high)
            far, values, slopes = memory[:, : end - begin]
            ends = (begin, end, pairs.starts, pairs.rows, pairs.columns)
            loops.part(*ends, points, others, apart, far)
            total += fill(slice(begin, end), far, values, slopes)
            loops.pull(*ends, apart, far, slopes, others is points, gradient)
        return Distorted(total, gradient)

    parts = _parallel.run_tasks([(work, chunk) for chunk in _chunks(pairs)], n_jobs=n_jobs)
    gradient = parts[0].gradient
    for part in parts[1:]:
        gradient += part.gradient
    return Distorted(sum(part.total for part in parts), gradient)


def _chunks(pairs: Pairs) -> list[tuple[int, int]]:
    return _parallel.chunk_bounds(len(pairs.rows), GRAIN, most=CHUNKS)
