"""The one interface of all nearest-neighbour indices."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import (
    Rows,
    check_integer,
    check_k,
    check_matrix,
    check_n_jobs,
    check_random_state,
    check_rows,
    check_verbose,
    column_names,
    near_miss,
)
from ..errors import InvalidParameterError, InvalidTypeError, OpenTSNEError, UnavailableError
from ..utils import Timer
from ._parameters import check_parameters

log = logging.getLogger(__name__)

Neighbors = tuple[Array, Array]
Metric = str | Callable[..., float]


class KNNIndex(ABC):
    """Finds the k nearest neighbours of rows: base of all backends, and of your own.

    A backend overrides `build` and `query`. Indices can be copied and pickled, and two indices made from the same data,
    parameters and seed give the same neighbours where the backend is deterministic; each class says whether it is.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_samples, n_features)
        Finite numbers. float32 and float64 are kept, float16 becomes float32, integers become float64. C-ordered,
        read-only and memory-mapped arrays are not copied. Large tables of other types, in another order or in chunks,
        as of h5py, zarr and dask, are read block by block by searches of our own.
    k : int
        Number of neighbours, between 1 and n_samples - 1; a row is not its own neighbour.
    metric : str or callable
        One of `VALID_METRICS`, or a function of two rows where the backend can call one. It gets float64 arrays,
        whatever the type of the data, and returns a number that is not negative.
    metric_params : dict, optional
        Arguments of the metric, such as ``{"p": 3}`` for ``"minkowski"``. Where they are not given, ``"seuclidean"``
        takes the variances ``V`` and ``"mahalanobis"`` the inverse covariance ``VI`` from the data.
    n_jobs : int
        Number of threads, -1 for all cores. It does not change the result unless the class says so.
    random_state : None, int, RandomState or Generator
        Seeds what is random in the backend.
    verbose : bool
        Announce stages and their durations.
    knn_kwargs : dict, optional
        Parameters of the backend.

    Attributes
    ----------
    data, k, metric, metric_params, n_jobs, random_state, verbose, knn_kwargs
        As above. `data` is None after `release`.
    n_samples : int
        Number of rows of `data`.
    columns : sequence of str and int, or None
        The names of the columns where `data` was a data frame. Rows of a data frame that are looked up or added are put
        in this order, or refused where the names differ; rows without names are taken by position.
    index : object
        What the backend searches in, None until it is made.
    distance_dtype : dtype or None
        What distances are returned in; None means that of the data, float32 or float64. Set it to ``numpy.float32``
        to halve the memory.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import KNNIndex, Sklearn
    >>> issubclass(Sklearn, KNNIndex), Sklearn(np.array([[0.0], [1.0], [3.0]]), k=1).build()[0].tolist()
    (True, [[1], [0], [1]])
    """

    VALID_METRICS: ClassVar[Sequence[str]] = []
    SPARSE_METRICS: ClassVar[frozenset[str] | None] = None  # what sparse data can be searched by; None: anything
    CALLABLE_METRICS: ClassVar[bool] = True
    PARAMETERS: ClassVar[Mapping[str, tuple[str, ...] | None]] = {}  # what metrics take as `metric_params`
    OPTIONS: ClassVar[Mapping[str, int | None] | None] = None  # `knn_kwargs`, the least of integers; None: unchecked
    LEARNED: ClassVar[tuple[str, ...]] = ()  # attributes of a built index that decide, or tell, what it finds

    distance_dtype: Any = None
    columns: Any = None

    def __init__(
        self,
        data: Any,
        k: int,
        metric: Metric = "euclidean",
        metric_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = -1,
        random_state: Any = None,
        verbose: bool = False,
        knn_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.data = check_rows(data, "data", at_least_rows=2)
        self.columns = column_names(data)
        self.n_samples: int = self.data.shape[0]
        self.k = check_k(k, self.n_samples - 1)
        self.metric = self.check_metric(metric)
        self._check_sparse()
        parameters = check_mapping(metric_params, "metric_params")
        self.metric_params = check_parameters(self.metric, parameters, self.PARAMETERS, self.data)
        self.n_jobs = check_n_jobs(n_jobs)
        self.random_state = random_state
        self.verbose = check_verbose(verbose)
        self.knn_kwargs = check_mapping(knn_kwargs, "knn_kwargs")
        self._check_options()
        if isinstance(self.data, Rows) and not self._takes_rows():
            self.data = np.asarray(self.data)
        self.index: Any = None
        self._seed: int | None = None

    @abstractmethod
    def build(self) -> Neighbors:
        """Make the index and return the neighbours of every row of the data.

        Returns
        -------
        indices : ndarray of shape (n_samples, k), int32 (int64 from 2**31 rows on)
            Rows of `data`, nearest first, equal distances by index, never the row itself.
        distances : ndarray of shape (n_samples, k), `distance_dtype`
        """

    @abstractmethod
    def query(self, query: Any, k: int) -> Neighbors:
        """Return the k rows of the data that are nearest to each row of `query`.

        Parameters
        ----------
        query : array-like or sparse matrix of shape (m, n_features)
        k : int
            Between 1 and n_samples.

        Returns
        -------
        indices : ndarray of shape (m, k), int32 (int64 from 2**31 rows on)
        distances : ndarray of shape (m, k), `distance_dtype`
        """

    def check_metric(self, metric: Metric) -> Metric:
        """Return `metric` if the backend has it, and raise an error that lists what it has otherwise.

        Parameters
        ----------
        metric : str or callable

        Returns
        -------
        str or callable

        Raises
        ------
        InvalidParameterError
            The backend lacks the metric.
        """
        if callable(metric) and self.CALLABLE_METRICS:
            return metric
        if not isinstance(metric, str):
            also = " or a function of two rows" if self.CALLABLE_METRICS else f" for {type(self).__name__}"
            raise InvalidTypeError(f"`metric` must be a name{also}, got {metric!r}")
        if metric not in self.VALID_METRICS:
            raise InvalidParameterError(
                f"`metric` must be one of {', '.join(self.VALID_METRICS)} for {type(self).__name__}, got {metric!r}"
                f"{near_miss(metric, self.VALID_METRICS)}"
            )
        return metric

    def trim(self) -> None:  # noqa: B027 (most have nothing to drop)
        """Drop what can be made again from the data, with the same bits, when `query` or `build` needs it.

        Classes whose index takes long to build keep it.
        """

    def release(self) -> None:
        """Drop the data and the index; neighbours that were returned stay valid, `build` and `query` do not work."""
        self.data = None
        self.index = None

    def extended(self, new: Any) -> KNNIndex:
        """Return an index of the same kind and parameters over the rows of this one and new ones.

        Parameters
        ----------
        new : array-like or sparse matrix of shape (m, n_features)
            Rows that come after the old ones.

        Returns
        -------
        KNNIndex
            Not built yet.
        """
        return self.remade(stacked(self._require_data(), new, self.columns))

    def remade(self, data: Any) -> KNNIndex:
        """Return an index of the same kind, parameters and seed over other data, not built yet.

        Parameters
        ----------
        data : array-like or sparse matrix of shape (n_samples, n_features)
        """
        arguments = (self.k, self.metric, self.metric_params, self.n_jobs, self.random_state, self.verbose)
        other = type(self)(data, *arguments, self.knn_kwargs, **self._options())
        other._seed = self._seed
        other.distance_dtype = self.distance_dtype
        if other.columns is None:
            other.columns = self.columns
        return other

    def _takes_rows(self) -> bool:
        """Say whether the data may be `Rows`, an array of which is then never made."""
        return False

    def _options(self) -> dict[str, Any]:
        """Return the arguments that this class has besides those of all classes."""
        return {}

    @property
    def seed(self) -> int:
        """The seed that `random_state` gave, drawn when it is first needed."""
        if self._seed is None:
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return self._seed

    def _check_sparse(self) -> None:
        served = self.SPARSE_METRICS
        if (
            served is None
            or not hasattr(self.data, "tocsr")
            or (isinstance(self.metric, str) and self.metric in served)
        ):
            return
        name = type(self).__name__
        if served:
            raise InvalidParameterError(
                f"`metric` must be one of {', '.join(sorted(served))} for {name} of sparse data, got {self.metric!r}"
            )
        raise InvalidTypeError(f"`data` must be dense for {name}, got a sparse matrix; use neighbors='pynndescent'")

    def _check_options(self) -> None:
        known = self.OPTIONS
        if known is None:
            return
        for name, value in (self.knn_kwargs or {}).items():
            if name not in known:
                raise InvalidParameterError(
                    f"`knn_kwargs` must have the names {', '.join(known)} for {type(self).__name__}, got {name!r}"
                )
            least = known[name]
            if least is not None:
                check_integer(value, f"knn_kwargs[{name!r}]", at_least=least)

    @contextmanager
    def _library(self, name: str) -> Iterator[None]:
        """Turn what a library says of arguments that it got from the user into one line that names them."""
        names = ["metric"] if callable(self.metric) else []
        names += [argument for argument in ("metric_params", "knn_kwargs") if getattr(self, argument)]
        try:
            yield
        except (OpenTSNEError, MemoryError, OSError, Warning):  # none of which speaks of arguments
            raise
        except Exception as error:
            if not names:
                raise
            said = " ".join(str(error).split())[:150]
            listed = " and ".join(f"`{argument}`" for argument in names)
            raise InvalidParameterError(f"{listed} must be what {name} takes, got what it refuses: {said}") from error

    def _require_data(self) -> Any:
        if self.data is None:
            raise UnavailableError(f"{type(self).__name__} was released: make a new index from the data")
        return self.data

    def _check_query(self, query: Any, k: Any) -> tuple[Any, int]:
        data = self._require_data()
        sparse = hasattr(data, "tocsr")
        if hasattr(query, "tocsr") and not sparse:
            query = query.toarray()
        X = check_matrix(query, "query", n_columns=data.shape[1], columns=self.columns, accept_sparse=True)
        if sparse and not hasattr(X, "tocsr"):
            X = type(data)(X)
        return X.astype(data.dtype, copy=False), check_k(k, self.n_samples)

    def _distance_type(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(
            self._require_data().dtype if self.distance_dtype is None else self.distance_dtype
        )
        return dtype

    def _timer(self, what: str) -> Timer:
        name = self.metric if isinstance(self.metric, str) else getattr(self.metric, "__name__", "a callable")
        return Timer(f"{what}, {name} distance, {type(self).__name__}...", bool(self.verbose))


def stacked(old: Any, new: Any, columns: Any = None, name: str = "new") -> Any:
    """Return checked rows of old data with new rows after them, in the type of the old.

    Parameters
    ----------
    old : ndarray or sparse matrix of shape (n, n_features)
    new : array-like or sparse matrix of shape (m, n_features)
    columns : sequence of str and int, optional
        The names of the columns of the old data.
    name : str
        How the caller calls the new rows.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import stacked
    >>> stacked(np.eye(2, dtype=np.float32), [[2, 2]]).dtype
    dtype('float32')
    """
    rows = check_matrix(new, name, n_columns=old.shape[1], columns=columns, accept_sparse=True)
    if not hasattr(old, "tocsr"):
        return np.concatenate([old, rows.toarray() if hasattr(rows, "tocsr") else rows], dtype=old.dtype)
    from scipy.sparse import vstack

    return vstack([old, type(old)(rows)], format="csr", dtype=old.dtype)


def check_mapping(value: Any, name: str) -> dict[str, Any] | None:
    """Return a copy of a dictionary of arguments, or None."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidTypeError(f"`{name}` must be a dictionary with names as keys, got {value!r}")
    return dict(value)
