r"""Dense symmetric matrices whose rows sum to 1, by the duals of two convex problems.

Both are ``P_ij = exp((l_i + l_j - 2 C_ij) / (g_i + g_j))`` off the diagonal, 0 on it, for costs C. The *potentials* l
give every row the sum 1. The *bandwidths* g are given (Sinkhorn), or give every row an entropy of at least
log(perplexity) (symmetric entropic affinities), where they are not negative. With ``r`` the sums and ``h`` the
entropies of the rows, these are the places of the maximum of the concave function (Van Assel et al. 2023)

.. math::
    D(l, g) = \sum_i l_i + \sum_i g_i (\log \text{perplexity} + 1) - \sum_i g_i r_i, \qquad
    \frac{\partial D}{\partial l_i} = 1 - r_i, \quad
    \frac{\partial D}{\partial g_i} = \log \text{perplexity} - h_i + r_i - 1

which is climbed by Newton's method: with conjugate gradients, as its Hessian is made of three matrices of the size of
P, and along a path, since the end is stiff. The path of the entropic problem is that of a barrier, ``mu sum log g_i``
with ever smaller mu; that of Sinkhorn begins with a large bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._parallel import chunk_bounds, run_tasks, serial_blas
from .._types import Array
from ..errors import NumericalError

ROWS = 64  # of a chunk, at least
TOLERANCE = 1e-6  # of the sums of rows, and of the entropies of rows with a usual bandwidth
BARRIER = 1e-6  # its weight at the end, in units of a usual bandwidth
ROUNDED = 1e-13  # errors below it are those of sums
STEPS = 60  # of Newton's method on one stage of the path
INNER = 200  # of conjugate gradients in one step
HALVINGS = 45  # of the interval in which the bandwidth of a new point lies
DAMPING = 1e-12  # where two points have nobody but each other, one direction of the potentials is flat


class Duals(NamedTuple):
    """What a matrix is made of.

    Attributes
    ----------
    potentials : float64 ndarray of shape (n,)
    bandwidths : float64 ndarray of shape (n,)
    """

    potentials: Array
    bandwidths: Array


class _Place(NamedTuple):
    """Where the climb stands: the duals, the slopes (2, n) of D there, and the matrices of the Hessian.

    These are ``W = P / (g_i + g_j)`` and, with L the logarithms of P, ``W L`` and ``W L^2``; their sums of rows.
    """

    duals: Duals
    slopes: Array
    matrices: tuple[Array, ...]
    sums: tuple[Array, ...]


def balanced(costs: Array, eps: float, n_jobs: int) -> Array:
    """Return the potentials that give the rows of ``exp((l_i + l_j - 2 C_ij) / (2 eps))`` the sum 1.

    Parameters
    ----------
    costs : float64 ndarray of shape (n, n)
        Symmetric.
    eps : float
    n_jobs : int

    Raises
    ------
    NumericalError
        If double precision does not suffice.
    """
    stages = [float(eps)]
    while stages[-1] < costs.mean():
        stages.append(4.0 * stages[-1])
    potentials = np.zeros(len(costs))
    with serial_blas():
        for width in reversed(stages):
            duals = _settled(costs, Duals(potentials, np.full(len(costs), width)), n_jobs)
            potentials = _climb(costs, duals, None, 0.0, n_jobs).duals.potentials
    return potentials


def entropic(costs: Array, perplexity: float, n_jobs: int) -> Duals:
    """Return potentials and bandwidths that give every row the sum 1 and at least the perplexity.

    Parameters
    ----------
    costs : float64 ndarray of shape (n, n)
        Symmetric.
    perplexity : float
        From 2 to below n - 1.
    n_jobs : int

    Raises
    ------
    NumericalError
        If double precision does not suffice.
    """
    number = min(len(costs) - 1, int(perplexity))
    unit = float(np.median(np.partition(costs, number, axis=1)[:, number])) or float(costs.mean()) or 1.0
    scaled, mu = costs / unit, max(1.0, float(costs.mean()) / unit)
    with serial_blas():
        duals = _settled(scaled, Duals(np.zeros(len(costs)), np.full(len(costs), mu)), n_jobs)
        while True:
            duals = _climb(scaled, duals, float(np.log(perplexity)), mu, n_jobs).duals
            if mu <= BARRIER:
                return Duals(unit * duals.potentials, unit * duals.bandwidths)
            mu = max(0.2 * mu, BARRIER)


def _settled(costs: Array, duals: Duals, n_jobs: int) -> Duals:
    """Return duals whose rows have sums that Newton's method can begin with, by Sinkhorn's iteration in logarithms."""
    potentials, width = duals.potentials, duals.bandwidths[0]

    def sums(low: int, high: int, out: Array) -> None:
        logs = (potentials[low:high, np.newaxis] + potentials - 2 * costs[low:high]) / (2 * width)
        logs[np.arange(high - low), np.arange(low, high)] = -np.inf
        top = logs.max(axis=1)
        out[low:high] = top + np.log(np.exp(logs - top[:, np.newaxis]).sum(axis=1))

    for _ in range(20):
        found = np.empty(len(costs))
        _by_rows(sums, found, n_jobs=n_jobs)
        potentials = potentials - width * found
    return Duals(potentials, duals.bandwidths)


def _climb(costs: Array, duals: Duals, entropy: float | None, mu: float, n_jobs: int) -> _Place:
    """Return the place where D, with a barrier of weight mu, is largest; without an entropy the bandwidths stay.

    In some directions D is nearly flat, so at the end it is climbed for as long as that helps.
    """
    place = _look(costs, duals, entropy, mu, n_jobs)
    goal, last = (max(0.1 * mu, TOLERANCE) if mu > BARRIER else 0.0), np.inf
    for _ in range(STEPS):
        error = _error(place)
        if error < goal or 0.5 * last < error < TOLERANCE or error < ROUNDED:
            return place
        last = error
        change = _newton(place, entropy is not None, mu, n_jobs)
        place = _step(costs, place, change, entropy, mu, n_jobs)
    raise NumericalError(
        f"a symmetric matrix whose rows sum to 1 was not found in {STEPS} steps, the error is {_error(place):.1e}; "
        "raise `perplexity` or `eps`, or leave out points far from all others"
    )


def _error(place: _Place) -> float:
    weight = np.stack([np.ones_like(place.duals.bandwidths), np.minimum(1.0, place.duals.bandwidths)])
    return float(np.abs(place.slopes * weight).max())


def _look(costs: Array, duals: Duals, entropy: float | None, mu: float, n_jobs: int) -> _Place:
    n = len(costs)
    potentials, widths = duals
    matrices = tuple(np.empty((n, n)) for _ in range(1 if entropy is None else 3))
    rows = np.empty((n, 2 + len(matrices)))  # sums of P and of P log P, and of the matrices

    def fill(low: int, high: int) -> None:
        spread = widths[low:high, np.newaxis] + widths
        logs = (potentials[low:high, np.newaxis] + potentials - 2 * costs[low:high]) / spread
        own = np.arange(high - low), np.arange(low, high)
        logs[own] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long, which is refused
            P = np.exp(logs)
            P[own] = 0.0
            rows[low:high, 0], rows[low:high, 1] = P.sum(axis=1), (P * logs).sum(axis=1)
            P /= spread
            for k, matrix in enumerate(matrices):
                matrix[low:high] = P
                rows[low:high, 2 + k] = P.sum(axis=1)
                P *= logs

    _by_rows(fill, n_jobs=n_jobs, n=n)
    slopes = np.zeros((2, n))
    slopes[0] = 1.0 - rows[:, 0]
    if entropy is not None:
        slopes[1] = entropy + rows[:, 1] + mu / widths
    return _Place(duals, slopes, matrices, tuple(np.ascontiguousarray(part) for part in rows.T[2:]))


def _newton(place: _Place, moving: bool, mu: float, n_jobs: int) -> Array:
    """Return Newton's step (2, n), by conjugate gradients with the 2 x 2 blocks of the diagonal as preconditioner."""
    first = place.sums[0] * (1.0 + DAMPING)
    if not moving:

        def apply(x: Array) -> Array:
            return np.stack([first * x[0] + _times(place.matrices[0], x[0], n_jobs), x[1]])

        return _conjugate_gradients(apply, lambda x: np.stack([x[0] / first, x[1]]), place.slopes)
    cross, second = place.sums[1], place.sums[2] + mu / place.duals.bandwidths**2
    W, WL, WLL = place.matrices
    determinant = np.maximum(first * second - cross**2, 1e-14 * first * second)

    def both(x: Array) -> Array:
        up, wide = x
        mixed = first * up - cross * wide + _times(W, up, n_jobs) - _times(WL, wide, n_jobs)
        return np.stack([mixed, second * wide - cross * up + _times(WLL, wide, n_jobs) - _times(WL, up, n_jobs)])

    def inverse(x: Array) -> Array:
        return np.asarray(np.stack([second * x[0] + cross * x[1], cross * x[0] + first * x[1]]) / determinant)

    return _conjugate_gradients(both, inverse, place.slopes)


