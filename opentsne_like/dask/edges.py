"""Sums along the edges of a P whose rows stand on the workers of a cluster, with the bits of one machine.

This process cuts the work into tasks, pure functions of `parts`, and puts together what comes back: what a worker that
dies has held is made again from what it was made of, and no worker keeps anything that is not the result of a task.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .. import ops
from .._types import Array
from ..devices import is_on_gpu
from ..errors import InvalidParameterError, UnavailableError
from ..objectives import Edges, Locality
from ..repulsion import Radial
from .cluster import gathered, mapped, sent
from .parts import add_losses, attract_rows, attract_rows_with_losses, entropy_of, lay_out, weights_of


class Layout(NamedTuple):
    """All partitions in one order.

    Attributes
    ----------
    order : ndarray of shape (n,), int32
        The point at each place.
    parts : list of distributed.Future
        Of `Laid`.
    """

    order: Array
    parts: list[Any]


class PartitionedEdges:
    """The edges of a `PartitionedMatrix`, and the sums along them that maps are descended by: see `objectives.Edges`.

    An evaluation sends all points, rounded, to the workers, and to each the repulsion of its rows; what comes back are
    the rows of the gradient. Other methods of `objectives.Edges` refuse by name.

    Parameters
    ----------
    P : PartitionedMatrix

    Examples
    --------
    >>> import numpy as np
    >>> from distributed import Client
    >>> from opentsne_like import affinity
    >>> from opentsne_like.dask import PartitionedMatrix
    >>> P = affinity.Uniform(np.eye(5), k_neighbors=2).P
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     edges = PartitionedMatrix.from_csr(P, client, rows=2).edges(n_jobs=1)
    ...     print(round(edges.mass, 12))
    1.0
    """

    dtype: ClassVar[type] = np.float32

    def __init__(self, P: Any) -> None:
        self._P = P
        self._client = P.client

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not (name in Edges.__dataclass_fields__ or hasattr(Edges, name)):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        raise UnavailableError(
            f"`P` stands on the workers of a cluster, where `{name}` of its edges cannot be had, which this asks for; "
            "maps go down losses of pairs by compiled functions, such as KullbackLeibler(), and `P.gather()` brings a "
            "P here that the memory holds"
        )

    @property
    def mutual(self) -> PartitionedEdges:
        """These edges: P is symmetric."""
        return self

    def leave_gpu(self) -> None:
        """Do nothing: nothing lies there."""

    def check(self, points: Array) -> None:
        """Refuse points that are not those of the rows of P, or that lie on a GPU.

        Parameters
        ----------
        points : ndarray of shape (n, d)
        """
        n = self._P.shape[0]
        if len(points) != n:
            raise InvalidParameterError(
                f"`points` must be {n}, one per row of the P that the objective is bound to, got {len(points)}; bind "
                "the loss to the affinities of these points"
            )
        if is_on_gpu(points):
            raise UnavailableError("`device` must be 'cpu' where P stands on the workers of a cluster, got 'cuda'")

    def add_mutual_attraction(
        self,
        points: Array,
        offset: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> Array:
        """Return attraction plus ``scale * repulsion``, (n, d) float32, see `objectives.Edges`."""
        numbers = (attraction, exaggeration, repulsion, scale, n_jobs)
        return np.concatenate(self._attracted(attract_rows, points, offset, *numbers))

    def add_mutual_attraction_with_loss(
        self,
        points: Array,
        offset: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> tuple[Array, float]:
        """Return what `add_mutual_attraction` does, and ``sum p A(d²)`` from the same pass, of rounded points."""
        numbers = (attraction, exaggeration, repulsion, scale, n_jobs)
        found = self._attracted(attract_rows_with_losses, points, offset, *numbers)
        gradient, losses = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return gradient, float(losses.sum())

    def _attracted(
        self,
        function: Any,
        points: Array,
        offset: Array,
        attraction: Radial,
        exaggeration: float,
        repulsion: Array,
        scale: float,
        n_jobs: int,
    ) -> list[Any]:
        _check_compiled(attraction)
        layout: Any = self._locality.layout(points, n_jobs)
        near = sent(self._client, ops.take_rows(layout, points, offset, n_jobs))
        slices = [repulsion[low:high] for low, high in pairwise(self._P.bounds.tolist())]
        numbers = {"attraction": attraction, "exaggeration": exaggeration, "scale": scale}
        return gathered(self._client, mapped(self._client, function, layout.parts, slices, near=near, **numbers))

    @cached_property
    def _locality(self) -> Locality:
        return Locality(lambda: self._laid_out(None), lambda order, n_jobs: self._laid_out(order))

    def _laid_out(self, order: Array | None) -> Layout:
        """Return the partitions in an order of the points, None for their own."""
        shared = None if order is None else sent(self._client, order)
        parts = mapped(self._client, lay_out, self._P.parts, order=shared)
        return Layout(np.arange(self._P.shape[0], dtype=np.int32) if order is None else order, parts)

    def loss(self, points: Array, others: Array, attraction: Radial, n_jobs: int) -> float:
        """Return ``sum p A(d²)`` in float64, added in the chunks of one machine.

        A chunk that more than one partition meets is a chain of tasks, each of which goes on from the sum before it.
        """
        _check_compiled(attraction)
        shared = {"points": sent(self._client, np.asarray(points)), "attraction": attraction}
        sums = []
        for low, high in ops.edge_loss_chunks(len(points)):
            before: Any = (0.0, 0.0)
            for part, first, last in self._P.spans(low, high):
                (before,) = mapped(self._client, add_losses, [part], [before], low=first, high=last, **shared)
            sums.append(before)
        return float(sum(loss for loss, _ in gathered(self._client, sums)))

    @property
    def entropy(self) -> float:
        """``sum p log p``."""
        return self._sums[0]

    @property
    def mass(self) -> float:
        """``sum p``."""
        return self._sums[1]

    @cached_property
    def _sums(self) -> tuple[float, float]:
        """Both sums, added in the chunks of one machine; the weights of one that partitions share come together."""
        client, sums = self._client, []
        for low, high in ops.entropy_chunks(self._P.nnz):
            spans = self._P.spans(low, high, of_edges=True)
            pieces = [mapped(client, weights_of, [part], low=first, high=last)[0] for part, first, last in spans]
            sums += mapped(client, entropy_of, *([piece] for piece in pieces))
        found = gathered(client, sums)
        return float(sum(part[0] for part in found)), float(sum(part[1] for part in found))


def _check_compiled(attraction: Radial) -> None:
    """Refuse a function that workers could only evaluate in Python."""
    if attraction.form is None:
        raise UnavailableError(
            f"the attraction {type(attraction).__name__} must have a compiled form where P stands on the workers of a "
            "cluster; take a loss such as KullbackLeibler()"
        )
