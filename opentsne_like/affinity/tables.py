"""The data behind affinities, for what takes more of them than P."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..errors import UnavailableError


class Awaited(NamedTuple):
    """What is known of affinities before they are made, for those who ask for the data behind them.

    Attributes
    ----------
    data : ndarray or csr_matrix of shape (n, n_features), or None

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.affinity import Awaited, table_of
    >>> table_of(Awaited(np.eye(4)), "this takes the data").shape
    (4, 4)
    """

    data: Any

    @property
    def knn_index(self) -> Awaited:
        """Itself: all that is asked of an index are the data."""
        return self


def table_of(affinities: Any, why: str) -> Array:
    """Return the data of the points as a dense table, or say who takes them and that they are not there.

    Parameters
    ----------
    affinities : Affinities or None
    why : str
        The beginning of a sentence: who takes the data.

    Returns
    -------
    ndarray of shape (n, n_features), float32 or float64

    Raises
    ------
    UnavailableError
        A RuntimeError, if these affinities know no data, or data that are sparse.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.affinity import PrecomputedAffinities, Uniform, table_of
    >>> table_of(Uniform(np.eye(4), k_neighbors=2), "this takes the data").shape
    (4, 4)
    >>> table_of(PrecomputedAffinities([[0, 1], [1, 0]]), "this takes the data")
    Traceback (most recent call last):
    opentsne_like.errors.UnavailableError: this takes the data, which are not known here; make affinities from data...
    """
    data = getattr(getattr(affinities, "knn_index", None), "data", None)
    if data is None:
        raise UnavailableError(
            f"{why}, which are not known here; make affinities from data, give `fit` the data beside them, and store "
            "maps with their data"
        )
    if hasattr(data, "tocsr"):
        raise UnavailableError(f"{why}, as a dense table, got a sparse one; reduce its columns, by TruncatedSVD, say")
    return np.asarray(data)
