"""Symmetric entropic affinities: every row has the perplexity, and the matrix is symmetric by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from .base import answer
from .dense import DenseAffinities, as_rows
from .dual import Duals, entropic, matrix_rows, new_rows
from .perplexity import PerplexityBasedNN

NEARLY = 1.0 - 1e-6  # of the number of neighbours: a perplexity above belongs to equal weights, and to no bandwidth


class SymmetricEntropic(DenseAffinities):
    r"""Symmetric entropic affinities of all pairs: rows of one sum, and of a given perplexity at least.

    With the costs :math:`C_{ij} = d_{ij}^2`, the symmetric matrix that solves :math:`\min_P \langle P, C \rangle`
    subject to :math:`\sum_j P_{ij} = 1` and :math:`-\sum_j P_{ij} \log P_{ij} \ge \log(\text{perplexity})`, with an
    empty diagonal: :math:`P_{ij} = \exp((\lambda_i + \lambda_j - 2 C_{ij}) / (\gamma_i + \gamma_j))` (H. Van Assel,
    T. Vayer, R. Flamary and N. Courty, SNEkhorn: dimension reduction with symmetric entropic affinities, NeurIPS
    2023). The mean of both directions, as in t-SNE, is symmetric but has rows of other sums and entropies. `P` is that
    divided by the number of points.

    For small data: matrices of all pairs are held, and more than 5,000 rows are refused, where they would take more
    than 2.5 GB.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        At most 5,000 rows.
    perplexity : float
        Effective number of neighbours, at least 2. One above n_samples - 1 is lowered to a third of that number.
    method, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs, knn_index, dtype
        As in `PerplexityBasedNN`; an index holds all other points.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        Symmetric, each row summing to 1 / n_samples, to 1e-6 of it.
    effective_perplexity_ : float
        As used.
    bandwidths_, potentials_ : float64 ndarray of shape (n_samples,)
        :math:`\gamma_i` and :math:`\lambda_i`, in squared units of the distances. A row whose perplexity is larger,
        because others want it for a neighbour, has a bandwidth of nearly 0; where all weights are equal, bandwidths are
        infinite.
    knn_index : KNNIndex

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or data that cannot work, too many rows among them.
    NumericalError
        If no such matrix is found.

    Notes
    -----
    Entropies are right to about 1e-5. On 1,000 rows it takes about seven times as long as `Entropic`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> P = SymmetricEntropic(X, perplexity=10).P
    >>> rows = 50 * P.toarray() + np.eye(50)
    >>> perplexities = np.exp(-(rows * np.log(rows)).sum(axis=1))
    >>> perplexities.min().round(3).item(), abs(P - P.T).max().item()
    (10.0, 0.0)
    """

    ARGUMENTS = ("perplexity",)
    LEARNED = ("effective_perplexity_", "bandwidths_", "potentials_")

    def __init__(
        self,
        data: Any = None,
        perplexity: float = 30,
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
        self._take(perplexity=perplexity)
        self._find_all(
            data,
            knn_index,
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        self.effective_perplexity_ = PerplexityBasedNN.check_perplexity(perplexity, self._width)
        with self._timer():
            costs = self._costs()
            self.potentials_, self.bandwidths_ = self._solve(costs)
            self._keep(self._rows(costs), len(costs))

    def _take(self, *, perplexity: Any) -> None:  # type: ignore[override]
        self.perplexity = check.check_real(perplexity, "perplexity", at_least=2)

    @property
    def _equal(self) -> bool:
        """Whether no bandwidth gives the perplexity but an infinite one."""
        return self._width < 3 or self.effective_perplexity_ > NEARLY * self._width

    def _solve(self, costs: Array) -> Duals:
        n = len(costs)
        if self._equal:
            return Duals(np.zeros(n), np.full(n, np.inf))
        return entropic(costs, max(2.0, self.effective_perplexity_), self.n_jobs)

    def _rows(self, costs: Array) -> Any:
        n, duals = len(costs), Duals(self.potentials_, self.bandwidths_)
        if self._equal:
            return lambda low, high: np.full((high - low, n), 1 / (n - 1))
        return lambda low, high: matrix_rows(costs, duals, low, high)

    def to_new(  # type: ignore[override]
        self, data: Any, perplexity: float | None = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points to all points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        perplexity : float, optional
            Default: that of this object.
        return_distances : bool or int
            Return all points in the order of their distances, and these, too.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Rows of the same form that sum to 1 and have the perplexity, each as if the old points did not notice it.
        indices : int32 ndarray of shape (n_new, n_samples)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, n_samples)
            Only if `return_distances`.
        """
        wanted = check.check_real(self.perplexity if perplexity is None else perplexity, "perplexity", at_least=2)
        effective = PerplexityBasedNN.check_perplexity(wanted, self.n_samples)
        costs, indices, distances = self._costs_of_new(data)
        if self._equal or effective > NEARLY * self.n_samples:
            P = np.ones_like(costs)
        else:
            P = new_rows(costs, Duals(self.potentials_, self.bandwidths_), effective, self.n_jobs)
        return answer(as_rows(P), indices, distances, return_distances)
