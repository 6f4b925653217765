"""Maps of AnnData objects, written where scanpy looks for them.

Objects are known by what they offer (`obsm`, `obs`, `uns`), and the library anndata is not imported.
"""

from .ingesting import ingest
from .making import embed, tsne, umap
from .transformer import KNeighborsTransformer

__all__ = ["KNeighborsTransformer", "embed", "ingest", "tsne", "umap"]
