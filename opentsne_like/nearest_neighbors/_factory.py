"""Which backend finds the neighbours."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .._validation import as_table, check_choice, check_real, column_names
from ..devices import has_copy_on_gpu
from ..errors import InvalidParameterError, InvalidTypeError
from ..utils import is_package_installed
from ._annoy import Annoy
from ._base import KNNIndex, Metric, check_mapping, log
from ._exact import ON_GPU, Sklearn, fits_dense
from ._faiss import Faiss
from ._given import GivenNeighbors
from ._hnsw import HNSW, Voyager
from ._ivf import IVF
from ._measured import Measured
from ._nndescent import NNDescent
from ._precomputed import from_neighbors
from ._space import blocks

Given = TypeVar("Given", bound=GivenNeighbors)

METHODS: dict[str, type[KNNIndex]] = {
    "exact": Sklearn,
    "ivf": IVF,
    "faiss": Faiss,
    "pynndescent": NNDescent,
    "annoy": Annoy,
    "hnsw": HNSW,
    "voyager": Voyager,
}
EXACT_ROWS_ON_GPU = 1_000_000  # for which a GPU takes a few seconds
EXACT_ROWS = 20_000  # up to here exact search is about as fast as an inverted file, see `exact_rows`
# Up to here exact search is faster than pynndescent, which compiles for half a minute first. For 90 neighbours on two
# cores it took 14 s for 20,000 rows of 50 columns under the Canberra metric, pynndescent 4 s after its compilation, and
# 9 s for 20,000 sparse rows of 80 words, pynndescent 26 s. A function in Python costs microseconds for each pair.
EXACT_ROWS_OTHERWISE = {"dense": 20_000, "sparse": 40_000, "function": 2_000}


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
        ``"auto"``, ``"exact"``, ``"approx"``, ``"ivf"``, ``"faiss"``, ``"pynndescent"``, ``"annoy"``, ``"hnsw"``,
        ``"voyager"``, or an index made from these data, which is returned as it is. ``"auto"`` is, for dense rows
        under the metrics of `IVF`, exact for up to `exact_rows` (20,000 rows of 50 columns) and `IVF` above; otherwise
        it is exact for up to 20,000 dense or 40,000 sparse rows, 2,000 under a function, and pynndescent, its graph
        built on one thread, above.
        ``"approx"`` is openTSNE's choice: Annoy where it serves the metric, else pynndescent.
    metric : str or callable
        See the `VALID_METRICS` of the classes.
    metric_params, n_jobs, random_state, verbose, knn_kwargs
        See `KNNIndex`. With ``"auto"``, ``"ivf"`` and ``"faiss"`` the `recall` may be among `knn_kwargs`.
    recall : float, optional
        Share of the true neighbours that `IVF` and `Faiss` shall find, by default 0.99; exact search finds all.

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
    check_choice(method, "method", ["auto", "approx", *METHODS])
    table = as_table(data, "data", at_least_rows=2)
    knn_kwargs = check_mapping(knn_kwargs, "knn_kwargs")
    if knn_kwargs and "recall" in knn_kwargs and method in ("auto", "ivf", "faiss"):
        asked = check_real(knn_kwargs.pop("recall"), "recall", above=0, at_most=1)
        recall = asked if recall is None else recall
    if method == "auto":
        backend = _automatic(table, metric)
    else:
        backend = _approximate(table, metric) if method == "approx" else METHODS[method]
    options: dict[str, Any] = {"recall": recall} if issubclass(backend, Measured) else {}
    if backend is NNDescent and method == "auto":
        options["build_jobs"] = 1  # its graph depends on the number of threads
    maker = getattr(sys.modules[__package__], backend.__name__)  # where a user may have put a class of their own
    index: KNNIndex = maker(
        table,
        k,
        metric=metric,
        metric_params=metric_params,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        knn_kwargs=knn_kwargs or None,
        **options,
    )
    index.columns = column_names(data)
    return index


def check_names(method: str, metric: str, names: tuple[str, str] = ("method", "metric")) -> None:
    """Refuse names of a search and of a metric that no backend has, before there are data.

    Parameters
    ----------
    method : str
        As of `make_index`.
    metric : str
    names : tuple of str
        How the caller calls them.

    Raises
    ------
    InvalidParameterError

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import check_names
    >>> check_names("auto", "cosine")
    >>> check_names("annoy", "cosin")
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `metric` must be one of ... got 'cosin'; did you mean 'cosine'?
    """
    check_choice(method, names[0], ["auto", "approx", *METHODS])
    wide: dict[str, list[type[KNNIndex]]] = {"auto": [Sklearn, NNDescent], "approx": [Annoy, NNDescent]}
    served = wide.get(method) or [METHODS[method]]
    check_choice(metric, names[1], sorted({"precomputed"}.union(*(backend.VALID_METRICS for backend in served))))


def with_data(given: Given, data: Any, metric: Metric | None = None, *, n_jobs: int | None = -1) -> Given:
    """Return given neighbours with the data that they are of, in which new rows are looked up.

    Parameters
    ----------
    given : GivenNeighbors
    data : array-like or sparse matrix of shape (n_samples, n_features)
        It is referred to, not copied.
    metric : str or callable, optional
        By which rows are compared; default ``given.asked_metric``. Where that is None, too, it is the first of
        euclidean, cosine, correlation, cityblock, sqeuclidean and chebyshev by which distances of the data are those
        that were given; with none of them, new rows are refused.
    n_jobs : int, optional

    Returns
    -------
    GivenNeighbors

    Raises
    ------
    InvalidParameterError
        The data have another number of rows.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import PrecomputedNeighbors, with_data
    >>> given = PrecomputedNeighbors([[1], [0], [1]], [[1.0], [1.0], [2.0]])
    >>> told = with_data(given, [[0.0], [1.0], [3.0]])
    >>> told.metric, told.query([[2.5]], k=1)[0].tolist()
    ('euclidean', [[2]])
    """
    table = as_table(data, "data", at_least_rows=2)
    if table.shape[0] != given.n_samples:
        raise InvalidParameterError(
            f"`data` must have the {given.n_samples} rows of the neighbours, got {table.shape[0]}"
        )
    metric = metric or given.asked_metric or given.guessed_metric(table)
    told = copy.copy(given)
    told.unmatched = metric is None
    if metric is not None:
        told.look_up_in(make_index(data, given.k, metric=metric, n_jobs=n_jobs, random_state=0))
    return told


def _automatic(data: Any, metric: Metric) -> type[KNNIndex]:
    """Return exact search while it is cheap, then what is approximate, has the metric and repeats itself."""
    n = data.shape[0]
    if _serves(IVF, data, metric):
        on_gpu = metric in ON_GPU and has_copy_on_gpu(data)
        return Sklearn if n <= exact_rows(data.shape[1], on_gpu) else IVF
    sparse = hasattr(data, "tocsr") and metric in Sklearn.SPARSE_METRICS
    kind = "function" if callable(metric) else "sparse" if sparse else "dense"
    if _serves(NNDescent, data, metric) and (n > EXACT_ROWS_OTHERWISE[kind] or not _serves(Sklearn, data, metric)):
        return NNDescent
    return Sklearn


def exact_rows(n_columns: int, on_gpu: bool = False) -> int:
    """Return up to how many rows exact search is worth its time, a quarter of a second more than an inverted file.

    The time of exact search grows as ``n_samples^2 (150 + n_columns)``, where 150 stands for what is done with a
    product once it is there. For 90 neighbours on two cores it took 0.09 s (and an inverted file 0.15 s) for 5,000 rows
    of 50 columns, 0.21 s (0.25 s) for 9,255, 0.70 s (0.51 s) for 20,000, and 1.05 s (0.82 s) for 9,255 rows of 784.

    Parameters
    ----------
    n_columns : int
    on_gpu : bool
        Whether a GPU looks for them.

    Examples
    --------
    >>> exact_rows(50), exact_rows(784)
    (20000, 9255)
    """
    most = EXACT_ROWS_ON_GPU if on_gpu else EXACT_ROWS
    return round(most * math.sqrt(min(1.0, 200 / (150 + n_columns))))


def _approximate(data: Any, metric: Metric) -> type[KNNIndex]:
    """Return Annoy where it serves the metric, as openTSNE does, and faiss where Annoy is not installed."""
    if not _serves(Annoy, data, metric):
        return NNDescent
    if is_package_installed("annoy"):
        return Annoy
    substitute = Faiss if _serves(Faiss, data, metric) else NNDescent
    log.warning("Annoy is not installed; neighbours are found by %s.", substitute.__name__)
    return substitute


def _serves(backend: type[KNNIndex], data: Any, metric: Metric) -> bool:
    """Say whether a backend has a metric for this kind of data."""
    sparse = hasattr(data, "tocsr") and not (backend is Sklearn and fits_dense(data.shape))
    if callable(metric):
        return backend.CALLABLE_METRICS and not sparse
    served = backend.SPARSE_METRICS
    return metric in backend.VALID_METRICS and (not sparse or served is None or metric in served)


def check_index(index: KNNIndex, data: Any, k: int | None = None) -> None:
    """Raise an error unless an index was made from these data and has at least k neighbours.

    Parameters
    ----------
    index : KNNIndex
    data : array-like or sparse matrix
        What the index should have been made from.
    k : int, optional

    Raises
    ------
    InvalidParameterError, InvalidTypeError

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import check_index, make_index
    >>> check_index(make_index(np.eye(4), 2), np.eye(4), k=3)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidParameterError: `neighbors` must be an index with at least 3 neighbours, got k = 2
    """
    table = data if index.data is data else as_table(data, "data", columns=index.columns)
    shape = np.shape(table)
    if shape[0] != index.n_samples or (index.data is not None and shape != index.data.shape):
        expected = index.data.shape if index.data is not None else (index.n_samples,)
        raise InvalidParameterError(
            f"`neighbors` must be an index of the same data, got one of shape {expected} for data of shape {shape}"
        )
    if k is not None and k > index.k:
        raise InvalidParameterError(f"`neighbors` must be an index with at least {k} neighbours, got k = {index.k}")
    if index.data is None or index.data is table:
        return
    sparse = hasattr(table, "tocsr")
    if sparse != hasattr(index.data, "tocsr"):
        raise InvalidTypeError("`neighbors` must be an index of the same data, got sparse and dense ones")
    if sparse:
        same = (table != index.data).nnz == 0
    else:
        same = all(
            np.array_equal(table[low:high].astype(index.data.dtype), index.data[low:high])
            for low, high in blocks(*shape)
        )
    if not same:
        raise InvalidParameterError("`neighbors` must be an index of the same data, got one of other values")
