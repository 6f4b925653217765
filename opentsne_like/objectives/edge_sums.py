"""Distortions along the edges of P: what an edge has for a number, their sum, and each by itself."""

from __future__ import annotations

import numpy as np

from .. import ops
from .._types import Array
from ..distortions import DistortionFunction
from ..errors import InvalidParameterError, NumericalError
from .edges import Edges


def pairs_of(edges: Edges, function: DistortionFunction) -> ops.Pairs:
    """Return the edges of P with the numbers that a distortion function takes.

    Parameters
    ----------
    edges : Edges
    function : DistortionFunction

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.distortions import QuadraticDeviation
    >>> from opentsne_like.objectives import Edges
    >>> from opentsne_like.objectives.edge_sums import pairs_of
    >>> P = csr_matrix((np.array([2.0 + 3.0j]), (np.array([0]), np.array([1]))), shape=(2, 2))
    >>> pairs = pairs_of(Edges.of(P), QuadraticDeviation())
    >>> pairs.factors.tolist(), pairs.numbers.tolist()
    ([2.0], [3.0])
    """
    weights, factors = edges.weights, None
    if np.iscomplexobj(weights):
        factors = None if function.takes == "weights" else np.ascontiguousarray(weights.real)
        weights = weights.real if factors is None else weights.imag
    numbers = np.ascontiguousarray(weights, np.float64)
    wrong, needed = function.wrong(numbers)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise InvalidParameterError(
            f"`P` must have {function.takes} that are {needed}, got {numbers[k]:g} for the edge "
            f"({edges.rows[k]}, {edges.columns[k]})"
        )
    return ops.Pairs(edges.rows, edges.columns, numbers, factors, edges.indptr)


def sum_distortions(
    pairs: ops.Pairs, points: Array, others: Array, function: DistortionFunction, n_jobs: int
) -> ops.Distorted:
    """Return the sum of distortions, or say which of them is not a number."""
    if function.form is None:
        found = _by_evaluation(pairs, points, others, function, n_jobs)
    else:
        found = ops.distort(pairs, points, others, function.form, n_jobs)
    if np.isnan(found.total) and np.isfinite(points).all():
        _refuse_nan(pairs, points, others, function, n_jobs)
    return found


def _by_evaluation(
    pairs: ops.Pairs, points: Array, others: Array, function: DistortionFunction, n_jobs: int
) -> ops.Distorted:
    """Ask a function that compiled loops do not know of all edges at once."""
    factors = 1.0 if pairs.factors is None else pairs.factors
    values, slopes = function.evaluate(pairs.numbers, ops.lengths(pairs, points, others, n_jobs))
    return ops.Distorted(float((factors * values).sum()), ops.pull(pairs, points, others, factors * slopes, n_jobs))


def _refuse_nan(pairs: ops.Pairs, points: Array, others: Array, function: DistortionFunction, n_jobs: int) -> None:
    lengths = ops.lengths(pairs, points, others, n_jobs)
    bad = np.flatnonzero(np.isnan(function.evaluate(pairs.numbers, lengths)[0]))
    if len(bad):  # else infinities of either sign met
        k = int(bad[0])
        raise NumericalError(
            f"the distortion function returned NaN for the edge ({pairs.rows[k]}, {pairs.columns[k]}) of length "
            f"{lengths[k]:g}; the last good coordinates were kept"
        )


def edge_distortions(
    pairs: ops.Pairs, points: Array, others: Array, function: DistortionFunction, n_jobs: int
) -> Array:
    """Return the distortion of each edge."""
    values = function.evaluate(pairs.numbers, ops.lengths(pairs, points, others, n_jobs))[0]
    return values if pairs.factors is None else values * pairs.factors
