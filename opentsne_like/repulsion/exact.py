"""All-pairs repulsion by exact sums: the oracle of the fast methods, and the fastest for a few thousand points."""

from __future__ import annotations

import numpy as np

from .. import _parallel
from .._types import Array
from ..devices import is_on_gpu, operations
from ..ops import Potential
from .radial import Radial

PAIRS = 2**18  # that NumPy works on at a time


def exact_sums(
    targets: Array, sources: Array | None, radial: Radial, *, n_jobs: int, charges: Array | None = None
) -> Potential:
    """Return the potential of charges at `sources` and its gradient at `targets`.

    Parameters
    ----------
    targets : (m, d) float32 or float64
        The sums are taken in this precision.
    sources : (n, d), optional
        None for the targets themselves, which then do not feel their own charge.
    radial : Radial
    n_jobs : int
    charges : (n, q), optional
        By default there is one column, of ones.

    Returns
    -------
    Potential
        ``values`` (m,) and ``gradient`` (m, d) in the precision of the targets, (m, q) and (m, q, d) with charges.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.repulsion import Gaussian, exact_sums
    >>> exact_sums(np.array([[0.0], [1.0]]), None, Gaussian(), n_jobs=1).values.round(3).tolist()
    [0.368, 0.368]
    """
    if radial.form is not None or is_on_gpu(targets):  # which says which forms it knows
        found: Potential = operations(targets).exact(targets, sources, radial.form, n_jobs, charges)
        return found
    others = targets if sources is None else sources.astype(targets.dtype, copy=False)
    if charges is not None:
        return _sum_plainly(targets, others, charges, sources is None, radial, n_jobs)
    made = _sum_plainly(targets, others, np.ones((len(others), 1)), sources is None, radial, n_jobs)
    return Potential(made.values[:, 0], made.gradient[:, 0], made.total)


def _sum_plainly(targets: Array, sources: Array, charges: Array, same: bool, radial: Radial, n_jobs: int) -> Potential:
    """Return the sums of a function that compiled loops do not know, taken in float64 by NumPy."""
    (m, d), (n, q) = targets.shape, charges.shape
    values, gradient = np.empty((m, q), targets.dtype), np.empty((m, q, d), targets.dtype)

    def block(low: int, high: int) -> None:
        apart = targets[low:high, None].astype(np.float64) - sources[None]
        square = np.einsum("ijk,ijk->ij", apart, apart)
        k, slope = np.array(radial(square)), 2.0 * radial.slope(square)
        if same:
            own = np.arange(high - low), np.arange(low, high)
            k[own] = slope[own] = 0.0
        values[low:high] = np.einsum("ij,jc->ic", k, charges)
        gradient[low:high] = np.einsum("ijk,jc->ick", slope[:, :, None] * apart, charges)

    rows = max(1, PAIRS // max(1, n))
    _parallel.run_tasks([(block, (low, min(low + rows, m))) for low in range(0, m, rows)], n_jobs=n_jobs)
    return Potential(values, gradient, float(values.sum(dtype=np.float64)))
