"""Nearest neighbours behind one interface."""

from __future__ import annotations

from ._base import KNNIndex
from ._exact import Sklearn
from ._factory import check_index, make_index
from ._ivf import IVF
from ._precomputed import PrecomputedDistanceMatrix, PrecomputedNeighbors, from_neighbors

__all__ = [
    "IVF",
    "KNNIndex",
    "PrecomputedDistanceMatrix",
    "PrecomputedNeighbors",
    "Sklearn",
    "check_index",
    "from_neighbors",
    "make_index",
]
