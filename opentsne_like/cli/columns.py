"""What is read from files beyond arrays: tables with names of columns, columns with categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array


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


@dataclass(frozen=True)
class Categories:
    """The type of a column that can have some values only, in an order."""

    categories: list[Any]


@dataclass(frozen=True, eq=False)
class CategoricalColumn:
    """A column with categories, which labels are understood by as are those of a data frame.

    Attributes
    ----------
    codes : ndarray of shape (n,), integer
        Which category each row has, -1 for none.
    dtype : Categories
    """

    codes: Array
    dtype: Categories

    @classmethod
    def of(cls, codes: Array, categories: Sequence[Any]) -> CategoricalColumn:
        """Return the column of some codes."""
        return cls(codes, Categories(list(categories)))

    @property
    def shape(self) -> tuple[int]:
        """Number of rows."""
        return (len(self.codes),)

    @property
    def ndim(self) -> int:
        """One."""
        return 1

    def tolist(self) -> list[Any]:
        """Return the value of each row, None where there is none."""
        known = self.dtype.categories
        return [None if code < 0 else known[code] for code in self.codes.tolist()]
