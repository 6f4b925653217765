"""The divergence that t-SNE minimizes, and a criterion for the perplexity made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_matrix, check_n_jobs, check_real
from ..errors import InvalidParameterError, InvalidTypeError
from ..repulsion import StudentT, exact_sums
from ._input import sample_rows

_BLOCK = 2**20  # edges that are looked at at a time


def kl_divergence(
    P: Any,
    Y: Any,
    dof: float = 1,
    *,
    n_samples: int | None = None,
    random_state: Any = 0,
    n_jobs: int | None = -1,
) -> float:
    r"""Return the KL divergence of a map from the affinities, exact in float64.

    .. math::
        KL = \sum_{ij} p_{ij} \left[\log p_{ij} + a \log(1 + d_{ij}^2 / a)\right]
        + \Big(\sum_{ij} p_{ij}\Big) \log Z, \qquad Z = \sum_{i \ne j} (1 + d_{ij}^2 / a)^{-a}

    with `a` the degrees of freedom. Z is summed over all pairs: a second for 70,000 points, some minutes for a
    million, for which a sample of the points takes seconds.

    Parameters
    ----------
    P : array-like or sparse matrix of shape (n_samples, n_samples)
        Affinities, not negative; those on the diagonal are not looked at.
    Y : array-like of shape (n_samples, n_components)
        The map.
    dof : float
        Degrees of freedom.
    n_samples : int, optional
        How many random points have their part of Z summed, each over all others, to stand for all; None, the exact
        value, takes all points. 20,000 give a standard error below 0.005, whatever the size of the map.
    random_state : None, int, RandomState or Generator
        Draws the sample.
    n_jobs : int
        Number of threads, -1 for all cores; it does not change the result.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    References
    ----------
    L. van der Maaten & G. Hinton, Visualizing data using t-SNE, JMLR 2008; for `dof` D. Kobak et al., Heavy-tailed
    kernels reveal a finer cluster structure in t-SNE visualisations, ECML PKDD 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import metrics
    >>> P = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]])
    >>> round(metrics.kl_divergence(P, [[0.0], [0.0], [0.0]]), 6), round(float(np.log(6 / 4)), 6)
    (0.405465, 0.405465)
    """
    points = check_matrix(Y, "Y", at_least_rows=2).astype(np.float64, copy=False)
    n = len(points)
    rows, columns, weights = _edges(P, n)
    a = check_real(dof, "dof", above=0)
    attraction = 0.0
    for low in range(0, len(weights), _BLOCK):
        part = slice(low, low + _BLOCK)
        steps = points[rows[part]] - points[columns[part]]
        squares = np.einsum("ij,ij->i", steps, steps)
        attraction += float(weights[part] @ (np.log(weights[part]) + a * np.log1p(squares / a)))
    z = _normalizer(points, sample_rows(n, n_samples, random_state), StudentT(a), check_n_jobs(n_jobs))
    return attraction + float(weights.sum()) * float(np.log(z))


def pBIC(embedding: Any) -> float:
    r"""Return the pseudo Bayesian information criterion of a map, which is lowest at a good perplexity.

    .. math:: 2 \, KL + \log(n) \, \frac{perplexity}{n}

    Parameters
    ----------
    embedding : TSNEEmbedding
        With affinities of one perplexity; the one that was really used counts, where it had to be lowered.

    Returns
    -------
    float

    Raises
    ------
    InvalidTypeError
        The affinities have no perplexity, or several.

    References
    ----------
    Y. Cao & L. Wang, Automatic selection of t-SNE perplexity, ICML Workshop on AutoML 2017.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from opentsne_like import metrics
    >>> affinities = SimpleNamespace(perplexity=30)
    >>> map_of_digits = SimpleNamespace(shape=(1797, 2), kl_divergence=0.75, affinities=affinities)
    >>> round(metrics.pBIC(map_of_digits), 4)
    1.6251
    """
    affinities = getattr(embedding, "affinities", None)
    name = type(affinities).__name__
    several = getattr(affinities, "effective_perplexities_", None)
    if several is not None:
        if len(several) != 1:
            raise InvalidTypeError(
                f"`embedding` must have affinities of one perplexity, got {name} of {list(several)}; "
                f"use affinity.PerplexityBasedNN"
            )
        perplexity = several[0]
    else:
        perplexity = getattr(affinities, "effective_perplexity_", getattr(affinities, "perplexity", None))
    if perplexity is None:
        raise InvalidTypeError(
            f"`embedding` must have affinities of one perplexity, got {name}; use affinity.PerplexityBasedNN"
        )
    n = embedding.shape[0]
    return float(2 * embedding.kl_divergence + np.log(n) * perplexity / n)


def _normalizer(points: Array, rows: Array | None, radial: StudentT, n_jobs: int) -> float:
    """Return Z, or its estimate from some rows."""
    if rows is None:
        return exact_sums(points, None, radial, n_jobs=n_jobs).total
    own = len(rows)  # each point's 1 for itself is among its sum
    return (exact_sums(points[rows], points, radial, n_jobs=n_jobs).total - own) * len(points) / len(rows)


def _edges(P: Any, n: int) -> tuple[Array, Array, Array]:
    """Return the positive entries of P off the diagonal as (row, column, weight)."""
    matrix = check_matrix(P, "P", accept_sparse=True)
    if matrix.shape != (n, n):
        raise InvalidParameterError(f"`P` must have shape ({n}, {n}) for this map, got {matrix.shape}")
    if hasattr(matrix, "tocoo"):
        if not matrix.has_canonical_format:  # an entry may be stored in parts, and log(p) needs the whole
            matrix = matrix.copy()
            matrix.sum_duplicates()
        matrix = matrix.tocoo(copy=False)
        rows, columns, weights = matrix.row, matrix.col, matrix.data
    else:
        rows, columns = np.nonzero(matrix)
        weights = matrix[rows, columns]
    if len(weights) and weights.min() < 0:
        raise InvalidParameterError(f"`P` must not be negative, got {weights.min():g}")
    kept = (weights > 0) & (rows != columns)
    if not kept.all():
        rows, columns, weights = rows[kept], columns[kept], weights[kept]
    return rows, columns, weights.astype(np.float64, copy=False)
