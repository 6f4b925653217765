"""Estimators: recipes over affinities, a start, a loss and the stages of its optimization."""

from __future__ import annotations

from .base import Method
from .neighbor_embedding import NeighborEmbedding
from .resuming import ResumableRun
from .tsne import TSNE

__all__ = ["TSNE", "Method", "NeighborEmbedding", "ResumableRun"]
