"""What users call a table, as arrays of numbers: one way in for lists, frames, masked, sparse and foreign arrays."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError, InvalidTypeError
from .frames import column_names, column_order
from .rows import Chunked, Rows, as_rows, chunked, float_type
from .scalars import shown

_CURE = "remove or impute such values"


def check_matrix(
    X: Any,
    name: str = "X",
    *,
    at_least_rows: int = 1,
    n_columns: int | None = None,
    columns: Sequence[str | int] | None = None,
    accept_sparse: bool = False,
    first_row: int = 0,
) -> Any:
    """Return `X` as a finite two-dimensional array, or raise one error that says what is wrong.

    Lists, data frames, read-only, Fortran-ordered and memory-mapped arrays are accepted. float32 and float64 are kept,
    float16 becomes float32, integers and booleans become float64. Nothing is copied unless the type has to change.
    Masked values and the missing values of data frames are refused as NaN is.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    name : str
        How the caller calls it.
    at_least_rows : int
        The fewest rows that make sense.
    n_columns : int, optional
        The number of columns it must have.
    columns : sequence of str and int, optional
        Names of the columns it must have; those of a data frame are put in this order, others taken by position.
    accept_sparse : bool
        Return CSR for sparse input instead of refusing it.
    first_row : int
        The number of the first row in messages, where `X` is a part of something larger.

    Returns
    -------
    ndarray or csr_matrix of shape (n_samples, n_features), float32 or float64
    """
    array = _kept_or_converted(X, name, accept_sparse)
    _check_shape(array.shape, name, at_least_rows)
    names, order = column_names(X), column_order(X, columns, name)
    if n_columns is not None and array.shape[1] != n_columns:
        raise InvalidParameterError(f"`{name}` must have {n_columns} columns, got shape {array.shape}")
    _check_finite(array, name, names if names and len(names) == array.shape[1] else None, first_row)
    return array if order is None else array[:, order]


def check_rows(X: Any, name: str = "X", *, at_least_rows: int = 1, columns: Sequence[str | int] | None = None) -> Any:
    """Return `X` as `check_matrix` does, but never as a copy of a large table: its rows become floats as they are read.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Also a dataset of h5py or an array of zarr or dask, which goes to a temporary file, chunk by chunk, so that any
        row can be looked at.
    name, at_least_rows, columns
        As in `check_matrix`.

    Returns
    -------
    ndarray, csr_matrix or Rows of shape (n_samples, n_features), float32 or float64
        Arrays are in C order.
    """
    table = _plain_table(X, name)
    if table is None:
        array = check_matrix(X, name, at_least_rows=at_least_rows, columns=columns, accept_sparse=True)
        return array if hasattr(array, "tocsr") else np.ascontiguousarray(array)
    _check_shape(table.shape, name, at_least_rows)
    rows = as_rows(table, name)
    _check_finite(rows, name, None, 0)
    return rows


def as_table(
    X: Any,
    name: str = "X",
    *,
    at_least_rows: int = 1,
    columns: Sequence[str | int] | None = None,
    in_slices: bool = False,
) -> Any:
    """Return `X` as something whose rows can be taken block by block; the values of plain arrays are not looked at.

    Memory-mapped and sparse data are so read where they are used. All else is checked and made an array here.

    Parameters
    ----------
    X, name, at_least_rows, columns
        As in `check_matrix`.
    in_slices : bool
        Whether rows are taken by slices alone, so that a table in chunks can be left where it is.

    Returns
    -------
    ndarray, Rows or csr_matrix of shape (n_samples, n_features)
    """
    table = check_csr(X, name) if hasattr(X, "tocsr") else _plain_table(X, name)
    if table is None:
        return check_matrix(X, name, at_least_rows=at_least_rows, columns=columns)
    _check_shape(table.shape, name, at_least_rows)
    if not isinstance(table, Chunked):
        return table
    return Rows(table, float_type(table.dtype, name)) if in_slices else as_rows(table, name)


def _plain_table(X: Any, name: str) -> Any:
    """Return numbers that nothing has to be asked of but their values, as an array or in chunks; None for all else."""
    if isinstance(X, Rows):
        return X.source
    if isinstance(X, np.ndarray) and not isinstance(X, np.ma.MaskedArray) and X.dtype.kind in "biuf":
        return np.asarray(X)
    return chunked(X, name)


def _kept_or_converted(X: Any, name: str, accept_sparse: bool) -> Any:
    """Return an array or CSR matrix of float32 or float64, copied only where the type has to change."""
    if not hasattr(X, "tocsr"):
        array = as_array(X, name)
    elif accept_sparse:
        array = check_csr(X, name)
    else:
        raise InvalidTypeError(f"`{name}` must be a dense array, got a sparse matrix; pass {name}.toarray()")
    with np.errstate(over="ignore"):  # of types that are wider than ours; infinity is refused below
        return array.astype(float_type(array.dtype, name), copy=False)


def _check_shape(shape: tuple[int, ...], name: str, at_least_rows: int) -> None:
    """Refuse what is no table, or too small a one."""
    if len(shape) != 2:
        cure = f"; use {name}.reshape(-1, 1) for a single column, .reshape(1, -1) for a row" if len(shape) == 1 else ""
        raise InvalidParameterError(f"`{name}` must be two-dimensional (samples, features), got shape {shape}{cure}")
    rows, width = shape
    if rows < at_least_rows or width < 1:
        noun = "row" if at_least_rows == 1 else "rows"
        raise InvalidParameterError(
            f"`{name}` must have at least {at_least_rows} {noun} and 1 column, got shape {shape}"
        )


def check_csr(X: Any, name: str) -> Any:
    """Return a sparse matrix as CSR whose index arrays fit together and lie in range, as compiled code requires.

    Indices of 64 bits become 32 where that is enough, because not every library knows others.
    """
    from scipy.sparse import csr_matrix

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
        csr = X.tocsr()
    except (ValueError, TypeError, IndexError) as error:
        raise InvalidParameterError(f"`{name}` must be a consistent sparse matrix, got one with: {error}") from error
    if csr.ndim != 2:
        return csr
    most = np.iinfo(np.int32).max
    wide = csr.indices.dtype != np.int32 or csr.indptr.dtype != np.int32
    if wide and max(*csr.shape, csr.nnz) <= most:
        parts = (csr.data, csr.indices.astype(np.int32), csr.indptr.astype(np.int32))
        return csr_matrix(parts, shape=csr.shape)
    return csr


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
        raise InvalidParameterError(f"`{name}` must have a shape of two whole numbers, got {shown(shape)}")
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


def as_array(X: Any, name: str) -> Array:
    """Return what a user calls an array as a plain array of numbers of any shape, or say what it is instead.

    Parameters
    ----------
    X : array-like
        A list of masked arrays, or rows as objects, are put together as well.
    name : str
        How the caller calls it.

    Returns
    -------
    ndarray of booleans, integers or floats

    Raises
    ------
    InvalidParameterError
        Rows of different length; a masked or missing value, with its row and column.
    InvalidTypeError
        Something that is no number, with its row and column.
    """
    if hasattr(X, "obsm"):
        raise InvalidTypeError(
            f"`{name}` must be an array of numbers, got {_article(X)}; pass it to opentsne_like.anndata.tsne, "
            f"or one of its arrays, such as {name}.obsm['X_pca']"
        )
    if isinstance(X, (list, tuple)) and any(isinstance(row, np.ma.MaskedArray) for row in X):
        X = _converted(X, name, np.ma.array)
    if isinstance(X, np.ma.MaskedArray):
        _check_mask(X, name)
        X = X.data
    array: Array = _converted(X, name, np.asarray)
    if array.dtype.kind in "OSU":
        if array.ndim == 0:
            what = shown(X) if X is None or isinstance(X, (str, bytes, int)) else _article(X)
            raise InvalidTypeError(f"`{name}` must be an array of numbers, got {what}{_collected(X, name)}")
        array = _from_objects(array.astype(object), name, column_names(X))
    if array.dtype.kind == "V" and array.dtype.names:
        raise InvalidTypeError(
            f"`{name}` must be numeric, got records with the fields {', '.join(array.dtype.names)}; use "
            "numpy.lib.recfunctions.structured_to_unstructured"
        )
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"`{name}` must be numeric, got dtype {array.dtype}")
    return array


def is_missing(value: Any) -> bool:
    """Say whether a cell is what some library calls missing: None, NaN, NaT, NA or a masked value."""
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (numbers.Real, Decimal)) and value != value


def _converted(X: Any, name: str, convert: Any) -> Any:
    """Return what NumPy makes of `X`, whatever goes wrong in the class of another library."""
    try:
        return convert(X)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, ValueError) and isinstance(X, (list, tuple)):
            raise InvalidParameterError(
                f"`{name}` must be a rectangular table of numbers, got rows of different length"
            ) from error
        said = " ".join(str(error).split())[:150]
        raise InvalidTypeError(
            f"`{name}` must be an array of numbers, got {_article(X)} that NumPy cannot read: {said}"
        ) from error


def _article(X: Any) -> str:
    """Return the class of `X` with an article."""
    kind = type(X).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def _collected(X: Any, name: str) -> str:
    """Return the advice to let something lazy be computed."""
    way = next((way for way in ("collect", "compute") if callable(getattr(X, way, None))), None)
    return f"; pass {name}.{way}()" if way else ""


def _check_mask(X: Any, name: str) -> None:
    if np.ma.is_masked(X):
        place = np.argwhere(np.ma.getmaskarray(X))[0]
        raise InvalidParameterError(f"`{name}` must be finite, got a masked value {_at(place)}; {_CURE}")


def _at(place: Any, columns: Any = None, first_row: int = 0) -> str:
    """Return a place in an array of any shape in words."""
    row, *rest = (int(p) for p in place)
    named = [shown(columns[rest[0]])] if columns is not None and len(rest) == 1 else [str(p) for p in rest]
    return ", ".join([f"in row {first_row + row}", *(f"column {column}" for column in named)])


def _from_objects(array: Array, name: str, columns: Any) -> Array:
    """Return an array of objects as numbers, or name the first that is none."""
    kinds = set(map(type, array.flat))
    if array.shape[1:] in ((), (1,)) and kinds and all(issubclass(kind, (list, tuple, np.ndarray)) for kind in kinds):
        return as_array(list(array.flat), name)  # a column of vectors
    number = (numbers.Real, Decimal, np.bool_)
    if all(issubclass(kind, number) for kind in kinds):
        whole = all(issubclass(kind, numbers.Integral) for kind in kinds)
        try:
            return array.astype(np.int64 if whole else np.float64)
        except OverflowError:
            pass
    out = np.empty(array.shape)
    for place, value in np.ndenumerate(array):
        out[place] = _as_number(value, name, _at(place, columns))
    return out


def _as_number(value: Any, name: str, where: str) -> float:
    """Return one object as a float, or say what it is and where."""
    if is_missing(value) and not isinstance(value, float):
        raise InvalidParameterError(f"`{name}` must be finite, got a missing value {where}; {_CURE}")
    if isinstance(value, (str, bytes)):
        raise InvalidTypeError(
            f"`{name}` must be numeric, got the text {shown(value)} {where}; leave it out or encode it"
        )
    try:
        return float(value)
    except OverflowError:
        raise InvalidParameterError(
            f"`{name}` must be finite, got {shown(value)} {where}, which no float can hold"
        ) from None
    except Exception as error:
        raise InvalidTypeError(f"`{name}` must be numeric, got {shown(value)} {where}") from error


def _check_finite(array: Any, name: str, columns: Any, first_row: int) -> None:
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
            place = (row, array.indices[first] if sparse else bad[1])
            raise InvalidParameterError(
                f"`{name}` must be finite, got {block[tuple(bad)]} {_at(place, columns, first_row)}; {_CURE}"
            )
