"""t-SNE by the names of openTSNE's module of this name."""

from __future__ import annotations

from .errors import OptimizationInterrupt
from .methods.base import log
from .methods.tsne import TSNE
from .opentsne import PartialTSNEEmbedding, TSNEEmbedding, gradient_descent, kl_divergence_bh, kl_divergence_fft

__all__ = [
    "TSNE",
    "OptimizationInterrupt",
    "PartialTSNEEmbedding",
    "TSNEEmbedding",
    "gradient_descent",
    "kl_divergence_bh",
    "kl_divergence_fft",
    "log",
]
