"""Affinities: how strongly points belong together, as sparse matrices that sum to 1."""

from __future__ import annotations

import logging

from .archive import pack_affinities, unpack_affinities, unpack_weights
from .base import Affinities
from .family import Entropic, Fuzzy, SelfTuning
from .gaussian import joint_probabilities_nn
from .graphs import from_neighbors
from .memory import estimate_memory
from .multiscale import Multiscale, MultiscaleMixture
from .neighbors import get_knn_index
from .perplexity import PerplexityBasedNN
from .plain import FixedSigmaNN, Uniform
from .precomputed import PrecomputedAffinities

__all__ = [
    "Affinities",
    "Entropic",
    "FixedSigmaNN",
    "Fuzzy",
    "Multiscale",
    "MultiscaleMixture",
    "PerplexityBasedNN",
    "PrecomputedAffinities",
    "SelfTuning",
    "Uniform",
    "estimate_memory",
    "from_neighbors",
    "get_knn_index",
    "joint_probabilities_nn",
    "pack_affinities",
    "unpack_affinities",
    "unpack_weights",
]

log = logging.getLogger(__name__)
