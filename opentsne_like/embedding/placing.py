"""New points on a finished map and beside it, for every loss: their affinities, their start, their way."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from .. import initialization as starts
from .._types import Array
from .._validation import as_table, check_choice, check_integer, check_matrix
from ..errors import InvalidParameterError, OptimizationInterrupt, UnavailableError
from ..objectives import Loss, Placing
from .settings import Settings

BATCHED = ("median", "weighted")  # starts that depend on a point alone
STARTS = (*BATCHED, "random")
BLOCK = 2**16  # new rows that are looked up at a time


def stage_of(settings: Settings) -> dict[str, Any]:
    """Return how points are placed by a loss, as arguments of `optimize` that loss and optimizer know.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    UnavailableError
        If it does not.

    Examples
    --------
    >>> from opentsne_like.embedding import Settings, stage_of
    >>> stage_of(Settings())["exaggeration"]
    1.5
    """
    loss = settings.loss
    if type(loss).place is Loss.place:
        loss.place(None, None, None)  # type: ignore[arg-type]  # raises the loss's own refusal
    if loss.placing is None:
        return {"n_iter": Placing().n_iter}  # a loss of the user's own, of which nothing else is known
    return {name: value for name, value in loss.placing._asdict().items() if settings.has(name)}


def prepare(embedding: Any, X: Any, initialization: Any, k: int, affinity_params: Mapping[str, Any]) -> Any:
    """Return new points on a map, before any optimization, see `Embedding.prepare_partial`.

    Parameters
    ----------
    embedding : Embedding
    X, initialization, k, affinity_params
        As there.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, prepare
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> Y = Embedding(X[:, :2], affinity.PerplexityBasedNN(X, perplexity=5))
    >>> placed = prepare(Y, X[:1], "median", 1, {"perplexity": 2})
    >>> placed.n_iter_, bool((placed == Y[:1]).all())
    (0, True)
    """
    stage_of(embedding.settings)
    P, start = _look_up(embedding, X, initialization, check_integer(k, "k", at_least=1), dict(affinity_params))
    return embedding.placed_class.on(start, embedding, P, embedding.settings.inherited())


def transform(
    embedding: Any,
    X: Any,
    initialization: Any,
    k: int,
    affinity_params: Mapping[str, Any],
    stages: Sequence[Mapping[str, Any]],
    shared: Mapping[str, Any],
) -> Any:
    """Return new points on a map that have gone down their loss in stages, see `Embedding.transform`.

    Parameters
    ----------
    embedding : Embedding
    X, initialization, k, affinity_params
        As there.
    stages : sequence of mapping
        Arguments of `optimize`.
    shared : mapping
        What all stages have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, transform
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> Y = Embedding(X[:, :2], affinity.PerplexityBasedNN(X, perplexity=5))
    >>> transform(Y, X[:1], "median", 3, {}, [{"n_iter": 5, "exaggeration": 2}, {"n_iter": 5}], {}).n_iter_
    10
    """
    placed = prepare(embedding, X, initialization, k, affinity_params)
    with suppress(OptimizationInterrupt):
        for stage in stages:
            placed.optimize(**{**shared, **stage}, inplace=True, propagate_exception=True)
    return placed


def transform_batches(embedding: Any, X: Any, batch_size: int, options: Mapping[str, Any]) -> Iterator[Array]:
    """Return the places of new points, batch by batch, see `Embedding.transform_batches`.

    Parameters
    ----------
    embedding : Embedding
    X, batch_size
        As there.
    options : mapping
        Arguments of the embedding's own `transform`.
    """
    if "initialization" in options:
        check_choice(options["initialization"], "initialization", BATCHED)
    step = check_integer(batch_size, "batch_size", at_least=1)
    table = as_table(X, "X", columns=_columns(known_affinities(embedding)), in_slices=True)

    def batches() -> Iterator[Array]:
        for low in range(0, table.shape[0], step):
            block = check_matrix(table[low : low + step], "X", accept_sparse=True, first_row=low)
            yield np.asarray(embedding.transform(block, **options))

    return batches()


def add(embedding: Any, X_new: Any, initialization: Any, k: int) -> Any:
    """Return a map of old points and new ones, see `Embedding.add`.

    Parameters
    ----------
    embedding : Embedding
    X_new, initialization, k
        As there.
    """
    _, start = _look_up(embedding, X_new, initialization, check_integer(k, "k", at_least=1), {})
    with embedding.optimizer.held():
        old, state = np.array(embedding), embedding._own.copy()
    placing = embedding.loss.placing
    points = _part(np.concatenate([old, start]), len(old), 0.0 if placing is None else placing.apart)
    state.affinities = state.affinities.extended(X_new)
    state.settings = state.settings.changed(fixed=None)
    state.value = None
    descent = state.optimizer
    if descent.state is not None:
        descent.state = descent.state.grown(state.settings.optimizer.start(points), old.shape)
    return type(embedding)._make(points, state)


def _part(points: Array, n_old: int, share: float) -> Array:
    """Return points of which new ones do not begin in the place of another, unless they may."""
    if not share:
        return points
    _, group, sizes = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    moves = (sizes[group.ravel()] > 1) & (np.arange(len(points)) >= n_old)
    noise = np.random.default_rng(0).normal(size=(len(points), points.shape[1]))
    points[moves] += share * points.std() * noise[moves]
    return points


def _look_up(embedding: Any, X: Any, initialization: Any, k: int, affinity_params: dict[str, Any]) -> tuple[Any, Array]:
    """Return affinities of new points to the old and initial coordinates, found in blocks of rows."""
    from scipy.sparse import vstack

    affinities = known_affinities(embedding)
    if "perplexity" in affinity_params and "perplexities" in inspect.signature(affinities.to_new).parameters:
        affinity_params["perplexities"] = affinity_params.pop("perplexity")
    X = as_table(X, "X", columns=_columns(affinities), in_slices=True)
    if isinstance(initialization, str):
        check_choice(initialization, "initialization", STARTS)
    near = isinstance(initialization, str) and initialization != "random"
    k = min(k, len(embedding))
    rows, begun = [], []
    for low in range(0, max(1, X.shape[0]), BLOCK):
        block = check_matrix(X[low : low + BLOCK], "X", accept_sparse=True, first_row=low)
        P, neighbors, distances = affinities.to_new(block, return_distances=k if near else True, **affinity_params)
        rows.append(P)
        if near:
            begun.append(_start(embedding, block, neighbors, distances, initialization, k))
    P = rows[0] if len(rows) == 1 else vstack(rows, format="csr")
    if begun:
        return P, np.concatenate(begun)
    return P, _given_start(embedding, initialization, P.shape[0])


def _columns(affinities: Any) -> Any:
    """Return the names of the columns of the data of a map, None where they have none."""
    return getattr(getattr(affinities, "knn_index", None), "columns", None)


def _given_start(embedding: Any, initialization: Any, m: int) -> Array:
    """Return a random start of `m` points, or the one that the user gave."""
    if isinstance(initialization, str):
        return np.asarray(starts.random(m, embedding.shape[1], random_state=embedding.random_state))
    given = check_matrix(initialization, "initialization")
    if given.shape != (m, embedding.shape[1]):
        raise InvalidParameterError(f"`initialization` must have shape {(m, embedding.shape[1])}, got {given.shape}")
    return np.asarray(given)


def _start(embedding: Any, block: Any, neighbors: Array, distances: Array, how: str, k: int) -> Array:
    """Return the median or weighted mean of the places of the `k` nearest old points."""
    Y = np.asarray(embedding)
    if neighbors.shape[1] < k:
        neighbors, distances = embedding.affinities.knn_index.query(block, k)
    if how == "median":
        return np.asarray(starts.median(Y, neighbors[:, :k]))
    return np.asarray(starts.weighted_mean(block, Y, neighbors[:, :k], distances[:, :k]))


def known_affinities(embedding: Any) -> Any:
    """Return the affinities of a map, or say why there are none.

    Parameters
    ----------
    embedding : Embedding

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, known_affinities
    >>> affinities = affinity.Uniform(np.eye(5), k_neighbors=2)
    >>> known_affinities(Embedding(np.eye(5)[:, :2], affinities)) is affinities
    True
    """
    affinities = embedding.affinities
    if affinities is None:
        raise UnavailableError(
            f"this {type(embedding).__name__} was stored without its affinities and cannot place new points"
        )
    if not hasattr(affinities, "to_new"):
        raise UnavailableError(
            f"affinities of the class {type(affinities).__name__} cannot place new points, for want of a method "
            "`to_new`; see affinity.Affinities"
        )
    return affinities
