"""Principal components as a start, with the same bits for any number of threads.

Linear algebra libraries give results that depend on their number of threads. So every product is made in fixed blocks,
each on one thread of the library, and partial sums are added in order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _validation as check
from .._parallel import chunk_bounds, run_tasks, serial_blas
from .._types import Array
from ..devices import copy_on_gpu, operations
from ..errors import InvalidParameterError
from ..utils import Timer
from .scale import finish, oriented

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SOLVERS = ("auto", "full", "covariance_eigh", "arpack", "randomized")
DIRECT = 1024  # up to so many columns the covariance matrix is the faster way
ROWS = 2048  # rows of a block
GROUPS = 8  # partial sums
SPARE = 14  # vectors beside the wanted ones in the subspace iteration
PASSES = 12
TOLERANCE = 1e-3


def pca(
    X: Any,
    n_components: int = 2,
    svd_solver: str = "auto",
    random_state: Any = None,
    verbose: bool = False,
    add_jitter: bool = True,
    *,
    n_jobs: int | None = -1,
) -> Array:
    """Return the first principal components, scaled to be a start.

    Up to 1,024 columns the covariance matrix is decomposed. Above, and for sparse data, a randomized subspace iteration
    passes over the data at most 12 times, until the residual of every component is below 0.1 % of its eigenvalue
    (N. Halko, P. Martinsson and J. Tropp, Finding structure with randomness, SIAM Review 2011).

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Large tables are read block by block, sparse ones are not made dense.
    n_components : int
        Dimension of the map, at most n_features.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}
        "full" and "covariance_eigh" decompose the covariance matrix of dense data, "arpack" and "randomized" iterate.
    random_state : int, RandomState, Generator or None
        For the noise and the subspace iteration.
    verbose : bool
        Print how long it took.
    add_jitter : bool
        Add noise of 1 % of the spread, so that no two points coincide.
    n_jobs : int, optional
        Threads; -1 means all cores. The bits do not depend on it.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
        First column with standard deviation 1e-4. The entry of largest magnitude of each principal axis is positive.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For data or parameters that cannot work.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.1]])
    >>> pca(X, n_components=1, add_jitter=False).round(6).tolist()
    [[-0.000122], [-0.0], [0.000123]]
    """
    X = check.check_rows(X, "X")
    k = check.check_integer(n_components, "n_components", at_least=1)
    check.check_choice(svd_solver, "svd_solver", SOLVERS)
    jobs = check.check_n_jobs(n_jobs)

    options = {"verbose": verbose, "add_jitter": add_jitter}
    return start_of(lambda: _table(X, jobs), X.shape[1], k, svd_solver, random_state, **options)


def start_of(
    make_table: Callable[[], Any],
    n_columns: int,
    k: int,
    solver: str,
    random_state: Any,
    *,
    verbose: bool,
    add_jitter: bool,
) -> Array:
    """Return the first principal components of a table, scaled to be a start; see `pca`.

    Parameters
    ----------
    make_table : callable
        Returns the table, on one thread of the libraries of linear algebra.
    n_columns : int
        Its columns.
    k, solver, random_state, verbose, add_jitter
        As of `pca`.
    """
    if k > n_columns:
        raise InvalidParameterError(
            f"`n_components` must be at most the number of columns of `X`, {n_columns}, got {k}; "
            "use a random initialization for more"
        )
    rng = check.check_random_state(random_state)
    with Timer("Calculating PCA-based initialization...", verbose), serial_blas(), np.errstate(all="ignore"):
        scores = _scores(make_table(), k, solver, rng)
    return finish(scores, add_jitter, rng)


def _scores(table: Any, k: int, solver: str, rng: np.random.RandomState) -> Array:
    """Return the scores up to a common factor."""
    if isinstance(table, _Sparse):
        return table.project(oriented(_iterate(table, k, rng)))
    iterate = solver in ("arpack", "randomized") or (solver == "auto" and table.shape[1] > DIRECT)
    scores = np.zeros((table.shape[0], k))
    for _ in range(2):
        try:
            axes = _iterate(table, k, rng) if iterate else _leading(table.covariance(), k)
            scores = table.project(oriented(axes))
            if 1e-15 < np.abs(scores).max() < np.inf:
                break
        except np.linalg.LinAlgError:  # what it says of infinite values
            pass
        table.scale()  # the squares left the range of their type: once more, with numbers around 1
    return scores


def _table(X: Any, n_jobs: int) -> Any:
    """Return what makes products of data, where they lie: on a GPU if they have a copy there."""
    if hasattr(X, "tocsr"):
        return _Sparse(X)
    dense, there = _InMemory(X, n_jobs), copy_on_gpu(X)
    return dense if there is None else operations(there).Table(there, dense.around.center)


def _leading(symmetric: Array, k: int) -> Array:
    """Return the eigenvectors of the `k` largest eigenvalues, the largest first."""
    return np.asarray(np.linalg.eigh(symmetric)[1][:, : -k - 1 : -1])


def _iterate(table: Any, k: int, rng: np.random.RandomState) -> Array:
    """Return the `k` leading axes by subspace iteration."""
    d = table.shape[1]
    width = min(d, k + SPARE)
    basis = np.linalg.qr(rng.normal(size=(d, width)))[0]
    for _ in range(PASSES):
        image = table.normal(basis)
        values, turn = np.linalg.eigh(basis.T @ image)
        order = np.argsort(-values)[:k]
        axes: Array = basis @ turn[:, order]
        residual = np.linalg.norm(image @ turn[:, order] - axes * values[order], axis=0)
        if not (residual > TOLERANCE * values[order]).any():
            break
        basis = np.linalg.qr(image)[0]
    return axes


class Around(NamedTuple):
    """What rows are looked at around, in their own type.

    Attributes
    ----------
    center : ndarray of shape (d,)
    factor : float
        A power of 2 that rows are multiplied by before.
    """

    center: Array
    factor: float

    def rows(self, rows: Array) -> Array:
        """Return rows around the centre."""
        if self.factor != 1.0:
            rows = rows * rows.dtype.type(self.factor)
        return np.asarray(rows - self.center)

    def along(self, axes: Array, rows: Array) -> Array:
        """Return the products of rows around the centre and some axes."""
        with np.errstate(all="ignore"):
            return np.asarray(self.rows(rows) @ axes)


def add_products(blocks: Iterable[Array], basis: Array | None, image: Array, sums: Array) -> tuple[Array, Array]:
    """Add to a product with the transposed rows, and to the sums of the columns, block by block; return both.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (m, d)
        Around the centre.
    basis : ndarray of shape (d, c), or None
        The product is that of the rows with the basis, or of the rows themselves.
    image : float64 ndarray of shape (d, c)
    sums : float64 ndarray of shape (d,)
    """
    with np.errstate(all="ignore"):  # which each thread has its own of
        for rows in blocks:
            image += rows.T @ (rows if basis is None else rows @ basis)
            sums += rows.sum(axis=0, dtype=np.float64)
    return image, sums


class Dense(ABC):
    """Dense data around a point near their mean, in fixed blocks of rows, wherever these are.

    The mean of up to 1,024 rows is subtracted in the type of the data; what it misses of the true mean is corrected in
    the results. So data far from the origin lose nothing and the data are read once.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, shape: tuple[int, int], dtype: Any) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.around = self._middle(1.0)

    @abstractmethod
    def _some(self, step: int) -> Array:
        """Return every `step`-th row."""

    @abstractmethod
    def _largest(self) -> float:
        """Return the largest magnitude of a number."""

    @abstractmethod
    def _products(self, basis: Array | None, groups: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
        """Return what `add_products` makes, from zero on, of each range of rows, in blocks of `ROWS`."""

    @abstractmethod
    def _along(self, axes: Array, chunks: list[tuple[int, int]]) -> Array:
        """Return the products of the rows and some axes, chunk by chunk, float64."""

    def _middle(self, factor: float) -> Around:
        sample = self._some(max(1, self.shape[0] // 1024)) * self.dtype.type(factor)
        return Around(sample.mean(axis=0, dtype=np.float64).astype(self.dtype), factor)

    def scale(self) -> None:
        """Bring the numbers near 1 by a power of 2."""
        largest = self._largest()
        if largest > 0:
            self.around = self._middle(2.0 ** -np.floor(np.log2(largest)))

    def covariance(self) -> Array:
        """Return the sums of products of columns about their means, float64 of shape (d, d)."""
        parts = self._products(None, self._groups())
        sums = sum(sums for _, sums in parts)
        total: Array = sum(products for products, _ in parts) - np.outer(sums, sums / self.shape[0])
        return total

    def normal(self, basis: Array) -> Array:
        """Return the covariance, not divided by n, times a basis of shape (d, m)."""
        parts = self._products(basis.astype(self.dtype), self._groups())
        sums = sum(sums for _, sums in parts)
        total: Array = sum(image for image, _ in parts) - np.outer(sums, sums @ basis / self.shape[0])
        return total

    def project(self, axes: Array) -> Array:
        """Return the centred rows' coordinates along the axes, float64 of shape (n, k)."""
        scores = self._along(axes.astype(self.dtype), chunk_bounds(self.shape[0], ROWS, self.shape[0]))
        scores -= scores.mean(axis=0)
        return scores

    def _groups(self) -> list[tuple[int, int]]:
        return chunk_bounds(self.shape[0], ROWS, GROUPS)


class _InMemory(Dense):
    """Rows of this process."""

    def __init__(self, X: Any, n_jobs: int) -> None:
        self.X = X
        self.n_jobs = n_jobs
        super().__init__(X.shape, X.dtype)

    def _some(self, step: int) -> Array:
        return np.asarray(self.X[::step])

    def _largest(self) -> float:
        chunks = chunk_bounds(self.shape[0], ROWS, self.shape[0])
        return max(float(np.abs(self.X[low:high]).max()) for low, high in chunks)

    def _block(self, low: int, high: int) -> Array:
        return np.asarray(self.X[low:high])

    def _products(self, basis: Array | None, groups: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
        d = self.shape[1]

        def part(low: int, high: int) -> tuple[Array, Array]:
            starts = range(low, high, ROWS)
            blocks = (self.around.rows(self._block(start, min(start + ROWS, high))) for start in starts)
            return add_products(blocks, basis, np.zeros((d, d if basis is None else basis.shape[1])), np.zeros(d))

        return run_tasks([(part, group) for group in groups], n_jobs=self.n_jobs)

    def _along(self, axes: Array, chunks: list[tuple[int, int]]) -> Array:
        scores = np.empty((self.shape[0], axes.shape[1]))

        def part(low: int, high: int) -> None:
            scores[low:high] = self.around.along(axes, self._block(low, high))

        run_tasks([(part, chunk) for chunk in chunks], n_jobs=self.n_jobs)
        return scores


class _Sparse:
    """Sparse data, centred implicitly; its products run on one thread."""

    def __init__(self, X: csr_matrix) -> None:
        self.X = X.astype(np.float64)
        largest = np.abs(self.X.data).max() if self.X.nnz else 0.0
        if largest > 0:
            self.X.data *= 2.0 ** -np.floor(np.log2(largest))
        self.shape = X.shape
        self.mean = np.asarray(self.X.mean(axis=0)).ravel()

    def normal(self, basis: Array) -> Array:
        """Return the covariance, not divided by n, times a basis of shape (d, m)."""
        image = self.project(basis)
        return np.asarray(self.X.T @ image - np.outer(self.mean, image.sum(axis=0)))

    def project(self, axes: Array) -> Array:
        """Return the centred rows' coordinates along the axes, float64 of shape (n, k)."""
        return np.asarray(self.X @ axes - self.mean @ axes)
