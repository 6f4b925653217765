"""Arguments that are handed on under another name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..errors import InvalidParameterError, InvalidTypeError


@contextmanager
def calling(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors call arguments as the caller's caller does.

    Parameters
    ----------
    names : mapping of str to str
        From the names of arguments of what is called here to those by which the user gave them.

    Examples
    --------
    >>> from opentsne_like._validation import calling, check_integer
    >>> with calling({"k_neighbors": "n_neighbors"}):
    ...     check_integer(0, "k_neighbors", at_least=1)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `n_neighbors` must be at least 1, got 0
    """
    try:
        yield
    except (InvalidParameterError, InvalidTypeError) as error:
        text = re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", str(error))
        error.args = (text, *error.args[1:])
        raise
