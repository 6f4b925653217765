"""Gaussian affinities: the weights of a row are exponentials of squared distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _validation as check
from .. import kernels
from .._parallel import for_chunks
from .._types import Array
from ..devices import is_on_gpu, operations
from .matrix import JOINS, LEAST, Evaluate, assemble
from .neighbors import NeighborLists, as_lists

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

GRAIN = 256  # rows of a chunk at least


def joint_probabilities_nn(
    neighbors: Any,
    distances: Any,
    perplexities: Sequence[float],
    symmetrize: bool = True,
    normalization: str = "pair-wise",
    n_reference_samples: int | None = None,
    n_jobs: int | None = -1,
    *,
    dtype: Any = np.float64,
) -> csr_matrix:
    r"""Return the affinities of points to their neighbours at one or several perplexities.

    For one perplexity :math:`p_{j|i} \propto \exp(-\beta_i d_{ij}^2)`, with :math:`\beta_i` such that the entropy
    of row i is the logarithm of the perplexity; for several
    :math:`p_{j|i} \propto \sum_h \sqrt{\beta_{ih}} \exp(-\beta_{ih} d_{ij}^2)`. Symmetrized,
    :math:`p_{ij} = (p_{j|i} + p_{i|j}) / 2n`.

    Parameters
    ----------
    neighbors : array-like of shape (n, k), integer
        Indices of the neighbours of each point, nearest first, without the point itself.
    distances : array-like of shape (n, k)
        Distances to them.
    perplexities : sequence of float
        A perplexity above k gives rows of equal weights.
    symmetrize : bool
        True: the joint probabilities. False: the conditional ones.
    normalization : {"pair-wise", "point-wise"}
        Whether all values together or the values of each row sum to 1; the latter is not possible when `symmetrize`.
    n_reference_samples : int, optional
        Number of points that `neighbors` refers to, if rows are new points; default n.
    n_jobs : int, optional
        Threads; the bits do not depend on it.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    csr_matrix of shape (n, n_reference_samples)

    Raises
    ------
    InvalidParameterError
        For arguments out of range; the message names the first offending row.

    Examples
    --------
    >>> P = joint_probabilities_nn([[1, 2], [0, 2], [1, 0]], [[1.0, 2.0], [1.0, 1.0], [1.0, 2.0]], [1.5])
    >>> P.shape, round(float(P.sum()), 12), bool(abs(P - P.T).max() == 0)
    ((3, 3), 1.0, True)
    """
    check.check_choice(normalization, "normalization", ("pair-wise", "point-wise"))
    new = n_reference_samples is not None or normalization == "point-wise"
    lists = as_lists(neighbors, distances, n_reference_samples, self_allowed=new)
    return gaussian_matrix(
        lists,
        [check.check_real(p, "perplexities", above=0) for p in np.atleast_1d(perplexities).tolist()],
        symmetrize=check.check_flag(symmetrize, "symmetrize"),
        normalize=normalization == "pair-wise",
        dtype=dtype,
        n_jobs=n_jobs,
    )


def gaussian_matrix(
    lists: NeighborLists,
    perplexities: Sequence[float],
    *,
    average: bool = False,
    symmetrize: bool = True,
    normalize: bool = True,
    dtype: Any = np.float64,
    n_jobs: int | None = -1,
) -> csr_matrix:
    """Return the affinities for checked neighbour lists; see `joint_probabilities_nn`.

    Parameters
    ----------
    lists : NeighborLists
        On a GPU, the matrix is made there if it is symmetrized.
    perplexities : sequence of float
    average : bool
        Average the normalized Gaussians of the scales instead of normalizing the sum of the Gaussian densities.
    symmetrize, normalize : bool
    dtype : dtype
    n_jobs : int, optional

    Returns
    -------
    csr_matrix of shape (n_rows, n_columns), or gpu.Matrix
    """
    if is_on_gpu(lists.distances):
        if symmetrize and lists.n_rows * lists.width <= operations(lists.distances).MOST_KEYS:
            return _symmetric_on_gpu(lists, perplexities, average, normalize, np.dtype(dtype))
        lists = lists.on_host()
    precisions = find_precisions(lists, perplexities, n_jobs=n_jobs)
    evaluate = gaussian_rows(lists, precisions, average=average)
    join = "mean" if symmetrize else None
    return assemble(lists, evaluate, join=join, normalize=normalize, dtype=dtype, n_jobs=n_jobs)


def _symmetric_on_gpu(
    lists: NeighborLists, perplexities: Sequence[float], average: bool, normalize: bool, dtype: np.dtype[Any]
) -> Any:
    """Return the symmetric matrix of lists on a GPU, where it is left."""
    gpu, n = operations(lists.distances), lists.n_rows
    indices, distances = (part.reshape(n, -1) for part in (lists.indices, lists.distances))
    precisions = gpu.search(distances, lists.width, *_wanted(perplexities, lists.width))
    weights = gpu.evaluate(distances, lists.width, precisions, average, LEAST[dtype], dtype)
    return gpu.symmetrized(indices, weights, JOINS["mean"], normalize)


def gaussian_rows(lists: NeighborLists, precisions: Array, *, average: bool = False) -> Evaluate:
    """Return what writes the weights of rows with the given precisions of shape (n_rows, n_scales)."""

    def evaluate(low: int, high: int, out: Array) -> None:
        args = (lists.distances, lists.starts, lists.width, precisions, average, out)
        kernels.perplexity.evaluate(low, high, *args)

    return evaluate


def find_precisions(lists: NeighborLists, perplexities: Sequence[float], *, n_jobs: int | None = -1) -> Array:
    r"""Return the precisions that give every row its perplexities.

    Parameters
    ----------
    lists : NeighborLists
    perplexities : sequence of float
    n_jobs : int, optional

    Returns
    -------
    float64 ndarray of shape (n_rows, n_perplexities)
        :math:`\beta_i \max_j d_{ij}^2`, without unit.
    """
    wanted, odds = _wanted(perplexities, lists.width)
    precisions = np.empty((lists.n_rows, len(wanted)))
    args = (lists.distances, lists.starts, lists.width, wanted, odds, precisions)
    for_chunks(kernels.perplexity.search, lists.n_rows, args, n_jobs=-1 if n_jobs is None else n_jobs, grain=GRAIN)
    return precisions


def _wanted(perplexities: Sequence[float], width: int) -> tuple[Array, Array]:
    """Return the logarithms of perplexities, and the odds that bound the largest of `width` probabilities."""
    odds = np.array([_largest_odds(width, perplexity) for perplexity in perplexities])
    return np.log(np.asarray(perplexities, dtype=np.float64)), odds


def _largest_odds(m: int, perplexity: float) -> float:
    """Return p / (1 - p) for the bound p on the largest of `m` probabilities with the given perplexity.

    p solves 2 (1 - p) log(m / (2 (1 - p))) = log(min(sqrt(2 m), perplexity)) in [3/4, 1] (Vladymyrov and
    Carreira-Perpinan 2013, theorem 3.1); the left side falls with p.
    """
    target = math.log(min(math.sqrt(2 * m), max(perplexity, 1.0)))
    low, high = 0.0, 0.25  # 1 - p
    for _ in range(80):
        rest = (low + high) / 2
        if 2 * rest * math.log(m / (2 * rest)) < target:
            low = rest
        else:
            high = rest
    return (1 - low) / low if low > 0 else 0.0
