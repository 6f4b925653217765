"""Maps of more rows than one machine holds, on the workers of a Dask cluster, with the bits of one machine.

What grows with the edges, P and the sums along it, is on the workers; what grows with the points alone, coordinates and
the state of the optimizer, is in the process that asks, which sums repulsion, steps, calls callbacks and writes files.
"""

from __future__ import annotations

from .edges import PartitionedEdges
from .matrix import Part, PartitionedMatrix

__all__ = ["Part", "PartitionedEdges", "PartitionedMatrix"]
