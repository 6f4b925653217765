"""Estimators: recipes over affinities, a start, a loss and the stages of its optimization."""

from __future__ import annotations

from .base import Method
from .continuation import spectrum
from .contrastive import NCTSNE, LargeVis, NegTSNE
from .distinct import DistinctRows, at_equal_places
from .elastic import ElasticEmbedding
from .estimates import Estimate
from .family import FamilyMethod
from .names import ESTIMATORS, find_estimator, plain_name
from .neighbor_embedding import NeighborEmbedding
from .pacmap import PaCMAP
from .parameters import Parameters
from .parametric import ParametricEmbedding
from .resuming import ResumableRun
from .row_normalized import SNE, InfoNCTSNE
from .tsne import TSNE
from .umap import UMAP

InfoTSNE, NCVis = InfoNCTSNE, NCTSNE  # names that others gave them

__all__ = [
    "ESTIMATORS",
    "NCTSNE",
    "SNE",
    "TSNE",
    "UMAP",
    "DistinctRows",
    "ElasticEmbedding",
    "Estimate",
    "FamilyMethod",
    "InfoNCTSNE",
    "InfoTSNE",
    "LargeVis",
    "Method",
    "NCVis",
    "NegTSNE",
    "NeighborEmbedding",
    "PaCMAP",
    "Parameters",
    "ParametricEmbedding",
    "ResumableRun",
    "at_equal_places",
    "find_estimator",
    "plain_name",
    "spectrum",
]
