"""The prefilter of a search: float32 vectors whose products propose neighbours, among which exact distances decide."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import kernels
from .._parallel import run_tasks
from .._types import Array
from ..errors import InvalidParameterError
from ._space import COSINE, EUCLIDEAN, MANHATTAN, MOST, Space, column_extremes, index_type

COLUMNS = 2048  # columns of a block at most
PANEL, PAD = 16, 5  # columns of a panel, and rows that stand after the left sides; see ``kernels.products``
_BLOCK = 2**20  # numbers that are turned into vectors at once
_FAR = np.float32(1e15)  # the square of which, and a sum of many, float32 can hold
_TYPICAL = 256  # rows that say where the middle is and how far a typical row is from it


class Visits(NamedTuple):
    """Which blocks of a prefilter some queries look in.

    Attributes
    ----------
    groups : ndarray of shape (n_groups + 1,), int64
        The first query of each group of queries that look in the same blocks, then the number of queries.
    bounds : ndarray of shape (n_groups + 1,), int64
        Where the blocks that a group looks in begin, and their number.
    blocks : ndarray, int64
        The blocks, those first that probably hold the neighbours.
    """

    groups: Array
    bounds: Array
    blocks: Array


class Frame(NamedTuple):
    """How rows become vectors: centred, and scaled by a power of two so that typical ones have norms of at most 1.

    Attributes
    ----------
    kind : int
        Of the metric, see `Space`; unit vectors are made under cosine.
    middle : ndarray of shape (d,), float64
    scale : float
    """

    kind: int
    middle: Array
    scale: float

    def vectors(self, rows: Array, norms: Array) -> Array:
        """Return the vectors of rows of a space with these norms, (m, d) float32."""
        wide = rows.astype(np.float64)
        if self.kind == COSINE:
            wide /= norms[:, None]
        wide -= self.middle
        wide *= self.scale
        with np.errstate(over="ignore"):  # a query may lie anywhere
            return wide.astype(np.float32)


def typical_rows(n: int) -> Array:
    """Return the numbers of the few of `n` rows that decide a frame."""
    return np.unique(np.linspace(0, n - 1, min(n, _TYPICAL)).astype(np.int64))


def frame_of(kind: int, rows: Array, norms: Array, extremes: tuple[Array, Array] | None) -> Frame:
    """Return the frame of all rows of a space.

    Middle and scale are medians over a few rows, so that a far row does not cost all others their digits.

    Parameters
    ----------
    kind : int
        See `Space`.
    rows, norms : ndarray
        Those of `typical_rows`.
    extremes : tuple of ndarray of shape (d,), or None
        The lowest and the highest value of each column of all rows; None under cosine, whose vectors have norm 1.
    """
    rows = rows.astype(np.float64)
    if kind == COSINE:
        rows /= norms[:, None]
    middle = np.median(rows, axis=0)
    typical = float(np.median(np.abs(rows - middle).max(axis=1)))
    radius = 1.0 if extremes is None else float(np.maximum(extremes[1] - middle, middle - extremes[0]).max())
    if not radius < MOST or 0 < radius < 1 / MOST:
        raise InvalidParameterError(
            f"`data` must spread over between {1 / MOST:g} and {MOST:g}, got {radius:g}; rescale it"
        )
    size = np.sqrt(rows.shape[1]) * (typical or radius)
    return Frame(kind, middle, float(2.0 ** -np.ceil(np.log2(size))) if size > 0 else 1.0)


def extended(vectors: Array) -> Array:
    """Return ``(y, |y|^2)`` for every row y of `vectors`, (m, d + 1) float32."""
    out = np.empty((len(vectors), vectors.shape[1] + 1), np.float32)
    out[:, :-1] = vectors
    with np.errstate(over="ignore"):  # infinity stands for rows too far away to be anybody's neighbour
        out[:, -1] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return out


def panels(columns: Array, out: Array | None = None) -> Array:
    """Return the flat panels that ``kernels.products`` reads, of columns that are the rows of `columns`, in `out`."""
    many, height = columns.shape
    count = -(-many // PANEL)
    if out is None:
        out = np.empty(count * PANEL * height, np.float32)
    whole = many // PANEL
    parts = out.reshape(count, height, PANEL)
    parts[:whole] = columns[: whole * PANEL].reshape(whole, PANEL, height).transpose(0, 2, 1)
    if whole < count:
        parts[whole] = 0
        parts[whole, :, : many - whole * PANEL] = columns[whole * PANEL :].T
    return out


def left_sides(vectors: Array, products: bool = True) -> Array:
    """Return what ``kernels.products`` multiplies, ``(-2 x, 1)`` for every row x of `vectors`, or x itself."""
    left = np.zeros((len(vectors) + PAD, vectors.shape[1] + products), np.float32)
    if not products:
        left[: len(vectors)] = vectors
        return left
    with np.errstate(over="ignore"):
        np.multiply(vectors, -2, out=left[: len(vectors), :-1])
    left[:, -1] = 1
    return left


class Prefilter:
    """A prefilter: the rows of a `Space` as centred float32 vectors, whose products tell in which order to look.

    With ``x`` the centred row (the centred unit vector under cosine), scaled by a power of two to norms of about 1,
    ``score = |y|^2 - 2 x.y = |x - y|^2 - |x|^2`` is one product of the extended vectors ``(-2 x, 1)`` and
    ``(y, |y|^2)``. Under the manhattan and chebyshev metrics the score is the distance itself, in float32.

    Parameters
    ----------
    space : Space
        Under a metric of `PREFILTERED`.
    frame : Frame, optional
        By default that of the rows; any of the same metric tells the same neighbours.

    Attributes
    ----------
    frame : Frame
    rows : ndarray of shape (n,), int32 or int64
        The rows of the data behind the columns, after `fill`.
    """

    def __init__(self, space: Space, frame: Frame | None = None) -> None:
        self.space = space
        self.products = space.kind in (EUCLIDEAN, COSINE)
        self.frame = self._frame() if frame is None else frame

    def fill(self, order: Array | None = None, starts: Array | None = None, *, n_jobs: int = -1) -> Prefilter:
        """Make the blocks of extended vectors and return the prefilter itself.

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
        sizes = np.diff(self.starts)
        first = np.concatenate([[0], np.cumsum(-(-sizes // PANEL))])
        self._blocks = np.column_stack([first, self.starts]).astype(np.int64)
        self._panels = np.empty(int(first[-1]) * PANEL * self._height, np.float32)

        def work(begin: int, end: int) -> None:
            low, high = self.starts[begin], self.starts[end]
            vectors = self.row_vectors(slice(low, high) if order is None else order[low:high])
            columns = extended(vectors) if self.products else vectors
            for b in range(begin, end):
                part = self._panels[first[b] * PANEL * self._height : first[b + 1] * PANEL * self._height]
                panels(columns[self.starts[b] - low : self.starts[b + 1] - low], part)

        group = max(1, _BLOCK // ((space.d + 1) * max(1, space.n // self.n_blocks)))
        bounds = range(0, self.n_blocks, group)
        run_tasks([(work, (begin, min(begin + group, self.n_blocks))) for begin in bounds], n_jobs=n_jobs)
        return self

    @property
    def n_blocks(self) -> int:
        """The number of blocks."""
        return len(self.starts) - 1

    @property
    def _height(self) -> int:
        return int(self.space.d) + int(self.products)

    def candidates(self, left: Array, visits: Visits, k: int) -> tuple[Array, Array, Array]:
        """Return the rows with the lowest scores of all that each query looks at.

        Parameters
        ----------
        left : ndarray of shape (m + PAD, d + 1) or (m + PAD, d), float32
            See `queries`.
        visits : Visits
        k : int
            There are a few more than that.

        Returns
        -------
        rows : ndarray of shape (m, c), int32 or int64
        count : ndarray of shape (m,), int64
            How many of each row count.
        threshold : ndarray of shape (m,), float32
            All other rows have scores at or above it; infinity where there are none.
        """
        m = len(left) - PAD
        keep = min(self.space.n, k + 1 + max(8, k // 8))  # the row itself, and a margin for rounding
        column = np.empty((m, keep), self.rows.dtype)
        count, threshold = np.empty(m, np.int64), np.empty(m, np.float32)
        kernels.products.scan(left, self._panels, self._blocks, self.space.kind, *visits, column, count, threshold)
        return self.rows.take(column, mode="clip"), count, threshold

    def scores(self, left: Array, b: int) -> tuple[Array, Array]:
        """Return the scores of the columns of a block, (m, at least w) float32, and the w rows behind them.

        Parameters
        ----------
        left : ndarray
            As in `candidates`.
        b : int
        """
        (panel, column), (last, end) = self._blocks[b : b + 2]
        tile = np.empty((len(left), (last - panel) * PANEL), np.float32)
        kernels.products.scores(left, self._panels, self.space.kind, panel, tile)
        return tile, self.rows[column:end]

    def row_vectors(self, rows: Any) -> Array:
        """Return the vectors of some rows of the data, (m, d) float32."""
        space = self.space
        return self.vectors(space.data[rows], space.norms[rows] if space.kind == COSINE else space.norms)

    def _frame(self) -> Frame:
        space = self.space
        some = typical_rows(space.n)
        norms, extremes = (
            (space.norms[some], None) if space.kind == COSINE else (space.norms, column_extremes(space.data))
        )
        return frame_of(space.kind, space.data[some], norms, extremes)

    def vectors(self, rows: Array, norms: Array) -> Array:
        """Return the centred, scaled float32 vectors of `rows`."""
        return self.frame.vectors(rows, norms)

    def bounded(self, rows: Array, norms: Array) -> Array:
        """Return the vectors of `rows` for other libraries, to which infinity means nothing good."""
        return np.clip(self.vectors(rows, norms), -_FAR, _FAR)

    def queries(self, rows: Array, norms: Array) -> tuple[Array, Array]:
        """Return the left sides of `rows`, ``(-2 x, 1)`` or ``x``, and the norms of their vectors in float64."""
        vectors = self.vectors(rows, norms)
        left = left_sides(vectors, self.products)
        if self.products:
            return left, np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        sizes = np.abs(vectors).astype(np.float64)
        return left, sizes.sum(axis=1) if self.space.kind == MANHATTAN else sizes.max(axis=1)

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
            reach = self.frame.scale * (np.sqrt(2 * farthest) if self.space.kind == COSINE else farthest)
            reach = reach * (1 + (d + 8) * 2.0**-52)
            other = sizes + reach
            if self.products:
                limit = reach * reach - sizes * sizes + unit * (2 * sizes * other + other * other)
            else:
                limit = reach + unit * (sizes + other)
        return np.where(np.isfinite(limit), limit + 2.0**-100, np.inf)
