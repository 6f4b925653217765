"""What every sum over all pairs returns."""

from __future__ import annotations

from typing import NamedTuple

from .._types import Array


class Potential(NamedTuple):
    """The potential of charges at some points; of unit charges, unless there are columns of others.

    Attributes
    ----------
    values : ndarray of shape (m,)
        ``phi_i = sum_j c_j k(|y_i - x_j|²)`` over all charges but a point's own; (m, q) with q columns of charges.
    gradient : ndarray of shape (m, d)
        ``d phi_i / d y_i = sum_j c_j 2 k'(|y_i - x_j|²) (y_i - x_j)``, per unit of length; (m, q, d) with columns.
    total : float
        ``sum_i phi_i``, of all columns together.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import ops
    >>> from opentsne_like.kernels import forms
    >>> potential = ops.exact(np.array([[0.0], [1.0]]), None, forms.Cauchy(), n_jobs=1)
    >>> potential.values.tolist(), potential.gradient.tolist(), potential.total
    ([0.5, 0.5], [[0.5], [-0.5]], 1.0)
    """

    values: Array
    gradient: Array
    total: float
