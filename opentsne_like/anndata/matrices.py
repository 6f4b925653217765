"""Matrices of an AnnData object, also those that lie in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._validation import shown
from ..errors import InvalidParameterError, InvalidTypeError

BLOCK_BYTES = 2**26  # of a block of rows that is read at once, if all its numbers are stored
N_PCS = 50  # columns beyond which scanpy takes components instead of genes


def check_adata(adata: Any, name: str = "adata", *, at_least: int = 2) -> None:
    """Refuse what is no AnnData object.

    Parameters
    ----------
    adata : object
    name : str
        How the caller calls it.
    at_least : int
        The fewest cells that make sense.
    """
    if not all(hasattr(adata, part) for part in ("obs", "obsm", "uns", "n_obs")):
        raise InvalidTypeError(
            f"`{name}` must be an AnnData object, got {type(adata).__name__}; arrays are for TSNE().fit(X)"
        )
    if adata.n_obs < at_least:
        raise InvalidParameterError(f"`{name}` must have at least {at_least} cells, got {adata.n_obs}")


def representation(adata: Any, use_rep: str | None = None, n_pcs: int | None = None) -> tuple[Any, dict[str, Any]]:
    """Return the matrix that cells are compared by, chosen as scanpy does, and its name and columns.

    Parameters
    ----------
    adata : AnnData
    use_rep : str, optional
        A key of ``.obsm``, or "X". By default "X_pca" where it exists and there are more than 50 genes, else "X".
    n_pcs : int, optional
        How many of its columns; 0 stands for "X" where `use_rep` is not given.

    Returns
    -------
    X : ndarray, dataset or csr_matrix of shape (n_obs, d)
    named : dict
        ``use_rep`` and, where it was given, ``n_pcs``.
    """
    if use_rep is None:
        components = "X_pca" in adata.obsm and adata.n_vars > N_PCS and n_pcs != 0
        use_rep, n_pcs = ("X_pca", n_pcs) if components else ("X", None)
    if use_rep == "X":
        return readable(matrix_of_genes(adata)), {"use_rep": "X"}
    if use_rep not in adata.obsm:
        have = ", ".join(map(repr, ["X", *adata.obsm.keys()]))
        raise InvalidParameterError(f"`use_rep` must be one of {have}, got {shown(use_rep)}; make it first")
    X = adata.obsm[use_rep]
    if n_pcs is None:
        return X, {"use_rep": use_rep}
    if not 1 <= n_pcs <= X.shape[1]:
        raise InvalidParameterError(
            f"`n_pcs` must lie in 1..{X.shape[1]}, the columns of obsm[{use_rep!r}], got {n_pcs}"
        )
    return table_of(X)[:, :n_pcs], {"use_rep": use_rep, "n_pcs": int(n_pcs)}


def table_of(X: Any) -> Any:
    """Return a member of ``.obsm``, which may be a data frame, as an array or a sparse matrix."""
    return X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)


def matrix_of_genes(adata: Any, layer: str | None = None) -> Any:
    """Return the cells by genes, from a layer or ``.X``, as they are stored."""
    X = adata.X if layer is None else adata.layers[layer]
    if X is None:
        raise InvalidParameterError("`adata` must have a matrix X, got None; name another one by use_rep")
    return X


def blocks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Yield slices of rows and these rows in memory, one block after the other."""
    n, d = X.shape
    rows = max(1, BLOCK_BYTES // (8 * max(1, d)))
    for low in range(0, n, rows):
        at = slice(low, min(n, low + rows))
        yield at, X[at]


def readable(X: Any) -> Any:
    """Return a matrix as something that an estimator reads: dense ones as they are stored, sparse ones in memory."""
    if isinstance(X, np.ndarray) or hasattr(X, "tocsr") or hasattr(X, "chunks"):
        return X
    parts = [block for _, block in blocks(X)]
    if hasattr(parts[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(parts, format="csr")
    return np.concatenate([np.asarray(part) for part in parts])
