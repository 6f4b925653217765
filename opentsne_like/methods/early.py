"""The stage with early exaggeration, which estimators have two parameters for."""

from __future__ import annotations

from typing import Any

from .._validation import calling
from ..optimizer import Schedule


def early_schedule(n_iter: Any, exaggeration: Any, learning_rate: Any = "auto") -> Schedule:
    """Return the schedule of the stage; errors call its fields as the estimators do.

    Parameters
    ----------
    n_iter : int
    exaggeration : float, sequence of float, callable or None
    learning_rate : float, sequence of float, callable or "auto"

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        If one of them cannot be.

    Examples
    --------
    >>> from opentsne_like.methods.early import early_schedule
    >>> early_schedule(60, 4.0).exaggeration
    4.0
    >>> early_schedule(60, -1.0)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `early_exaggeration` must be positive, got -1.0
    """
    with calling({"n_iter": "early_exaggeration_iter", "exaggeration": "early_exaggeration"}):
        return Schedule(n_iter, learning_rate, exaggeration=exaggeration)
