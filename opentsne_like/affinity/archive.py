"""Affinities as arrays and JSON values, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validation as check
from .._types import Array
from ..errors import StorageError, UnavailableError
from ..nearest_neighbors import listed, pack_index, pack_table, unpack_index, unpack_table
from ..storage import parts_below
from .base import Affinities, NeighborAffinities, matrix_of
from .edges import GivenEdges, NeighborEdges
from .entropic import Entropic
from .fixed_sigma import FixedSigmaNN
from .fuzzy import Fuzzy
from .magic import MAGIC
from .multiscale import Multiscale, MultiscaleMixture
from .neighbors import NeighborLists, graph_from_lists, lists_from_graph, neighbors_of_rows
from .perplexity import PerplexityBasedNN
from .scaled import ScaledNeighbors
from .self_tuning import SelfTuning
from .sinkhorn import Sinkhorn
from .symmetric_entropic import SymmetricEntropic
from .uniform import Uniform

CLASSES: tuple[type[NeighborAffinities], ...] = (
    *(PerplexityBasedNN, MultiscaleMixture, Multiscale, FixedSigmaNN, Uniform),
    *(Entropic, Fuzzy, SelfTuning, MAGIC, SymmetricEntropic, Sinkhorn, ScaledNeighbors, NeighborEdges),
)
KNOWN: dict[str, type[NeighborAffinities]] = {cls.__name__: cls for cls in CLASSES}

OF_EITHER_SIGN = (GivenEdges.__name__, NeighborEdges.__name__)  # classes whose weights may be negative
SIGNED = {"potentials_"}  # finite; all else that is learned is not negative
POINTWISE = {"bandwidths_", "rhos_", "sigmas_", *SIGNED}  # what is learned of each point, and so an array
SEARCH = {"method", "metric", "metric_params", "random_state", "knn_kwargs"}  # the arguments of the neighbour search


def pack_affinities(affinities: Affinities, *, with_data: bool) -> tuple[dict[str, Array], dict[str, Any] | None]:
    """Return affinities as arrays and JSON values.

    Parameters
    ----------
    affinities : Affinities
        Of a class of this package; of others `P` alone is stored, and nothing where it has an attribute
        `storable` that is False, because it stands on many machines and is made again from the data.
    with_data : bool
        Whether the data, from which the neighbour index is made again, are among the arrays.

    Returns
    -------
    arrays : dict of str to ndarray
        ``P.*``, ``index.*`` and what the affinities learned.
    header : dict or None
        None where nothing is stored.

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, pack_affinities
    >>> arrays, header = pack_affinities(Uniform(np.eye(4), k_neighbors=2), with_data=False)
    >>> sorted(arrays), header["class"]
    (['P.csr_data', 'P.csr_indices', 'P.csr_indptr', 'P.csr_shape'], 'Uniform')
    """
    P = matrix_of(affinities)
    if not getattr(P, "storable", True):
        return {}, None
    arrays = {f"P.{key}": value for key, value in pack_table(P).items()}
    if type(affinities) not in KNOWN.values() or not isinstance(affinities, NeighborAffinities):
        return arrays, {"class": GivenEdges.__name__ if type(affinities) is GivenEdges else None}
    learned = {name: getattr(affinities, name) for name in affinities.LEARNED}
    arrays |= {f"learned.{key}": value for key, value in learned.items() if isinstance(value, np.ndarray)}
    search = None if affinities._search is None else dict(affinities._search)
    if search is not None and not isinstance(search["random_state"], int):
        search["random_state"] = None
    header: dict[str, Any] = {
        "class": type(affinities).__name__,
        "arguments": {name: listed(getattr(affinities, name)) for name in affinities.ARGUMENTS},
        "learned": {key: value for key, value in learned.items() if not isinstance(value, np.ndarray)},
        "n_jobs": affinities.n_jobs,
        "verbose": affinities.verbose,
        "dtype": affinities.dtype.str,
        "width": affinities._width,
        "search": None if search is not None and callable(search["metric"]) else listed(search),
        "index": None,
    }
    if affinities.knn_index is not None and not callable(affinities.knn_index.metric):
        index_arrays, header["index"] = pack_index(affinities.knn_index, with_data=with_data)
        arrays |= {f"index.{key}": value for key, value in index_arrays.items()}
        lists = affinities._lists and affinities._lists.on_host()
        if with_data and lists is not None and lists.width > affinities.knn_index.k:  # rows differ in length
            arrays |= {f"graph.{key}": value for key, value in pack_table(graph_from_lists(lists)).items()}
    elif with_data and affinities.knn_index is not None:
        raise UnavailableError(
            "data whose `metric` is a function cannot be stored with what finds their neighbours; "
            "save with include='affinities'"
        )
    return arrays, header


def unpack_weights(parts: dict[str, Array], signed: bool = False) -> Any:
    """Return a stored sparse matrix of affinities, or refuse one that is no such thing.

    Parameters
    ----------
    parts : dict of str to ndarray
        Of `pack_table`.
    signed : bool
        Whether they may be negative, or complex: of two numbers each.

    Returns
    -------
    csr_matrix, float32, float64 or complex128

    Raises
    ------
    StorageError
        It is missing, malformed, not finite, or negative where it may not be.

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, unpack_weights
    >>> from opentsne_like.nearest_neighbors import pack_table
    >>> P = Uniform(np.eye(4), k_neighbors=2).P
    >>> (unpack_weights(pack_table(P)) != P).nnz
    0
    """
    P = unpack_table(parts)
    kinds = (np.float32, np.float64, np.complex128) if signed else (np.float32, np.float64)
    if P is None or P.dtype not in kinds:
        raise StorageError("the stored affinities are no matrix of floats")
    if not (np.isfinite(P.data).all() and (signed or (P.data >= 0).all())):
        raise StorageError("the stored affinities must be finite and not negative")
    return P


def unpack_affinities(arrays: dict[str, Array], header: dict[str, Any], data: Any = None) -> Affinities:
    """Return the affinities that `pack_affinities` took apart.

    Parameters
    ----------
    arrays : dict of str to ndarray
    header : dict
    data : array-like or sparse matrix, optional
        The data, where they were not stored; without either the affinities cannot place new points.

    Returns
    -------
    Affinities

    Raises
    ------
    StorageError
        The parts make no affinities.

    Examples
    --------
    >>> from opentsne_like.affinity import Uniform, pack_affinities, unpack_affinities
    >>> stored = unpack_affinities(*pack_affinities(Uniform(np.eye(4), k_neighbors=2), with_data=True))
    >>> type(stored).__name__, stored.to_new(np.eye(4)[:1]).shape
    ('Uniform', (1, 4))
    """
    name = header.get("class")
    P = unpack_weights(parts_below("P.", arrays), signed=name in OF_EITHER_SIGN)
    if P.shape[0] != P.shape[1]:
        raise StorageError(f"the stored affinities are not square but of shape {P.shape}")
    if name == GivenEdges.__name__:
        return GivenEdges.of(P)
    if name is None:
        given = Affinities()
        given._hold(P)
        return given
    if name not in KNOWN:
        raise StorageError(f"the affinities are of the class {str(name)[:40]!r}, which is not known")
    cls = KNOWN[name]
    affinities = cls.__new__(cls)
    NeighborAffinities.__init__(affinities, n_jobs=header["n_jobs"], verbose=header["verbose"], dtype=header["dtype"])
    affinities._hold(P)
    affinities._width = check.check_integer(header["width"], "width", at_least=1, at_most=P.shape[0])
    affinities._search = _as_search(header["search"])
    affinities._take(**{key: header["arguments"][key] for key in cls.ARGUMENTS})
    learned = {**header["learned"], **parts_below("learned.", arrays)}
    for key in cls.LEARNED:
        setattr(affinities, key, _as_learned(key, learned[key], P.shape[0]))
    if header["index"] is not None:
        affinities.knn_index = unpack_index(parts_below("index.", arrays), header["index"], data)
    if graph := parts_below("graph.", arrays):
        affinities._lists = _as_lists(unpack_table(graph), P.shape)
    return affinities


def _as_lists(graph: Any, shape: tuple[int, int]) -> NeighborLists:
    """Return stored neighbours whose rows differ in length."""
    if graph is None or graph.shape != shape or graph.dtype.kind != "f" or not neighbors_of_rows(graph).all():
        raise StorageError("what is stored as the graph of neighbours is not what it has to be")
    return lists_from_graph(graph)


def _as_learned(name: str, value: Any, n_samples: int) -> Any:
    """Return what was learned, numbers of each point or of all that can be such."""
    if name in POINTWISE:
        fits = isinstance(value, np.ndarray) and value.dtype == np.float64 and value.shape == (n_samples,)
    else:
        numbers = value if isinstance(value, list) else [value]
        fits = all(isinstance(number, (int, float)) for number in numbers)
    if not fits or not np.all(np.isfinite(value) if name in SIGNED else np.asarray(value) >= 0):
        raise StorageError(f"what is stored as `{name}` is not what it has to be")
    return value


def _as_search(search: Any) -> dict[str, Any] | None:
    """Return how neighbours were asked for, or None where that was not stored."""
    if search is not None and (not isinstance(search, dict) or set(search) != SEARCH):
        raise StorageError("what is stored about the search for neighbours is not what it has to be")
    return search
