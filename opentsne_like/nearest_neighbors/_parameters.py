"""The parameters of a metric, under scikit-learn's names: what they must be, and what they are by default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._parallel import serial_blas
from .._types import Array
from .._validation import check_matrix, check_real
from ..errors import InvalidParameterError

# By the metric, in the order in which pynndescent takes them.
WEIGHTED = {"wminkowski": ("w", "p"), "weighted_minkowski": ("w", "p")}
STANDARDIZED = {"seuclidean": ("V",), "standardised_euclidean": ("V",)}
MAHALANOBIS = {"mahalanobis": ("VI", "V")}
_ALIASES = {"sigma": "V", "vinv": "VI"}  # pynndescent's


def check_parameters(metric: Any, given: Mapping[str, Any] | None, known: Mapping[str, Any], data: Any) -> Any:
    """Return the parameters that were given for a metric, under scikit-learn's names, or refuse them.

    Parameters
    ----------
    metric : str or callable
        What a function takes is known to the function alone.
    given : dict or None
    known : mapping of str to tuple of str
        The parameters of the metrics that have some; None in the place of a tuple for what is not checked.
    data : ndarray or csr_matrix of shape (n, d)

    Returns
    -------
    dict or None
    """
    d = data.shape[1]
    if metric == "haversine" and d != 2:
        raise InvalidParameterError(
            f"`data` must have 2 columns, latitude and longitude in radians, under metric 'haversine', got {d}"
        )
    names = known.get(metric, ()) if isinstance(metric, str) else None
    if given is None or names is None:
        return given
    given = {_ALIASES.get(name, name): value for name, value in given.items()}
    for name in given:
        if name not in names:
            cure = f"have the names {', '.join(names)}" if names else "be empty"
            raise InvalidParameterError(f"`metric_params` must {cure} for metric {metric!r}, got {name!r}")
    if metric in MAHALANOBIS and "V" in given:  # a covariance instead of its inverse, for backends that invert it
        return given
    return {name: _checked(name, value, d) for name, value in given.items()}


def _checked(name: str, value: Any, d: int) -> Any:
    what = f"metric_params[{name!r}]"
    if name == "p":
        return value if isinstance(value, float) and value == math.inf else check_real(value, what, above=0)
    if name == "VI":
        return check_matrix(value, what, at_least_rows=d, n_columns=d)[:d]
    weights: Array = check_matrix(np.reshape(value, (1, -1)), what, n_columns=d)[0]
    if weights.min() < 0 or (name == "V" and weights.min() == 0):
        sort = "positive" if name == "V" else "not negative"
        raise InvalidParameterError(f"`{what}` must be {sort}, got {weights.min():g} for column {weights.argmin()}")
    return weights


def completed(metric: Any, given: Mapping[str, Any] | None, data: Array) -> dict[str, Any]:
    """Return the checked parameters of a metric, in order, with those that follow from the data.

    The variances of the columns for seuclidean, 1 where a column is constant, and the inverse of their covariance for
    mahalanobis.

    Parameters
    ----------
    metric : str or callable
    given : dict or None
    data : ndarray of shape (n, d)

    Raises
    ------
    InvalidParameterError
        The covariance has no inverse.
    """
    parameters = dict(given or {})
    if metric in WEIGHTED and "w" not in parameters:
        parameters["w"] = np.ones(data.shape[1])
    if metric in STANDARDIZED and "V" not in parameters:
        variances = np.var(data, axis=0, ddof=1, dtype=np.float64)
        parameters["V"] = np.where(variances > 0, variances, 1.0)
    if metric in MAHALANOBIS and not {"VI", "V"} & set(parameters):
        with serial_blas():
            covariance = np.atleast_2d(np.cov(data, rowvar=False, dtype=np.float64))
            if np.linalg.matrix_rank(covariance, hermitian=True) < len(covariance):
                raise InvalidParameterError(
                    "`metric_params` must hold VI for metric 'mahalanobis', because the covariance of the data has no "
                    "inverse, got none; pass numpy.linalg.pinv(numpy.cov(X, rowvar=False)), or use fewer columns"
                )
            parameters["VI"] = np.linalg.inv(covariance)
    order = {"w": 0, "V": 0, "VI": 0, "p": 1}
    return dict(sorted(parameters.items(), key=lambda item: order.get(item[0], 0)))