def _conjugate_gradients(apply: Callable[[Array], Array], inverse: Callable[[Array], Array], wanted: Array) -> Array:
    """Return about the solution of ``apply(x) = wanted``, to a hundredth of the residual."""
    x, residual = np.zeros_like(wanted), wanted.copy()
    direction = inverse(residual)
    size = first = float((residual * direction).sum())
    for _ in range(INNER):
        image = apply(direction)
        curvature = float((direction * image).sum())
        if not curvature > 0:
            break
        x += size / curvature * direction
        residual -= size / curvature * image
        better = inverse(residual)
        last, size = size, float((residual * better).sum())
        if size <= 1e-4 * first:
            break
        direction = better + size / last * direction
    return x


def _step(costs: Array, place: _Place, change: Array, entropy: float | None, mu: float, n_jobs: int) -> _Place:
    """Return the place after a step, as much of it as the slope along it allows; D itself is rounded too soon."""
    up, wide = change
    length = 1.0
    if entropy is not None and (wide < 0).any():
        length = min(1.0, float((-0.95 * place.duals.bandwidths[wide < 0] / wide[wide < 0]).min()))
    before = float((place.slopes * change).sum())
    while length > 1e-10:
        duals = Duals(place.duals.potentials + length * up, place.duals.bandwidths + length * wide)
        tried = _look(costs, duals, entropy, mu, n_jobs)
        with np.errstate(over="ignore", invalid="ignore"):
            slope = float((tried.slopes * change).sum())
        if slope >= -0.9 * abs(before):
            return tried
        length *= 0.5
    return place


