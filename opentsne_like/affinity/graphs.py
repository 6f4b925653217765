"""Affinities from neighbours that were found elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from ..errors import InvalidParameterError, InvalidTypeError
from ..nearest_neighbors import PrecomputedNeighbors
from .base import NeighborAffinities
from .multiscale import MultiscaleMixture
from .neighbors import refuse_similarities
from .perplexity import PerplexityBasedNN
from .uniform import Uniform


def from_neighbors(
    neighbors: Any,
    distances: Any = None,
    *,
    perplexity: Any = 30.0,
    metric: Any = None,
    symmetrize: bool | str = True,
    n_jobs: int | None = -1,
    verbose: bool = False,
    dtype: Any = np.float64,
) -> NeighborAffinities:
    """Return affinities on a neighbour graph that exists already.

    Parameters
    ----------
    neighbors : sparse matrix, tuple, array-like or KNNIndex
        Distances to the neighbours of each point as a sparse matrix of shape (n_samples, n_samples), such as
        scikit-learn's ``KNeighborsTransformer`` or scanpy's ``.obsp["distances"]`` give; its diagonal is ignored and
        its rows may differ in length. Weights, as in ``.obsp["connectivities"]``, are for `PrecomputedAffinities`. Or a
        pair ``(indices, distances)``, or the indices alone, of shape (n_samples, k), without the points themselves. Or
        a neighbour index, which is built.
    distances : array-like of shape (n_samples, k), optional
        Distances to the neighbours, if `neighbors` holds indices alone; not needed where `perplexity` is None.
    perplexity : float, sequence of float or None
        One perplexity, several for a mixture, or None for uniform affinities.
    metric : str or callable, optional
        By which new points are compared with the data, once `fit` or `with_data` tells them; default: the one of
        euclidean, cosine and a few others by which distances of the data are those given here, and euclidean where none
        are given.
    symmetrize : bool or str
        As in `PerplexityBasedNN` or, for uniform affinities, in `Uniform`.
    n_jobs : int, optional
    verbose : bool
    dtype : dtype
        float64 or float32.

    Returns
    -------
    PerplexityBasedNN, MultiscaleMixture or Uniform
        It places new points and takes them up once it knows the data, see `with_data`; with a sparse matrix and
        without data, new points are given by their distances.

    Raises
    ------
    InvalidParameterError, InvalidTypeError
        For neighbours that are out of range, repeated or the point itself, distances that are negative or not finite,
        or rows without a neighbour. The message names the row.

    Examples
    --------
    >>> indices = [[1, 2], [0, 2], [1, 0]]
    >>> from_neighbors((indices, [[1.0, 2.0], [1.0, 1.5], [1.5, 2.0]]), perplexity=1.5).P.nnz
    6
    >>> from_neighbors(indices, perplexity=None).P.nnz
    6
    """
    if distances is not None and (hasattr(neighbors, "tocsr") or hasattr(neighbors, "build")):
        raise InvalidParameterError("`distances` must be None where `neighbors` has the distances, got both")
    if metric is not None and hasattr(neighbors, "build"):
        raise InvalidParameterError(f"`metric` must be None where `neighbors` is an index, got {metric!r}")
    options = {"symmetrize": symmetrize, "n_jobs": n_jobs, "verbose": verbose, "dtype": dtype}
    if hasattr(neighbors, "tocsr"):
        neighbors = check.check_csr(neighbors, "neighbors")
        refuse_similarities(neighbors, "neighbors")
        options |= {"data": neighbors, "metric": "precomputed"}
    else:
        options["knn_index"] = _as_index(neighbors, distances, uniform=perplexity is None)
    made = _weighted(neighbors, perplexity, options)
    if not hasattr(neighbors, "build"):
        unknown = distances is None and not (isinstance(neighbors, tuple) or hasattr(neighbors, "tocsr"))
        made.knn_index.asked_metric = "euclidean" if unknown and metric is None else metric
    return made


def _weighted(neighbors: Any, perplexity: Any, options: dict[str, Any]) -> NeighborAffinities:
    if perplexity is None:
        if hasattr(neighbors, "tocsr"):
            options["k_neighbors"] = neighbors.shape[0] - 1
        return Uniform(**options)
    if np.ndim(perplexity) == 0:
        return PerplexityBasedNN(perplexity=perplexity, **options)
    return MultiscaleMixture(perplexities=perplexity, **options)


def _as_index(neighbors: Any, distances: Any, *, uniform: bool) -> Any:
    """Return an index of neighbours that are given as arrays, or the index that was given."""
    if hasattr(neighbors, "build"):
        return neighbors
    if isinstance(neighbors, tuple) and len(neighbors) == 2 and distances is None:
        neighbors, distances = neighbors
    indices = check.as_array(neighbors, "neighbors")
    if indices.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"`neighbors` must be integer indices, a sparse matrix of distances or an index, got dtype {indices.dtype}"
        )
    if distances is None:
        if not uniform:
            raise InvalidParameterError("`distances` must be given unless `perplexity` is None, got None")
        distances = np.ones(indices.shape)
    return PrecomputedNeighbors(indices, distances)
