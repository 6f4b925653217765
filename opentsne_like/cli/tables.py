"""Reading tables and labels from files, with errors that say where in the file."""

from __future__ import annotations

import numbers
import os
import warnings
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from .._validation import as_array
from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError, StorageError
from .headers import find_header, refuse_nameless
from .labels import label_column
from .refusals import refuse_line
from .text import SUFFIXES, BrokenTextError, Text, floats

_SUFFIXES = (".npy", ".npz", *SUFFIXES, ".parquet")


@dataclass(frozen=True, eq=False)
class NamedTable:
    """Numbers with the names of their columns, which the library finds as it finds those of a data frame.

    Attributes
    ----------
    values : ndarray of shape (n, d)
    columns : tuple of str
    """

    values: Array
    columns: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        rows, columns = self.values.shape
        return rows, columns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the numbers."""
        return np.array(self.values, dtype=dtype, copy=copy)


def read_table(path: str, name: str = "X") -> Any:
    r"""Return the numbers in a file.

    Parameters
    ----------
    path : str
        ``.npy``; ``.npz`` with the array ``X`` or else the first one, or a sparse matrix as SciPy saves it; ``.csv``
        (cells between commas or semicolons) or ``.tsv`` (tabs), with or without a line of names, in UTF-8, or in UTF-16
        with its mark, also compressed: ``.csv.gz``, ``.bz2``, ``.xz``; ``.parquet``. In any case of letters.
    name : str
        How the argument is called.

    Returns
    -------
    ndarray, csr_matrix or NamedTable of shape (n, d)
        A ``.npy`` file is mapped, not read. A table with a line of names, and ``.parquet``, keep the names.

    Raises
    ------
    StorageError
        The file is missing, truncated or of another kind.
    InvalidParameterError, InvalidTypeError
        It holds something else than numbers; the message names column and line.
    MissingDependencyError
        pandas and pyarrow are needed for ``.parquet``.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("X.csv").write_text("length,width\n1,2\n3,4\n")
    >>> table = read_table("X.csv")
    >>> table.columns, np.asarray(table).tolist()
    (('length', 'width'), [[1.0, 2.0], [3.0, 4.0]])
    """
    suffix = _suffix(path, name)
    with _named_errors(path, name):
        if suffix == ".parquet":
            return _numeric_columns(_read_parquet(path), path, name)
        if suffix not in (".npy", ".npz"):
            return _read_delimited(Text.find(path, suffix), name)
        table = _read_npy(path) if suffix == ".npy" else _read_npz(path, "X")
    if table.ndim != 2:
        raise InvalidParameterError(
            f"`{name}` must be two-dimensional (samples, features), got shape {table.shape} in {path!r}"
        )
    return table


def read_label_file(path: str, n: int, name: str = "labels") -> Any:
    r"""Return one label per row.

    Parameters
    ----------
    path : str
        As for `read_table`, but of one column, which may be text; ``.npz`` with the array ``y`` or else the first one.
    n : int
        How many labels there must be.
    name : str
        How the argument is called.

    Returns
    -------
    ndarray of shape (n,), or Series from parquet
        From text: integers and floats where these are written no differently, so that "01" and "1", and "1.10" and
        "1.1", stay two labels; else text. Missing labels are NaN or None: lines of blanks, except at the very end, and
        what pandas and R write, such as NA.

    Raises
    ------
    StorageError, InvalidParameterError, InvalidTypeError, MissingDependencyError
        As `read_table`.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("y.csv").write_text("species\nsetosa\nvirginica\n")
    >>> read_label_file("y.csv", 2).tolist()
    ['setosa', 'virginica']
    """
    suffix = _suffix(path, name)
    with _named_errors(path, name):
        if suffix == ".npy":
            labels = np.asarray(_read_npy(path))
        elif suffix == ".npz":
            labels = _read_npz(path, "y")
        elif suffix == ".parquet":
            frame = _read_parquet(path)
            labels = frame.iloc[:, 0] if frame.shape[1] == 1 else frame
        else:
            return label_column(Text.find(path, suffix), n, name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (n,):
        raise InvalidParameterError(
            f"`{name}` {path!r} must hold one label for each of the {n} rows, got shape {tuple(labels.shape)}"
        )
    return labels


def _suffix(path: str, name: str) -> str:
    lower = path.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix):
            return suffix
    raise InvalidParameterError(f"`{name}` must end in .npy, .npz, .csv, .tsv or .parquet, got {path!r}")


@contextmanager
def _named_errors(path: str, name: str) -> Iterator[None]:
    """Turn what libraries raise about a file into one error that names it."""
    what = f"`{name}` {path!r} cannot be read"
    try:
        yield
    except (StorageError, InvalidParameterError, InvalidTypeError, ImportError):
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{what}: there is no such file") from error
    except BrokenTextError as error:
        raise StorageError(f"{what}: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # libraries raise all kinds about files that are broken
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageError(f"{what}: {reason or 'it is truncated, of another kind or holds Python objects'}") from error


# --- NumPy ---------------------------------------------------------------------------------------


def _read_npy(path: str) -> Array:
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except ValueError:  # empty, of Python objects or broken: reading says which
        with open(path, "rb") as file:
            return np.asarray(np.load(file, allow_pickle=False))


def _read_npz(path: str, preferred: str) -> Any:
    with open(path, "rb") as file, zipfile.ZipFile(file):  # NumPy leaves a file that is none open
        pass
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        if {"format", "data", "shape"} <= set(names):
            from scipy import sparse

            return sparse.load_npz(path).tocsr()
        if "header" in names and b'"opentsne_like"' in np.asarray(archive["header"]).tobytes()[:64]:
            raise StorageError(f"{path!r} is a map of opentsne-like, not a table; pass the data")
        if not names:
            raise ValueError("it holds no array")
        return archive[preferred if preferred in names else names[0]]


# --- text ----------------------------------------------------------------------------------------


def _read_delimited(text: Text, name: str) -> Array | NamedTable:
    header, skipped = find_header(text)
    if header is not None:
        refuse_nameless(header, text.path, name)
    table = _read_plain(text, skipped)
    if table is None or (header is not None and len(header) != table.shape[1]):
        table = _read_line_by_line(text, name, header, skipped)
    return table if header is None else NamedTable(table, tuple(title.strip() for title in header))


def _read_plain(text: Text, skipped: int) -> Array | None:
    """Return the numbers of a table without a quote or a flaw, or None, twice as fast as line by line.

    NumPy's reader passes over lines of blanks, which in a single column are missing values.
    """
    try:
        with text.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a file without numbers
            table = np.loadtxt(file, delimiter=text.separator, comments=None, ndmin=2, skiprows=skipped)
    except ValueError:
        return None
    return table if table.shape[1] > 1 and np.isfinite(table).all() else None


def _read_line_by_line(text: Text, name: str, header: list[str] | None, skipped: int) -> Array:
    columns = None if header is None else len(header)
    values = array("d")
    gap = 0
    for line, cells in text.lines():
        if line <= skipped:
            continue
        if not cells:
            gap = gap or line
            continue
        columns = columns or len(cells)
        if gap and columns == 1:  # a missing value, except at the end
            refuse_line(text, name, header, 1, gap, [""])
        row = floats(cells)
        if row is None or len(row) != columns:
            refuse_line(text, name, header, columns, line, cells)
        values.extend(row)
    if not values:
        got = f"none in {text.path!r}" if header else f"the empty file {text.path!r}"
        raise InvalidParameterError(f"`{name}` must have at least one line of numbers, got {got}")
    return np.frombuffer(values).reshape(-1, columns or 1)


# --- parquet -------------------------------------------------------------------------------------


def _read_parquet(path: str) -> Any:
    need("pyarrow", "tables")
    pandas = need("pandas", "tables")
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    return pandas.read_parquet(path)


def _numeric_columns(frame: Any, path: str, name: str) -> Array | NamedTable:
    """Return the columns of a data frame as float64, missing values as NaN, or its one column of vectors."""
    if frame.shape[1] == 1 and len(frame) and all(isinstance(vector, np.ndarray) for vector in frame.iloc[:, 0]):
        return as_array(frame.iloc[:, 0], name)
    titles = tuple(str(title) for title in frame.columns)
    refuse_nameless(list(titles), path, name)
    columns = []
    for i, title in enumerate(frame.columns):
        column = frame.iloc[:, i]
        if getattr(column.dtype, "kind", "O") not in "biuf":
            row, value = next(((r, v) for r, v in enumerate(column, 1) if not isinstance(v, numbers.Real)), (1, "text"))
            raise InvalidTypeError(
                f"`{name}` {path!r} must hold numbers only, got {str(value)[:40]!r} in column {i + 1} ({title!r}), "
                f"row {row}; put labels into a file of their own"
            )
        columns.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if not columns or not len(frame):
        raise InvalidParameterError(f"`{name}` must have at least one row of numbers, got none in {path!r}")
    return NamedTable(np.column_stack(columns), titles)
