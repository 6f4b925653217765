"""Reading tables and labels from files, with errors that say where in the file."""

from __future__ import annotations

import csv
import gzip
import math
import numbers
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError, StorageError

Array = np.ndarray[Any, Any]

_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
_SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


def read_table(path: str, name: str = "X") -> Any:
    r"""Return the numbers in a file.

    Parameters
    ----------
    path : str
        ``.npy``; ``.npz`` with the array ``X`` or else the first one, or a sparse matrix as SciPy saves it; ``.csv``
        or ``.tsv``, with or without a line of names, also gzipped; ``.parquet``.
    name : str
        How the argument is called.

    Returns
    -------
    ndarray or csr_matrix of shape (n, d)
        A ``.npy`` file is mapped, not read.

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
    >>> read_table("X.csv").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    suffix = _suffix(path, name)
    with _named_errors(path, name):
        if suffix == ".npy":
            return _read_npy(path)
        if suffix == ".npz":
            return _read_npz(path, "X")
        if suffix == ".parquet":
            return _numeric_columns(_read_parquet(path), path, name)
        return _read_delimited(path, name)


def read_label_file(path: str, n: int, name: str = "labels") -> Array:
    r"""Return one label per row.

    Parameters
    ----------
    path : str
        As for `read_table`, but of one column, which may be text; ``.npz`` with the array ``y`` or else the first one.
    n : int
        How many labels there must be. A text file with one line more begins with a name.
    name : str
        How the argument is called.

    Returns
    -------
    ndarray of shape (n,)

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
            labels = frame.iloc[:, 0].to_numpy() if frame.shape[1] == 1 else frame.to_numpy()
        else:
            labels = _label_column(path, n, name)
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
    except UnicodeDecodeError as error:
        raise StorageError(f"{what}: it is no text in UTF-8") from error
    except (OSError, ValueError, EOFError, KeyError, csv.Error, zipfile.BadZipFile) as error:
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


def _open_text(path: str) -> IO[str]:
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _delimiter(path: str) -> str:
    """Return the tabulator for .tsv, and for .csv the semicolon where the first line has no comma."""
    if ".tsv" in path.lower()[-7:]:
        return "\t"
    with _open_text(path) as file:
        first = file.readline()
    return ";" if ";" in first and "," not in first else ","


def _lines(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that is not empty, with the number of the line."""
    with _open_text(path) as file:
        reader = csv.reader(file, delimiter=_delimiter(path))
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _header(path: str, name: str) -> tuple[list[str] | None, int]:
    """Return the names in the first line, or None if it holds numbers already, and how many lines come before these.

    A line of names has only words, or words where the line below has none, or counts 0, 1, 2, ... as pandas does for
    columns without names. Words in both lines are a column of text, which the caller refuses.
    """
    lines = _lines(path)
    number, first = next(lines, (0, []))
    if not first:
        raise InvalidParameterError(f"`{name}` must hold numbers, got the empty file {path!r}")
    _, second = next(lines, (0, []))
    words = [i for i, cell in enumerate(first) if _is_word(cell)]
    if not words:
        counted = len(first) >= 3 and first == [str(i) for i in range(len(first))]
        return (first, number) if counted else (None, 0)
    only_words = len(words) == sum(bool(cell.strip()) for cell in first)
    words_below = any(i < len(second) and _is_word(second[i]) for i in words)
    return (first, number) if only_words or not words_below else (None, 0)


def _is_word(cell: str) -> bool:
    return not _is_number(cell) and cell.strip().lower() not in _MISSING


def _read_delimited(path: str, name: str) -> Array:
    header, skipped = _header(path, name)
    if header is not None and len(header) > 1 and not header[0].strip():
        raise InvalidParameterError(
            f"`{name}` {path!r} must hold features only, got column 1 without a name, which looks like names of rows; "
            f"remove it"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a file without numbers; the check below says it better
            table = np.loadtxt(
                path,
                delimiter=_delimiter(path),
                comments=None,
                quotechar='"',
                ndmin=2,
                skiprows=skipped,
                encoding="utf-8-sig",
            )
    except ValueError:
        _refuse_cell(path, name, header, skipped)
        raise
    if not table.size:
        raise InvalidParameterError(f"`{name}` must have at least one line of numbers, got none in {path!r}")
    if not np.isfinite(table).all() or (header is not None and len(header) != table.shape[1]):
        _refuse_cell(path, name, header, skipped)
    return table


def _refuse_cell(path: str, name: str, header: list[str] | None, skipped: int) -> None:
    """Raise an error about the first cell that is no finite number, or the first line of another length."""
    expected = None if header is None else len(header)
    for line, cells in _lines(path):
        if line <= skipped:
            continue
        expected = expected or len(cells)
        if len(cells) != expected:
            raise InvalidParameterError(
                f"`{name}` {path!r} must have {expected} cells in every line, got {len(cells)} in line {line}"
            )
        for column, cell in enumerate(cells):
            if _is_number(cell) and math.isfinite(float(cell)):
                continue
            title = f" ({header[column]!r})" if header is not None else ""
            where = f"column {column + 1}{title}, line {line}"
            if _is_word(cell):
                raise InvalidTypeError(
                    f"`{name}` {path!r} must hold numbers only, got {cell[:40]!r} in {where}; "
                    f"put labels into a file of their own"
                )
            raise InvalidParameterError(
                f"`{name}` {path!r} must be finite, got {cell!r} in {where}; remove or impute such values"
            )


def _label_column(path: str, n: int, name: str) -> Array:
    rows = list(_lines(path))
    wide = next(((line, cells) for line, cells in rows if len(cells) != 1), None)
    if wide is not None:
        raise InvalidParameterError(
            f"`{name}` {path!r} must have one column, got {len(wide[1])} cells in line {wide[0]}"
        )
    cells = [cells[0].strip() for _, cells in rows]
    if len(cells) == n + 1:
        cells = cells[1:]
    if all(_is_number(cell) or cell.lower() in _MISSING for cell in cells):
        numbers = np.array([np.nan if cell.lower() in _MISSING else float(cell) for cell in cells])
        whole = len(numbers) and np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
        return numbers.astype(np.int64) if whole and np.abs(numbers).max() < 2**53 else numbers
    return np.array([cell or None for cell in cells], dtype=object)


# --- parquet -------------------------------------------------------------------------------------


def _read_parquet(path: str) -> Any:
    need("pyarrow", "tables")
    pandas = need("pandas", "tables")
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    return pandas.read_parquet(path)


def _numeric_columns(frame: Any, path: str, name: str) -> Array:
    """Return the columns of a data frame as float64, missing values as NaN."""
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
    return np.column_stack(columns)
