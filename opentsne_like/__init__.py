"""Maps of data by t-SNE and its family, as stateful arrays on compiled gradient kernels.

Names and submodules are resolved when they are first used, so that ``import opentsne_like`` is light.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all else here
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "TSNE": "tsne",
    "NeighborEmbedding": "methods",
    "SNE": "methods",
    "InfoNCTSNE": "methods",
    "InfoTSNE": "methods",
    "NegTSNE": "methods",
    "NCTSNE": "methods",
    "NCVis": "methods",
    "LargeVis": "methods",
    "UMAP": "methods",
    "ElasticEmbedding": "methods",
    "PaCMAP": "methods",
    "spectrum": "methods",
    "ParametricEmbedding": "methods",
    "Embedding": "embedding",
    "TSNEEmbedding": "opentsne",
    "PartialTSNEEmbedding": "opentsne",
    "OptimizationInterrupt": "errors",
    "load": "loading",
    "show_versions": "dependencies",
    "align": "utils",
}
_SUBMODULES = {
    "affinity",
    "anndata",
    "callbacks",
    "dask",
    "distortions",
    "embedding",
    "errors",
    "initialization",
    "kl_divergence",
    "loading",
    "mde",
    "methods",
    "metrics",
    "nearest_neighbors",
    "objectives",
    "opentsne",
    "ops",
    "optimizer",
    "plotting",
    "repulsion",
    "sklearn",
    "storage",
    "tsne",
    "utils",
}

__all__ = [
    "NCTSNE",
    "SNE",
    "TSNE",
    "UMAP",
    "ElasticEmbedding",
    "Embedding",
    "InfoNCTSNE",
    "InfoTSNE",
    "LargeVis",
    "NCVis",
    "NegTSNE",
    "NeighborEmbedding",
    "PaCMAP",
    "ParametricEmbedding",
    "PartialTSNEEmbedding",
    "TSNEEmbedding",
    "__version__",
    "align",
    "load",
    "show_versions",
    "spectrum",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOMES, *_SUBMODULES})
