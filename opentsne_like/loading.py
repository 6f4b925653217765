"""From files to embeddings: the only module that knows every kind of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import storage
from ._types import Array
from .affinity import Affinities, matrix_of, unpack_affinities, unpack_weights
from .embedding import (
    Embedding,
    EmbeddingState,
    PlacedEmbedding,
    read_beside,
    unpack_descent,
    unpack_random_state,
    unpack_settings,
)
from .errors import OpenTSNEError, StorageError
from .opentsne import PartialTSNEEmbedding, TSNEEmbedding, TSNESettings
from .storage import parts_below

__all__ = ["KINDS", "load", "load_run"]


KINDS: dict[str, type[Embedding]] = {
    cls.__name__: cls for cls in (Embedding, PlacedEmbedding, TSNEEmbedding, PartialTSNEEmbedding)
}
STRANGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, ArithmeticError, RecursionError)


def load(path: Any) -> Any:
    """Return an embedding that was stored by its `save`, or by `callbacks.Checkpoint`.

    No code of the file is run: it holds arrays and JSON values, which are checked.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Embedding
        Of the class and in the state it was stored in, without callbacks.

    Raises
    ------
    StorageError
        The file is missing, truncated, altered, foreign, or written by a newer version.

    Examples
    --------
    >>> from opentsne_like import TSNEEmbedding, affinity, load
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2), random_state=0)
    >>> Y.optimize(10).save("map.npz")
    >>> load("map.npz").n_iter_
    10
    """
    return load_run(path)[0]


def load_run(path: Any, data: Any = None) -> tuple[Any, dict[str, Any]]:
    """Return a stored embedding and, of a checkpoint, the state of its run.

    Parameters
    ----------
    path : path-like
    data : array-like or sparse matrix, optional
        The data that the affinities of a checkpoint are of, for `transform`.

    Returns
    -------
    embedding : Embedding
    run : dict
        Empty for a file that is no checkpoint.

    Examples
    --------
    >>> from opentsne_like import TSNEEmbedding, affinity
    >>> from opentsne_like.callbacks import Checkpoint
    >>> from opentsne_like.loading import load_run
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> Y = Y.optimize(10, callbacks=Checkpoint("run.npz"))
    >>> load_run("run.npz")[1]["iteration"]
    10
    """
    arrays, header = storage.read(path)
    try:
        if "beside" in header:
            beside = read_beside(path, header["beside"])
            for name, part in beside[0].items():
                arrays[name if name.startswith("partial.") else f"affinities.{name}"] = part
            header["affinities"] = beside[1]
        embedding = unpack(arrays, header, data)
        return embedding, _run(arrays, header)
    except (OpenTSNEError, *STRANGE) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise StorageError(f"`path` {str(path)!r} cannot be read: {reason}") from error


def _run(arrays: dict[str, Array], header: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a run, of the expected form."""
    run = header.get("run", {})
    if not isinstance(run, dict):
        raise StorageError("the state of its run is no such thing")
    for i, state in enumerate(run.get("callbacks", [])):
        if not isinstance(state, dict) or not isinstance(state.get("class"), str):
            raise StorageError("what its callbacks remember is no such thing")
        state |= parts_below(f"callbacks.{i}.", arrays)
    return run


def unpack(arrays: dict[str, Array], header: dict[str, Any], data: Any = None) -> Any:
    """Return the embedding that `embedding.pack` took apart.

    Parameters
    ----------
    arrays : dict of str to ndarray
    header : dict
    data : array-like or sparse matrix, optional
    """
    kind = header.get("kind")
    if kind not in KINDS:
        raise StorageError(
            f"it holds a {str(kind)[:40]!r}, which is not known; enter a class of your own in loading.KINDS"
        )
    cls = KINDS[str(kind)]
    arrays = {**arrays, **_of_version_1(arrays)} if "params" in header else arrays
    coordinates = arrays["coordinates"]
    if coordinates.ndim != 2 or coordinates.dtype != np.float64 or not np.isfinite(coordinates).all():
        raise StorageError("the coordinates are no finite float64 matrix")
    n, d = coordinates.shape
    affinities = reference = P = None
    if header.get("affinities") is not None:
        affinities = unpack_affinities(parts_below("affinities.", arrays), header["affinities"], data)
        _check_rows(affinities, n)
    if header.get("reference") is not None:
        reference = unpack(parts_below("reference.", arrays), header["reference"])
    if parts := parts_below("partial.", arrays):
        P = unpack_weights(parts)
    if issubclass(cls, PlacedEmbedding) == (affinities is not None) and (affinities is not None or P is not None):
        raise StorageError(f"its affinities are not those of a {kind}")
    if P is not None and (P.shape[0] != n or (reference is not None and reference.shape != (P.shape[1], d))):
        raise StorageError(f"affinities of shape {P.shape} do not belong to {n} points")
    settings = _settings(cls, arrays, header)
    settings.loss.check_dimension(d)
    settings.plan(n, placed=issubclass(cls, PlacedEmbedding))
    descent = unpack_descent(
        cls.descent_class, parts_below("optimizer.", arrays), header.get("stop_reason"), coordinates, settings
    )
    random_state = unpack_random_state(header["random_state"])
    return cls._make(coordinates, EmbeddingState(affinities, descent, random_state, settings, reference, P))


def _settings(cls: type[Embedding], arrays: dict[str, Array], header: dict[str, Any]) -> Any:
    if "params" not in header:
        return unpack_settings(cls.settings_class, arrays, header["settings"])
    params = {**header["params"], **parts_below("params.", arrays)}
    if refused := sorted(set(params) & {"callbacks", "loss", "optimizer", "reference_embedding", "n_iter"}):
        raise StorageError(f"its parameters have {refused[0]!r} among them, which is never stored")
    return TSNESettings().changed(**params)


def _of_version_1(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the optimizer's state of a file of the first version by the names of today."""
    names = {name: name for name in ("gains", "update", "counter", "history")}
    names |= {name: f"carried.{name.removeprefix('kept.')}" for name in arrays if name.startswith("kept.")}
    if "shape" in arrays and arrays["shape"].size:
        names["shape"] = "log_dof"
    return {f"optimizer.{new}": arrays[old] for old, new in names.items() if old in arrays}


def _check_rows(affinities: Affinities, n: int) -> None:
    if (shape := matrix_of(affinities).shape) != (n, n):
        raise StorageError(f"affinities of shape {shape} do not belong to {n} points")
    if affinities.knn_index is not None and affinities.knn_index.n_samples != n:
        raise StorageError(f"an index of {affinities.knn_index.n_samples} rows does not belong to {n} points")
