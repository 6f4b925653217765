"""P in partitions of its rows, which stay on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from .._types import Array
from .._validation import check_integer
from ..errors import InvalidParameterError, UnavailableError
from .cluster import gathered, mapped
from .edges import PartitionedEdges
from .parts import Part, mixed, part, size

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROWS = 2**18  # of a partition

__all__ = ["Part", "PartitionedMatrix"]


class PartitionedMatrix:
    """A symmetric sparse matrix P of shape (n, n) whose rows stand on the workers of a cluster.

    A map attracts its points along the edges of such a matrix as of one that is here, with the same bits. What needs
    the entries themselves in this process refuses, unless they are brought here by `gather`.

    Parameters
    ----------
    client : distributed.Client
    parts : sequence of distributed.Future
        Of a `Part` each, in order.
    bounds : sequence of int
        The first row of each, and n.
    shape : (int, int)
    dtype : dtype
        Of the values.

    Attributes
    ----------
    symmetric : bool
        True: those who make the parts answer for it, nobody looks it through.
    storable : bool
        False: maps are stored without it, see `opentsne_like.dask`.

    Examples
    --------
    >>> import numpy as np
    >>> from distributed import Client, LocalCluster  # doctest: +SKIP
    >>> from opentsne_like import affinity
    >>> from opentsne_like.dask import PartitionedMatrix
    >>> P = affinity.Uniform(np.eye(5), k_neighbors=2).P
    >>> with LocalCluster(n_workers=2) as cluster, Client(cluster) as client:  # doctest: +SKIP
    ...     partitioned = PartitionedMatrix.from_csr(P, client, rows=2)
    ...     print(partitioned, (partitioned.gather() != P).nnz)
    <PartitionedMatrix of shape (5, 5) and type float64 in 3 partitions> 0
    """

    symmetric: ClassVar[bool] = True
    storable: ClassVar[bool] = False
    ndim: ClassVar[int] = 2

    def __init__(
        self, client: Any, parts: Sequence[Any], bounds: Sequence[int], shape: tuple[int, int], dtype: Any
    ) -> None:
        self.client = client
        self.parts = list(parts)
        self.bounds = np.asarray(bounds, np.int64)
        self.shape = (int(shape[0]), int(shape[1]))
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        first, last = self.bounds[[0, -1]]
        if len(self.bounds) != len(self.parts) + 1 or first != 0 or last != self.shape[0] or shape[0] != shape[1]:
            raise InvalidParameterError(
                f"`bounds` must be the first row of each of {len(self.parts)} partitions of a square matrix, and the "
                f"number of rows, got {self.bounds.tolist()} for shape {shape}"
            )

    @classmethod
    def from_csr(cls, P: Any, client: Any, *, rows: int = ROWS) -> PartitionedMatrix:
        """Return a matrix of this process in partitions on the workers.

        It goes there through the scheduler, which keeps it, so that no worker's death loses any of it. For affinities
        that one machine can make.

        Parameters
        ----------
        P : sparse matrix of shape (n, n)
            Symmetric.
        client : distributed.Client
        rows : int
            Of a partition, at most. There should be as many partitions as the workers have threads, or more.
        """
        P = P.tocsr()
        n = P.shape[0]
        count = -(-n // check_integer(rows, "rows", at_least=1))
        bounds = [n * i // count for i in range(count + 1)]
        spans = list(pairwise(bounds))
        edges = [slice(P.indptr[low], P.indptr[high]) for low, high in spans]
        pointers = [np.asarray(P.indptr[low : high + 1] - P.indptr[low], np.int32) for low, high in spans]
        columns = [np.asarray(P.indices[here], np.int32) for here in edges]
        parts = mapped(client, part, *zip(*spans, strict=True), pointers, columns, [P.data[here] for here in edges])
        return cls(client, parts, bounds, P.shape, P.dtype)

    def __repr__(self) -> str:
        parts = f"{len(self.parts)} partition{'s' * (len(self.parts) > 1)}"
        return f"<{type(self).__name__} of shape {self.shape} and type {self.dtype} in {parts}>"

    def __deepcopy__(self, memo: Any) -> PartitionedMatrix:
        return self  # nobody can write into it

    def __reduce__(self) -> NoReturn:
        raise self._refusal("cannot be pickled")

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells the matrix from others of this process: the names of its partitions."""
        return (self.shape, *(part.key for part in self.parts))

    @cached_property
    def sizes(self) -> Array:
        """Edges of each partition, int64."""
        return np.array(gathered(self.client, mapped(self.client, size, self.parts)), np.int64)

    @property
    def nnz(self) -> int:
        """Edges of all."""
        return int(self.sizes.sum())

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that are those of every matrix with these entries, however it is partitioned."""
        sums = np.array(gathered(self.client, mapped(self.client, mixed, self.parts)), np.uint64)
        return "".join(f"{word:016x}" for word in sums.sum(axis=0, dtype=np.uint64).tolist())

    def edges(self, n_jobs: int) -> PartitionedEdges:
        """Return the edges, along which workers sum."""
        return PartitionedEdges(self)

    def spans(self, low: int, high: int, of_edges: bool = False) -> Iterator[tuple[Any, int, int]]:
        """Yield the partitions that a range of rows, or of edges, meets: each with where in it the range lies.

        Parameters
        ----------
        low, high : int
        of_edges : bool
        """
        ends = np.concatenate([[0], np.cumsum(self.sizes)]) if of_edges else self.bounds
        for i, (first, last) in enumerate(pairwise(ends.tolist())):
            if max(low, first) < min(high, last):
                yield self.parts[i], max(low, first) - first, min(high, last) - first

    def gather(self) -> csr_matrix:
        """Return the matrix in this process, whose memory has to hold it."""
        from scipy.sparse import csr_matrix

        parts = gathered(self.client, self.parts)
        steps = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)])
        indptr = np.cumsum(steps, dtype=np.int64)
        indices, values = (np.concatenate(arrays) for arrays in zip(*(part[3:] for part in parts), strict=True))
        return csr_matrix((values, indices, indptr), shape=self.shape)

    def tocsr(self) -> NoReturn:
        """Refuse: this is what whoever needs the entries in this process asks for.

        Raises
        ------
        UnavailableError
        """
        raise self._refusal("is not in this process, whose memory may be too small for it")

    def _refusal(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"`P` stands in {len(self.parts)} partitions on the workers of a cluster and {why}; `P.gather()` brings it "
            "here, of which affinity.PrecomputedAffinities(..., normalize=False) makes affinities as usual"
        )
