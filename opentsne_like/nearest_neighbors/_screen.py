"""Float32 vectors whose products tell in which order to look at the rows, and the running selection of the best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from ..errors import InvalidParameterError
from ._space import CHEBYSHEV, COSINE, EUCLIDEAN, MANHATTAN, MOST, Array, Space, blocks, index_type

COLUMNS = 2048  # columns of a tile: with 256 rows it fits the second-level cache
_BLOCK = 2**20  # numbers that are turned into vectors at once
_FAR = np.float32(1e15)  # the square of which, and a sum of many, float32 can hold
_TYPICAL = 256  # rows that say where the middle is and how far a typical row is from it


class Buffers:
    """The running selection of one block of queries; see ``kernels.knn.scan``."""

    def __init__(self, rows: int, k: int, n: int) -> None:
        keep = min(n, k + 1 + max(8, k // 8))  # the row itself, and a margin for rounding
        capacity = keep + max(256, keep + keep // 2)
        self.keep = keep
        self.score = np.empty((rows, capacity), np.float32)
        self.column = np.empty((rows, capacity), index_type(n))
        self.count = np.zeros(rows, np.int64)
        self.threshold = np.full(rows, np.inf, np.float32)
        self._rows: list[Array] = []
        self._seen = 0

    def scan(self, tile: Array, rows: Array) -> None:
        """Take a tile of scores into account, and the rows behind its columns."""
        kernels.knn.scan(tile, self._seen, self.keep, self.score, self.column, self.count, self.threshold)
        self._rows.append(rows)
        self._seen += len(rows)

    def cut(self) -> None:
        """Cut every row to the lowest scores; all other scores are at or above ``threshold``."""
        kernels.knn.cut(self.keep, self.score, self.column, self.count, self.threshold)

    def candidates(self) -> Array:
        """Return the rows behind the columns that are kept, ``count`` of them; after those anything follows."""
        return np.concatenate(self._rows).take(self.column[:, : self.count.max()], mode="clip")


def extend(vectors: Array, out: Array) -> Array:
    """Write ``(y, |y|^2)`` for every row y of `vectors` into the columns of `out`, (d + 1, m) float32."""
    out[:-1] = vectors.T
    with np.errstate(over="ignore"):  # infinity stands for rows too far away to be anybody's neighbour
        out[-1] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return out


class Screen:
    """The rows of a `Space` as centred float32 vectors, whose products tell in which order to look at them.

    With ``x`` the centred row (the centred unit vector under cosine), scaled by a power of two to norms of about 1,
    ``score = |y|^2 - 2 x.y = |x - y|^2 - |x|^2`` is one product of the extended vectors ``(-2 x, 1)`` and
    ``(y, |y|^2)``. Under the manhattan and chebyshev metrics the score is the distance itself, in float32.

    Parameters
    ----------
    space : Space
        Under a metric of `SCREENED`.

    Attributes
    ----------
    rows : ndarray of shape (n,), int32 or int64
        The rows of the data behind the columns, after `fill`.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.products = space.kind in (EUCLIDEAN, COSINE)
        self.middle, self.scale = self._frame()

    def fill(self, order: Array | None = None, starts: Array | None = None, *, n_jobs: int = -1) -> Screen:
        """Make the blocks of extended vectors and return the screen itself.

        Parameters
        ----------
        order : ndarray of shape (n,), optional
            The rows in the order of the columns; by default that of the data.
        starts : ndarray of shape (n_blocks + 1,), optional
            The columns that each block begins with, and n, at most `COLUMNS` apart; by default every `COLUMNS`-th.
        n_jobs : int
        """
        space = self.space
        self.rows = np.arange(space.n, dtype=index_type(space.n)) if order is None else order
        self.starts = np.append(np.arange(0, space.n, COLUMNS), space.n) if starts is None else starts
        self._flat = np.empty(space.n * self._height, np.float32)

        def work(first: int, last: int) -> None:
            low, high = self.starts[first], self.starts[last]
            vectors = self.row_vectors(slice(low, high) if order is None else order[low:high])
            for b in range(first, last):
                part = vectors[self.starts[b] - low : self.starts[b + 1] - low]
                if self.products:
                    extend(part, self.block(b))
                else:
                    self.block(b)[:] = part.T

        group = max(1, _BLOCK // ((space.d + 1) * max(1, space.n // self.n_blocks)))
        bounds = range(0, self.n_blocks, group)
        run_tasks([(work, (first, min(first + group, self.n_blocks))) for first in bounds], n_jobs=n_jobs)
        return self

    @property
    def n_blocks(self) -> int:
        """The number of blocks."""
        return len(self.starts) - 1

    def block(self, b: int) -> Array:
        """Return a block of extended vectors ``(y, |y|^2)``, or vectors, as columns: (d + 1 or d, width) float32."""
        low, high = self.starts[b], self.starts[b + 1]
        height = self._height
        return self._flat[low * height : high * height].reshape(height, high - low)

    @property
    def _height(self) -> int:
        return int(self.space.d) + int(self.products)

    def tiles(self, left: Array, visit: Iterable[int]) -> Iterator[tuple[Array, Array]]:
        """Yield the scores of the columns of some blocks, about `COLUMNS` at a time, and the rows behind them.

        Parameters
        ----------
        left : ndarray of shape (m, d + 1) or (m, d), float32
            See `queries`.
        visit : iterable of int
            The blocks, in the order to go through them.
        """
        room = np.empty(len(left) * min(COLUMNS, self.space.n), np.float32)
        group: list[int] = []
        width = 0
        for b in visit:
            more = int(self.starts[b + 1] - self.starts[b])
            if group and width + more > COLUMNS:
                yield self._product(left, group, room[: len(left) * width])
                group, width = [], 0
            group.append(b)
            width += more
        if width:
            yield self._product(left, group, room[: len(left) * width])

    def _product(self, left: Array, group: list[int], room: Array) -> tuple[Array, Array]:
        tile = room.reshape(len(left), -1)
        at = 0
        with np.errstate(all="ignore"):  # a query may lie so far away that float32 overflows
            for b in group:
                block = self.block(b)
                if self.products:
                    np.matmul(left, block, out=tile[:, at : at + block.shape[1]])
                else:
                    kernels.knn.differences(left, block, at, self.space.kind == CHEBYSHEV, tile)
                at += block.shape[1]
        parts = [self.rows[self.starts[b] : self.starts[b + 1]] for b in group]
        return tile, parts[0] if len(parts) == 1 else np.concatenate(parts)

    def row_vectors(self, rows: Any) -> Array:
        """Return the vectors of some rows of the data, (m, d) float32."""
        space = self.space
        return self.vectors(space.data[rows], space.norms[rows] if space.kind == COSINE else space.norms)

    def _frame(self) -> tuple[Array, float]:
        """Return the middle of the rows and the power of two that brings typical ones to norms of at most 1.

        Both are medians over a few rows, so that a far row does not cost all others their digits.
        """
        space = self.space
        some = np.unique(np.linspace(0, space.n - 1, min(space.n, _TYPICAL)).astype(np.int64))
        rows = space.data[some].astype(np.float64)
        if space.kind == COSINE:
            rows /= space.norms[some, None]
        middle = np.median(rows, axis=0)
        typical = float(np.median(np.abs(rows - middle).max(axis=1)))
        radius = self._radius(middle)
        if not radius < MOST or 0 < radius < 1 / MOST:
            raise InvalidParameterError(
                f"`data` must spread over between {1 / MOST:g} and {MOST:g}, got {radius:g}; rescale it"
            )
        size = np.sqrt(space.d) * (typical or radius)
        return middle, float(2.0 ** -np.ceil(np.log2(size))) if size > 0 else 1.0

    def _radius(self, middle: Array) -> float:
        """Return the largest difference of a coordinate from the middle, 1 for unit vectors."""
        space = self.space
        if space.kind == COSINE:
            return 1.0
        parts = [space.data[low:high] for low, high in blocks(space.n, space.d)]
        highest = np.max([part.max(axis=0) for part in parts], axis=0) - middle
        lowest = middle - np.min([part.min(axis=0) for part in parts], axis=0)
        return float(np.maximum(highest, lowest).max())

    def vectors(self, rows: Array, norms: Array) -> Array:
        """Return the centred, scaled float32 vectors of `rows`."""
        wide = rows.astype(np.float64)
        if self.space.kind == COSINE:
            wide /= norms[:, None]
        wide -= self.middle
        wide *= self.scale
        with np.errstate(over="ignore"):  # a query may lie anywhere
            return wide.astype(np.float32)

    def bounded(self, rows: Array, norms: Array) -> Array:
        """Return the vectors of `rows` for other libraries, to which infinity means nothing good."""
        return np.clip(self.vectors(rows, norms), -_FAR, _FAR)

    def queries(self, rows: Array, norms: Array) -> tuple[Array, Array]:
        """Return what `tiles` takes for `rows`, ``(-2 x, 1)`` or ``x``, and the norms of their vectors in float64."""
        vectors = self.vectors(rows, norms)
        if not self.products:
            sizes = np.abs(vectors).astype(np.float64)
            return vectors, sizes.sum(axis=1) if self.space.kind == MANHATTAN else sizes.max(axis=1)
        left = np.ones((len(rows), self.space.d + 1), np.float32)
        with np.errstate(over="ignore"):
            np.multiply(vectors, -2, out=left[:, :-1])
        return left, np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))

    def limits(self, sizes: Array, farthest: Array) -> Array:
        """Return the score that no row closer than a distance exceeds, infinity where that is unknown.

        A sum of d + 1 products is wrong by at most (d + 1) u times the sum of their magnitudes, in any order of
        addition, with u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), and the
        rows were rounded to float32 before. A row within reach of x has at most the norm |x| + reach.

        Parameters
        ----------
        sizes : ndarray of shape (m,)
            The norms of the vectors, from `queries`.
        farthest : ndarray of shape (m,)
            The distances, in the metric of the space.
        """
        d = self.space.d
        unit = (d + 8) * 2.0**-24
        with np.errstate(all="ignore"):  # infinite where nothing was found, or too far away for float32
            reach = self.scale * (np.sqrt(2 * farthest) if self.space.kind == COSINE else farthest)
            reach = reach * (1 + (d + 8) * 2.0**-52)
            other = sizes + reach
            if self.products:
                limit = reach * reach - sizes * sizes + unit * (2 * sizes * other + other * other)
            else:
                limit = reach + unit * (sizes + other)
        return np.where(np.isfinite(limit), limit + 2.0**-100, np.inf)
