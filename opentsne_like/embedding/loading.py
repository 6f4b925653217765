"""From files to embeddings."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .. import storage
from ..affinity import Affinities, unpack_affinities, unpack_weights
from ..errors import OpenTSNEError, StorageError
from ..objectives import Reuse
from ..optimizer import DescentState, Record, StopReason, gradient_descent
from ..storage import parts_below
from .base import Embedding, EmbeddingState
from .partial import PartialTSNEEmbedding
from .randomness import unpack_random_state
from .stored import affinities_path
from .tsne import TSNEEmbedding

Array = np.ndarray[Any, Any]

KINDS: dict[str, type[Embedding]] = {cls.__name__: cls for cls in (TSNEEmbedding, PartialTSNEEmbedding)}


_STATE = ("gains", "update", "counter", "history")


def load(path: Any) -> Any:
    """Return an embedding that was stored by its `save`, or by `callbacks.Checkpoint`.

    No code of the file is run: it holds arrays and JSON values, which are checked.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    TSNEEmbedding or PartialTSNEEmbedding
        In the state it was stored in, without callbacks.

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
    embedding : TSNEEmbedding or PartialTSNEEmbedding
    run : dict
        Empty for a file that is no checkpoint.
    """
    arrays, header = storage.read(path)
    try:
        if "beside" in header:
            beside = _read_beside(path, header["beside"])
            for name, part in beside[0].items():
                arrays[name if name.startswith("partial.") else f"affinities.{name}"] = part
            header["affinities"] = beside[1]
        embedding = unpack(arrays, header, data)
        run = header.get("run", {})
        for i, state in enumerate(run.get("callbacks", [])):
            state |= parts_below(f"callbacks.{i}.", arrays)
        return embedding, run
    except (OpenTSNEError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise StorageError(f"`path` {str(path)!r} cannot be read: {reason}") from error


def _read_beside(path: Any, fingerprint: str) -> tuple[dict[str, Array], Any]:
    if not isinstance(fingerprint, str) or not re.fullmatch("[0-9a-f]{1,64}", fingerprint):
        raise StorageError("the fingerprint of its affinities is no such thing")
    name = affinities_path(path, fingerprint)
    arrays, header = storage.read(name)
    if header.get("fingerprint") != fingerprint:
        raise StorageError(f"{name!r} holds other affinities")
    return arrays, header["affinities"]


def unpack(arrays: dict[str, Array], header: dict[str, Any], data: Any = None) -> Any:
    """Return the embedding that `stored.pack` took apart.

    Parameters
    ----------
    arrays : dict of str to ndarray
    header : dict
    data : array-like or sparse matrix, optional
    """
    kind = header.get("kind")
    if kind not in KINDS:
        raise StorageError(f"it holds a {str(kind)[:40]!r}, which is not known")
    coordinates = arrays["coordinates"]
    if coordinates.ndim != 2 or coordinates.dtype != np.float64 or not np.isfinite(coordinates).all():
        raise StorageError("the coordinates are no finite float64 matrix")
    n = len(coordinates)
    affinities = reference = P = None
    if header.get("affinities") is not None:
        affinities = unpack_affinities(parts_below("affinities.", arrays), header["affinities"], data)
        _check_rows(affinities, n)
    if header.get("reference") is not None:
        reference = unpack(parts_below("reference.", arrays), header["reference"])
    if parts := parts_below("partial.", arrays):
        P = unpack_weights(parts)
        if P.shape[0] != n or (reference is not None and P.shape[1] != len(reference)):
            raise StorageError(f"affinities of shape {P.shape} do not belong to {n} points")
    state = EmbeddingState(
        affinities,
        _unpack_optimizer(arrays, header, coordinates.shape),
        unpack_random_state(header["random_state"]),
        {**header["params"], **parts_below("params.", arrays)},
        reference,
        P,
    )
    return KINDS[str(kind)]._make(coordinates, state)


def _check_rows(affinities: Affinities, n: int) -> None:
    if affinities.P.shape != (n, n):
        raise StorageError(f"affinities of shape {affinities.P.shape} do not belong to {n} points")
    if affinities.knn_index is not None and affinities.knn_index.n_samples != n:
        raise StorageError(f"an index of {affinities.knn_index.n_samples} rows does not belong to {n} points")


def _unpack_optimizer(arrays: dict[str, Array], header: dict[str, Any], shape: tuple[int, ...]) -> gradient_descent:
    optimizer = gradient_descent()
    reason = header.get("stop_reason")
    optimizer.stop_reason = None if reason is None else StopReason[reason]
    if "gains" not in arrays:
        return optimizer
    gains, update, counter, history = (np.ascontiguousarray(arrays[name]) for name in _STATE)
    if not gains.shape == update.shape == shape or counter.shape != (1,) or history.ndim != 2:
        raise StorageError("the optimizer's state does not belong to the coordinates")
    for values in (gains, update):
        if values.dtype != np.float64 or not np.isfinite(values).all():
            raise StorageError("the optimizer's state is not finite float64")
    records = [Record(int(row[0]), *row[1:]) for row in history.tolist()]
    learned = arrays.get("shape", np.empty((3, 0)))
    if learned.ndim != 2 or len(learned) != 3 or learned.dtype != np.float64 or not np.isfinite(learned).all():
        raise StorageError("what the optimizer has learned is no finite float64 matrix of three rows")
    kept = _unpack_kept(parts_below("kept.", arrays), arrays["coordinates"])
    optimizer.state = DescentState(gains, update, counter.astype(np.int64), records, learned, kept)
    return optimizer


def _unpack_kept(kept: dict[str, Array], points: Array) -> dict[str, Array]:
    """Return the repulsion that an objective keeps for several iterations, if any."""
    if not kept:
        return {}
    expected = zip(Reuse.NAMES, (points.shape, (1,), (1,), (5,)), ("f4", "f8", "i8", "f8"), strict=True)
    if set(kept) != set(Reuse.NAMES) or any(
        kept[name].shape != shape or kept[name].dtype != dtype for name, shape, dtype in expected
    ):
        raise StorageError("the repulsion that is kept does not belong to the coordinates")
    if not all(np.isfinite(part).all() for part in kept.values()):
        raise StorageError("the repulsion that is kept is not finite")
    Reuse.note_place(kept, points, n_jobs=1)
    return kept
