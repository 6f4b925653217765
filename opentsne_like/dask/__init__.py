"""Maps of dask arrays and data frames: what is large stays on the workers of a cluster."""

from __future__ import annotations

from .affinities import DaskAffinities
from .rows import PartitionedRows

__all__ = ["DaskAffinities", "PartitionedRows"]
