"""Embeddings: coordinates that know their affinities and how far their optimization has come."""

from __future__ import annotations

from .base import EmbeddingState
from .loading import load
from .partial import PartialTSNEEmbedding
from .resuming import ResumableRun
from .stored import remove_checkpoint
from .tsne import TSNEEmbedding

__all__ = ["EmbeddingState", "PartialTSNEEmbedding", "ResumableRun", "TSNEEmbedding", "load", "remove_checkpoint"]
