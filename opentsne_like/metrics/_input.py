"""Checks, samples and labels that the metrics share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_integer, check_matrix, check_random_state, is_missing
from ..errors import InvalidParameterError


def check_pair(X: Any, Y: Any, at_least_rows: int = 3) -> tuple[Any, Array]:
    """Return data (dense or CSR) and map (float64) with as many rows."""
    data = check_matrix(X, "X", at_least_rows=at_least_rows, accept_sparse=True)
    points = check_matrix(Y, "Y", at_least_rows=1).astype(np.float64, copy=False)
    if len(points) != data.shape[0]:
        raise InvalidParameterError(f"`Y` must have as many rows as `X`, {data.shape[0]}, got shape {points.shape}")
    return data, points


def sample_rows(n: int, n_samples: Any, random_state: Any) -> Array | None:
    """Return the sorted rows of a random sample without repetition, or None for all rows."""
    if n_samples is None or check_integer(n_samples, "n_samples", at_least=1) >= n:
        return None
    rows: Array = check_random_state(random_state).choice(n, int(n_samples), replace=False)
    return np.sort(rows)


def class_codes(labels: Any, n: int) -> tuple[Array, int]:
    """Return labels of any type as integers from 0 on, and how many different ones there are."""
    values: Any = labels if isinstance(labels, np.ma.MaskedArray) else np.asarray(labels)
    if values.shape != (n,):
        raise InvalidParameterError(f"`labels` must be one per row, shape ({n},), got shape {values.shape}")
    if values.dtype.kind == "O":  # None is a label like others
        gone = np.array([value is not None and is_missing(value) for value in values])
    else:
        gone = values != values
    missing = np.asarray(np.ma.getmaskarray(values) | np.ma.getdata(gone), bool)
    if missing.any():
        raise InvalidParameterError(f"`labels` must not be missing, got a missing one in row {int(np.argmax(missing))}")
    values = np.ma.getdata(values)
    if values.dtype.kind == "O":
        values = np.array([str(value) for value in values])
    names, codes = np.unique(values, return_inverse=True)
    return codes.reshape(-1), len(names)
