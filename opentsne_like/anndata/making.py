"""Maps of AnnData objects by every method of the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validation import check_integer, shown
from ..affinity import Affinities
from ..errors import InvalidParameterError
from ..methods import Method, find_estimator, plain_name
from .graphs import DEFAULT_KEY, find_graph, graph_affinities, takes_graphs
from .matrices import check_adata, representation

# Parameters that say which neighbours are to be found; with one of them a graph that exists does not serve.
_SEARCHES = ("n_neighbors", "metric", "metric_params", "neighbors", "knn_kwargs")
_NOT_KEPT = ("callbacks", "callbacks_every_iters", "verbose", "n_jobs")


@dataclass(frozen=True)
class Source:
    """What a map is made of.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n_obs, d), optional
        None where only neighbours are known.
    affinities : Affinities, optional
        On neighbours that exist; None where the method finds its own.
    named : dict
        What it says in ``.uns``.
    """

    X: Any
    affinities: Affinities | None
    named: dict[str, Any]


def tsne(
    adata: Any,
    *,
    use_rep: str | None = None,
    n_pcs: int | None = None,
    neighbors_key: str | None = None,
    key_added: str | None = None,
    random_state: Any = 0,
    copy: bool = False,
    **parameters: Any,
) -> Any:
    """Make a t-SNE map of the cells; see `embed`.

    Parameters
    ----------
    adata : AnnData
    use_rep, n_pcs, neighbors_key, key_added, random_state, copy
        As of `embed`.
    **parameters
        Of `opentsne_like.TSNE`.

    Returns
    -------
    TSNEEmbedding of shape (n_obs, n_components), or AnnData
        As of `embed`. The coordinates are in ``.obsm["X_tsne"]``.

    Examples
    --------
    >>> import anndata
    >>> import opentsne_like.anndata as ota
    >>> adata = anndata.AnnData(np.random.default_rng(0).normal(size=(100, 8)))
    >>> Y = ota.tsne(adata, perplexity=10)  # scanpy.pl.tsne(adata) draws it
    >>> adata.obsm["X_tsne"].shape, adata.uns["tsne"]["params"]["perplexity"]
    ((100, 2), 10)
    """
    sources: dict[str, Any] = {"use_rep": use_rep, "n_pcs": n_pcs, "neighbors_key": neighbors_key}
    return _make(adata, "tsne", parameters, sources, key_added=key_added, random_state=random_state, copy=copy)


def umap(
    adata: Any,
    *,
    use_rep: str | None = None,
    n_pcs: int | None = None,
    neighbors_key: str | None = None,
    key_added: str | None = None,
    random_state: Any = 0,
    copy: bool = False,
    **parameters: Any,
) -> Any:
    """Make a UMAP map of the cells; see `embed`.

    Parameters
    ----------
    adata : AnnData
    use_rep, n_pcs, neighbors_key, key_added, random_state, copy
        As of `embed`.
    **parameters
        Of `opentsne_like.UMAP`.

    Returns
    -------
    Embedding of shape (n_obs, n_components), or AnnData
        As of `embed`. The coordinates are in ``.obsm["X_umap"]``.

    Examples
    --------
    >>> import anndata
    >>> import opentsne_like.anndata as ota
    >>> adata = anndata.AnnData(np.random.default_rng(0).normal(size=(100, 8)))
    >>> Y = ota.umap(adata, min_dist=0.3)  # scanpy.pl.umap(adata) draws it
    >>> adata.uns["umap"]["params"]["min_dist"]
    0.3
    """
    sources: dict[str, Any] = {"use_rep": use_rep, "n_pcs": n_pcs, "neighbors_key": neighbors_key}
    return _make(adata, "umap", parameters, sources, key_added=key_added, random_state=random_state, copy=copy)


def embed(
    adata: Any,
    method: str = "tsne",
    *,
    use_rep: str | None = None,
    n_pcs: int | None = None,
    neighbors_key: str | None = None,
    key_added: str | None = None,
    random_state: Any = 0,
    copy: bool = False,
    **parameters: Any,
) -> Any:
    """Make a map of the cells by any method of the family, and write it where scanpy looks for it.

    The map goes to ``.obsm["X_tsne"]``, of another method by its name in small letters, as a plain array of float64;
    what made it goes to ``.uns["tsne"]``: ``"params"``, which can be written to .h5ad, and the value of the loss.

    Where neither data nor parameters of a neighbour search are named, the neighbours that ``scanpy.pp.neighbors`` has
    left serve. If they are 30 or fewer, as scanpy's usual 15, all weigh alike, unless a `perplexity` is given; the log
    says so. UMAP weighs them as it always does.

    Parameters
    ----------
    adata : AnnData
        Cells by genes; it may be backed by a file, which is read block by block.
    method : str
        "tsne", "umap", "sne", "infonctsne", "negtsne", "nctsne", "largevis", "pacmap" or "elasticembedding".
    use_rep : str, optional
        The matrix by which cells are compared: a key of ``.obsm``, or "X". By default as scanpy chooses:
        ``.obsm["X_pca"]`` where it exists and there are more than 50 genes, else ``.X``. Batches that were brought
        together have a matrix of their own, such as "X_pca_harmony".
    n_pcs : int, optional
        How many of its columns.
    neighbors_key : str, optional
        The neighbours, as of ``scanpy.pp.neighbors(key_added=...)``; "neighbors" are those without a name.
    key_added : str, optional
        Another name in ``.obsm`` and ``.uns``.
    random_state : int or RandomState
    copy : bool
        Write to a copy and return that.
    **parameters
        Of the estimator. Its own `method`, how repulsion is computed, goes by t-SNE's name for it here,
        `negative_gradient_method`.

    Returns
    -------
    Embedding of shape (n_obs, n_components), or AnnData
        The map, to go on with, to `save` and to place new cells on; with `copy` the copy.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        Before any work.

    Examples
    --------
    >>> import anndata
    >>> import opentsne_like.anndata as ota
    >>> adata = anndata.AnnData(np.random.default_rng(0).normal(size=(100, 8)))
    >>> Y = ota.embed(adata, "neg-t-sne")  # scanpy.pl.embedding(adata, "negtsne") draws it
    >>> list(adata.obsm)
    ['X_negtsne']
    """
    if "negative_gradient_method" in parameters and hasattr(find_estimator(method), "method"):
        parameters["method"] = parameters.pop("negative_gradient_method")
    sources: dict[str, Any] = {"use_rep": use_rep, "n_pcs": n_pcs, "neighbors_key": neighbors_key}
    return _make(adata, method, parameters, sources, key_added=key_added, random_state=random_state, copy=copy)


def _make(
    adata: Any,
    method: Any,
    parameters: Mapping[str, Any],
    sources: Mapping[str, Any],
    *,
    key_added: str | None,
    random_state: Any,
    copy: bool,
) -> Any:
    """Make a map and write it, see `embed`."""
    check_adata(adata)
    if copy and getattr(adata, "isbacked", False):
        raise InvalidParameterError(
            "`copy` must be False for an object that is backed by a file; use adata.to_memory()"
        )
    estimator = make_estimator(method, random_state, parameters)
    source = find_source(adata, estimator, parameters, **sources)
    embedding = estimator.fit(source.X, affinities=source.affinities)
    target = adata.copy() if copy else adata
    place, name = keys(estimator, key_added)
    target.obsm[place] = np.array(embedding)
    params = {"estimator": type(estimator).__name__, **source.named, **_kept_parameters(estimator, source)}
    target.uns[name] = {"params": params, _loss_name(embedding): float(embedding.loss_value)}
    return target if copy else embedding


def make_estimator(method: Any, random_state: Any, parameters: Mapping[str, Any]) -> Method:
    """Return the estimator that a name and parameters stand for."""
    return find_estimator(method)().set_params(**{"random_state": random_state, **parameters})


def keys(estimator: Method, key_added: str | None) -> tuple[str, str]:
    """Return the names of a map in ``.obsm`` and ``.uns``."""
    name = plain_name(type(estimator).__name__)
    return (f"X_{name}", name) if key_added is None else (key_added, key_added)


def find_source(
    adata: Any,
    estimator: Method,
    parameters: Mapping[str, Any],
    *,
    use_rep: str | None,
    n_pcs: int | None,
    neighbors_key: str | None,
) -> Source:
    """Return what a map is to be made of, see `embed`.

    Parameters
    ----------
    adata : AnnData
    estimator : Method
    parameters : mapping
        That were given by name.
    use_rep, n_pcs, neighbors_key
        As of `embed`.
    """
    searches = [name for name in _SEARCHES if parameters.get(name) is not None]
    free = use_rep is None and n_pcs is None and not searches and parameters.get("perplexity") is None
    if neighbors_key is not None and not takes_graphs(estimator):
        raise InvalidParameterError(
            f"`neighbors_key` must be left out for {type(estimator).__name__}, which chooses pairs of its own, got "
            f"{neighbors_key!r}"
        )
    if neighbors_key is None and free and DEFAULT_KEY in adata.uns and takes_graphs(estimator):
        neighbors_key = DEFAULT_KEY
    if n_pcs is not None:
        n_pcs = check_integer(n_pcs, "n_pcs", at_least=0)
    if neighbors_key is None:
        X, named = representation(adata, use_rep, n_pcs)
        if n_pcs and "n_pcs" not in named:
            raise InvalidParameterError(
                f"`n_pcs` must be left out for a map of the genes themselves, got {n_pcs}; run scanpy.pp.pca and name "
                "use_rep='X_pca'"
            )
        return Source(X, None, named)
    if searches:
        raise InvalidParameterError(
            f"`{searches[0]}` must be left out with neighbors_key={neighbors_key!r}, whose neighbours are found "
            f"already, got {shown(parameters[searches[0]])}"
        )
    graph, found = find_graph(adata, neighbors_key)
    X, named = representation(adata, use_rep or found.get("use_rep"), n_pcs or found.get("n_pcs"))
    affinities, kind = graph_affinities(estimator, graph, found.get("metric"), parameters.get("perplexity"))
    return Source(X, affinities, {**named, "neighbors_key": neighbors_key, "affinities": kind})


def _loss_name(embedding: Any) -> str:
    """Return the name of the loss for ``.uns``."""
    return "kl_divergence" if hasattr(type(embedding), "kl_divergence") else "loss"


def _kept_parameters(estimator: Method, source: Source) -> dict[str, Any]:
    """Return the parameters that had a say, as values that .h5ad holds; those that are None are left out."""
    mute = set(_NOT_KEPT)
    if source.affinities is not None:
        mute |= {*_SEARCHES} | ({"perplexity"} - {source.named["affinities"]})
    params = {name: value for name, value in estimator.get_params().items() if name not in mute}
    if not isinstance(params["random_state"], (int, np.integer)):
        del params["random_state"]  # a state has moved on meanwhile
    return {name: _storable(value) for name, value in params.items() if value is not None}


def _storable(value: Any) -> Any:
    """Return a number, a text, an array, or a mapping of these that says as much as there is to say."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(name): _storable(part) for name, part in value.items() if part is not None}
    if isinstance(value, (list, tuple, np.ndarray)) and np.asarray(value).dtype.kind in "biufU":
        return np.asarray(value)
    return getattr(value, "__name__", type(value).__name__)
