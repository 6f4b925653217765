"""Where a map lies and how wide it is."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import _parallel, kernels
from .._types import Array

GRAIN = 16384  # points
SAMPLE = 512  # points that tell the bulk of a map from its outliers


class Extent(NamedTuple):
    """Lowest coordinates, widths and mean of a map, each of shape (d,).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> box = ops.extent(np.array([[0.0, 1.0], [4.0, 3.0]]), n_jobs=1)
    >>> box.low.tolist(), box.spans.tolist(), box.mean.tolist()
    ([0.0, 1.0], [4.0, 2.0], [2.0, 2.0])
    """

    low: Array
    spans: Array
    mean: Array


def extent(points: Array, n_jobs: int) -> Extent:
    """Return where a map lies and how wide it is.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64
        NaN and infinity in it show in the mean.
    n_jobs : int
        Threads; the result has the same bits for any number.

    Returns
    -------
    Extent

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ops.extent(np.array([[0.0, 1.0], [np.nan, 3.0]]), n_jobs=1).mean.tolist()
    [nan, 2.0]
    """
    chunks = _parallel.chunk_bounds(len(points), GRAIN)
    lows, highs, sums = np.empty((3, len(chunks), points.shape[1]))
    tasks = [(kernels.update.extent, (low, high, c, points, lows, highs, sums)) for c, (low, high) in enumerate(chunks)]
    _parallel.run_tasks(tasks, n_jobs=n_jobs)
    if len(chunks) == 1:
        return Extent(lows[0], highs[0] - lows[0], sums[0] / len(points))
    low = lows.min(axis=0)
    return Extent(low, highs.max(axis=0) - low, sums.sum(axis=0) / len(points))


def around(points: Array, offset: Array, dtype: type) -> Array:
    """Return points (n, d) less an offset (d,), which is taken off in float64, as float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> ops.around(np.array([[1e9 + 1.0]]), np.array([1e9]), np.float32)
    array([[1.]], dtype=float32)
    """
    return np.asarray(points - offset, dtype)


@lru_cache(maxsize=8)
def sample_places(n: int, size: int) -> Array:
    """Return the fixed places of a sample among `n` points: a pure function of the two numbers.

    Parameters
    ----------
    n, size : int

    Returns
    -------
    ndarray of shape (size,), intp
        Multiples of the golden ratio, which are spread evenly however many there are. The first is 0.
    """
    return (np.arange(size) * 0.6180339887498949 % 1.0 * n).astype(np.intp)


def bulk(points: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest coordinates, shape (d,) each, of all but the outermost 2 % on either side.

    They come from a sample at fixed places of the array, so they are a pure function of the points.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> points = np.linspace(0.0, 1.0, 1001)[:, None]
    >>> points[-1] = 1e6
    >>> low, high = ops.bulk(points)
    >>> bool(0.0 < low[0] < 0.05 and 0.95 < high[0] < 1.0)
    True
    """
    return bulk_of(points[sample_places(len(points), SAMPLE)])


def bulk_of(sample: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest coordinates of a sample (SAMPLE, d) but for the outermost 2 % on either side.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.ops.extents import SAMPLE, bulk_of
    >>> low, high = bulk_of(np.arange(SAMPLE)[:, None])
    >>> low.tolist(), high.tolist()
    ([10], [501])
    """
    ordered = np.sort(np.ascontiguousarray(sample.T))
    return ordered[:, SAMPLE // 50], ordered[:, -1 - SAMPLE // 50]
