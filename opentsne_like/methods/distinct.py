"""Equal rows: one point on the map for all of them."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from .._types import Array
from ..affinity import matrix_of
from ..embedding import Embedding, PlacedEmbedding
from ..errors import InvalidParameterError
from ..nearest_neighbors import KnownRows


class DistinctRows(NamedTuple):
    """Which rows of a table differ.

    Attributes
    ----------
    first : ndarray of shape (u,), int64
        The first row of each kind, in the order of the table.
    kind : ndarray of shape (n,), int64
        Which of these each row is equal to.

    Examples
    --------
    >>> from opentsne_like.methods import DistinctRows
    >>> found = DistinctRows.of(np.array([[1.0], [2.0], [1.0]]))
    >>> found.first.tolist(), found.kind.tolist()
    ([0, 1], [0, 1, 0])
    """

    first: Array
    kind: Array

    @classmethod
    def of(cls, table: Any) -> DistinctRows:
        """Return which rows differ, number for number.

        Parameters
        ----------
        table : ndarray or csr_matrix of shape (n, d)

        Raises
        ------
        InvalidParameterError
            If all are equal.
        """
        floats = table if table.dtype in (np.float32, np.float64) else table.astype(np.float64)
        equal = KnownRows(floats).find(floats)
        equal = np.where(equal < 0, np.arange(len(equal)), equal)  # two rows of one hash
        first, kind = np.unique(equal, return_inverse=True)
        if len(first) < 2:
            raise InvalidParameterError(
                f"`X` must have at least 2 different rows to process duplicates, got {len(equal)} equal ones"
            )
        return cls(first, kind)


def at_equal_places(embedding: Embedding, kind: Array) -> PlacedEmbedding:
    """Return all rows on the map of the different ones: each has the place of the one that it is equal to.

    Parameters
    ----------
    embedding : Embedding of shape (u, d)
        Of the different rows.
    kind : ndarray of shape (n,)
        Which of them each row is equal to.

    Returns
    -------
    PlacedEmbedding of shape (n, d)
        With the affinities of each row to the points of the map, which sum to 1.

    Examples
    --------
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.methods import at_equal_places
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> Y = TSNE(perplexity=10, n_iter=10, early_exaggeration_iter=10, random_state=0).fit(X)
    >>> at_equal_places(Y, np.array([0, 3, 3])).tolist() == Y[[0, 3, 3]].tolist()
    True
    """
    from scipy import sparse

    P = matrix_of(embedding.affinities)
    sums = np.asarray(P.sum(axis=1)).ravel()
    rows = sparse.diags(1.0 / np.where(sums > 0.0, sums, 1.0)) @ P
    placed: Any = embedding.placed_class
    start, rows = np.asarray(embedding)[kind], sparse.csr_matrix(rows[kind])
    return cast(PlacedEmbedding, placed.on(start, embedding, rows, embedding.settings.inherited()))
