"""Losses of neighbour embedding and their gradients."""

from __future__ import annotations

from ..ops import checksum
from .base import Objective, ShapedObjective
from .edges import Edges, check_shapes
from .learned import LearnedTSNEObjective, dof_gradient
from .opentsne import check_dimension, kl_divergence_bh, kl_divergence_fft, method_of, tolerance_of
from .plain import CallableObjective
from .reuse import Reuse
from .tsne import PartialTSNEObjective, TSNEObjective

__all__ = [
    "CallableObjective",
    "Edges",
    "LearnedTSNEObjective",
    "Objective",
    "PartialTSNEObjective",
    "Reuse",
    "ShapedObjective",
    "TSNEObjective",
    "check_dimension",
    "check_shapes",
    "checksum",
    "dof_gradient",
    "kl_divergence_bh",
    "kl_divergence_fft",
    "method_of",
    "tolerance_of",
]
