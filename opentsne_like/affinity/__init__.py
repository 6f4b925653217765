"""Affinities: how strongly points belong together, as sparse matrices that sum to 1."""

from __future__ import annotations

import logging

from .archive import pack_affinities, unpack_affinities, unpack_weights
from .base import Affinities, lying_matrix_of, matrix_of, opened
from .edges import GivenEdges, NeighborEdges
from .entropic import Entropic
from .fixed_sigma import FixedSigmaNN
from .fuzzy import Fuzzy
from .gaussian import joint_probabilities_nn
from .graphs import from_neighbors
from .magic import MAGIC
from .memory import estimate_memory
from .multiscale import Multiscale, MultiscaleMixture
from .neighbors import get_knn_index
from .pairs import check_edges, check_numbers, sample_pairs, upper_matrix
from .perplexity import PerplexityBasedNN
from .precomputed import PrecomputedAffinities
from .scaled import ScaledNeighbors
from .self_tuning import SelfTuning
from .sinkhorn import Sinkhorn
from .symmetric_entropic import SymmetricEntropic
from .tables import Awaited, table_of
from .uniform import Uniform

__all__ = [
    "MAGIC",
    "Affinities",
    "Awaited",
    "Entropic",
    "FixedSigmaNN",
    "Fuzzy",
    "GivenEdges",
    "Multiscale",
    "MultiscaleMixture",
    "NeighborEdges",
    "PerplexityBasedNN",
    "PrecomputedAffinities",
    "ScaledNeighbors",
    "SelfTuning",
    "Sinkhorn",
    "SymmetricEntropic",
    "Uniform",
    "check_edges",
    "check_numbers",
    "estimate_memory",
    "from_neighbors",
    "get_knn_index",
    "joint_probabilities_nn",
    "lying_matrix_of",
    "matrix_of",
    "opened",
    "pack_affinities",
    "sample_pairs",
    "table_of",
    "unpack_affinities",
    "unpack_weights",
    "upper_matrix",
]

log = logging.getLogger(__name__)
