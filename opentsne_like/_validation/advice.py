"""Advice: what is not wrong, but likely to be not what was wanted. Each kind is given once in a process."""

from __future__ import annotations

import warnings

from ..errors import AdviceWarning

_given: set[type[AdviceWarning]] = set()


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


def forget_advice() -> None:
    """Let every kind be given once more."""
    _given.clear()
