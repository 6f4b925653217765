"""Advice and notes: what is not wrong, but likely to be not what was wanted. Each is given once in a process."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from ..errors import AdviceWarning

_given: set[Any] = set()


def advise(kind: type[AdviceWarning], message: str) -> None:
    """Warn, unless a warning of this kind was given before.

    Parameters
    ----------
    kind : type
    message : str
        What it is about and what to do.

    Examples
    --------
    >>> from opentsne_like.errors import ManyColumnsWarning
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     advise(ManyColumnsWarning, "`X` has 300 columns; take 50 components")
    ...     advise(ManyColumnsWarning, "`X` has 400 columns; take 50 components")
    >>> forget_advice()
    >>> len(caught)
    1
    """
    if kind not in _given:
        _given.add(kind)
        warnings.warn(message, kind, stacklevel=2)


def note_once(log: logging.Logger, message: str, *values: Any) -> None:
    """Write a warning to a log, unless the same was said of the same values before.

    Parameters
    ----------
    log : Logger
    message : str
        With a place for each of the values.
    *values

    Examples
    --------
    >>> log = logging.getLogger("opentsne_like.examples")
    >>> log.addHandler(logging.NullHandler())
    >>> note_once(log, "Perplexity %g is too high for %d points", 30, 60)
    >>> forget_advice()
    """
    if (message, *values) not in _given:
        _given.add((message, *values))
        log.warning(message, *values)


def forget_advice() -> None:
    """Let everything be said once more."""
    _given.clear()
