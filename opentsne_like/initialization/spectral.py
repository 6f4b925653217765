"""Eigenvectors of a neighbour graph as a start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _validation as check
from .._parallel import serial_blas
from .._types import Array
from ..errors import InvalidParameterError
from ..utils import Timer
from .eigen import leading_pairs
from .scale import finish, oriented

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

log = logging.getLogger(__name__)


def spectral(
    A: Any,
    n_components: int = 2,
    tol: float = 1e-4,
    max_iter: int | None = None,
    random_state: Any = None,
    verbose: bool = False,
    add_jitter: bool = True,
) -> Array:
    r"""Return the diffusion map of a graph, scaled to be a start.

    With the degrees D of the graph, the columns are :math:`\lambda_j v_j` for the largest eigenvalues of the random
    walk, :math:`D^{-1} A v = \lambda v`, in descending order, without the constant vector (R. Coifman and S. Lafon,
    Diffusion maps, Applied and Computational Harmonic Analysis 2006). A graph that falls apart has no diffusion map:
    each of its connected components gets its own, and they are placed side by side, on a circle in two dimensions and
    more, each with an area in proportion to its points.

    Parameters
    ----------
    A : array-like or sparse matrix of shape (n_samples, n_samples)
        Weights of the edges, finite and not negative. If it is not symmetric, the mean of both directions is used.
    n_components : int
        Dimension of the map. Columns beyond n_samples - 1 hold nothing but the noise.
    tol : float
        Relative accuracy of :math:`1 - \lambda_j`, which is what tells the columns of a long thin graph apart; 0 means
        that of the arithmetic.
    max_iter : int, optional
        Most iterations of LOBPCG; default 60, or 600 where `tol` is 0. A warning goes to the log if the columns are not
        told apart by then.
    random_state : int, RandomState, Generator or None
        For a small share of the first vectors of the iteration, and the noise.
    verbose : bool
        Print how long it took.
    add_jitter : bool
        Add noise of 1 % of the spread, so that no two points coincide.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
        First column with standard deviation 1e-4. The entry of largest magnitude of each eigenvector is positive.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For a matrix or parameters that cannot work.

    Examples
    --------
    >>> path = np.diag(np.ones(3), 1)
    >>> (spectral(path + path.T, n_components=1, add_jitter=False) * 1e4).round(2).ravel().tolist()
    [1.26, 0.63, -0.63, -1.26]
    """
    S = _as_graph(A)
    k = check.check_integer(n_components, "n_components", at_least=1)
    check.check_real(tol, "tol", at_least=0)
    if max_iter is not None:
        max_iter = check.check_integer(max_iter, "max_iter", at_least=1)
    rng = check.check_random_state(random_state)
    with Timer("Calculating spectral initialization...", verbose):
        from scipy.sparse import csgraph

        with serial_blas():
            number, label = csgraph.connected_components(S, directed=False)
            if number == 1:
                embedding = _diffusion_map(S, k, tol, max_iter, rng)
            else:
                log.info("The graph has %d connected components, which are placed side by side", number)
                embedding = _side_by_side(S, label, k, tol, max_iter, rng)
    return finish(embedding, add_jitter, rng)


def _as_graph(A: Any) -> csr_matrix:
    """Return a checked, symmetric float64 CSR matrix."""
    from scipy.sparse import csr_matrix

    given = check.check_matrix(A, "A", accept_sparse=True)
    if given.shape[0] != given.shape[1]:
        raise InvalidParameterError(f"`A` must be square, got shape {given.shape}")
    S = csr_matrix(given, dtype=np.float64)
    if not S.data.all():  # stored zeros would tie components together
        S = S.copy()
        S.eliminate_zeros()
    if S.nnz and S.data.min() < 0:
        raise InvalidParameterError(f"`A` must not be negative, got {S.data.min():g}")
    probe = np.cos(np.arange(S.shape[0]))  # tells an asymmetric matrix without making another one
    difference = np.abs(S @ probe - S.T @ probe).max()
    return (S + S.T) / 2 if difference > 1e-9 * np.abs(S).sum(axis=0).max() else S


def _diffusion_map(S: csr_matrix, k: int, tol: float, max_iter: int | None, rng: np.random.RandomState) -> Array:
    """Return the diffusion map of a connected graph, float64 of shape (n, k); columns that do not exist are zero."""
    from scipy.sparse import diags

    n = S.shape[0]
    out = np.zeros((n, k))
    if n == 1:
        return out
    root = np.sqrt(np.asarray(S.sum(axis=1)).ravel())
    normal = (diags(1 / root) @ S @ diags(1 / root)).tocsr()
    wanted = min(k, n - 1)
    values, vectors = leading_pairs(normal, root, wanted, tol, max_iter, rng)
    out[:, :wanted] = oriented(vectors / root[:, np.newaxis]) * values
    return out


def _side_by_side(
    S: csr_matrix, label: Array, k: int, tol: float, max_iter: int | None, rng: np.random.RandomState
) -> Array:
    """Return the diffusion maps of the components, each around its own centre."""
    from scipy.sparse import csr_matrix

    order = np.argsort(label, kind="stable")
    sizes = np.bincount(label)
    ordered = S[order][:, order]
    ends = np.cumsum(sizes)
    radii = np.sqrt(sizes / len(label)) if k > 1 else sizes / len(label)
    centers = _centers(radii, k)
    out = np.empty((len(label), k))
    for begin, end, radius, center in zip(ends - sizes, ends, radii, centers, strict=True):
        edges = slice(ordered.indptr[begin], ordered.indptr[end])
        part = csr_matrix(
            (ordered.data[edges], ordered.indices[edges] - begin, ordered.indptr[begin : end + 1] - edges.start),
            shape=(end - begin, end - begin),
        )
        local = _diffusion_map(part, k, tol, max_iter, rng)
        local -= local.mean(axis=0)
        spread = np.sqrt((local**2).sum(axis=1).mean())
        out[order[begin:end]] = center + (local * (radius / 2 / spread) if spread > 0 else 0.0)
    return out


def _centers(radii: Array, k: int) -> Array:
    """Return centres that keep discs of the given radii apart: on a line for one dimension, else on a circle."""
    middles = np.cumsum(radii) - radii / 2
    centers = np.zeros((len(radii), k))
    if k == 1:
        centers[:, 0] = 2 * middles
    else:
        angles = 2 * np.pi * middles / radii.sum()
        centers[:, 0] = radii.sum() / 2 * np.cos(angles)
        centers[:, 1] = radii.sum() / 2 * np.sin(angles)
    return centers
