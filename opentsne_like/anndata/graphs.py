"""The neighbours that scanpy has found, as affinities."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from ..affinity import Affinities, Fuzzy, from_neighbors
from ..affinity.neighbors import neighbors_of_rows
from ..errors import InvalidParameterError
from ..methods import UMAP, Method, PaCMAP

log = logging.getLogger(__package__)

DEFAULT_KEY = "neighbors"  # under which scanpy keeps them
FEW = 30  # neighbours, up to which all weigh alike: a perplexity of a third of them would lose the large arrangement


def takes_graphs(estimator: Method) -> bool:
    """Say whether a method takes neighbours that exist; PaCMAP chooses pairs of its own.

    Parameters
    ----------
    estimator : Method
    """
    return not isinstance(estimator, PaCMAP)


def find_graph(adata: Any, neighbors_key: str) -> tuple[Any, dict[str, Any]]:
    """Return the distances to neighbours, and by what they were found.

    Parameters
    ----------
    adata : AnnData
    neighbors_key : str
        Of ``.uns``, as of ``scanpy.pp.neighbors(key_added=...)``.

    Returns
    -------
    csr_matrix of shape (n_obs, n_obs)
    dict
        ``metric`` and, where they were named, ``use_rep`` and ``n_pcs``.
    """
    if neighbors_key not in adata.uns:
        raise InvalidParameterError(
            f"`neighbors_key` must be a key of adata.uns, got {neighbors_key!r}; run scanpy.pp.neighbors first"
        )
    kept = adata.uns[neighbors_key]
    key = str(kept.get("distances_key", "distances"))
    if key not in adata.obsp:
        raise InvalidParameterError(f"`adata.obsp` must have the distances {key!r} of {neighbors_key!r}, got none")
    params = {"metric": "euclidean", **kept.get("params", {})}  # old objects do not say it
    graph = csr_matrix(adata.obsp[key])
    _check_whole(graph, params.get("n_neighbors"))
    return graph, params


def _check_whole(graph: Any, n_neighbors: Any) -> None:
    """Refuse the graph of a part of the cells that neighbours were found among, most of whose edges are gone."""
    counts = neighbors_of_rows(graph)
    known = np.ravel([] if n_neighbors is None else n_neighbors)  # scanpy counts the cell itself; old files have arrays
    if counts.min() == 0 or (len(known) == 1 and np.median(counts) < (known[0] - 1) / 2):
        raise InvalidParameterError(
            f"`adata.obsp` must have the neighbours of these cells, got {int(np.median(counts))} for most and "
            f"{counts.min()} for some, as when cells were left out afterwards; run scanpy.pp.neighbors again, or name "
            "the data by use_rep"
        )


def graph_affinities(estimator: Method, graph: Any, metric: Any, perplexity: Any) -> tuple[Affinities, str]:
    """Return the affinities that a method has on a graph, and what they are called.

    Parameters
    ----------
    estimator : Method
    graph : csr_matrix of shape (n, n)
        Distances to neighbours.
    metric : str
        By which they were measured.
    perplexity : float or sequence of float, optional
        As asked for; by default neighbours weigh alike where there are `FEW`, and as the estimator says otherwise.
    """
    k = int(np.median(neighbors_of_rows(graph)))
    how: dict[str, Any] = {"n_jobs": estimator.n_jobs, "verbose": estimator.verbose}
    if isinstance(estimator, UMAP):
        how |= {"local_connectivity": estimator.local_connectivity, "set_op_mix_ratio": estimator.set_op_mix_ratio}
        made: Any = Fuzzy(graph, k_neighbors=k + 1, metric="precomputed", **how)
        made.knn_index.asked_metric = metric
        return made, "fuzzy"
    if perplexity is None and k > FEW:
        perplexity = getattr(estimator, "perplexity", None)
    if perplexity is None and hasattr(estimator, "perplexity"):
        log.info(
            "adata.obsp has %d neighbours of each cell, which all weigh alike; for a perplexity of %s name the data by "
            "use_rep, so that more are found",
            k,
            estimator.perplexity,
        )
    kind = "uniform" if perplexity is None else "perplexity"
    return from_neighbors(graph, perplexity=perplexity, metric=metric, **how), kind
