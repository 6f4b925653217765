"""New rows on a finished map, block by block, wherever the blocks are."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_choice, check_integer, check_real, column_order
from ..affinity import Affinities, MultiscaleMixture, Uniform
from ..dependencies import need
from ..embedding import BATCHED, Embedding, known_affinities, stage_of
from ..errors import InvalidObjectError, InvalidParameterError
from ..nearest_neighbors import IVF, KNNIndex, Sklearn
from .affinities import DaskAffinities
from .rows import as_dask_array
from .search import JOBS
from .tasks import check_client


def transform(embedding: Any, X: Any, **options: Any) -> Any:
    """Place new rows on a finished map lazily: a block is placed when somebody computes it.

    Where a row lands depends on the map and on that row alone, so the bits are those of `Embedding.transform` on one
    machine, for any chunks. Each worker that places rows holds the data of the map while it does, and what finds
    neighbours among them.

    Parameters
    ----------
    embedding : Embedding of shape (n, d)
        Whose affinities know their data, in this process or in partitions on workers.
    X : dask array or data frame of shape (m, n_features)
    **options
        As of the embedding's own `transform`; `initialization` is "median" or "weighted".

    Returns
    -------
    dask array of shape (m, d), float64
        With the chunks of the rows of `X`.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        Before any work.
    UnavailableError
        If the loss cannot place points, or the affinities know no data to compare them with.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.dask import transform
    >>> X = np.random.default_rng(0).normal(size=(150, 5))
    >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X[:100])
    >>> placed = transform(Y, da.from_array(X[100:], chunks=20), n_iter=10)
    >>> placed, bool((placed.compute(scheduler="sync") == Y.transform(X[100:], n_iter=10)).all())
    (dask.array<place_block, shape=(50, 2), dtype=float64, chunksize=(20, 2), chunktype=numpy.ndarray>, True)
    """
    delayed = need("dask", "dask").delayed
    if not isinstance(embedding, Embedding):
        raise InvalidObjectError(f"`embedding` must be an Embedding, got {type(embedding).__name__}")
    stage_of(embedding.settings)
    _check_options(embedding, options)
    affinities = known_affinities(embedding)
    on_workers = isinstance(affinities, DaskAffinities)
    index = affinities.known_index() if on_workers else affinities.knn_index
    if on_workers:
        check_client(index.client)
    table = as_dask_array(X, "X")
    if (order := column_order(X, getattr(index, "columns", None), "X")) is not None:
        table = table[:, order]
    known = index.rows if on_workers else getattr(index, "data", None)
    if known is not None and known.shape[1] != table.shape[1]:
        raise InvalidParameterError(f"`X` must have {known.shape[1]} columns, as the map's data, got {table.shape[1]}")
    table = table.rechunk({1: -1})
    if on_workers:
        described = {"k": index.k, "metric": index.metric, "seed": index.seed, "probes": index.n_probes_}
        by = delayed(standing_on)(index.rows.parts, affinities.effective_perplexities_, index.exact, **described)
    else:
        by = without_matrix(affinities)
    placer = delayed(Placer.knowing)(Placer(embedding.known_by(None, n_jobs=JOBS)), by)
    return table.map_blocks(
        place_block,
        placer=placer,
        options=options,
        dtype=np.float64,
        chunks=(table.chunks[0], (embedding.shape[1],)),
        meta=np.empty((0, 0)),
    )


def _check_options(embedding: Any, options: Mapping[str, Any]) -> None:
    """Refuse now what `Embedding.transform` would refuse when a block is computed."""
    call = inspect.signature(embedding.transform)
    try:
        call.bind(None, **options)
    except TypeError as error:
        raise InvalidParameterError(f"`options` must be those of the map's `transform`: {error}") from error
    if "initialization" in options:
        check_choice(options["initialization"], "initialization", BATCHED)
    if "k" in options:
        check_integer(options["k"], "k", at_least=1)
    if "perplexity" in options:
        check_real(options["perplexity"], "perplexity", above=0)
    settings = embedding.settings
    settings.changed(
        **{name: value for name, value in options.items() if settings.has(name) or name not in call.parameters}
    )


class Placer:
    """A map that workers hand to each other whole: of an array they would hand over the coordinates alone.

    Parameters
    ----------
    embedding : Embedding
    """

    def __init__(self, embedding: Any) -> None:
        self.embedding = embedding

    def knowing(self, affinities: Affinities) -> Placer:
        """Return the map with affinities by which it compares new points."""
        return Placer(self.embedding.known_by(affinities))


def without_matrix(affinities: Affinities) -> Affinities:
    """Return affinities as they place new points, without `P` and what it was made of."""
    told = copy.copy(affinities)
    told.P = None
    told.trim()
    return told


def standing_on(
    parts: list[Array],
    perplexities: list[float] | None,
    exact: bool,
    k: int,
    metric: str,
    seed: int,
    probes: int | None,
) -> Affinities:
    """Return affinities that know all rows in this process, with the bits of those that one machine made.

    Parameters
    ----------
    parts : list of ndarray
        The rows.
    perplexities : list of float or None
        None for equal weights of `k` neighbours.
    exact : bool
        Whether neighbours are searched exactly, else in `probes` cells of an inverted file with a seed.
    k : int
    metric : str
    seed : int
    probes : int or None
    """
    data = np.concatenate(parts)
    index: KNNIndex = (Sklearn if exact else IVF)(data, k, metric=metric, n_jobs=JOBS)
    index._seed = seed
    if isinstance(index, IVF):
        index.n_probes_ = probes
    if perplexities is None:
        return Uniform.around(index, k_neighbors=k, symmetrize=True)
    return MultiscaleMixture.around(index, perplexities=perplexities, symmetrize=True)


def place_block(block: Array, placer: Placer, options: Mapping[str, Any]) -> Array:
    """Return the places of some new rows on a map, (rows, d) float64."""
    onto = placer.embedding
    if not len(block):
        return np.empty((0, onto.shape[1]))
    return np.asarray(onto.transform(block, **options))
