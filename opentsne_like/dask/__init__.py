"""Maps of dask arrays and data frames on the workers of a cluster, with the bits of one machine.

What grows with rows and edges, the data, P and the sums along it, is on the workers; what grows with the points alone,
coordinates and the state of the optimizer, is in the process that asks, which sums repulsion, makes steps, calls
callbacks and writes files.
"""

from __future__ import annotations

from .affinities import DaskAffinities
from .edges import PartitionedEdges
from .matrix import Part, PartitionedMatrix
from .placing import transform
from .rows import PartitionedRows
from .tsne import TSNE

__all__ = ["TSNE", "DaskAffinities", "Part", "PartitionedEdges", "PartitionedMatrix", "PartitionedRows", "transform"]
