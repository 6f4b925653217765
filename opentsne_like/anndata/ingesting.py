"""New cells on the map of a reference, with what their neighbours there are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_integer, shown
from ..embedding import Embedding
from ..errors import InvalidParameterError, InvalidTypeError
from ..methods import find_estimator, plain_name
from ..nearest_neighbors import check_names
from .making import find_source, keys, make_estimator
from .matrices import check_adata
from .projecting import projected


def ingest(
    adata_new: Any,
    reference: Any,
    obs: str | Sequence[str] = (),
    *,
    method: str = "tsne",
    key_added: str | None = None,
    embedding: Any = None,
    k: int = 15,
    **parameters: Any,
) -> Any:
    """Place new cells on the map of a reference, and let its cells vote on what they are.

    New cells are projected by the loadings of the reference's components (genes are matched by name), placed on the
    map, which does not move, and get of each column of `obs` the value that most of their nearest reference cells have.
    Written are ``.obsm["X_pca"]`` where components were projected, the places in ``.obsm`` under the name of the map,
    and for each column of votes ``.obs[name]`` and ``.obs[name + "_share"]``, the share of the votes. Colours of
    classes go along.

    Parameters
    ----------
    adata_new : AnnData
        With the genes of the reference, treated as these were: normalized, logarithms taken. It may be backed.
    reference : AnnData
        With a map that `embed` made, also one that was stored as .h5ad meanwhile.
    obs : str or sequence of str
        Columns of ``reference.obs`` to vote on.
    method : str
        Of the map, as of `embed`.
    key_added : str, optional
        Its name, as of `embed`.
    embedding : Embedding, optional
        The map as `embed` returned it; without it, the neighbours within the reference are found once more.
    k : int
        Neighbours that vote.
    **parameters
        Of the map's `transform`, such as ``n_iter``.

    Returns
    -------
    PlacedEmbedding of shape (n_new, n_components)

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        Before any work.

    Examples
    --------
    >>> import anndata, numpy as np
    >>> import opentsne_like.anndata as ota
    >>> X = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    >>> old, new = anndata.AnnData(X[:100]), anndata.AnnData(X[100:])
    >>> old.obs["half"] = np.where(X[:100, 0] > 0, "right", "left")
    >>> Y = ota.tsne(old, perplexity=10)
    >>> ota.ingest(new, old, obs="half", embedding=Y).shape
    (20, 2)
    """
    check_adata(adata_new, "adata_new", at_least=1)
    check_adata(reference, "reference")
    columns = list(obs) if isinstance(obs, Iterable) and not isinstance(obs, str) else [obs]
    for name in columns:
        if name not in reference.obs:
            raise InvalidParameterError(f"`obs` must name columns of reference.obs, got {shown(name)}")
    if not (embedding is None or isinstance(embedding, Embedding)):
        raise InvalidTypeError(f"`embedding` must be an Embedding, got {type(embedding).__name__}")
    check_integer(k, "k", at_least=1, at_most=reference.n_obs)
    place, params = _described(reference, method, key_added)
    X = projected(adata_new, reference, str(params["use_rep"]), params.get("n_pcs"))
    map_of = _restored(reference, place, dict(params)) if embedding is None else embedding
    if len(map_of) != reference.n_obs:
        raise InvalidParameterError(
            f"`embedding` must have the {reference.n_obs} cells of the reference, got {len(map_of)}"
        )
    placed = map_of.transform(X, **parameters)
    if params["use_rep"] == "X_pca":
        adata_new.obsm["X_pca"] = X
    adata_new.obsm[place] = np.array(placed)
    if columns:
        near, _ = map_of.affinities.knn_index.query(X, k)
        for name in columns:
            _vote(adata_new, reference, name, near)
    return placed


def _described(reference: Any, method: str, key_added: str | None) -> tuple[str, dict[str, Any]]:
    """Return where the reference has a map, and what it was made by."""
    place, name = keys(find_estimator(method)(), key_added)
    params = dict(reference.uns.get(name, {}).get("params", {}))
    if place not in reference.obsm or "use_rep" not in params or "estimator" not in params:
        raise InvalidParameterError(
            f"`reference` must have a map {place!r} that opentsne_like.anndata made, got none; run "
            f"opentsne_like.anndata.embed(reference, {plain_name(method)!r})"
        )
    return place, params


def _restored(reference: Any, place: str, params: dict[str, Any]) -> Any:
    """Return the map of a reference as an embedding, its affinities made again from what is known of them."""
    named = {name: params.pop(name, None) for name in ("use_rep", "n_pcs", "neighbors_key")}
    kind, method = params.pop("affinities", None), str(params.pop("estimator"))
    estimator = make_estimator(method, None, {name: _plain(value) for name, value in params.items()})
    _check_known(params)
    asked = {"perplexity": params["perplexity"]} if kind == "perplexity" else {}
    source = find_source(reference, estimator, asked, **named)
    return estimator.at(reference.obsm[place], source.X, source.affinities)


def _check_known(params: dict[str, Any]) -> None:
    """Refuse a metric or a search of one's own, of which the name alone is stored."""
    try:
        check_names(str(params.get("neighbors", "auto")), str(params.get("metric", "euclidean")))
    except InvalidParameterError as error:
        raise InvalidParameterError(
            "`embedding` must be given for a map by a metric or a search of one's own, got None"
        ) from error


def _plain(value: Any) -> Any:
    """Return a value that was read from a file as it was before it was written."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _vote(new: Any, reference: Any, name: str, near: Array) -> None:
    """Write the most frequent value among neighbours, the nearest one's of several, and its share of the votes."""
    column = reference.obs[name]
    values = column.to_numpy()
    _, where, codes = np.unique(values.astype(str), return_index=True, return_inverse=True)
    votes = codes[near]
    counts = (votes[:, :, np.newaxis] == votes[:, np.newaxis, :]).sum(axis=2)
    rows, best = np.arange(len(votes)), counts.argmax(axis=1)  # the first of the highest, so of the nearest
    new.obs[name] = values[where[votes[rows, best]]]
    if hasattr(column.dtype, "categories"):
        new.obs[name] = new.obs[name].astype(column.dtype)
    new.obs[f"{name}_share"] = counts[rows, best] / near.shape[1]
    if f"{name}_colors" in reference.uns:
        new.uns[f"{name}_colors"] = reference.uns[f"{name}_colors"]
