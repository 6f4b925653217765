"""The search of an inverted file in tasks, each for the rows of some cells and with the rows that they look at.

A neighbour is decided by its distance in double precision and its number. So what is found depends on where rows are at
home and in which cells they look, and not on which other rows are at hand: a task has those of the cells that its rows
look in, in the order of all rows, and finds what a search of all rows finds.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..nearest_neighbors import _exact_search as exact_search
from ..nearest_neighbors._cells import Cells
from ..nearest_neighbors._lists import Lists, Quantizer
from ..nearest_neighbors._prefilter import Frame, Prefilter, frame_of
from ..nearest_neighbors._space import COSINE, KINDS, Space, column_extremes, first_by_distance

JOBS = 1  # a worker has as many tasks at a time as it has threads


class Piece(NamedTuple):
    """Some rows of a partition.

    Attributes
    ----------
    rows : ndarray of shape (m,), int64
        Their numbers among all, ascending.
    home : ndarray of shape (m,), int32
    data : ndarray of shape (m, d)
    """

    rows: Array
    home: Array
    data: Array


class Plan(NamedTuple):
    """Which rows are searched together, and where.

    Attributes
    ----------
    group : ndarray of shape (n_cells,)
        The group in which each cell is.
    looked : ndarray of shape (n_groups, n_cells), bool
        The cells that the rows of each group look in.
    """

    group: Array
    looked: Array


class Found(NamedTuple):
    """The neighbours of some rows.

    Attributes
    ----------
    rows : ndarray of shape (m,), ascending
    indices : ndarray of shape (m, k), int32
    distances : ndarray of shape (m, k)
    """

    rows: Array
    indices: Array
    distances: Array


def extremes(data: Array, low: int, metric: str) -> tuple[Array, Array] | None:
    """Return the lowest and highest value of each column, and refuse rows that a metric can do nothing with."""
    space = Space(data, metric, low)
    return None if space.kind == COSINE else column_extremes(space.data)


def framed(typical: Array, parts: list[tuple[Array, Array] | None], metric: str) -> Frame:
    """Return the frame of all rows by a few typical ones and the extremes of the partitions."""
    space = Space(typical, metric)
    known = [part for part in parts if part is not None]
    ends = (np.min([low for low, _ in known], axis=0), np.max([high for _, high in known], axis=0)) if known else None
    return frame_of(KINDS[metric], space.data, space.norms, ends)


def trained(sample: Array, frame: Frame, n_cells: int, rng: np.random.RandomState, metric: str) -> Quantizer:
    """Return the quantizer that a sample of the rows gives."""
    space = Space(sample, metric)
    vectors = frame.vectors(space.data, space.norms)
    rng = copy.deepcopy(rng)  # a task that is done again finds what it was given
    return Quantizer(frame, Cells(vectors, n_cells, rng, n_jobs=JOBS))


def homes(data: Array, quantizer: Quantizer, metric: str) -> Array:
    """Return the cell of each row of a partition, int32."""
    space = Space(data, metric)
    return quantizer.homes(space.data, space.norms, n_jobs=JOBS).astype(np.int32)


def sizes_of(home: Array, n_cells: int) -> Array:
    """Return how many rows of a partition each cell has."""
    return np.bincount(home, minlength=n_cells)


def exactly(data: Array, low: int, queries: Array, own: Array, frame: Frame, k: int, metric: str) -> Found:
    """Return the true neighbours of some rows among those of a partition."""
    space = Space(data, metric)
    rows = space.rows(queries)
    inside = np.where((own >= low) & (own < low + len(data)), own - low, -1)
    prefilter = Prefilter(space, frame).fill(n_jobs=JOBS)
    many = min(k, space.n)
    indices, distances = exact_search.exact_neighbors(prefilter, rows, inside, many, dtype=np.float64, n_jobs=JOBS)
    return Found(own, np.where(indices < 0, -1, indices + low), distances)


def nearest(parts: list[Found], k: int) -> Found:
    """Return the first by (distance, index) of what was found in all partitions."""
    indices, distances = (np.concatenate([part[field] for part in parts], axis=1) for field in (1, 2))
    return Found(parts[0].rows, *first_by_distance(indices, distances, np.full(len(indices), -1), k))


def planned(quantizer: Quantizer, sizes: Array, rows: int, k: int, probes: int) -> Plan:
    """Return which cells are searched together, about so many rows, and in which others."""
    group = compact_groups(quantizer.cells.centres, sizes, rows)
    looked = np.zeros((int(group.max()) + 1, len(sizes)), bool)
    for g, cells in enumerate(looked):
        order, visited = quantizer.looked_in(np.flatnonzero(group == g), sizes, k, probes)
        cells[order[visited]] = True
    return Plan(group, looked)


def looked_at(plan: Plan, sizes: Array) -> Array:
    """Return how many rows each group looks at."""
    return plan.looked @ sizes


def compact_groups(centres: Array, sizes: Array, most: int) -> Array:
    """Return cells in groups of about `most` rows that lie together, so that they look in few others.

    Groups are cut in two across the direction in which their centres vary most, until they are small.

    Parameters
    ----------
    centres : ndarray of shape (n_cells, d)
    sizes : ndarray of shape (n_cells,)
    most : int

    Returns
    -------
    ndarray of shape (n_cells,), int64
        The group of each cell; every group has rows.
    """
    group = np.zeros(len(sizes), np.int64)
    waiting, done = [np.arange(len(sizes))], 0
    while waiting:
        cells = waiting.pop()
        parts = max(1, round(int(sizes[cells].sum()) / most))
        full = np.count_nonzero(sizes[cells])
        if parts == 1 or full < 2:
            group[cells], done = done, done + 1
            continue
        apart = centres[cells].astype(np.float64)
        apart -= apart.mean(axis=0)
        axis = np.linalg.eigh(apart.T @ apart)[1][:, -1]
        cells = cells[np.argsort(apart @ axis, kind="stable")]
        rows = np.cumsum(sizes[cells])
        cut = int(np.searchsorted(rows, rows[-1] * (parts // 2) / parts)) + 1
        first = int(np.searchsorted(rows, 1)) + 1  # each side has rows
        last = int(np.searchsorted(rows, rows[-1]))
        cut = min(max(cut, first), last)
        waiting += [cells[cut:], cells[:cut]]
    return group


def piece(data: Array, low: int, home: Array, group: int, plan: Plan) -> Piece:
    """Return the rows of a partition that a group looks at."""
    at = np.flatnonzero(plan.looked[group][home])
    return Piece(at + low, home[at], data[at])


def searched(
    pieces: list[Piece], quantizer: Quantizer, plan: Plan, group: int, k: int, probes: int, metric: str
) -> Found:
    """Return the neighbours of the rows of a group, with distances in the type of the data."""
    rows, lists = _lists(pieces, quantizer, metric)
    own = np.flatnonzero(plan.group[lists.home] == group)
    found = lists.search(
        lists.space.data[own], own, lists.home[own], k, probes, dtype=lists.space.data.dtype, n_jobs=JOBS
    )
    return Found(rows[own], rows[found[0]].astype(np.int32), found[1])


def query_homes(queries: Array, quantizer: Quantizer, metric: str, dtype: Any) -> tuple[Array, Array]:
    """Return new rows in the type of the data, and the cell of each, int32."""
    queries = queries.astype(dtype, copy=False)
    return queries, homes(queries, quantizer, metric)


def questions(asked: tuple[Array, Array], low: int, group: int, plan: Plan) -> Piece:
    """Return the new rows of a partition that are at home in a group."""
    queries, home = asked
    at = np.flatnonzero(plan.group[home] == group)
    return Piece(at + low, home[at], queries[at])


def answered(pieces: list[Piece], asked: list[Piece], quantizer: Quantizer, k: int, probes: int, metric: str) -> Found:
    """Return the neighbours of new rows of a group, with distances in the type of the data."""
    numbers, home, queries = (np.concatenate([piece[field] for piece in asked]) for field in range(3))
    if not len(numbers):
        return Found(numbers, np.empty((0, k), np.int32), np.empty((0, k), queries.dtype))
    rows, lists = _lists(pieces, quantizer, metric)
    none = np.full(len(numbers), -1)
    found = lists.search(lists.space.rows(queries), none, home, k, probes, dtype=queries.dtype, n_jobs=JOBS)
    return Found(numbers, rows[found[0]].astype(np.int32), found[1])


def _lists(pieces: list[Piece], quantizer: Quantizer, metric: str) -> tuple[Array, Lists]:
    """Return the rows that a group looks at, by their numbers and as an inverted file."""
    rows, home, data = (np.concatenate([piece[field] for piece in pieces]) for field in range(3))
    return rows, Lists(Space(data, metric), quantizer, home, n_jobs=JOBS)


def section(found: Found, low: int, high: int) -> Found:
    """Return what was found for the rows of a partition."""
    first, last = np.searchsorted(found.rows, [low, high])
    return Found(*(part[first:last].copy() for part in found))


def in_order(sections: list[Found], low: int, high: int) -> tuple[Array, Array]:
    """Return the neighbours of a partition in the order of its rows."""
    k = sections[0].indices.shape[1]
    indices, distances = np.empty((high - low, k), np.int32), np.empty((high - low, k), sections[0].distances.dtype)
    for part in sections:
        indices[part.rows - low], distances[part.rows - low] = part.indices, part.distances
    return indices, distances


def probes_for(quantizer: Quantizer, recall: float, home: Array, homes: Array) -> int:
    """Return how many cells have to be looked in, see `Quantizer.probes_for`."""
    return quantizer.probes_for(recall, home, homes)


def cells_of(home: Array, at: Array) -> Any:
    """Return the cells of some rows of a partition."""
    return home[at]


def farthest_of(neighbors: tuple[Array, Array], at: Array) -> Array:
    """Return the distances to the neighbours of some rows of a partition."""
    return neighbors[1][at]
