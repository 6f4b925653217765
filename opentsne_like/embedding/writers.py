"""Embeddings in AnnData's files: as the arrays of coordinates that they are."""

from __future__ import annotations

import sys

import numpy as np


def introduce(kind: type) -> None:
    """Let AnnData, where it is imported, write values of a class as it writes arrays.

    AnnData looks its writers up by the exact class, so that those of arrays serve no subclass. Before it looks, it asks
    the value for its ``dtype``. That is the moment to call this: it comes after either import, whichever was first.

    Parameters
    ----------
    kind : type
        A subclass of ndarray.

    Examples
    --------
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.embedding.writers import introduce
    >>> introduce(Embedding)
    """
    registry = getattr(sys.modules.get("anndata._io.specs.registry"), "_REGISTRY", None)
    writers, formats = getattr(registry, "write", {}), getattr(registry, "write_specs", {})
    if np.ndarray not in formats or kind in formats:
        return
    for key in [key for key in writers if np.ndarray in key]:
        writers[tuple(kind if part is np.ndarray else part for part in key)] = writers[key]
    formats[kind] = formats[np.ndarray]
