"""Checks of numbers, choices and seeds."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InvalidParameterError, InvalidTypeError

MOST_JOBS = 2**15  # beyond any machine; libraries that a number of threads is handed on to refuse much more in riddles


def shown(value: Any) -> str:
    """Return a short `repr`, so that a message stays one line whatever was passed."""
    if isinstance(value, int) and abs(value) >= 10**60:  # Python refuses to write the longest
        return f"an integer of {value.bit_length()} bits"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def check_choice(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """Return `value` if it is one of `choices`."""
    if not any(value is c or (isinstance(value, str) and value == c) for c in choices):
        listed = ", ".join(repr(c) for c in choices)
        raise InvalidParameterError(f"`{name}` must be one of {listed}, got {shown(value)}{near_miss(value, choices)}")
    return value


def near_miss(value: Any, choices: Sequence[Any]) -> str:
    """Return the question whether a choice was meant that is written much like `value`, or nothing."""
    if not isinstance(value, str):
        return ""
    from difflib import get_close_matches

    known = {choice.casefold(): choice for choice in choices if isinstance(choice, str)}
    close = get_close_matches(value.casefold(), list(known), n=1)
    return f"; did you mean {known[close[0]]!r}?" if close else ""


def check_flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, of Python or of numpy."""
    return bool(check_choice(bool(value) if isinstance(value, np.bool_) else value, name, (True, False)))


def check_verbose(value: Any) -> bool:
    """Return whether to print: True, False, or a level from 0 on, as scikit-learn has it."""
    if not isinstance(value, (bool, np.bool_, numbers.Integral)) or value < 0:
        raise InvalidTypeError(f"`verbose` must be True or False, got {shown(value)}")
    return bool(value)


def check_real(
    value: Any,
    name: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """Return `value` as a finite float within the stated bounds (`above` and `below` are strict)."""
    if not _is_number(value):
        raise InvalidTypeError(f"`{name}` must be a number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidParameterError(f"`{name}` must be finite, got {shown(value)}")
    if above is not None and not number > above:
        word = "positive" if above == 0 else f"above {above:g}"
        raise InvalidParameterError(f"`{name}` must be {word}, got {shown(value)}")
    if at_least is not None and not number >= at_least:
        raise InvalidParameterError(f"`{name}` must be at least {at_least:g}, got {shown(value)}")
    if below is not None and not number < below:
        raise InvalidParameterError(f"`{name}` must be below {below:g}, got {shown(value)}")
    if at_most is not None and not number <= at_most:
        raise InvalidParameterError(f"`{name}` must be at most {at_most:g}, got {shown(value)}")
    return number


def check_integer(value: Any, name: str, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """Return `value` as an int within the stated bounds; floats with an integral value are accepted."""
    if not _is_number(value):
        raise InvalidTypeError(f"`{name}` must be an integer, got {shown(value)}")
    if not isinstance(value, numbers.Integral) and not float(value).is_integer():
        raise InvalidParameterError(f"`{name}` must be an integer, got {shown(value)}")
    number = int(value)
    if at_least is not None and number < at_least:
        raise InvalidParameterError(f"`{name}` must be at least {at_least}, got {shown(number)}")
    if at_most is not None and number > at_most:
        raise InvalidParameterError(f"`{name}` must be at most {at_most}, got {shown(number)}")
    return number


def check_k(k: Any, most: int) -> int:
    """Return `k` as an int between 1 and `most`, or raise one error that says what to do."""
    number = check_integer(k, "k", at_least=1)
    if number > most:
        raise InvalidParameterError(f"`k` must be at most {most} for this many samples, got {shown(number)}; lower it")
    return number


def check_n_jobs(n_jobs: Any) -> int:
    """Return `n_jobs` if it is a non-zero integer (-1: all cores, -2: all but one, ...) or None (all cores)."""
    number = -1 if n_jobs is None else check_integer(n_jobs, "n_jobs", at_least=-MOST_JOBS, at_most=MOST_JOBS)
    if number == 0:
        raise InvalidParameterError("`n_jobs` must be positive or negative (-1: all cores), got 0")
    return number


def check_random_state(random_state: Any) -> np.random.RandomState:
    """Return a ``RandomState``; None draws a fresh one, an integer seeds one, a state or generator is used as it is."""
    if random_state is None:
        return np.random.RandomState()
    if isinstance(random_state, np.random.RandomState):
        return random_state
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(int(random_state.integers(2**32)))
    if random_state is np.random:
        return np.random.mtrand._rand
    return np.random.RandomState(check_integer(random_state, "random_state", at_least=0, at_most=2**32 - 1))
