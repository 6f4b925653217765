"""Doubly stochastic affinities: a Gaussian kernel that is scaled until all rows sum to the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .base import answer
from .dense import DenseAffinities, as_rows
from .dual import Duals, balanced, matrix_rows


class Sinkhorn(DenseAffinities):
    r"""Doubly stochastic affinities of all pairs, with an entropic regularization.

    With the costs :math:`C_{ij} = d_{ij}^2`, the symmetric matrix that solves
    :math:`\min_P \langle P, C \rangle + \varepsilon \sum_{ij} P_{ij} (\log P_{ij} - 1)` with rows that sum to 1 and an
    empty diagonal, :math:`P_{ij} = \exp((f_i + f_j - C_{ij}) / \varepsilon)` (M. Cuturi, Sinkhorn distances, NIPS
    2013). The scaling makes up for noise whose strength differs from point to point (B. Landa, R. Coifman and Y.
    Kluger, Doubly stochastic normalization of the Gaussian kernel is robust to heteroskedastic noise, 2021). `P` is
    that divided by the number of points.

    For small data: matrices of all pairs are held, and more than 5,000 rows are refused, where they would take more
    than 1 GB.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        At most 5,000 rows.
    eps : float
        :math:`\varepsilon`, in squared units of the distances: twice the variance of the Gaussian. Much below the
        squared distances of neighbours no scaling is found.
    method, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs, knn_index, dtype
        As in `PerplexityBasedNN`; an index holds all other points.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        Symmetric, each row summing to 1 / n_samples, to 1e-6 of it.
    potentials_ : float64 ndarray of shape (n_samples,)
        :math:`f_i`, in squared units of the distances.
    knn_index : KNNIndex

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or data that cannot work, too many rows among them.
    NumericalError
        If no scaling is found, because `eps` is too small for the data.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> affinities = Sinkhorn(X, eps=0.5)
    >>> bool(np.allclose(affinities.P.sum(axis=1), 1 / 50, rtol=1e-6)), abs(affinities.P - affinities.P.T).max().item()
    (True, 0.0)
    """

    ARGUMENTS = ("eps",)
    LEARNED = ("potentials_",)

    def __init__(
        self,
        data: Any = None,
        eps: float = 1.0,
        *,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(eps=eps)
        self._find_all(
            data,
            knn_index,
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        with self._timer():
            costs = self._costs()
            found = balanced(costs, self.eps, self.n_jobs)
            duals = Duals(found, np.full(len(costs), self.eps))
            self.potentials_ = found / 2
            self._keep(lambda low, high: matrix_rows(costs, duals, low, high), len(costs))

    def _take(self, *, eps: Any) -> None:  # type: ignore[override]
        self.eps = check.check_real(eps, "eps", above=0)

    def to_new(self, data: Any, return_distances: bool | int = False) -> Any:
        """Return the affinities of new points to all points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        return_distances : bool or int
            Return all points in the order of their distances, and these, too.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Rows ``exp((f_j - C_j) / eps)``, each divided by its sum: what a point adds that the others do not notice.
        indices : int32 ndarray of shape (n_new, n_samples)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, n_samples)
            Only if `return_distances`.
        """
        costs, indices, distances = self._costs_of_new(data)
        logs = (self.potentials_ - costs) / self.eps
        P = as_rows(np.exp(logs - logs.max(axis=1, keepdims=True)))
        return answer(P, indices, distances, return_distances)
