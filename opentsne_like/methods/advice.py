"""What is worth a word about data before they are mapped: it works, and seldom makes the map that was meant."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import advise
from ..errors import (
    ColumnRangesWarning,
    DuplicatesWarning,
    LearningRateWarning,
    ManyColumnsWarning,
    RawCountsWarning,
)
from ..nearest_neighbors import KnownRows

_SOME_ROWS = 1_000  # that are looked at
_FEWEST = 500  # rows, below which nothing is said
_TAIL = 30  # times the mean count: where the largest of raw counts is; that of pixels is at 2 to 4
_ZEROS = 0.2  # share of counts that are 0 at least
_RANGE = 100  # standard deviations of the median column in the largest
_COLUMNS, _ROWS = 200, 5_000  # from which on a search in all columns costs more than components
_ALIKE = 0.25  # share of rows that are equal to an earlier one
_TELLING = 16  # columns that are looked at first
_FAR = 30  # factor between a learning rate and the one by size and exaggeration


def advise_on_data(X: Any, metric: Any) -> None:
    """Look at some rows of the data, and at all for duplicates.

    Parameters
    ----------
    X : ndarray, Rows or csr_matrix of shape (n, d)
        Checked.
    metric : object
        By which rows are compared; ranges of columns matter to distances, not to all similarities.
    """
    n, d = X.shape
    if n < _FEWEST:
        return
    euclidean = metric == "euclidean"
    rows = X[np.unique(np.linspace(0, n - 1, min(n, _SOME_ROWS)).astype(np.int64))]
    some = np.asarray(rows.toarray() if hasattr(rows, "tocsr") else rows, dtype=np.float64)
    if euclidean and _are_counts(some):
        advise(
            RawCountsWarning,
            f"`X` looks like raw counts, from 0 to {some.max():g} with a mean of {some.mean():.2g}: the largest decide "
            "alone; divide rows by their sums and take logarithms, as scanpy.pp.normalize_total and log1p do",
        )
    elif euclidean and not hasattr(X, "tocsr"):
        _advise_on_ranges(some)
    if d > _COLUMNS and n >= _ROWS and euclidean:
        advise(
            ManyColumnsWarning,
            f"`X` has {d} columns: some 50 principal components are faster and have less noise, as by "
            "sklearn.decomposition.PCA or TruncatedSVD",
        )
    different = _different_rows(X, some, enough=(1 - _ALIKE) * n)
    if different < (1 - _ALIKE) * n:
        advise(
            DuplicatesWarning,
            f"`X` has {different} different rows among {n}: the neighbours of equal ones are each other; map the rows "
            "of numpy.unique(X, axis=0, return_inverse=True) and give all others their places",
        )


def advise_on_rate(rate: float, auto: float, n: int) -> None:
    """Compare a learning rate with that of "auto".

    Parameters
    ----------
    rate : float
    auto : float
    n : int
        Number of points.
    """
    if n < 2 * _FEWEST or auto / _FAR <= rate <= auto * _FAR:
        return
    fate = "the map stays small and unfinished" if rate < auto else "points are thrown far out"
    advise(
        LearningRateWarning,
        f"`learning_rate` {rate:g} is far from {auto:.3g}, which suits {n} points: {fate}; leave it at 'auto'",
    )


def _different_rows(X: Any, some: Array, enough: float) -> int:
    """Return how many different rows there are, or fewer where a few columns tell enough of them apart."""
    widest = np.sort(np.argsort(some.std(axis=0))[-_TELLING:])
    different = KnownRows(X[:, widest]).n_different
    return different if different >= enough else KnownRows(X).n_different


def _are_counts(some: Array) -> bool:
    """Say whether numbers are whole, not negative, often 0, and a few of them very large."""
    if some.min() < 0 or not np.array_equal(some, np.round(some)):
        return False
    return bool((some == 0).mean() >= _ZEROS and some.max() >= _TAIL * max(some.mean(), 1e-30) and some.max() > _TAIL)


def _advise_on_ranges(some: Array) -> None:
    """Compare the spreads of columns; components, which come in descending order, may have what spreads they have."""
    spreads = some.std(axis=0)
    spreads = spreads[spreads > 0]
    if len(spreads) < 2 or (np.diff(spreads) <= 0).all():
        return
    if spreads.max() > _RANGE * np.median(spreads):
        advise(
            ColumnRangesWarning,
            f"`X` has columns of very different ranges, with standard deviations from {spreads.min():.2g} to "
            f"{spreads.max():.2g}: the widest decide alone; scale them, as sklearn.preprocessing.StandardScaler does",
        )
