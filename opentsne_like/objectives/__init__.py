"""Losses of neighbour embedding and their gradients."""

from __future__ import annotations

from .base import Objective
from .edges import Edges, checksum
from .opentsne import check_dimension, kl_divergence_bh, kl_divergence_fft, method_of, tolerance_of
from .plain import CallableObjective
from .tsne import PartialTSNEObjective, TSNEObjective

__all__ = [
    "CallableObjective",
    "Edges",
    "Objective",
    "PartialTSNEObjective",
    "TSNEObjective",
    "check_dimension",
    "checksum",
    "kl_divergence_bh",
    "kl_divergence_fft",
    "method_of",
    "tolerance_of",
]