def matrix_rows(costs: Array, duals: Duals, low: int, high: int) -> Array:
    """Return the rows [low, high) of P, with zeros on the diagonal.

    Parameters
    ----------
    costs : float64 ndarray of shape (n, n)
    duals : Duals
    low, high : int
    """
    potentials, widths = duals
    spread = widths[low:high, np.newaxis] + widths
    logs = (potentials[low:high, np.newaxis] + potentials - 2 * costs[low:high]) / spread
    logs[np.arange(high - low), np.arange(low, high)] = -np.inf
    return np.asarray(np.exp(logs))


def new_rows(costs: Array, duals: Duals, perplexity: float, n_jobs: int) -> Array:
    """Return rows of new points that sum to 1 and have at least the perplexity, given the duals of the old ones.

    A new point gets a potential and a bandwidth of its own, as if it were one more of them that they do not notice. Its
    entropy grows with the bandwidth, which is found by bisection.

    Parameters
    ----------
    costs : float64 ndarray of shape (m, n)
    duals : Duals
        Of the n old points.
    perplexity : float
        Below n.
    n_jobs : int

    Returns
    -------
    float64 ndarray of shape (m, n)
    """
    P = np.empty_like(costs)

    def fill(low: int, high: int) -> None:
        P[low:high] = _placed(duals.potentials - 2 * costs[low:high], duals.bandwidths, float(np.log(perplexity)))

    _by_rows(fill, n_jobs=n_jobs, n=len(costs))
    return P


def _placed(offsets: Array, widths: Array, entropy: float) -> Array:
    low, high = np.zeros(len(offsets)), np.full(len(offsets), float(widths.max()))
    for _ in range(200):
        narrow = _entropies(_row(offsets, high, widths)) < entropy
        if not narrow.any():
            break
        high[narrow] *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _entropies(_row(offsets, middle, widths)) >= entropy
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return _row(offsets, high, widths)


def _row(offsets: Array, width: Array, widths: Array) -> Array:
    """Return rows ``exp((l_i + offset_ij) / (g_i + g_j))`` that sum to 1, with l found by Newton's method.

    The logarithm of the sum is convex in l and grows with it, so from above the steps come down on its zero. A row that
    has come there stays, whatever others do.
    """
    spread = width[:, np.newaxis] + widths
    potential = -offsets.max(axis=1)
    for _ in range(100):
        P = np.exp((potential[:, np.newaxis] + offsets) / spread)
        sums = P.sum(axis=1)
        done = np.abs(sums - 1.0) < 1e-12
        if done.all():
            break
        potential -= np.where(done, 0.0, np.log(sums) * sums / (P / spread).sum(axis=1))
    return np.asarray(P / sums[:, np.newaxis])


def _entropies(P: Array) -> Array:
    return np.asarray(-(P * np.log(np.where(P > 0, P, 1.0))).sum(axis=1))


def _times(matrix: Array, x: Array, n_jobs: int) -> Array:
    out = np.empty(len(matrix))

    def rows(low: int, high: int, out: Array) -> None:
        out[low:high] = matrix[low:high] @ x

    _by_rows(rows, out, n_jobs=n_jobs)
    return out


def _by_rows(work: Callable[..., None], *out: Array, n_jobs: int, n: int | None = None) -> None:
    """Call ``work(low, high, *out)`` for fixed chunks of rows."""
    bounds = chunk_bounds(len(out[0]) if n is None else n, ROWS)
    run_tasks([(work, (*chunk, *out)) for chunk in bounds], n_jobs=n_jobs)
