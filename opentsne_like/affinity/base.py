"""What every affinity class has: a sparse matrix, a neighbour index, affinities of new points to old ones."""

from __future__ import annotations

import copy
import logging
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .. import _validation as check
from .._types import Array
from ..devices import lies_on_gpu, matrix_on_host
from ..errors import InvalidParameterError, UnavailableError
from ..nearest_neighbors import IVF, GivenNeighbors, Sklearn, distances_among, stacked, with_data
from ..utils import Timer
from .memory import check_memory, check_memory_on_gpu, hand_back
from .neighbors import (
    NeighborLists,
    as_lists,
    get_knn_index,
    graph_from_lists,
    lists_from_graph,
    naming_what_was_handed_on,
    neighbors_of_rows,
    refuse_similarities,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

log = logging.getLogger(__name__)

OWN = (Sklearn, IVF)  # searches that find the same neighbours each time


class Affinities:
    """How strongly the points of a data set belong together.

    Subclass it, or use `PrecomputedAffinities`, to bring affinities of your own: an optimizer reads `P` alone.

    Parameters
    ----------
    verbose : bool
        Print each stage and its duration.

    Attributes
    ----------
    P : csr_matrix of shape (n_samples, n_samples), float64
        Affinities; usually symmetric, summing to 1. Copies of a map share it. Whoever has asked for it may write into
        it, and a map looks it through at each call of `optimize` from then on.
    knn_index : KNNIndex or None
        The neighbour index that new points are looked up in.

    Examples
    --------
    >>> from opentsne_like.affinity import PrecomputedAffinities
    >>> PrecomputedAffinities([[0, 2], [2, 0]]).P.toarray().tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """

    _P: Any = None
    _unseen = False  # by anybody outside

    def __init__(self, verbose: bool = False) -> None:
        self.verbose = check.check_verbose(verbose)
        self.knn_index: Any = None

    @property
    def P(self) -> Any:
        """The matrix, see above."""
        self._unseen = False
        self._P = matrix_on_host(self._P)
        return opened(self._P)

    @P.setter
    def P(self, value: Any) -> None:
        self._hold(value)
        self._unseen = False

    def _hold(self, P: Any) -> None:
        """Take a matrix that nobody else has."""
        self._P = P
        self._unseen = True

    @property
    def n_samples(self) -> int:
        """Number of points."""
        if self.knn_index is not None:
            return int(self.knn_index.n_samples)
        if (P := matrix_of(self)) is None:
            raise UnavailableError("`n_samples` is not known: neither `knn_index` nor `P` is set")
        return int(P.shape[0])

    def to_new(self, data: Any, return_distances: bool | int = False) -> Any:
        """Return the affinities of new points to the points of this object.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
        return_distances : bool or int
            Return the neighbours and their distances too; a number asks for at least so many.

        Returns
        -------
        P : csr_matrix of shape (n_new, n_samples), float64
            Each row sums to 1.
        indices : int32 ndarray of shape (n_new, k)
            Neighbours among the old points, nearest first; only if `return_distances`.
        distances : ndarray of shape (n_new, k)
            Distances to them; only if `return_distances`.

        Raises
        ------
        UnavailableError
            A RuntimeError, if these affinities know no data to compare new points with.
        """
        raise UnavailableError(f"{type(self).__name__} affinities know no data that new points could be compared with")

    def with_data(self, data: Any) -> Affinities:
        """Return these affinities with the data of their points, which new points are compared with.

        Estimators call it where `fit` is given data beside affinities.

        Parameters
        ----------
        data : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        Affinities
            Itself, where it has data or could do nothing with them.
        """
        return self

    def extended(self, data: Any) -> Affinities:
        """Return the affinities of the points of this object and new ones together.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)

        Returns
        -------
        Affinities
            With `P` of shape (n_samples + n_new, n_samples + n_new).

        Raises
        ------
        UnavailableError
            A RuntimeError, if these affinities know no data to compare new points with.
        """
        raise UnavailableError(f"{type(self).__name__} affinities know no data that new points could be compared with")

    def trim(self) -> None:
        """Drop what can be made again, with the same bits, when it is needed; nothing, where nothing is known of it."""

    def release(self) -> None:
        """Drop the data, the neighbour index and the neighbours, and keep `P`.

        Afterwards neither `to_new` nor a change of perplexity is possible.

        Examples
        --------
        >>> from opentsne_like.affinity import Uniform
        >>> affinities = Uniform(np.eye(4), k_neighbors=2)
        >>> affinities.release()
        >>> affinities.n_samples
        4
        """
        self.knn_index = None


class NeighborAffinities(Affinities):
    """Affinities that live on a graph of nearest neighbours; a base class, not for use by itself."""

    ARGUMENTS: ClassVar[tuple[str, ...]] = ()  # of the constructor, kept as attributes; besides the search's and common
    LEARNED: ClassVar[tuple[str, ...]] = ()  # attributes that `P` was computed with

    def __init__(self, *, n_jobs: int | None, verbose: bool, dtype: Any) -> None:
        super().__init__(verbose=verbose)
        self.n_jobs = check.check_n_jobs(n_jobs)
        self.dtype = check_dtype(dtype)
        self._lists: NeighborLists | None = None
        self._width = 0
        self._search: dict[str, Any] | None = None  # how neighbours were asked for; None where an index was given

    @classmethod
    def around(cls, index: Any, **arguments: Any) -> Self:
        """Return affinities of an index alone: they compare new points with its data, and have no `P`.

        Parameters
        ----------
        index : KNNIndex
        **arguments
            Those of the constructor that are about weights, all of them.

        Examples
        --------
        >>> from opentsne_like.affinity import Uniform
        >>> from opentsne_like.nearest_neighbors import make_index
        >>> index = make_index(np.array([[0.0], [1.0], [3.0]]), 1, method="exact")
        >>> Uniform.around(index, k_neighbors=1, symmetrize=True).to_new([[2.5]]).toarray().tolist()
        [[0.0, 0.0, 1.0]]
        """
        made = cls.__new__(cls)
        NeighborAffinities.__init__(made, n_jobs=index.n_jobs, verbose=False, dtype=np.float64)
        made._take(**arguments)
        made.knn_index, made._width = index, index.k
        return made

    @abstractmethod
    def _take(self, **arguments: Any) -> None:
        """Check `ARGUMENTS`, as far as they mean something without data, and keep them as attributes."""

    def _find_neighbors(self, data: Any, knn_index: Any, choose_k: Callable[[int], int], **search: Any) -> None:
        """Set the neighbour index, from `data` or as given, and the neighbour lists.

        `choose_k` gets the number of points and returns how many neighbours to look for; `search` is handed on to
        `get_knn_index`.
        """
        if data is None and knn_index is None:
            raise InvalidParameterError("`data` must be given unless `knn_index` is, got None for both")
        if data is not None and knn_index is not None:
            raise InvalidParameterError("`data` must be None where `knn_index` is given, got both")
        if knn_index is not None:
            log.info("A neighbour index was given; the parameters of the neighbour search are not used.")
            self.knn_index = knn_index
            self._lists = as_lists(*knn_index.build())
            self._width = self._lists.width
            return
        if not hasattr(search["method"], "build"):
            self._search = search
        table = check.as_table(data, "data", at_least_rows=2)
        searched = not isinstance(search["metric"], str) or search["metric"] != "precomputed"
        graph = not searched and hasattr(table, "tocsr")
        if not searched and not graph:
            table = distances_among(data, "data")
        k = choose_k(table.shape[0])
        held: float = k  # neighbours of a point, on average
        if graph:  # of the known distances
            refuse_similarities(table, "data")
            sizes = neighbors_of_rows(table)
            k = min(k, max(1, int(sizes.max())))
            held = float(np.minimum(sizes, k).mean())
            if few := int(np.count_nonzero(sizes < k)):
                log.info("%d of %d points have fewer than %d neighbours in the graph; all are used", few, len(sizes), k)
        check_memory(
            table.shape[0], held, self.dtype, table.shape[1] if searched and not hasattr(table, "tocsr") else 0
        )
        shared = min(k, max(1, int(sizes.min()))) if graph else k  # neighbours that every row has
        with naming_what_was_handed_on(search["metric"], search["metric_params"], search["knn_kwargs"]):
            self.knn_index = get_knn_index(table, k=shared, n_jobs=self.n_jobs, verbose=self.verbose, **search)
            if self.dtype == np.float32:
                self.knn_index.distance_dtype = np.float32
            if getattr(self.knn_index, "on_gpu", False):
                check_memory_on_gpu(table.shape[0], k, self.dtype, table.shape[1], table.dtype)
            found = self.knn_index.build()
        lists = as_lists(*found)
        if not hasattr(search["method"], "build"):
            self.knn_index.columns = check.column_names(data)
            self.knn_index.trim()  # `to_new` makes it again
        elif isinstance(self.knn_index, GivenNeighbors) and self.knn_index.data is None and searched:
            self.knn_index = with_data(self.knn_index, data, n_jobs=self.n_jobs)
        hand_back()
        self._lists = lists_from_graph(table).nearest(k) if graph and lists.width < k else lists
        self._width = self._lists.width

    def _kept_lists(self) -> NeighborLists:
        """Return the neighbour lists on the host; see `_lying_lists`."""
        self._lists = self._lying_lists().on_host()
        return self._lists

    def _lying_lists(self) -> NeighborLists:
        """Return the neighbour lists, found again where these affinities were stored without, unless released."""
        if self._lists is None:
            lists = None
            if self.knn_index is not None:
                with self._naming():
                    lists = as_lists(*self.knn_index.build())
                self.knn_index.trim()
            if lists is None or lists.width < self._width:
                raise UnavailableError(
                    f"the neighbours of this {type(self).__name__} were dropped by `release()`, or stored without data"
                )
            self._lists = lists
        return self._lists

    def with_data(self, data: Any) -> Self:
        """Return these affinities with the data that their given neighbours are of.

        Parameters
        ----------
        data : array-like or sparse matrix of shape (n_samples, n_features)
            It is referred to, not copied.

        Returns
        -------
        Affinities
            A copy that shares `P`, or itself where it has data already.

        Raises
        ------
        InvalidParameterError
            The data have another number of rows.

        Examples
        --------
        >>> from opentsne_like.affinity import from_neighbors
        >>> given = from_neighbors([[1], [0], [1]], perplexity=None)
        >>> given.with_data([[0.0], [1.0], [3.0]]).to_new([[2.5]]).toarray().tolist()
        [[0.0, 0.0, 1.0]]
        """
        index = self.knn_index
        if not isinstance(index, GivenNeighbors) or index.data is not None:
            return self
        matrix_of(self)  # sealed, because two know it from now on
        told = copy.copy(self)
        told.knn_index = with_data(index, data, n_jobs=self.n_jobs)
        return told

    def extended(self, data: Any) -> Self:
        """Return the affinities of the points of this object and new ones, as if all had been given at once.

        Old points whose neighbours were given keep them; new points get theirs from the data of all, as many as half of
        the old ones have at least, and both are joined by the same rule.

        Parameters
        ----------
        data : array-like of shape (n_new, n_features)
            Rows that come after the old ones, which may gain them as neighbours.

        Returns
        -------
        Affinities
            Of the same class and parameters, `P` of shape (n_samples + n_new, n_samples + n_new).

        Raises
        ------
        UnavailableError
            A RuntimeError, if the data were released, or were never there.

        Examples
        --------
        >>> from opentsne_like.affinity import Uniform
        >>> Uniform([[0.0], [1.0]], k_neighbors=1).extended([[1.5]]).P.toarray().tolist()
        [[0.0, 0.25, 0.0], [0.25, 0.0, 0.25], [0.0, 0.25, 0.0]]
        """
        index = self.knn_index
        arguments: dict[str, Any] = {name: getattr(self, name) for name in self.ARGUMENTS}
        arguments |= {"n_jobs": self.n_jobs, "verbose": self.verbose, "dtype": self.dtype}
        given = isinstance(index, GivenNeighbors)
        if index is None or (self._search is not None and index.data is None and not given):
            raise UnavailableError(f"this {type(self).__name__} has no data that new points could be added to")
        if self._search is None:
            arguments["knn_index"] = index.extended(data)
        elif given:
            searcher, graph = self._grown_graph(data)
            arguments |= {"data": graph, **self._search}
        else:
            arguments |= {"data": stacked(index.data, data, index.columns, "data"), **self._search}
        made = type(self)(**arguments)
        if self._search is not None and given:
            made.knn_index.look_up_in(searcher)
        made.knn_index.columns = getattr(index, "columns", None)
        return made

    def _grown_graph(self, data: Any) -> tuple[Any, Any]:
        """Return an index of old data and new, and a graph of the given neighbours and those of new rows."""
        lists = self._kept_lists()
        searcher, *new = self.knn_index.among_all(data, int(np.median(lists.sizes())))
        return searcher, graph_from_lists(lists, *new)

    def _query(self, data: Any, k: int, least: int) -> tuple[Array, Array, NeighborLists]:
        """Return the `k` nearest old points of new ones as lists, and at least `least` of them as two arrays."""
        if self.knn_index is None:
            raise UnavailableError(
                f"this {type(self).__name__} has no data that new points could be compared with: they were dropped by "
                "`release()`"
            )
        known, columns = (getattr(self.knn_index, name, None) for name in ("data", "columns"))
        width = None if known is None else known.shape[1]
        rows = check.check_matrix(data, "data", n_columns=width, columns=columns, accept_sparse=True)
        with self._naming():
            indices, distances = self.knn_index.query(rows, min(max(k, int(least)), self.n_samples))
        lists = as_lists(indices[:, :k], distances[:, :k], self.n_samples, self_allowed=True)
        return indices, distances, lists

    def _naming(self) -> AbstractContextManager[None]:
        """Return the context in which the neighbour index is asked."""
        index = self.knn_index
        handed_on = (getattr(index, name, None) for name in ("metric", "metric_params", "knn_kwargs"))
        return naming_what_was_handed_on(*handed_on)

    def _new_neighbors(self, k: Any, name: str, default: int) -> int:
        """Return how many neighbours of new points to use."""
        if k is None:
            return min(default, self.n_samples)
        return check.check_integer(k, name, at_least=1, at_most=self.n_samples)

    def _timer(self) -> Timer:
        return Timer("Calculating affinity matrix...", self.verbose)

    def trim(self) -> None:
        """Drop the neighbours where they can be found again with the same bits, once another `P` is asked for.

        They take 8 bytes or 12 for each neighbour of each point. Estimators do without, since a map needs `P` alone,
        and new points look for neighbours of their own.

        Examples
        --------
        >>> from opentsne_like.affinity import PerplexityBasedNN
        >>> affinities = PerplexityBasedNN(np.random.default_rng(0).normal(size=(100, 5)), perplexity=10)
        >>> affinities.trim()
        >>> affinities.set_perplexity(5)  # finds the neighbours once more
        """
        index = self.knn_index
        if self._search is not None and isinstance(index, OWN) and index.data is not None and self._width == index.k:
            self._lists = None
            hand_back()

    def release(self) -> None:
        """Drop the data, the neighbour index and the neighbours, and keep `P`.

        Afterwards neither `to_new` nor a change of perplexity is possible.
        """
        super().release()
        self._lists = None
        hand_back()


def matrix_of(affinities: Any) -> Any:
    """Return `affinities.P` for reading only.

    Nobody can write into a matrix that no one outside has asked for. It is sealed, so that this can be seen, and looked
    through once where others are looked through whenever they are used.

    Parameters
    ----------
    affinities : Affinities
        Or any object with a matrix `P`.

    Returns
    -------
    csr_matrix or None

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, matrix_of
    >>> affinities = Uniform(np.eye(4), k_neighbors=2)
    >>> matrix_of(affinities).data.flags.writeable, affinities.P.data.flags.writeable
    (False, True)
    """
    if getattr(type(affinities), "P", None) is not Affinities.P:
        return affinities.P
    affinities._P = matrix_on_host(affinities._P)
    if affinities._unseen and affinities._P is not None:
        affinities._unseen = False
        for part in _parts(affinities._P):
            part.flags.writeable = False
    return affinities._P


def lying_matrix_of(affinities: Any) -> Any:
    """Return what `matrix_of` does, but on the GPU if it lies there, where operations of a GPU want it.

    Parameters
    ----------
    affinities : Affinities

    Returns
    -------
    csr_matrix, gpu.Matrix or None

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, lying_matrix_of, matrix_of
    >>> affinities = Uniform(np.eye(4), k_neighbors=2)
    >>> lying_matrix_of(affinities) is matrix_of(affinities)
    True
    """
    P = getattr(affinities, "_P", None)
    return P if lies_on_gpu(P) else matrix_of(affinities)


def opened(P: Any) -> Any:
    """Return `P` itself, to be written into from now on, unless its memory forbids it.

    Parameters
    ----------
    P : csr_matrix or None

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, matrix_of, opened
    >>> opened(matrix_of(Uniform(np.eye(4), k_neighbors=2))).data.flags.writeable
    True
    """
    for part in _parts(P):
        P.symmetric = False  # as far as anybody knows from now on
        with suppress(ValueError):
            part.flags.writeable = True
    return P


def _parts(P: Any) -> tuple[Array, ...]:
    return (P.data, P.indices, P.indptr) if getattr(P, "format", None) == "csr" else ()


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` if it is one that affinities are kept in.

    Examples
    --------
    >>> check_dtype("float32")
    dtype('float32')
    """
    try:
        kind: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        kind = np.dtype(object)
    if kind not in (np.float32, np.float64):
        raise InvalidParameterError(f"`dtype` must be float64 or float32, got {dtype!r}")
    return kind


def answer(P: csr_matrix, indices: Array, distances: Array, return_distances: bool | int) -> Any:
    """Return what `to_new` returns."""
    return (P, indices, distances) if return_distances else P
