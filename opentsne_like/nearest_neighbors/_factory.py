"""Which backend finds the neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._validation import check_choice
from ..errors import InvalidParameterError, InvalidTypeError
from ._base import KNNIndex, Metric
from ._exact import Sklearn
from ._ivf import IVF
from ._precomputed import from_neighbors
from ._space import blocks

METHODS = {"exact": Sklearn, "ivf": IVF}
# Up to here exact search takes no longer than the inverted file, see ``benchmarks``.
EXACT_ROWS = 20_000


def make_index(
    data: Any,
    k: int,
    *,
    method: str | KNNIndex = "auto",
    metric: Metric = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = -1,
    random_state: Any = None,
    verbose: bool = False,
    knn_kwargs: Mapping[str, Any] | None = None,
    recall: float | None = None,
) -> KNNIndex:
    """Return the index of the backend that a name stands for; nothing is searched yet.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        Rows, or with ``metric="precomputed"`` distances in any form that `from_neighbors` takes.
    k : int
        Number of neighbours, between 1 and n_samples - 1.
    method : str or KNNIndex
        ``"auto"``, ``"exact"``, ``"ivf"``, or an index made from these data, which is returned as it is. ``"auto"``
        is exact for up to 20,000 rows and `IVF` above.
    metric : str or callable
        See the `VALID_METRICS` of the classes.
    metric_params, n_jobs, random_state, verbose, knn_kwargs
        See `KNNIndex`.
    recall : float, optional
        Share of the true neighbours that `IVF` shall find, by default 0.99.

    Returns
    -------
    KNNIndex

    Raises
    ------
    InvalidParameterError
        The backend lacks the metric, or the index was made from other data.
    MissingDependencyError
        The backend is an optional package that is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.nearest_neighbors import make_index
    >>> index = make_index(np.array([[0.0], [1.0], [3.0]]), k=1)
    >>> type(index).__name__, index.build()[0].ravel().tolist()
    ('Sklearn', [1, 0, 1])
    """
    if isinstance(method, KNNIndex):
        check_index(method, data, k)
        return method
    if isinstance(metric, str) and metric == "precomputed":
        return from_neighbors(data, k)
    check_choice(method, "method", ["auto", *METHODS])
    backend = (Sklearn if np.shape(data)[0] <= EXACT_ROWS else IVF) if method == "auto" else METHODS[method]
    options = {"recall": recall} if backend is IVF else {}
    index: KNNIndex = backend(data, k, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs, **options)
    return index


def check_index(index: KNNIndex, data: Any, k: int | None = None) -> None:
    """Raise an error unless an index was made from these data and has at least k neighbours.

    Parameters
    ----------
    index : KNNIndex
    data : array-like or sparse matrix
        What the index should have been made from.
    k : int, optional
    """
    shape = np.shape(data)
    if shape[0] != index.n_samples or (index.data is not None and shape != index.data.shape):
        expected = index.data.shape if index.data is not None else (index.n_samples,)
        raise InvalidParameterError(
            f"`neighbors` must be an index of the same data, got one of shape {expected} for data of shape {shape}"
        )
    if k is not None and k > index.k:
        raise InvalidParameterError(f"`neighbors` must be an index with at least {k} neighbours, got k = {index.k}")
    if index.data is None or index.data is data:
        return
    sparse = hasattr(data, "tocsr")
    if sparse != hasattr(index.data, "tocsr"):
        raise InvalidTypeError("`neighbors` must be an index of the same data, got sparse and dense ones")
    if sparse:
        same = (data.tocsr() != index.data).nnz == 0
    else:
        rows = np.asarray(data)
        same = all(
            np.array_equal(rows[low:high].astype(index.data.dtype), index.data[low:high])
            for low, high in blocks(*shape)
        )
    if not same:
        raise InvalidParameterError("`neighbors` must be an index of the same data, got one of other values")
