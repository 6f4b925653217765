"""AnnData's files, by h5py alone: arrays, sparse matrices, and columns of data frames as their encodings say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._types import Array
from ..dependencies import need
from ..errors import InvalidParameterError, InvalidTypeError
from .columns import CategoricalColumn
from .locations import Location

_TABLES = ("obsm", "layers", "obsp")  # groups whose members are tables


def read_matrix(place: Location, say: Callable[[str], Any]) -> Any:
    """Return a matrix, such as ``obsm/X_pca``; by default that one, or else ``X``, which is told.

    Numbers of a dense matrix are left in the file, which stays open, and are read where they are looked at.
    """
    with _opened(place) as file:
        if place.what is None:
            what = "obsm/X_pca" if "obsm/X_pca" in file else "X"
            say(f"{place.path}: {what}; {place.path}:obsm/NAME takes another")
            place = Location(place.path, place.suffix, what, place.name)
        node = file[place.chosen(_matrices(file), "matrix")]
        if not hasattr(node, "dtype"):
            return _sparse(node, place)
        return _array(node) if node.dtype.kind not in "biuf" or node.ndim != 2 else _opened(place)[node.name]


def read_column(place: Location) -> Any:
    """Return a column of ``obs``, such as ``obs/cell_type``; ``obs/_index`` are the names of the cells."""
    if place.what is None:
        raise InvalidParameterError(
            f"`{place.name}` must name a column of {place.path!r}, such as {place.path}:obs/cell_type, got none"
        )
    with _opened(place) as file:
        names = file["obs"].attrs.get("_index", "_index")
        known = {f"obs/{name}": name for name in file["obs"] if not name.startswith("__")} | {"obs/_index": names}
        node = file["obs"][known[place.chosen(known)]]
        if hasattr(node, "dtype"):
            return _old_column(file, node)
        if "codes" in node:
            return CategoricalColumn.of(node["codes"][:].astype(np.int64), _array(node["categories"]).tolist())
        if {"values", "mask"} <= set(node):
            return np.ma.array(_array(node["values"]), mask=node["mask"][:].astype(bool))
        raise InvalidTypeError(f"`{place.name}` {str(place)!r} must be a column, got a group of {', '.join(node)}")


def _opened(place: Location) -> Any:
    h5py = need("h5py", "tables")
    with open(place.path, "rb"):  # whose errors say what is wrong
        pass
    return h5py.File(place.path, "r")


def _matrices(file: Any) -> list[str]:
    found = [f"{group}/{name}" for group in _TABLES if group in file for name in file[group]]
    return [*(name for name in ("X", "raw/X") if name in file), *found]


def _array(node: Any) -> Array:
    """Return a dataset, text as Python's own."""
    return np.asarray(node.asstr()[:] if node.dtype.kind == "O" else node[...])


def _sparse(node: Any, place: Location) -> Any:
    """Return a matrix that is stored by its entries; or the numbers of a data frame."""
    from scipy import sparse

    kind = str(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))
    if kind.startswith("dataframe"):
        return np.column_stack([_array(node[name]) for name in node.attrs["column-order"]])
    made = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}.get(kind[:3])
    if made is None:
        raise InvalidTypeError(f"`{place.name}` {str(place)!r} must be a matrix, got a {kind or 'group'}")
    shape = node.attrs.get("shape", node.attrs.get("h5sparse_shape"))
    parts = tuple(node[name][:] for name in ("data", "indices", "indptr"))
    return made(parts, shape=tuple(int(size) for size in shape)).tocsr()


def _old_column(file: Any, node: Any) -> Any:
    """Return a dataset as labels; before version 0.7 of AnnData codes referred to their categories."""
    values = _array(node)
    if "categories" not in node.attrs:
        return values
    return CategoricalColumn.of(values.astype(np.int64), _array(file[node.attrs["categories"]]).tolist())
