"""Nearest neighbours behind one interface."""

from __future__ import annotations

import logging

from ._annoy import Annoy
from ._archive import listed, pack_index, pack_table, unpack_index, unpack_table
from ._base import KNNIndex, stacked
from ._exact import Sklearn
from ._factory import check_index, check_names, make_index, with_data
from ._faiss import Faiss
from ._given import GivenNeighbors
from ._hnsw import HNSW, Voyager
from ._ivf import IVF
from ._kept import Keeper, kept_by
from ._known_rows import KnownRows
from ._nndescent import NNDescent
from ._precomputed import PrecomputedDistanceMatrix, PrecomputedNeighbors, distances_among, from_neighbors

__all__ = [
    "HNSW",
    "IVF",
    "Annoy",
    "Faiss",
    "GivenNeighbors",
    "KNNIndex",
    "Keeper",
    "KnownRows",
    "NNDescent",
    "PrecomputedDistanceMatrix",
    "PrecomputedNeighbors",
    "Sklearn",
    "Voyager",
    "check_index",
    "check_names",
    "distances_among",
    "from_neighbors",
    "kept_by",
    "listed",
    "make_index",
    "pack_index",
    "pack_table",
    "stacked",
    "unpack_index",
    "unpack_table",
    "with_data",
]

log = logging.getLogger(__name__)
