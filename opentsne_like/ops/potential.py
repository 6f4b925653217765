"""What every sum over all pairs returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Potential(NamedTuple):
    """The potential of unit charges at some points.

    Attributes
    ----------
    values : ndarray of shape (m,)
        ``phi_i = sum_j k(|y_i - x_j|²)`` over all charges but a point's own.
    gradient : ndarray of shape (m, d)
        ``d phi_i / d y_i = sum_j 2 k'(|y_i - x_j|²) (y_i - x_j)``, per unit of length.
    total : float
        ``sum_i phi_i``.
    """

    values: Array
    gradient: Array
    total: float
