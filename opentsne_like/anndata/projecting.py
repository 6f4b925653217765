"""New cells in the representation that the cells of a reference have."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import Array
from ..errors import InvalidParameterError
from .matrices import blocks, matrix_of_genes, readable, table_of

_SOME_CELLS = 100  # of the reference, whose components are looked at
_ALIKE = 0.1  # share of the spread of components that loadings may leave; 0.04 on pbmc68k_reduced, 0.46 on its raw data


def projected(new: Any, reference: Any, use_rep: str, n_pcs: int | None) -> Any:
    """Return new cells in the representation of a reference.

    Parameters
    ----------
    new, reference : AnnData
    use_rep : str
        "X": the genes of the reference. "X_pca": its components, by its loadings. Another one has to be there.
    n_pcs : int, optional
        The first components only.

    Returns
    -------
    ndarray or csr_matrix of shape (n_new, d)
    """
    if use_rep == "X":
        return readable(matrix_of_genes(new[:, _genes(new, reference, np.arange(reference.n_vars))]))
    if use_rep == "X_pca":
        X = components(new, reference)
    elif use_rep in new.obsm:
        X = table_of(new.obsm[use_rep])
    else:
        raise InvalidParameterError(
            f"`adata_new.obsm` must have {use_rep!r}, which the map of the reference was made from and loadings cannot "
            "give; make it for both together"
        )
    return X if n_pcs is None else X[:, :n_pcs]


def components(new: Any, reference: Any) -> Array:
    """Return principal components of new cells, by the loadings of a reference.

    With genes X, loadings V and components Z of the reference, ``X V - Z`` is one and the same row for all of its
    cells, what the genes were centred by. So some cells tell it, and whether V and X belong together.

    Parameters
    ----------
    new, reference : AnnData

    Returns
    -------
    float64 ndarray of shape (n_new, n_components)
    """
    if "PCs" not in reference.varm:
        raise InvalidParameterError(
            "`reference.varm` must have the loadings 'PCs' of its components, got none; run scanpy.pp.pca"
        )
    loadings = np.nan_to_num(np.asarray(reference.varm["PCs"], dtype=np.float64))
    used = np.flatnonzero(loadings.any(axis=1))  # genes that are not highly variable have none
    loadings = loadings[used]
    layer = reference.uns.get("pca", {}).get("params", {}).get("layer")
    some = np.unique(np.linspace(0, reference.n_obs - 1, min(reference.n_obs, _SOME_CELLS)).astype(np.int64))
    known = np.asarray(reference.obsm["X_pca"], dtype=np.float64)[some]
    own = np.asarray(matrix_of_genes(reference, layer)[some][:, used] @ loadings)
    shift = np.median(own - known, axis=0)
    if np.linalg.norm(own - known - shift) > _ALIKE * np.linalg.norm(known - known.mean(axis=0)):
        raise InvalidParameterError(
            "`reference` must have the genes that its components were made from, got others; keep .X as it was for "
            "scanpy.pp.pca, or name its layer there"
        )
    at = _genes(new, reference, used)
    made = np.empty((new.n_obs, loadings.shape[1]))
    for rows, block in blocks(matrix_of_genes(new, layer)):
        made[rows] = np.asarray(block[:, at] @ loadings) - shift
    return made


def _genes(new: Any, reference: Any, used: Array) -> Array:
    """Return where some genes of a reference are among those of new cells, which may have others and another order."""
    places = {name: place for place, name in enumerate(map(str, new.var_names))}
    wanted = [str(name) for name in reference.var_names[used]]
    missing = [name for name in wanted if name not in places]
    if missing:
        listed = ", ".join(missing[:5])
        raise InvalidParameterError(
            f"`adata_new` must have the genes of the reference, got none for {len(missing)} of {len(wanted)}: {listed}"
            f"{', ...' if len(missing) > 5 else ''}; pass all genes, not the highly variable ones of the new cells"
        )
    return np.array([places[name] for name in wanted], dtype=np.int64)
