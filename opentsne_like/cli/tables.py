"""Reading tables and labels from files, with errors that say where in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import InvalidParameterError, InvalidTypeError, StorageError
from . import delimited, h5ad, parquet
from .arrays import read_npy, read_npz
from .columns import NamedTable
from .locations import Location
from .text import BrokenTextError

__all__ = ["NamedTable", "read_label_file", "read_table"]


def silent(line: str) -> None:
    """Say nothing."""


def read_table(path: str, name: str = "X", *, index: bool = False, say: Callable[[str], Any] = silent) -> Any:
    r"""Return the numbers in a file.

    Parameters
    ----------
    path : str
        ``FILE`` or ``FILE:WHAT``. ``.npy``; ``.npz`` with the array that is named, or ``X``, or else the first one, or
        a sparse matrix as SciPy saves it; ``.csv`` (cells between commas or semicolons) or ``.tsv`` (tabs), with or
        without a line of names, in UTF-8, or in UTF-16 with its mark, also compressed: ``.csv.gz``, ``.bz2``, ``.xz``;
        ``.parquet``, where one column of vectors is the table; ``.h5ad`` with a matrix such as ``obsm/X_pca``. In any
        case of letters.
    name : str
        How the argument is called.
    index : bool
        Whether the first column holds names of rows, which are left out.
    say : callable
        Is told, in a line, what was chosen where the path leaves it open.

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
        pyarrow is needed for ``.parquet``, h5py for ``.h5ad``.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("X.csv").write_text("length,width\n1,2\n3,4\n")
    >>> table = read_table("X.csv")
    >>> table.columns, np.asarray(table).tolist()
    (('length', 'width'), [[1.0, 2.0], [3.0, 4.0]])
    >>> np.asarray(read_table("X.csv:width")).tolist()
    [[2.0], [4.0]]
    """
    place = Location.find(path, name)
    if index and place.suffix in (".npy", ".npz", ".h5ad"):
        raise InvalidParameterError(f"`--index` must come with text or Parquet, which have names of rows, got {path!r}")
    with _named_errors(place.path, name):
        if place.suffix == ".parquet":
            return parquet.numbers_of(place, index, say)
        if place.suffix == ".npy":
            table = read_npy(place)
        elif place.suffix == ".npz":
            table = read_npz(place, "X", say)
        elif place.suffix == ".h5ad":
            table = h5ad.read_matrix(place, say)
        else:
            return delimited.read_delimited(place, index)
    if table.ndim != 2:
        raise InvalidParameterError(
            f"`{name}` must be two-dimensional (samples, features), got shape {table.shape} in {str(place)!r}"
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
    ndarray of shape (n,), or a column of pyarrow or with categories
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
    >>> _ = Path("y.csv").write_text("species,year\nsetosa,1936\nvirginica,1935\n")
    >>> read_label_file("y.csv:species", 2).tolist()
    ['setosa', 'virginica']
    """
    place = Location.find(path, name)
    with _named_errors(place.path, name):
        if place.suffix == ".npy":
            labels = read_npy(place)
        elif place.suffix == ".npz":
            labels = read_npz(place, "y", silent)
        elif place.suffix == ".parquet":
            labels = parquet.label_column(place)
        elif place.suffix == ".h5ad":
            labels = h5ad.read_column(place)
        else:
            return delimited.read_labels(place, n)
    if isinstance(labels, np.ndarray) and labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "backslashreplace")
    shape = tuple(labels.shape) if hasattr(labels, "shape") else (len(labels),)
    if len(shape) == 2 and shape[1] == 1:
        labels, shape = np.asarray(labels)[:, 0], shape[:1]
    if shape != (n,):
        raise InvalidParameterError(
            f"`{name}` {str(place)!r} must hold one label for each of the {n} rows, got "
            f"{shape[0] if len(shape) == 1 else f'shape {shape}'}"
        )
    return labels


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
