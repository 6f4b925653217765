"""Tasks that make P of neighbours: weights of the edges, their exchange, and the rows of the symmetric matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..affinity.gaussian import find_precisions, gaussian_matrix, gaussian_rows
from ..affinity.matrix import assemble, evaluated, merge_rows, row_chunks
from ..affinity.neighbors import NeighborLists, as_lists
from ..affinity.uniform import uniform_rows
from .matrix import Part
from .search import JOBS


class Weighted(NamedTuple):
    """The rows of a neighbour graph in a partition, without distances, and the weights of their edges."""

    lists: NeighborLists
    weights: Array


class Edges(NamedTuple):
    """Edges on their way to the partitions of the points that they end at.

    Attributes
    ----------
    starts : ndarray of shape (n_partitions + 1,), or empty
        Where the edges to each partition begin.
    sources, columns : int32 ndarray of shape (m,)
        In the order of the sources.
    weights : ndarray of shape (m,)
    """

    starts: Array
    sources: Array
    columns: Array
    weights: Array


class Joined(NamedTuple):
    """Rows of the symmetric matrix before it is divided by the sum of all values, and the sums of its chunks."""

    part: Part
    totals: list[float]


def weigh(neighbors: tuple[Array, Array], n: int, perplexities: Sequence[float] | None, dtype: Any) -> Weighted:
    """Return the weights of the edges of some rows, equal ones where `perplexities` is None."""
    lists = as_lists(*neighbors, n, self_allowed=True)
    if perplexities is None:
        evaluate = uniform_rows(lists)
    else:
        evaluate = gaussian_rows(lists, find_precisions(lists, perplexities, n_jobs=JOBS))
    weights = evaluated(lists, evaluate, 0, lists.n_rows, np.dtype(dtype))
    return Weighted(replace(lists, distances=lists.distances[:0]), weights)


def rows_of_new(neighbors: tuple[Array, Array], n: int, perplexities: Sequence[float] | None) -> Any:
    """Return the affinities of new rows to n points, a CSR matrix whose rows sum to 1."""
    lists = as_lists(*neighbors, n, self_allowed=True)
    if perplexities is None:
        return assemble(lists, uniform_rows(lists), join=None, normalize=False, n_jobs=JOBS)
    return gaussian_matrix(lists, perplexities, symmetrize=False, normalize=False, n_jobs=JOBS)


def outgoing(weighted: Weighted, low: int, bounds: Sequence[int]) -> Edges:
    """Return the edges of a partition by the partition that they go to."""
    lists = weighted.lists
    owner = (np.searchsorted(bounds, lists.indices, side="right") - 1).astype(np.uint16)
    order = np.argsort(owner, kind="stable")
    sources = np.repeat(np.arange(low, low + lists.n_rows, dtype=np.int32), lists.sizes())
    starts = np.searchsorted(owner[order], np.arange(len(bounds)))
    return Edges(starts, sources[order], lists.indices[order], weighted.weights[order])


def sent(edges: Edges, to: int) -> Edges:
    """Return the edges that go to a partition."""
    at = slice(*edges.starts[to : to + 2])
    return Edges(edges.starts[:0], edges.sources[at].copy(), edges.columns[at].copy(), edges.weights[at].copy())


def joined(weighted: Weighted, arrived: list[Edges], low: int, high: int, join: str) -> Joined:
    """Return the rows of a partition of the symmetric matrix, joined from their own edges and those that end there."""
    from scipy.sparse import csr_matrix

    n = weighted.lists.n_columns
    sources, columns, weights = (np.concatenate([edges[field] for edges in arrived]) for field in (1, 2, 3))
    transposed = csr_matrix((weights, (columns - low, sources)), shape=(high - low, n))
    chunks = [(first - low, last - low) for first, last in row_chunks(n) if low <= first < high]
    places = transposed.indptr.astype(np.int64)
    values, indices, indptr, totals = merge_rows(
        *weighted, places, transposed.indices.astype(np.int32), transposed.data, chunks, join=join, n_jobs=JOBS
    )
    return Joined(Part(low, high, indptr, indices.astype(np.int32), values), totals)


def totals_of(joined: Joined) -> list[float]:
    """Return the sums of the chunks of a partition."""
    return joined.totals


def scaled(joined: Joined, total: float) -> Part:
    """Return the rows of a partition of P."""
    part = joined.part
    return part._replace(values=part.values * part.values.dtype.type(1.0 / total))
