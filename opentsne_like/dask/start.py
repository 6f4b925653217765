"""Starts of maps of rows in partitions, with the bits of those of one machine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._parallel import serial_blas
from .._types import Array
from .._validation import check_integer
from ..initialization.landmarks import BLOCK, LANDMARKS, among_landmarks, placed
from ..initialization.pca import ROWS, Around, Dense, add_products, start_of
from .cluster import gathered, mapped, sent
from .rows import PartitionedRows
from .search import JOBS
from .tasks import submitted


def pca(
    rows: PartitionedRows,
    n_components: int = 2,
    random_state: Any = None,
    verbose: bool = False,
    add_jitter: bool = True,
) -> Array:
    """Return the first principal components as a start, see `initialization.pca`.

    Parameters
    ----------
    rows : PartitionedRows
    n_components, random_state, verbose, add_jitter
        As there.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
    """
    k = check_integer(n_components, "n_components", at_least=1)

    def table() -> Dense:
        return _Partitioned(rows)

    return start_of(table, rows.shape[1], k, "auto", random_state, verbose=verbose, add_jitter=add_jitter)


def landmarks(
    rows: PartitionedRows,
    embed: Callable[[Any], Any],
    *,
    n_landmarks: int = LANDMARKS,
    k_neighbors: int = 10,
    method: Any = "auto",
    metric: str = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    knn_kwargs: Mapping[str, Any] | None = None,
    random_state: Any = None,
    verbose: bool = False,
    add_jitter: bool = True,
    n_jobs: int | None = -1,
) -> Array:
    """Return a start in which all points lie among landmarks, which are mapped here; see `initialization.multiscale`.

    Parameters
    ----------
    rows : PartitionedRows
    embed, n_landmarks, k_neighbors, method, metric, metric_params, knn_kwargs, random_state, verbose, add_jitter
        As there.
    n_jobs : int, optional
        Threads of this process.

    Returns
    -------
    float64 ndarray of shape (n_samples, n_components)
    """
    client = rows.client

    def take(some: Array) -> Array:
        chosen: Array = gathered(client, [rows.taken(some)])[0]
        return chosen

    def place(index: Any, Y: Array, k: int) -> Array:
        there = copy.copy(index)
        there.n_jobs = JOBS
        parts = mapped(client, _placed, rows.parts, index=sent(client, there), Y=sent(client, Y), k=k)
        return np.concatenate(gathered(client, parts))

    return among_landmarks(
        rows.shape[0],
        take,
        place,
        embed,
        n_landmarks=n_landmarks,
        k_neighbors=k_neighbors,
        search={"method": method, "metric": metric, "metric_params": metric_params, "knn_kwargs": knn_kwargs},
        random_state=random_state,
        verbose=verbose,
        add_jitter=add_jitter,
        n_jobs=n_jobs,
    )


class _Partitioned(Dense):
    """The sums of one machine, in the same blocks and added in the same order, over rows in partitions."""

    def __init__(self, rows: PartitionedRows) -> None:
        self._rows = rows
        super().__init__(rows.shape, rows.dtype)

    def _some(self, step: int) -> Array:
        chosen: Array = gathered(self._rows.client, [self._rows.taken(np.arange(0, self.shape[0], step))])[0]
        return chosen

    def _largest(self) -> float:
        return float(max(gathered(self._rows.client, mapped(self._rows.client, _magnitude, self._rows.parts))))

    def _products(self, basis: Array | None, groups: list[tuple[int, int]]) -> list[tuple[Array, Array]]:
        rows, running = self._rows, []
        step = -(-max(high - low for low, high in rows.spans) // ROWS) * ROWS
        for low, high in groups:
            sums = None
            for start in range(low, high, step):
                pieces = rows.sliced(start, min(start + step, high))
                sums = submitted(rows.client, _add, sums, pieces, self.around, basis)
            running.append(sums)
        return gathered(rows.client, running)

    def _along(self, axes: Array, chunks: list[tuple[int, int]]) -> Array:
        rows = self._rows
        inside = [[(a - low, b - low) for a, b in chunks if low <= a < high] for low, high in rows.spans]
        return np.concatenate(
            gathered(rows.client, mapped(rows.client, _projected, rows.parts, inside, axes=axes, around=self.around))
        )


def _add(
    before: tuple[Array, Array] | None, pieces: list[Array], around: Around, basis: Array | None
) -> tuple[Array, Array]:
    """Return the sums of the rows before, and of these."""
    rows = np.concatenate(pieces)
    d = rows.shape[1]
    if before is None:
        before = np.zeros((d, d if basis is None else basis.shape[1])), np.zeros(d)
    blocks = (around.rows(rows[low : low + ROWS]) for low in range(0, len(rows), ROWS))
    with serial_blas():
        return add_products(blocks, basis, before[0].copy(), before[1].copy())


def _projected(rows: Array, chunks: list[tuple[int, int]], axes: Array, around: Around) -> Array:
    """Return the products of the rows of a partition and some axes, float64."""
    scores = np.empty((len(rows), axes.shape[1]))
    with serial_blas():
        for low, high in chunks:
            scores[low:high] = around.along(axes, rows[low:high])
    return scores


def _magnitude(rows: Array) -> float:
    return float(np.abs(rows).max())


def _placed(rows: Array, index: Any, Y: Array, k: int) -> Array:
    """Return the places of the rows of a partition among the landmarks."""
    return np.concatenate([placed(index, Y, rows[low : low + BLOCK], k) for low in range(0, len(rows), BLOCK)])
