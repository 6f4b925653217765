"""Which of some rows are rows of a table, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import Rows
from ._sparse_space import canonical

BLOCK = 2**20  # numbers that are mixed at once


class KnownRows:
    """The rows of a table, to be found again by equality.

    Rows are equal where all their numbers are, 0.0 and -0.0 included; new ones are compared in the table's precision. A
    hash of 64 bits finds the candidate, and the numbers themselves decide. Sparse and dense rows can be equal.

    Parameters
    ----------
    table : ndarray, Rows or csr_matrix of shape (n, d), float32 or float64
        Kept, not copied.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import KnownRows
    >>> KnownRows(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])).find(np.array([[0.0, 3.0], [1.0, 2.0], [5.0, 5.0]]))
    array([ 1,  0, -1])
    """

    def __init__(self, table: Any) -> None:
        self.table = _as_rows(table, table.dtype)
        hashes = _hashes(self.table)
        self._hashes, self._first = np.unique(hashes, return_index=True)

    @property
    def n_different(self) -> int:
        """How many different rows there are, by their hashes."""
        return len(self._hashes)

    def find(self, rows: Any) -> Array:
        """Return the first row of the table that each of some rows is equal to, -1 where there is none.

        Parameters
        ----------
        rows : ndarray or csr_matrix of shape (m, d)

        Returns
        -------
        ndarray of shape (m,), int64
        """
        rows = _as_rows(rows, self.table.dtype)
        wanted = _hashes(rows)
        places = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        found = np.where(self._hashes[places] == wanted, self._first[places], -1)
        suspects = np.flatnonzero(found >= 0)
        found[suspects[~_equal(rows[suspects], self.table[found[suspects]])]] = -1
        return found


def _as_rows(table: Any, dtype: Any) -> Any:
    """Return rows in a precision; a number that is too large for it is infinite, and equal to none of the table's."""
    with np.errstate(over="ignore"):
        if hasattr(table, "tocsr"):
            return canonical(table.tocsr().astype(dtype, copy=False))
        return table if isinstance(table, Rows) and table.dtype == dtype else np.asarray(table, dtype=dtype)


def _hashes(rows: Any) -> Array:
    """Return a hash of each row: the sum, modulo 2^64, of mixed pairs of column and number, zeros left out."""
    m, d = rows.shape
    if hasattr(rows, "indptr"):
        sums = np.zeros(len(rows.data) + 1, np.uint64)
        np.cumsum(_mixed(rows.data, rows.indices.astype(np.uint64)), out=sums[1:])
        return np.asarray(sums[rows.indptr[1:]] - sums[rows.indptr[:-1]])
    hashes = np.empty(m, np.uint64)
    columns, step = np.arange(d, dtype=np.uint64), max(1, BLOCK // max(1, d))
    for low in range(0, m, step):
        block = rows[low : low + step]
        hashes[low : low + step] = _mixed(block, columns).sum(axis=1)
    return hashes


def _mixed(values: Array, columns: Array) -> Array:
    """Return 64 bits that depend on all bits of number and column, 0 for zeros.

    Odd steps apart, mixed by the finalizer of SplitMix64 (Steele, Lea & Flood, *Fast splittable pseudorandom number
    generators*, 2014).
    """
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    x = bits + (columns + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(np.where(values != 0, x ^ (x >> np.uint64(31)), np.uint64(0)))


def _equal(rows: Any, others: Any) -> Array:
    """Return which rows of two tables of one shape are equal."""
    sparse = [hasattr(table, "tocsr") for table in (rows, others)]
    if any(sparse):
        from scipy.sparse import csr_matrix

        differ = csr_matrix(rows) != csr_matrix(others)
        return np.asarray(np.diff(differ.tocsr().indptr) == 0)
    return np.asarray((rows == others).all(axis=1))
