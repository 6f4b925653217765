"""Sparse, symmetric, positive definite systems of equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._types import Array

SHIFT = 1e-3  # of the smallest degree: what is added to a Laplacian, which has null vectors
MOST_FACTORIZED = 5000  # points; beyond, the fill of a decomposition grows faster than iterations do
RESIDUAL = 1e-2  # of the right-hand side, where conjugate gradients stop
MOST = 50  # iterations of them

Solver = Callable[[Array, Array], Array]


def solver_of(laplacian: Any) -> Solver:
    r"""Return what solves :math:`(L + \mu I) x = b` from a first guess, where :math:`\mu = 10^{-3} \min_i L_{ii}`.

    The shift is relative: an absolute one lets noise blow up along null vectors, of which a graph in several pieces has
    several. Points without edges do not count in the minimum.

    Parameters
    ----------
    laplacian : csr_matrix of shape (n, n)

    Returns
    -------
    callable
        From b and a first guess, both (n, d), to x. Up to 5,000 points it is exact and needs no guess; beyond, x has a
        residual of 0.01 of b at most, or is what 50 conjugate gradients lead to.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.optimizer import solver_of
    >>> L = csr_matrix(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    >>> b = np.array([[1.0], [-1.0]])
    >>> solver_of(L)(b, np.zeros_like(b)).round(3).tolist()
    [[0.5], [-0.5]]
    """
    from scipy import sparse
    from scipy.sparse.linalg import splu

    degrees = laplacian.diagonal()
    shift = SHIFT * float(degrees[degrees > 0.0].min(initial=np.inf))
    shifted = (laplacian + (shift if np.isfinite(shift) else 1.0) * sparse.eye(len(degrees))).tocsr()
    if len(degrees) > MOST_FACTORIZED:
        return lambda b, guess: conjugate_gradients(shifted, b, guess)
    options = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    factors = splu(shifted.tocsc(), **options)
    return lambda b, guess: np.asarray(factors.solve(b))


def conjugate_gradients(matrix: Any, b: Array, guess: Array) -> Array:
    """Return an approximate solution of ``matrix x = b``, the same for any number of threads.

    The preconditioner is the diagonal. All columns take part until the last has a small residual.

    Parameters
    ----------
    matrix : csr_matrix of shape (n, n)
        Symmetric and positive definite.
    b, guess : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.optimizer import conjugate_gradients
    >>> b = np.array([[2.0], [3.0]])
    >>> conjugate_gradients(csr_matrix(np.diag([2.0, 3.0])), b, 0 * b).tolist()
    [[1.0], [1.0]]
    """
    inverse = 1.0 / matrix.diagonal()[:, None]
    x, left = guess.copy(), b - matrix @ guess
    small = RESIDUAL**2 * (b * b).sum(axis=0)
    direction = inverse * left
    now = (left * direction).sum(axis=0)
    for _ in range(MOST):
        if ((left * left).sum(axis=0) <= small).all():
            break
        pushed = matrix @ direction
        length = _ratio(now, (direction * pushed).sum(axis=0))
        x = x + length * direction
        left = left - length * pushed
        scaled = inverse * left
        before, now = now, (left * scaled).sum(axis=0)
        direction = scaled + _ratio(now, before) * direction
    return x


def _ratio(one: Array, other: Array) -> Array:
    """Return ``one / other``, and 0 where a column has come to rest."""
    return np.divide(one, other, out=np.zeros_like(one), where=other > 0.0)
