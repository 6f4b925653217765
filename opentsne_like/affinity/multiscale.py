"""Gaussian affinities at several perplexities."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _validation as check
from ..errors import InvalidParameterError, UnavailableError
from ..utils import Timer
from .base import NeighborAffinities, answer
from .gaussian import gaussian_matrix

log = logging.getLogger(__name__)


class MultiscaleMixture(NeighborAffinities):
    r"""Affinities with a mixture of Gaussians, one for each perplexity.

    :math:`p_{j|i} \propto \sum_h \sqrt{\beta_{ih}} \exp(-\beta_{ih} d_{ij}^2)`, each :math:`\beta_{ih}` such that its
    Gaussian alone has perplexity h on the row. Large perplexities bring in the global structure (D. Kobak and
    P. Berens, The art of using t-SNE for single-cell transcriptomics, Nature Communications 2019). With one perplexity
    it is `PerplexityBasedNN`.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        With ``metric="precomputed"``: distances of shape (n_samples, n_samples).
    perplexities : float or sequence of float
        One above (n_samples - 1) / 3 is lowered to that, or dropped if it is there already, with a warning in the log.
    method : str or KNNIndex
        How neighbours are found, see `get_knn_index`. Three times the largest perplexity are.
    metric : str or callable
    metric_params : dict, optional
    symmetrize : bool
        False: keep the conditional affinities, divided by n.
    n_jobs : int, optional
        Threads; -1 means all cores. The bits of the result do not depend on it.
    random_state : int, RandomState, Generator or None
    verbose : bool
    knn_kwargs : dict, optional
    knn_index : KNNIndex, optional
        An index to be used instead of `data`.
    dtype : dtype, keyword only
        float64 or float32.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples)
    perplexities : float or sequence of float
        As asked for.
    effective_perplexities_ : list of float
        As used, ascending.
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
    >>> affinities = MultiscaleMixture(X, perplexities=[5, 20])
    >>> affinities.P.shape, affinities.effective_perplexities_
    ((100, 100), [5, 20])
    """

    ARGUMENTS = ("perplexities", "symmetrize")
    LEARNED = ("effective_perplexities_",)
    _average = False

    def __init__(
        self,
        data: Any = None,
        perplexities: Any = None,
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
        self._take(perplexities=perplexities, symmetrize=symmetrize)
        self.effective_perplexities_: list[float] = []

        def choose_k(n_samples: int) -> int:
            self.effective_perplexities_ = self.check_perplexities(perplexities, n_samples)
            return wanted_neighbors(n_samples, self.effective_perplexities_)

        self._find_neighbors(
            data,
            knn_index,
            choose_k,
            method=method,
            metric=metric,
            metric_params=metric_params,
            random_state=random_state,
            knn_kwargs=knn_kwargs,
        )
        if knn_index is not None:
            self.effective_perplexities_ = self.check_perplexities(perplexities, self.n_samples)
        stored = self._width
        if max(self.effective_perplexities_) > stored:
            log.warning(
                "A perplexity of %g needs more than the %d neighbours of the given index",
                max(self.effective_perplexities_),
                stored,
            )
        with self._timer():
            self._hold(self._matrix(stored, self.effective_perplexities_))

    def _take(self, *, perplexities: Any, symmetrize: Any) -> None:  # type: ignore[override]
        _as_perplexities(perplexities)
        self.perplexities = perplexities
        self.symmetrize = check.check_flag(symmetrize, "symmetrize")

    def _matrix(self, k: int, perplexities: list[float]) -> Any:
        return gaussian_matrix(
            self._lying_lists().nearest(k),
            perplexities,
            average=self._average,
            symmetrize=self.symmetrize,
            dtype=self.dtype,
            n_jobs=self.n_jobs,
        )

    def set_perplexities(self, new_perplexities: Any) -> None:
        """Change the perplexities and compute `P` anew from the stored neighbours.

        Parameters
        ----------
        new_perplexities : float or sequence of float

        Raises
        ------
        UnavailableError
            A RuntimeError, if more neighbours are needed than are stored, or if they were released.
        """
        _as_perplexities(new_perplexities)
        if np.array_equal(self.perplexities, new_perplexities):
            return
        stored = self._kept_lists().width
        effective = self.check_perplexities(new_perplexities, self.n_samples)
        k = wanted_neighbors(self.n_samples, effective)
        if k > stored:
            raise UnavailableError(
                f"`new_perplexities` must need at most the {stored} stored neighbours, got {max(effective):g}, which "
                f"needs {k}; make a new {type(self).__name__} for it"
            )
        with Timer("Perplexity changed. Recomputing affinity matrix...", self.verbose):
            P = self._matrix(k, effective)
        self._hold(P)
        self.effective_perplexities_ = effective
        self.perplexities = new_perplexities  # last: until here the same call starts over

    def to_new(  # type: ignore[override]
        self, data: Any, perplexities: Any = None, return_distances: bool | int = False
    ) -> Any:
        """Return the affinities of new points to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        perplexities : float or sequence of float, optional
            Default: those of this object.
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1 and depends on its own point alone.
        indices : int32 ndarray of shape (n_new, k)
            Only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Only if `return_distances`.
        """
        wanted = self.perplexities if perplexities is None else perplexities
        effective = self.check_perplexities(wanted, self.n_samples)
        k = wanted_neighbors(self.n_samples, effective)
        indices, distances, lists = self._query(data, k, return_distances)
        with self._timer():
            P = gaussian_matrix(
                lists, effective, average=self._average, symmetrize=False, normalize=False, n_jobs=self.n_jobs
            )
        return answer(P, indices, distances, return_distances)

    def check_perplexities(self, perplexities: Any, n_samples: int) -> list[float]:
        """Return the perplexities in ascending order, those above (n_samples - 1) / 3 lowered to it once.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(31, 5))
        >>> MultiscaleMixture(X, perplexities=5).check_perplexities([2, 10], 31)
        [2, 10]
        """
        return effective_perplexities(perplexities, n_samples)


class Multiscale(MultiscaleMixture):
    r"""Affinities averaged over several perplexities.

    :math:`p_{j|i} = \frac{1}{H} \sum_h p_{j|i}^{(h)}`, each term normalized by itself, so that every perplexity has the
    same say in every row (J. Lee, D. Peluffo-Ordonez and M. Verleysen, Multi-scale similarities in stochastic neighbour
    embedding, Neurocomputing 2015). Parameters, attributes and errors are those of `MultiscaleMixture`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> round(float(Multiscale(X, perplexities=[5, 20]).P.sum()), 10)
    1.0
    """

    _average = True


def effective_perplexities(perplexities: Any, n_samples: int) -> list[float]:
    """Return the perplexities in ascending order, those above (n_samples - 1) / 3 lowered to it once."""
    highest = (n_samples - 1) / 3
    usable: list[float] = []
    for perplexity in sorted(_as_perplexities(perplexities)):
        if perplexity <= highest:
            usable.append(perplexity)
        elif highest in usable:
            check.note_once(log, "Perplexity %g is too high for %d points; it is dropped", perplexity, n_samples)
        else:
            usable.append(highest)
            message = "Perplexity %g is too high for %d points; %.2f is used"
            check.note_once(log, message, perplexity, n_samples, highest)
    return usable


def wanted_neighbors(n_samples: int, perplexities: Sequence[float]) -> int:
    """Return how many neighbours checked perplexities need."""
    return max(1, int(min(n_samples - 1, 3 * max(perplexities))))


def _as_perplexities(perplexities: Any) -> Sequence[float]:
    """Return one perplexity or several as a checked list."""
    if perplexities is None:
        raise InvalidParameterError("`perplexities` must be given, got None; pass a number or a list of numbers")
    if isinstance(perplexities, str) or not hasattr(perplexities, "__len__") or getattr(perplexities, "ndim", 1) == 0:
        perplexities = [perplexities]
    if len(perplexities) == 0:
        raise InvalidParameterError("`perplexities` must hold at least one number, got an empty sequence")
    for perplexity in perplexities:
        check.check_real(perplexity, "perplexities", above=0)
    return list(perplexities)
