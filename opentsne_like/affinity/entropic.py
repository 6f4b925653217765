"""Entropic affinities: of a perplexity, each row by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from .. import kernels
from .gaussian import find_precisions
from .neighbors import farthest
from .perplexity import PerplexityBasedNN


class Entropic(PerplexityBasedNN):
    r"""Directed entropic affinities: of all rows with a given entropy, those of least mean cost.

    With the costs :math:`C_{ij} = d_{ij}^2`, row i solves :math:`\min_p \sum_j p_j C_{ij}` subject to
    :math:`\sum_j p_j = 1` and :math:`-\sum_j p_j \log p_j \ge \log(\text{perplexity})`, that is
    :math:`p_{ij} = \exp(-C_{ij} / \varepsilon_i) / \sum_l \exp(-C_{il} / \varepsilon_i)` (H. Van Assel, T. Vayer,
    R. Flamary and N. Courty, SNEkhorn: dimension reduction with symmetric entropic affinities, NeurIPS 2023). Unlike
    `PerplexityBasedNN` it uses all points by default and does not symmetrize.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
    perplexity : float
        Effective number of neighbours.
    symmetrize : bool
        True: (p + p^T) / 2, as in t-SNE.
    k_neighbors : int, "all" or "auto"
        Number of neighbours in a row; "auto" means 3 perplexity.
    **options
        The other parameters of `PerplexityBasedNN`.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        Summing to 1; without symmetrization each row to 1 / n_samples.
    bandwidths_ : float64 ndarray of shape (n_samples,)
        :math:`\varepsilon_i`, in squared units of the distances; 0 where the perplexity is not reached because as many
        neighbours are equally near, infinite where it is beyond the number of neighbours.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> affinities = Entropic(X, perplexity=10)
    >>> affinities.P.nnz, affinities.P.sum(axis=1).round(3).max().item()
    (2450, 0.02)
    """

    LEARNED = (*PerplexityBasedNN.LEARNED, "bandwidths_")

    def __init__(
        self,
        data: Any = None,
        perplexity: float = 30,
        *,
        symmetrize: bool = False,
        k_neighbors: int | str = "all",
        **options: Any,
    ) -> None:
        super().__init__(data, perplexity, symmetrize=symmetrize, k_neighbors=k_neighbors, **options)

    def _matrix(self, k: int, perplexity: float) -> Any:
        lists = self._kept_lists().nearest(k)
        precisions = find_precisions(lists, [perplexity], n_jobs=self.n_jobs)[:, 0]
        with np.errstate(divide="ignore"):
            widths = farthest(lists) ** 2 / precisions
        P = super()._matrix(k, perplexity)
        self.bandwidths_ = np.where(precisions < kernels.perplexity.LARGEST, widths, 0.0)
        return P

    @staticmethod
    def _choose_k(n_samples: int, perplexity: float, k_neighbors: Any) -> int:
        if isinstance(k_neighbors, str) and check.check_choice(k_neighbors, "k_neighbors", ("all", "auto")) == "all":
            return n_samples - 1
        return PerplexityBasedNN._choose_k(n_samples, perplexity, k_neighbors)
