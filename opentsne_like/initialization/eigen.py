"""The smoothest eigenvectors of a large graph, through smaller graphs of its neighbourhoods.

The leading eigenvalues of a long thin graph differ by the square of a neighbourhood's share of its length, and Krylov
methods need as many steps as neighbourhoods fit into the length to tell them apart. A graph whose nodes are the
neighbourhoods has the same long waves, so its eigenvectors are a start in the right order, and its inverse tells LOBPCG
where an error of long waves lies (A. Knyazev, Toward the optimal preconditioned eigensolver, SIAM Journal on Scientific
Computing 2001; Y. Koren, L. Carmel and D. Harel, Drawing huge graphs by algebraic multigrid optimization, Multiscale
Modeling and Simulation 2003). Compact graphs have no long waves, and Lanczos' method takes fewer products there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._types import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

log = logging.getLogger(__name__)

DENSE = 400  # up to so many points all eigenvectors are computed
SMALL = 800  # up to so many neighbourhoods, which is worth more
COMPACT = 0.02  # 1 - an eigenvalue of a small graph from which there are no long waves that it could help with
RESTARTS = 20  # of Lanczos' method, each of about ten products
GUARD = 2  # vectors beside the wanted ones
ITERATIONS = 60
UNRESOLVED = 0.05  # relative error of 1 - an eigenvalue that is worth a word


class _Level(NamedTuple):
    """A graph whose nodes are neighbourhoods: its normalized weights, and what takes it to the graph itself."""

    weights: Any  # (m, m)
    up: Any  # (n, m), orthonormal columns


def leading_pairs(
    normal: csr_matrix, root: Array, k: int, tol: float, max_iter: int | None, rng: np.random.RandomState
) -> tuple[Array, Array]:
    """Return `k` eigenpairs of a connected graph below the known first one, the largest eigenvalue first.

    Parameters
    ----------
    normal : csr_matrix of shape (n, n)
        Weights, divided by the roots of the degrees of both ends.
    root : ndarray of shape (n,)
        Roots of the degrees: the first eigenvector, with the eigenvalue 1.
    k : int
        Below n.
    tol : float
        Relative accuracy of 1 minus the eigenvalues.
    max_iter : int or None
        Most iterations of LOBPCG.
    rng : RandomState
        Draws what the start has besides the eigenvectors of the smallest graph.

    Returns
    -------
    values : ndarray of shape (k,)
    vectors : ndarray of shape (n, k), orthonormal
    """
    n = normal.shape[0]
    if n <= DENSE:
        values, vectors = np.linalg.eigh(normal.toarray())
        return values[-2 : -k - 2 : -1], vectors[:, -2 : -k - 2 : -1]
    top = root / np.linalg.norm(root)
    levels = _levels(normal, root, 2 * (k + GUARD))
    compactness = _compactness(levels[-1].weights) if levels and levels[-1].weights.shape[0] <= SMALL else 0.0
    if compactness > COMPACT:
        # The error of an eigenvalue is the square of the residual over the gap, which is about 1 - the eigenvalue.
        found = _by_lanczos(normal, top, k, np.sqrt(tol) * compactness / 10, rng)
        if found is not None:
            return found
    block, correct = _from_smallest(levels, normal, top, k + GUARD, rng)
    most = max_iter or (ITERATIONS if tol else 10 * ITERATIONS)
    values, vectors, error = _refined(normal, top, block, correct, k, max(tol, 1e-20), most)
    if error > UNRESOLVED:
        log.warning(
            "The spectral initialization is not resolved: the eigenvalues have a relative error of %.2g; "
            "give more than %d iterations",
            error,
            most,
        )
    return 1 - values, vectors


def _levels(normal: csr_matrix, root: Array, least: int) -> list[_Level]:
    """Return ever smaller graphs, down to one of at most `SMALL` nodes, none of them below `least`."""
    from scipy.sparse import csr_matrix

    levels: list[_Level] = []
    weights, up = normal, None
    while weights.shape[0] > SMALL or not levels:
        label, m = _neighborhoods(weights)
        if m < least or m > 0.8 * weights.shape[0]:
            break
        mass = np.sqrt(np.bincount(label, weights=root**2))
        step = csr_matrix((root / mass[label], label, np.arange(len(label) + 1)), shape=(len(label), m))
        weights = (step.T @ weights @ step).tocsr()
        up = step if up is None else up @ step
        root = mass
        levels.append(_Level(weights, up))
    return levels


def _neighborhoods(weights: csr_matrix) -> tuple[Array, int]:
    """Return a label for every node: those of a node and its free neighbours, node after node."""
    label = np.full(weights.shape[0], -1)
    indptr, indices = weights.indptr.tolist(), weights.indices
    m = 0
    for i in range(len(label)):
        if label[i] < 0:
            near = indices[indptr[i] : indptr[i + 1]]
            label[near[label[near] < 0]] = m
            label[i] = m
            m += 1
    return label, m


def _compactness(weights: csr_matrix) -> float:
    """Return about 1 - the second eigenvalue of a small graph, 0 where that is slow to find, and so near 0."""
    from scipy.sparse.linalg import ArpackError, eigsh

    start = np.cos(np.arange(weights.shape[0]))  # any will do
    try:
        values = eigsh(weights, 2, which="LA", tol=1e-2, v0=start, maxiter=RESTARTS, return_eigenvectors=False)
    except ArpackError:
        return 0.0
    return float(1 - values.min())


def _by_lanczos(
    normal: csr_matrix, top: Array, k: int, accuracy: float, rng: np.random.RandomState
) -> tuple[Array, Array] | None:
    """Return what `leading_pairs` does, with residuals of the given accuracy, None where that takes long."""
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    def without_top(x: Array) -> Array:
        return np.asarray(normal @ x - top * (top @ x))

    operator = LinearOperator(normal.shape, matvec=without_top, dtype=np.float64)
    try:
        values, vectors = eigsh(
            operator, k, which="LA", tol=accuracy, v0=rng.uniform(-1, 1, len(top)), maxiter=RESTARTS
        )
    except ArpackError:
        return None
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


def _from_smallest(
    levels: list[_Level], normal: csr_matrix, top: Array, width: int, rng: np.random.RandomState
) -> tuple[Array, Any]:
    """Return a block to begin with, and what roughly inverts ``1 - normal``, None where there is no small graph."""
    block = rng.uniform(-1, 1, (len(top), width))
    if not levels or levels[-1].weights.shape[0] > SMALL:
        return block, None
    weights, up = levels[-1]
    values, vectors = np.linalg.eigh(weights.toarray())
    values, vectors = 1 - values[-2::-1], vectors[:, -2::-1]  # of the Laplacian, without the constant
    block = _smoothed(normal, up @ vectors[:, :width]) + 1e-9 * block
    # Neighbourhoods that are rigid make a graph stiffer; by how much, the values of the smoothed vectors say.
    first = block[:, 0] - top * (top @ block[:, 0])
    soft = float(first @ (first - normal @ first) / (first @ first))
    stiffness = max(1.0, values[0] / soft) if soft > 0 else 1.0
    inverse = vectors / np.maximum(values, 1e-14) * stiffness

    def correct(residual: Array) -> Array:
        out = residual.copy()
        for i, level in enumerate(levels[:-1], start=1):
            out += stiffness ** (i / len(levels)) * (level.up @ (level.up.T @ residual))
        out += up @ (inverse @ (vectors.T @ (up.T @ residual)))
        return out

    return block, correct


def _smoothed(normal: csr_matrix, block: Array) -> Array:
    """Return vectors without most of their short waves."""
    for _ in range(2):
        block = (block + normal @ block) / 2
    return block


def _refined(
    normal: csr_matrix, top: Array, block: Array, correct: Any, k: int, tol: float, max_iter: int
) -> tuple[Array, Array, float]:
    """Return `k` pairs of the Laplacian, the smallest value first, and the relative error of the values.

    That is the residual in the norm of the inverse, for which the correction stands, divided by the value. The basis is
    kept orthonormal (U. Hetmaniuk and R. Lehoucq, Basis selection in LOBPCG, Journal of Computational Physics 2006).
    """

    def without_top(x: Array) -> Array:
        return np.asarray(x - np.outer(top, top @ x))

    def laplacian(x: Array) -> Array:
        return np.asarray(x - normal @ x)

    width = block.shape[1]
    basis = np.linalg.qr(without_top(block))[0]
    image = laplacian(basis)
    for iteration in range(max_iter + 1):
        values, turn = np.linalg.eigh(basis.T @ image)
        values, turn = values[:width], turn[:, :width]
        rest = turn.copy()  # the last step, made orthogonal to what it led to
        rest[:width] = 0
        rest = np.linalg.qr(rest - turn @ (turn.T @ rest))[0] if len(turn) > width else rest[:, :0]
        both = np.hstack([turn, rest])
        basis, image = basis @ both, image @ both
        residual = image[:, :width] - basis[:, :width] * values
        step = without_top(residual if correct is None else correct(residual))
        error = float((np.einsum("ij,ij->j", residual, step) / np.maximum(values, 1e-15))[:k].max())
        if error <= tol or iteration == max_iter:
            break
        for _ in range(2):
            step -= basis @ (basis.T @ step)
        step = np.linalg.qr(step)[0]
        basis, image = np.hstack([basis, step]), np.hstack([image, laplacian(step)])
    return values[:k], basis[:, :k], error


def smallest_pairs(W: csr_matrix, k: int) -> tuple[Array, Array]:
    """Return `k` eigenpairs of the graph Laplacian of W with the smallest eigenvalues, without the constant vector.

    Parameters
    ----------
    W : csr_matrix of shape (n, n)
        Symmetric weights, of either sign.
    k : int
        Below n.

    Returns
    -------
    values : ndarray of shape (k,)
        The smallest first.
    vectors : ndarray of shape (n, k), orthonormal

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.initialization import smallest_pairs
    >>> path = np.diag(np.ones(3), 1)
    >>> smallest_pairs(csr_matrix(path + path.T), 2)[0].round(4).tolist()
    [0.5858, 2.0]
    """
    from scipy import sparse

    n, degrees = W.shape[0], np.asarray(W.sum(axis=1)).ravel()
    laplacian = (sparse.diags(degrees) - W).tocsr()
    ones = np.full(n, n**-0.5)
    bound = float(np.abs(laplacian).sum(axis=1).max()) or 1.0  # on every eigenvalue, by Gershgorin
    if n <= DENSE:
        shifted = laplacian.toarray() + 2.0 * bound * np.outer(ones, ones)  # the constant vector comes last
        values, vectors = np.linalg.eigh(shifted)
        return values[:k], vectors[:, :k]
    pulls = bool(W.nnz) and W.data.min() >= 0.0
    bound = float(degrees.max()) if pulls else bound  # with which the walk has no negative steps
    walk = (sparse.eye(n) - laplacian / bound).tocsr()
    if pulls:
        found, vectors = leading_pairs(walk, np.ones(n), k, 1e-6, None, np.random.RandomState(0))
        return bound * (1.0 - found), vectors
    from scipy.sparse.linalg import eigsh

    found, vectors = eigsh(walk, k + 1, which="LA", v0=np.cos(np.arange(n)) + ones, tol=1e-8)
    apart = np.abs(vectors.T @ ones) < 0.5
    order = np.argsort(-found[apart])[:k]
    return bound * (1.0 - found[apart][order]), vectors[:, apart][:, order]
