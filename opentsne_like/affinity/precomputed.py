"""Affinities that the user brings along."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from .. import _validation as check
from ..errors import InvalidParameterError, InvalidTypeError, UnavailableError
from .base import Affinities

log = logging.getLogger(__name__)


class PrecomputedAffinities(Affinities):
    """A given affinity matrix.

    Parameters
    ----------
    affinities : array-like or sparse matrix of shape (n_samples, n_samples)
        Finite and not negative. It is copied, never changed. An asymmetric one is accepted with a line in the log.
    normalize : bool
        Divide by the sum.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples), float64
        Rows sorted, without stored zeros.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For a matrix that is not square, not numeric, or has negative, NaN, infinite or no positive values.

    Examples
    --------
    >>> PrecomputedAffinities([[0, 3], [3, 0]]).P.toarray().tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """

    def __init__(self, affinities: Any, normalize: bool = True) -> None:
        super().__init__()
        P = _as_square(affinities)
        total = float(P.data.sum())
        if not total > 0:
            raise InvalidParameterError("`affinities` must have a positive sum, got a matrix of zeros")
        if normalize:
            P.data /= total
        self._hold(P)
        difference = abs(P - P.T)
        if difference.nnz and difference.data.max() > 1e-6 * P.data.max():
            log.warning(
                "The given affinities are not symmetric; a pair attracts both of its points by the mean of both weights"
            )
        empty = int((np.diff(P.indptr) == 0).sum())
        if empty:
            log.warning("%d points have no affinity to any other; nothing will hold them", empty)

    def to_new(self, data: Any, return_distances: bool | int = False) -> Any:
        """Raise an error: a given matrix says nothing about new points.

        Raises
        ------
        UnavailableError
            A RuntimeError, always.
        """
        raise UnavailableError(
            "PrecomputedAffinities do not say how new points belong to the old ones, whatever data are beside them; "
            "make the affinities from distances to neighbours, by affinity.from_neighbors(...), or from data"
        )


def _as_square(affinities: Any) -> Any:
    """Return a checked, sorted float64 CSR copy without stored zeros."""
    from scipy.sparse import csr_matrix

    sparse = hasattr(affinities, "tocsr")
    given = (check.check_csr if sparse else check.as_array)(affinities, "affinities")
    if np.dtype(given.dtype).kind not in "biuf":
        raise InvalidTypeError(f"`affinities` must be numbers, got dtype {given.dtype}")
    if len(given.shape) != 2 or given.shape[0] != given.shape[1] or given.shape[0] < 2:
        raise InvalidParameterError(
            f"`affinities` must be a square matrix with at least 2 rows, got shape {given.shape}"
        )
    P = csr_matrix(given, dtype=np.float64, copy=True)
    P.sum_duplicates()
    good = np.isfinite(P.data) & (P.data >= 0)
    if not good.all():
        first = int(np.argmin(good))
        row = int(np.searchsorted(P.indptr, first, side="right")) - 1
        raise InvalidParameterError(f"`affinities` must be finite and not negative, got {P.data[first]} in row {row}")
    P.eliminate_zeros()
    return P
