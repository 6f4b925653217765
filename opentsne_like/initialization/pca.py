"""Principal components as a start, with the same bits for any number of threads.

Linear algebra libraries give results that depend on their number of threads. So every product is made in fixed blocks,
each on one thread of the library, and partial sums are added in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
    if k > X.shape[1]:
        raise InvalidParameterError(
            f"`n_components` must be at most the number of columns of `X`, {X.shape[1]}, got {k}; "
            "use a random initialization for more"
        )
    rng = check.check_random_state(random_state)
    with Timer("Calculating PCA-based initialization...", verbose), serial_blas(), np.errstate(all="ignore"):
        scores = _scores(X, k, svd_solver, rng, jobs)
    return finish(scores, add_jitter, rng)


def _scores(X: Any, k: int, solver: str, rng: np.random.RandomState, n_jobs: int) -> Array:
    """Return the scores up to a common factor."""
    if hasattr(X, "tocsr"):
        sparse = _Sparse(X)
        return sparse.project(oriented(_iterate(sparse, k, rng)))
    iterate = solver in ("arpack", "randomized") or (solver == "auto" and X.shape[1] > DIRECT)
    table = _table(X, n_jobs)
    scores = np.zeros((len(X), k))
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


def _table(X: Array, n_jobs: int) -> Any:
    """Return what makes products of dense data, where they lie: on a GPU if they have a copy there."""
    there = copy_on_gpu(X)
    return _Dense(X, n_jobs) if there is None else operations(there).Table(there, _center(X))


def _center(X: Array) -> Array:
    """Return the mean of up to 1,024 rows, in the type of the data."""
    center: Array = np.asarray(X[:: max(1, len(X) // 1024)]).mean(axis=0, dtype=np.float64).astype(X.dtype)
    return center


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


class _Dense:
    """Dense data around a point near their mean, in fixed blocks of rows.

    The mean of up to 1,024 rows is subtracted in the type of the data; what it misses of the true mean is corrected in
    the results. So data far from the origin lose nothing and the data are read once.
    """

    def __init__(self, X: Array, n_jobs: int) -> None:
        self.X = X
        self.shape = X.shape
        self.n_jobs = n_jobs
        self.factor = 1.0
        self.center = _center(X)

    def scale(self) -> None:
        """Bring the numbers near 1 by a power of 2."""
        largest = max(float(np.abs(self.X[a:b]).max()) for a, b in chunk_bounds(len(self.X), ROWS, len(self.X)))
        if largest > 0:
            self.factor = 2.0 ** -np.floor(np.log2(largest))
            sample = np.asarray(self.X[:: max(1, len(self.X) // 1024)]) * self.X.dtype.type(self.factor)
            self.center = sample.mean(axis=0, dtype=np.float64).astype(self.X.dtype)

    def block(self, low: int, high: int) -> Array:
        """Return rows around the centre."""
        rows: Array = np.asarray(self.X[low:high])
        if self.factor != 1.0:
            rows = rows * self.X.dtype.type(self.factor)
        return np.asarray(rows - self.center)

    def blocks(self, low: int, high: int) -> Iterator[Array]:
        """Yield the blocks of a range of rows."""
        for start in range(low, high, ROWS):
            yield self.block(start, min(start + ROWS, high))

    def _groups(self) -> list[tuple[int, int]]:
        return chunk_bounds(self.shape[0], ROWS, GROUPS)

    def covariance(self) -> Array:
        """Return the sums of products of columns about their means, float64 of shape (d, d)."""
        d = self.shape[1]

        def part(low: int, high: int) -> tuple[Array, Array]:
            products, sums = np.zeros((d, d)), np.zeros(d)
            for rows in self.blocks(low, high):
                products += rows.T @ rows
                sums += rows.sum(axis=0, dtype=np.float64)
            return products, sums

        parts = run_tasks([(part, group) for group in self._groups()], n_jobs=self.n_jobs)
        sums = sum(sums for _, sums in parts)
        total: Array = sum(products for products, _ in parts) - np.outer(sums, sums / self.shape[0])
        return total

    def normal(self, basis: Array) -> Array:
        """Return the covariance, not divided by n, times a basis of shape (d, m)."""
        narrow = basis.astype(self.X.dtype)

        def part(low: int, high: int) -> tuple[Array, Array]:
            image, sums = np.zeros(basis.shape), np.zeros(self.shape[1])
            for rows in self.blocks(low, high):
                image += rows.T @ (rows @ narrow)
                sums += rows.sum(axis=0, dtype=np.float64)
            return image, sums

        parts = run_tasks([(part, group) for group in self._groups()], n_jobs=self.n_jobs)
        sums = sum(sums for _, sums in parts)
        total: Array = sum(image for image, _ in parts) - np.outer(sums, sums @ basis / self.shape[0])
        return total

    def project(self, axes: Array) -> Array:
        """Return the centred rows' coordinates along the axes, float64 of shape (n, k)."""
        scores = np.empty((self.shape[0], axes.shape[1]))
        narrow = axes.astype(self.X.dtype)

        def part(low: int, high: int) -> None:
            scores[low:high] = self.block(low, high) @ narrow

        tasks = [(part, chunk) for chunk in chunk_bounds(self.shape[0], ROWS, self.shape[0])]
        run_tasks(tasks, n_jobs=self.n_jobs)
        scores -= scores.mean(axis=0)
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
