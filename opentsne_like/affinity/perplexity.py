"""Gaussian affinities at one perplexity, the usual ones of t-SNE."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .. import _validation as check
from ..errors import FewNeighborsWarning, UnavailableError
from ..nearest_neighbors import GivenNeighbors
from ..utils import Timer
from .base import NeighborAffinities, answer
from .gaussian import gaussian_matrix

log = logging.getLogger(__name__)


class PerplexityBasedNN(NeighborAffinities):
    r"""Gaussian affinities of points and their nearest neighbours, at one perplexity.

    :math:`p_{j|i} = \exp(-\beta_i d_{ij}^2) / \sum_{l \in N(i)} \exp(-\beta_i d_{il}^2)` over the k nearest neighbours,
    with :math:`\beta_i` such that the entropy of every row is log(perplexity), and
    :math:`p_{ij} = (p_{j|i} + p_{i|j}) / 2n` (L. van der Maaten and G. Hinton, Visualizing data using t-SNE, JMLR
    2008). The affinities do not change when the data are scaled, and neither repeated points nor distances of zero
    disturb them: where more neighbours than the perplexity lie at the smallest distance, they share the row.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        With ``metric="precomputed"``: distances of shape (n_samples, n_samples).
    perplexity : float
        Effective number of neighbours. One above the number of neighbours is lowered to a third of that number.
    method : str or KNNIndex
        How neighbours are found, see `get_knn_index`.
    metric : str or callable
    metric_params : dict, optional
    symmetrize : bool
        False: keep the conditional affinities, divided by n.
    n_jobs : int, optional
        Threads; -1 means all cores. The bits of the result do not depend on it.
    random_state : int, RandomState, Generator or None
        For approximate neighbours.
    verbose : bool
        Print each stage and its duration.
    k_neighbors : int or "auto"
        Number of neighbours; "auto" means the smaller of 3 perplexity, rounded down, and n_samples - 1.
    knn_kwargs : dict, optional
        Passed on to the neighbour backend.
    knn_index : KNNIndex, optional
        An index to be used instead of `data`.
    dtype : dtype, keyword only
        float64 or float32, the latter for half the memory.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
        Affinities, rows sorted, summing to 1.
    perplexity, effective_perplexity_ : float
        As asked for and as used.
    knn_index : KNNIndex

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For parameters or data that cannot work.
    InsufficientMemoryError
        A MemoryError, before any work, if the affinities cannot fit into memory.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> affinities = PerplexityBasedNN(X, perplexity=10)
    >>> affinities.P.shape, round(float(affinities.P.sum()), 10)
    ((100, 100), 1.0)
    >>> affinities.to_new(X[:3] + 0.1, perplexity=5).shape
    (3, 100)
    """

    ARGUMENTS = ("perplexity", "symmetrize", "k_neighbors")
    LEARNED: ClassVar[tuple[str, ...]] = ("effective_perplexity_",)

    def __init__(
        self,
        data: Any = None,
        perplexity: float = 30,
        method: Any = "auto",
        metric: Any = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        symmetrize: bool = True,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        k_neighbors: int | str = "auto",
        knn_kwargs: Mapping[str, Any] | None = None,
        knn_index: Any = None,
        *,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(n_jobs=n_jobs, verbose=verbose, dtype=dtype)
        self._take(perplexity=perplexity, symmetrize=symmetrize, k_neighbors=k_neighbors)
        self._find_neighbors(
            data,
            knn_index,
            lambda n: self._choose_k(n, perplexity, k_neighbors),
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        stored = self._width
        if isinstance(self.knn_index, GivenNeighbors) and perplexity > stored:
            self.effective_perplexity_ = stored / 3
            check.advise(
                FewNeighborsWarning,
                f"the graph has {stored} neighbours of each point, too few for a perplexity of {perplexity:g}: "
                f"{stored / 3:.2f} is used; perplexity=None weighs all alike, which keeps the large arrangement, and a "
                f"graph of {3 * perplexity:g} neighbours serves that perplexity",
            )
        else:
            self.effective_perplexity_ = self.check_perplexity(perplexity, stored)
        if isinstance(k_neighbors, int) and knn_index is None and stored > max(1, int(3 * self.effective_perplexity_)):
            log.warning(
                "%d neighbours are more than 3 times the perplexity of %g; this costs time and changes little",
                stored,
                self.effective_perplexity_,
            )
        self.knn_kwargs = knn_kwargs
        with self._timer():
            self._hold(self._matrix(stored, self.effective_perplexity_))

    def _take(self, *, perplexity: Any, symmetrize: Any, k_neighbors: Any) -> None:  # type: ignore[override]
        check.check_real(perplexity, "perplexity", above=0)
        self.perplexity = perplexity
        self.symmetrize = check.check_flag(symmetrize, "symmetrize")
        self.k_neighbors = k_neighbors

    @staticmethod
    def _choose_k(n_samples: int, perplexity: float, k_neighbors: Any) -> int:
        if isinstance(k_neighbors, str):
            check.check_choice(k_neighbors, "k_neighbors", ("auto",))
            return max(1, int(min(n_samples - 1, 3 * perplexity)))
        return check.check_integer(k_neighbors, "k_neighbors", at_least=1, at_most=n_samples - 1)

    def _matrix(self, k: int, perplexity: float) -> Any:
        lists = self._lying_lists().nearest(k)
        return gaussian_matrix(lists, [perplexity], symmetrize=self.symmetrize, dtype=self.dtype, n_jobs=self.n_jobs)

    def set_perplexity(self, new_perplexity: float) -> None:
        """Change the perplexity and compute `P` anew from the stored neighbours.

        Parameters
        ----------
        new_perplexity : float
            At most the number of stored neighbours. Above a third of it a warning is logged.

        Raises
        ------
        UnavailableError
            A RuntimeError, if more neighbours are needed than are stored, or if they were released.
        """
        wanted = check.check_real(new_perplexity, "new_perplexity", above=0)
        if new_perplexity == self.perplexity:
            return
        stored = self._kept_lists().width
        if wanted > stored:
            raise UnavailableError(
                f"`new_perplexity` must be at most the number of stored neighbours, {stored}, got {new_perplexity}; "
                f"make a new {type(self).__name__} for it"
            )
        if 3 * wanted > stored:
            log.warning(
                "A perplexity of %g wants %d neighbours and only %d are stored; a new %s would be more exact",
                wanted,
                int(3 * wanted),
                stored,
                type(self).__name__,
            )
        with Timer("Perplexity changed. Recomputing affinity matrix...", self.verbose):
            P = self._matrix(int(3 * wanted), new_perplexity)
        self._hold(P)
        self.effective_perplexity_ = new_perplexity
        self.perplexity = new_perplexity  # last: until here the same call starts over

    def to_new(  # type: ignore[override]
        self,
        data: Any,
        perplexity: float | None = None,
        return_distances: bool | int = False,
        k_neighbors: int | str = "auto",
    ) -> Any:
        """Return the affinities of new points to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        perplexity : float, optional
            Default: that of this object, on a given graph the effective one.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.
        k_neighbors : int or "auto"
            "auto" means the smaller of 3 perplexity, rounded down, and n_samples.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1 and depends on its own point alone.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        if perplexity is None:  # a graph of few neighbours has a lower one than was asked for
            given = isinstance(self.knn_index, GivenNeighbors)
            perplexity = self.effective_perplexity_ if given else self.perplexity
        wanted = check.check_real(perplexity, "perplexity", above=0)
        k = self._choose_k(self.n_samples + 1, wanted, k_neighbors)
        effective = self.check_perplexity(wanted, k)
        indices, distances, lists = self._query(data, k, return_distances)
        with self._timer():
            P = gaussian_matrix(lists, [effective], symmetrize=False, normalize=False, n_jobs=self.n_jobs)
        return answer(P, indices, distances, return_distances)

    @staticmethod
    def check_perplexity(perplexity: float, k_neighbors: float) -> float:
        """Return `perplexity`, or a third of `k_neighbors` if it is above that number, with a warning in the log.

        Examples
        --------
        >>> PerplexityBasedNN.check_perplexity(30, 90)
        30
        """
        check.check_real(perplexity, "perplexity", above=0)
        if perplexity <= k_neighbors:
            return perplexity
        lowered = k_neighbors / 3 if math.isfinite(k_neighbors) else perplexity
        message = "Perplexity %g is too high for %g neighbours; %.2f is used"
        check.note_once(log, message, perplexity, k_neighbors, lowered)
        return lowered
