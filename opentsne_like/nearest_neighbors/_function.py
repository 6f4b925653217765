"""Distances by a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_distances, shown
from ..errors import InvalidParameterError


class FunctionSearch:
    """Neighbours by calling a function for every pair of rows, of which nothing else is known.

    Trees would leave out pairs and rely on the triangle inequality for it, and would call the function with rows that
    are none of the data.

    Parameters
    ----------
    metric : callable
        Gets two rows, float64 arrays, and returns a number.
    parameters : mapping
        Further arguments of the function.
    data : ndarray of shape (n, d)
    """

    def __init__(self, metric: Callable[..., Any], parameters: Mapping[str, Any], data: Array) -> None:
        self.metric = metric
        self.parameters = dict(parameters)
        self.rows = list(data.astype(np.float64))

    def nearest(self, rows: Array, own: Array, k: int) -> tuple[Array, Array]:
        """Return the first k by (distance, index) for every row, which may be the row `own` of the data itself."""
        indices = np.empty((len(rows), k), np.int64)
        distances = np.empty((len(rows), k))
        for i, row in enumerate(rows.astype(np.float64)):
            found = self._distances(row, max(i, int(own[i])), int(own[i]))
            indices[i] = np.argsort(found, kind="stable")[:k]
            distances[i] = found[indices[i]]
        return indices, distances

    def _distances(self, row: Array, i: int, own: int) -> Array:
        """Return the distances of a row to all rows of the data; that to itself is not looked at."""
        values = [self.metric(row, other, **self.parameters) for other in self.rows]
        if own >= 0:
            values[own] = 0.0
        try:
            found = np.array(values)
        except ValueError:  # arrays of different length
            found = np.array(values, dtype=object)
        if found.shape != (len(values),) or found.dtype.kind not in "biuf":
            wrong = next(j for j, value in enumerate(values) if not _is_number(value))
            raise InvalidParameterError(
                f"`metric` must return a number, got {shown(values[wrong])} for rows {i} and {wrong}"
            )
        try:
            return np.asarray(check_distances(found, "metric"), np.float64)
        except InvalidParameterError:
            wrong = int(np.argmin(np.where(np.isfinite(found), found, -np.inf)))
            raise InvalidParameterError(
                f"`metric` must return distances that are finite and not negative, got {found[wrong]} for rows {i} and "
                f"{wrong}"
            ) from None


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf"
