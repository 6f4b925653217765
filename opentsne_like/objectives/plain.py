"""A user's own function as an objective, by openTSNE's contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InvalidTypeError

Array = np.ndarray[Any, Any]


class CallableObjective:
    """Wraps ``function(embedding, P, dof=..., should_eval_error=..., ...) -> (error, gradient)``.

    By that contract the function finds exaggeration inside P, so it gets a scaled copy; the error it returns is then
    that of the scaled P, and the one without exaggeration is ``error / exaggeration - sum(p) log(exaggeration)``.

    Parameters
    ----------
    function : callable
    P : sparse matrix
    options : dict
        Passed on by name: ``dof``, ``bh_params``, ``fft_params``, ``reference_embedding``, ``n_jobs``.
    """

    def __init__(self, function: Callable[..., Any], P: Any, options: dict[str, Any]) -> None:
        self.function = function
        self.P = P
        self.options = options
        self._scaled: tuple[float, Any] = (1.0, P)

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return what the function says of `points`."""
        if self._scaled[0] != exaggeration:
            self._scaled = (exaggeration, self.P * exaggeration)
        result = self.function(points, self._scaled[1], should_eval_error=with_loss, **self.options)
        try:
            error, gradient = result
            gradient = np.ascontiguousarray(gradient, dtype=np.float64)
        except (TypeError, ValueError) as failure:
            raise InvalidTypeError(
                "`negative_gradient_method` must return (error, gradient), got " + type(result).__name__
            ) from failure
        if gradient.shape != points.shape:
            raise InvalidTypeError(
                f"`negative_gradient_method` must return a gradient of shape {points.shape}, got {gradient.shape}"
            )
        if not with_loss or error is None:
            return float("nan"), gradient
        return float(error) / exaggeration - float(self.P.sum()) * float(np.log(exaggeration)), gradient
