"""Indices as arrays and JSON values: what is needed to make them again, with the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_choice, check_csr_parts, check_integer, check_real
from ..errors import InvalidTypeError, StorageError
from ._annoy import Annoy
from ._base import KNNIndex
from ._exact import Sklearn
from ._faiss import Faiss
from ._given import GivenNeighbors
from ._hnsw import HNSW, Voyager
from ._ivf import IVF
from ._measured import Measured
from ._nndescent import NNDescent
from ._precomputed import PrecomputedDistanceMatrix, PrecomputedNeighbors

SEARCHING: dict[str, type[KNNIndex]] = {
    cls.__name__: cls for cls in (Sklearn, IVF, Faiss, NNDescent, Annoy, HNSW, Voyager)
}
GIVEN: dict[str, Any] = {cls.__name__: cls for cls in (PrecomputedDistanceMatrix, PrecomputedNeighbors)}

_DISTANCES: dict[str | None, Any] = {  # as written by a machine of either byte order
    None: None,
    "<f4": np.dtype(np.float32),
    ">f4": np.dtype(np.float32),
    "<f8": np.dtype(np.float64),
    ">f8": np.dtype(np.float64),
}
_CSR = ("data", "indices", "indptr", "shape")
_BESIDE = "searcher."
_ARGUMENTS = ("k", "metric", "metric_params", "n_jobs", "verbose", "knn_kwargs")


def pack_index(index: KNNIndex, *, with_data: bool) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return an index as arrays and JSON values.

    Parameters
    ----------
    index : KNNIndex
    with_data : bool
        Whether the data, or given neighbours, are among the arrays.

    Returns
    -------
    arrays : dict of str to ndarray
    header : dict

    Raises
    ------
    InvalidTypeError
        The index is of a class of the user's, or its metric is a function.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import make_index, pack_index
    >>> arrays, header = pack_index(make_index(np.eye(4), 2, method="exact"), with_data=True)
    >>> sorted(arrays), header["class"], header["k"]
    (['data'], 'Sklearn', 2)
    """
    name = type(index).__name__
    if type(index) not in (*SEARCHING.values(), *GIVEN.values()):
        raise InvalidTypeError(f"`neighbors` must be an index of this package to be stored, got {name}")
    if callable(index.metric):
        raise InvalidTypeError("`metric` must be a name to be stored, got a function; leave out the data")
    header: dict[str, Any] = {"class": name, "n_samples": index.n_samples}
    if isinstance(index, GivenNeighbors):
        return _pack_given(index, header, with_data)
    header |= {argument: listed(getattr(index, argument)) for argument in _ARGUMENTS}
    header["seed"] = index.seed
    header["random_state"] = index.random_state if isinstance(index.random_state, int) else None
    header["distance_dtype"] = None if index.distance_dtype is None else np.dtype(index.distance_dtype).str
    header["options"] = index._options()
    header["columns"] = None if index.columns is None else list(index.columns)
    header["learned"] = {name: getattr(index, name) for name in index.LEARNED}
    return (pack_table(index.data) if with_data and index.data is not None else {}), header


def unpack_index(arrays: dict[str, Array], header: dict[str, Any], data: Any = None) -> KNNIndex | None:
    """Return the index that `pack_index` took apart, None where there are neither stored data nor given ones.

    Parameters
    ----------
    arrays : dict of str to ndarray
    header : dict
    data : array-like or sparse matrix, optional
        The data, where they were not stored.

    Raises
    ------
    StorageError
        The class is not known.
    InvalidParameterError, InvalidTypeError
        The contents make no index.

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import make_index, pack_index, unpack_index
    >>> index = make_index(np.eye(4), 2, method="exact")
    >>> bool((unpack_index(*pack_index(index, with_data=True)).build()[0] == index.build()[0]).all())
    True
    """
    name = str(header.get("class"))
    if name in GIVEN:
        return _unpack_given(arrays, header, data)
    if name not in SEARCHING:
        raise StorageError(f"the neighbour index is of the class {name[:40]!r}, which is not known")
    table = unpack_table(arrays) if data is None else data
    if table is None:
        return None
    arguments = {argument: header[argument] for argument in _ARGUMENTS}
    index = SEARCHING[name](table, random_state=header["random_state"], **arguments, **header["options"])
    index._seed = check_integer(header["seed"], "seed", at_least=0, at_most=2**32 - 1)
    index.distance_dtype = _DISTANCES[check_choice(header["distance_dtype"], "distance_dtype", tuple(_DISTANCES))]
    index.columns = _names(header.get("columns"))
    if isinstance(index, Measured):
        recall, probes = (header.get("learned", {}).get(name) for name in index.LEARNED)
        index.recall_ = None if recall is None else check_real(recall, "recall_", at_least=0, at_most=1)
        if probes is not None:
            index.n_probes_ = check_integer(probes, "n_probes_", at_least=1, at_most=index.n_samples)
    return index


