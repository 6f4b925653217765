"""openTSNE's objects and functions, with its names, signatures and defaults, over the general ones."""

from __future__ import annotations

from .descent import gradient_descent
from .divergences import kl_divergence_bh, kl_divergence_fft, method_of, tolerance_of
from .embedding import PartialTSNEEmbedding, TSNEEmbedding
from .settings import InterpolationGrid, Parameters, TSNESettings

__all__ = [
    "InterpolationGrid",
    "Parameters",
    "PartialTSNEEmbedding",
    "TSNEEmbedding",
    "TSNESettings",
    "gradient_descent",
    "kl_divergence_bh",
    "kl_divergence_fft",
    "method_of",
    "tolerance_of",
]
