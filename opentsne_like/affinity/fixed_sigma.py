"""Gaussian affinities of one width for all points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import InvalidParameterError
from .base import NeighborAffinities, answer
from .gaussian import gaussian_rows
from .matrix import assemble
from .neighbors import NeighborLists, farthest


class FixedSigmaNN(NeighborAffinities):
    r"""Gaussian affinities of one width for all points.

    :math:`p_{j|i} \propto \exp(-d_{ij}^2 / 2 \sigma^2)` over the k nearest neighbours, each row summing to 1, and
    :math:`p_{ij} = (p_{j|i} + p_{i|j}) / 2n`.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    sigma : float
        Width of the Gaussians, in the unit of the distances.
    k : int
        Number of neighbours, at most n_samples - 1.
    method : str or KNNIndex
        How neighbours are found, see `get_knn_index`.
    metric : str or callable
    metric_params : dict, optional
    symmetrize : bool
        False: keep the conditional affinities, divided by n.
    n_jobs : int, optional
    random_state : int, RandomState, Generator or None
    verbose : bool
    knn_kwargs : dict, optional
    knn_index : KNNIndex, optional
        An index to be used instead of `data`, with all its neighbours.
    dtype : dtype, keyword only
        float64 or float32.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
    sigma : float
    knn_index : KNNIndex

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or data that cannot work.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> FixedSigmaNN(X, sigma=1.0, k=2).P.toarray().round(3).tolist()
    [[0.0, 0.3, 0.016], [0.3, 0.0, 0.184], [0.016, 0.184, 0.0]]
    """

    ARGUMENTS = ("sigma", "k", "symmetrize")

    def __init__(
        self,
        data: Any = None,
        sigma: float | None = None,
        k: int = 30,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        symmetrize: bool = True,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        *,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(sigma=sigma, k=k, symmetrize=symmetrize)
        self._find_neighbors(
            data,
            knn_index,
            lambda n: check.check_integer(k, "k", at_least=1, at_most=n - 1),
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        lists = self._kept_lists()
        with self._timer():
            P = assemble(
                lists,
                gaussian_rows(lists, fixed_precisions(lists, float(self.sigma))),
                join="mean" if symmetrize else None,
                dtype=self.dtype,
                n_jobs=self.n_jobs,
            )
            self._hold(P)

    def _take(self, *, sigma: Any, k: Any, symmetrize: Any) -> None:  # type: ignore[override]
        if sigma is None:
            raise InvalidParameterError("`sigma` must be given, got None; pass the width of the Gaussians")
        check.check_real(sigma, "sigma", above=0)
        self.sigma = sigma
        self.k = k
        self.symmetrize = check.check_flag(symmetrize, "symmetrize")

    def to_new(  # type: ignore[override]
        self, data: Any, k: int | None = None, sigma: float | None = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        k : int, optional
            Number of neighbours; default: as many as this object has.
        sigma : float, optional
            Default: that of this object.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        width = check.check_real(self.sigma if sigma is None else sigma, "sigma", above=0)
        number = self._new_neighbors(k, "k", self._width)
        indices, distances, lists = self._query(data, number, return_distances)
        rows = gaussian_rows(lists, fixed_precisions(lists, width))
        with self._timer():
            P = assemble(lists, rows, join=None, normalize=False, n_jobs=self.n_jobs)
        return answer(P, indices, distances, return_distances)


def fixed_precisions(lists: NeighborLists, sigma: float) -> Array:
    """Return the precision 1 / 2 sigma^2 in the unit of each row, as float64 of shape (n_rows, 1)."""
    with np.errstate(over="ignore"):
        scaled = (farthest(lists) / sigma) ** 2 / 2
    return np.minimum(scaled, 1e300)[:, np.newaxis]