def _pack_given(
    index: GivenNeighbors, header: dict[str, Any], with_data: bool
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return given neighbours, and the index of their data beside them."""
    arrays = {"indices": index.indices, "distances": index.distances} if with_data else {}
    arrays = {key: value for key, value in arrays.items() if value is not None}
    header["columns"] = None if index.columns is None else list(index.columns)
    header["searcher"] = None
    if index.searcher is not None:
        parts, header["searcher"] = pack_index(index.searcher, with_data=with_data)
        arrays |= {f"{_BESIDE}{key}": value for key, value in parts.items()}
    return arrays, header


def _unpack_given(arrays: dict[str, Array], header: dict[str, Any], data: Any) -> KNNIndex | None:
    if not {"indices", "distances"} <= set(arrays):
        return None
    made: GivenNeighbors = GIVEN[header["class"]].__new__(GIVEN[header["class"]])
    made.__dict__.update(PrecomputedNeighbors(arrays["indices"], arrays["distances"]).__dict__)
    if header.get("searcher") is not None:
        parts = {key.removeprefix(_BESIDE): value for key, value in arrays.items() if key.startswith(_BESIDE)}
        searcher = unpack_index(parts, header["searcher"], data)
        if searcher is not None and searcher.n_samples != made.n_samples:
            raise StorageError(f"there are {searcher.n_samples} rows of data for the neighbours of {made.n_samples}")
        if searcher is not None:
            made.look_up_in(searcher)
    made.columns = _names(header.get("columns"))
    return made


def _names(names: Any) -> tuple[str | int, ...] | None:
    """Return stored names of columns as they are kept."""
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, (str, int)) for name in names):
        raise StorageError("what is stored as the names of the columns is no list of names")
    return tuple(names)


def listed(value: Any) -> Any:
    """Return arrays, also those in a dictionary, as lists and all else as it is.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> from opentsne_like.nearest_neighbors import listed
    >>> listed({"V": np.ones(2), "p": 3})
    {'V': [1.0, 1.0], 'p': 3}
    """
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def pack_table(data: Any) -> dict[str, Array]:
    """Return dense or CSR data as arrays.

    Parameters
    ----------
    data : ndarray or sparse matrix

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.nearest_neighbors import pack_table
    >>> sorted(pack_table(csr_matrix(np.eye(2))))
    ['csr_data', 'csr_indices', 'csr_indptr', 'csr_shape']
    """
    if not hasattr(data, "tocsr"):
        return {"data": data}
    matrix = data.tocsr()
    shape = np.array(matrix.shape, dtype=np.int64)
    return {"csr_data": matrix.data, "csr_indices": matrix.indices, "csr_indptr": matrix.indptr, "csr_shape": shape}


def unpack_table(arrays: dict[str, Array]) -> Any:
    """Return the data that `pack_table` took apart, or None if there are none.

    Parameters
    ----------
    arrays : dict of str to ndarray

    Raises
    ------
    StorageError
        The parts make no matrix.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.nearest_neighbors import pack_table, unpack_table
    >>> unpack_table(pack_table(csr_matrix(np.eye(2)))).toarray().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if "data" in arrays:
        return arrays["data"]
    if "csr_data" not in arrays:
        return None
    from scipy.sparse import csr_matrix

    try:
        data, indices, indptr, shape = (arrays[f"csr_{part}"] for part in _CSR)
        size = check_csr_parts(data, indices, indptr, shape, "csr")
        return csr_matrix((data.astype(data.dtype.newbyteorder("=")), indices, indptr), shape=size)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise StorageError(f"a stored sparse matrix is damaged: {error}") from error
