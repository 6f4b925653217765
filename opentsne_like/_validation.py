"""Checks at the door, with one message grammar: "`perplexity` must be positive, got -3"."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import InvalidParameterError, InvalidTypeError

MOST_JOBS = 2**15  # beyond any machine; libraries that a number of threads is handed on to refuse much more in riddles


def _shown(value: Any) -> str:
    """Return a short `repr`, so that a message stays one line whatever was passed."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # of more digits than Python writes
        text = f"an integer of {value.bit_length()} bits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def check_choice(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """Return `value` if it is one of `choices`."""
    if not any(value is c or (isinstance(value, str) and value == c) for c in choices):
        listed = ", ".join(repr(c) for c in choices)
        raise InvalidParameterError(f"`{name}` must be one of {listed}, got {_shown(value)}")
    return value


def check_flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, of Python or of numpy."""
    return bool(check_choice(bool(value) if isinstance(value, np.bool_) else value, name, (True, False)))


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
        raise InvalidTypeError(f"`{name}` must be a number, got {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond them all
        number = math.inf
    if not math.isfinite(number):
        raise InvalidParameterError(f"`{name}` must be finite, got {_shown(value)}")
    if above is not None and not number > above:
        word = "positive" if above == 0 else f"above {above:g}"
        raise InvalidParameterError(f"`{name}` must be {word}, got {_shown(value)}")
    if at_least is not None and not number >= at_least:
        raise InvalidParameterError(f"`{name}` must be at least {at_least:g}, got {_shown(value)}")
    if below is not None and not number < below:
        raise InvalidParameterError(f"`{name}` must be below {below:g}, got {_shown(value)}")
    if at_most is not None and not number <= at_most:
        raise InvalidParameterError(f"`{name}` must be at most {at_most:g}, got {_shown(value)}")
    return number


def check_integer(value: Any, name: str, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """Return `value` as an int within the stated bounds; floats with an integral value are accepted."""
    if not _is_number(value):
        raise InvalidTypeError(f"`{name}` must be an integer, got {_shown(value)}")
    if not isinstance(value, numbers.Integral) and not (math.isfinite(float(value)) and float(value).is_integer()):
        raise InvalidParameterError(f"`{name}` must be an integer, got {_shown(value)}")
    number = int(value)
    if at_least is not None and number < at_least:
        raise InvalidParameterError(f"`{name}` must be at least {at_least}, got {_shown(number)}")
    if at_most is not None and number > at_most:
        raise InvalidParameterError(f"`{name}` must be at most {at_most}, got {_shown(number)}")
    return number


def check_k(k: Any, most: int) -> int:
    """Return `k` as an int between 1 and `most`, or raise one error that says what to do."""
    number = check_integer(k, "k", at_least=1)
    if number > most:
        raise InvalidParameterError(f"`k` must be at most {most} for this many samples, got {number}; lower it")
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


def check_matrix(
    X: Any, name: str = "X", *, at_least_rows: int = 1, n_columns: int | None = None, accept_sparse: bool = False
) -> Any:
    """Return `X` as a finite two-dimensional array, or raise one error that says what is wrong.

    Lists, data frames, read-only, Fortran-ordered and memory-mapped arrays are accepted. float32 and float64 are kept,
    float16 becomes float32, integers and booleans become float64. Nothing is copied unless the type has to change.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    name : str
        How the caller calls it.
    at_least_rows : int
        The fewest rows that make sense.
    n_columns : int, optional
        The number of columns it must have.
    accept_sparse : bool
        Return CSR for sparse input instead of refusing it.

    Returns
    -------
    ndarray or csr_matrix of shape (n_samples, n_features), float32 or float64
    """
    if hasattr(X, "tocsr"):
        if not accept_sparse:
            raise InvalidTypeError(f"`{name}` must be a dense array, got a sparse matrix; pass {name}.toarray()")
        array = check_csr(X, name)
        array = array.astype(_float_type(array.dtype, name), copy=False)
    else:
        array = _dense(X, name)
    if array.ndim != 2:
        cure = f"; use {name}.reshape(-1, 1) for a single column, .reshape(1, -1) for a row" if array.ndim == 1 else ""
        raise InvalidParameterError(
            f"`{name}` must be two-dimensional (samples, features), got shape {array.shape}{cure}"
        )
    rows, columns = array.shape
    if rows < at_least_rows or columns < 1:
        noun = "row" if at_least_rows == 1 else "rows"
        raise InvalidParameterError(
            f"`{name}` must have at least {at_least_rows} {noun} and 1 column, got shape {array.shape}"
        )
    if n_columns is not None and columns != n_columns:
        raise InvalidParameterError(f"`{name}` must have {n_columns} columns, got shape {array.shape}")
    _check_finite(array, name)
    return array


def check_csr(X: Any, name: str) -> Any:
    """Return a sparse matrix as CSR whose index arrays fit together and lie in range, as compiled code requires."""
    try:
        kind = getattr(X, "format", None) if len(X.shape) == 2 else None
        if kind in ("csr", "csc"):
            used = int(X.indptr[-1])  # there may be more room than entries
            check_csr_parts(X.data[:used], X.indices[:used], X.indptr, X.shape[:: 1 if kind == "csr" else -1], name)
        if hasattr(X, "check_format"):
            X.check_format(full_check=True)
        elif kind == "coo":
            for places, size in zip((X.row, X.col), X.shape, strict=True):
                if len(places) and not 0 <= places.min() <= places.max() < size:
                    raise ValueError(f"coordinates must lie in 0..{size - 1}")
        return X.tocsr()
    except (ValueError, TypeError, IndexError) as error:
        raise InvalidParameterError(f"`{name}` must be a consistent sparse matrix, got one with: {error}") from error


def check_csr_parts(data: Any, indices: Any, indptr: Any, shape: Any, name: str) -> tuple[int, int]:
    """Return the shape of a CSR matrix as two ints if its parts fit together, as compiled code requires.

    SciPy's own check looks at neither index array where `indptr` ends in zero, and its loops follow what they hold.

    Parameters
    ----------
    data : ndarray of shape (n_entries,)
    indices : ndarray of shape (n_entries,), integer
    indptr : ndarray of shape (n_rows + 1,), integer
    shape : two integers
    name : str
        How the caller calls the matrix.

    Raises
    ------
    InvalidParameterError
    """
    size = np.asarray(shape)
    if size.shape != (2,) or size.dtype.kind not in "iu" or size.min() < 0:
        raise InvalidParameterError(f"`{name}` must have a shape of two whole numbers, got {_shown(shape)}")
    rows, columns = (int(number) for number in size)
    for part, array, kinds in (("data", data, "biufc"), ("indices", indices, "iu"), ("indptr", indptr, "iu")):
        if array.ndim != 1 or array.dtype.kind not in kinds:
            noun = "numbers" if part == "data" else "integers"
            raise InvalidParameterError(
                f"`{name}` must have a flat `{part}` of {noun}, got {array.dtype} of shape {array.shape}"
            )
    ends, entries = indptr[[0, -1]].tolist() if len(indptr) else (), len(indices)
    if len(indptr) != rows + 1 or ends != [0, entries] or len(data) != entries:
        raise InvalidParameterError(
            f"`{name}` must have an `indptr` of {rows + 1} numbers from 0 to the {entries} of its indices, got "
            f"{len(indptr)} with ends {ends} for {len(data)} values"
        )
    if np.any(indptr[1:] < indptr[:-1]):  # a comparison cannot overflow as a difference does
        raise InvalidParameterError(f"`{name}` must have an `indptr` that never falls, got one that does")
    if entries and not 0 <= indices.min() <= indices.max() < columns:
        raise InvalidParameterError(
            f"`{name}` must have column indices from 0 to {columns - 1}, got {indices.min()} to {indices.max()}"
        )
    return rows, columns


def _float_type(dtype: np.dtype[Any], name: str) -> type:
    """Return the floating type that numbers of `dtype` are worked with in."""
    if dtype.kind in "biu":
        return np.float64
    if dtype.kind != "f":
        raise InvalidTypeError(f"`{name}` must be numeric, got dtype {dtype}")
    return np.float64 if dtype.itemsize >= 8 else np.float32


def _dense(X: Any, name: str) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise InvalidParameterError(
            f"`{name}` must be a rectangular table of numbers, got rows of different length"
        ) from error
    if array.dtype.kind == "O":  # data frames with mixed numeric columns arrive as objects
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(f"`{name}` must be numeric, got dtype object") from error
    return array.astype(_float_type(array.dtype, name), copy=False)


def _check_finite(array: Any, name: str) -> None:
    """Refuse NaN and infinity, block by block so that a memory-mapped array is never copied whole."""
    sparse = hasattr(array, "tocsr")
    values = array.data if sparse else array
    rows = max(1, 2**22 // max(1, values[:1].size))
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        if not np.isfinite(block).all():
            bad = np.argwhere(~np.isfinite(block))[0]
            first = int(start + bad[0])
            row = int(np.searchsorted(array.indptr, first, side="right")) - 1 if sparse else first
            column = array.indices[first] if sparse else bad[1]
            raise InvalidParameterError(
                f"`{name}` must be finite, got {block[tuple(bad)]} in row {row}, column {column}; "
                "remove or impute such values"
            )
