"""Embeddings as arrays and JSON values in files."""

from __future__ import annotations

import glob
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from .._validation import check_choice
from ..affinity import pack_affinities
from ..errors import StorageError
from ..nearest_neighbors import pack_table
from ..objectives import Reuse
from ..optimizer import Record
from .randomness import pack_random_state

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]

LEVELS = ("coordinates", "optimizer", "affinities", "data")
_NOT_STORED = ("callbacks", "use_callbacks")  # functions; they are given again to `optimize`


def save(embedding: Any, path: Any, include: str) -> None:
    """Write an embedding to one file.

    Parameters
    ----------
    embedding : Embedding
    path : path-like
    include : {"data", "affinities", "optimizer", "coordinates"}
    """
    level = LEVELS.index(check_choice(include, "include", LEVELS))
    arrays, header = pack(embedding, level)
    storage.write(path, arrays, {**header, "include": include})


def pack(embedding: Any, level: int) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return an embedding as arrays and JSON values.

    Parameters
    ----------
    embedding : Embedding
    level : int
        Position in `LEVELS` of the last part that is wanted.
    """
    arrays, header = _pack_params(embedding)
    arrays["coordinates"] = np.asarray(embedding)
    if level >= LEVELS.index("optimizer"):
        arrays |= _pack_optimizer(embedding)
        reason = embedding.stop_reason
        header["stop_reason"] = None if reason is None else reason.name
    state = embedding._own
    with_data = level >= LEVELS.index("data")
    if level >= LEVELS.index("affinities"):
        if state.affinities is not None:
            parts, header["affinities"] = pack_affinities(state.affinities, with_data=with_data)
            arrays |= {f"affinities.{name}": part for name, part in parts.items()}
        if state.P is not None:
            arrays |= {f"partial.{name}": part for name, part in pack_table(state.P).items()}
    if with_data and state.reference is not None:
        parts, header["reference"] = pack(state.reference, level)
        arrays |= {f"reference.{name}": part for name, part in parts.items()}
    return arrays, header


def _pack_params(embedding: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays: dict[str, Array] = {}
    params: dict[str, Any] = {}
    for name, value in embedding.gradient_descent_params.items():
        if name in _NOT_STORED:
            continue
        if isinstance(value, np.ndarray):
            arrays[f"params.{name}"] = value
        elif callable(value):
            log.warning("`%s` is a function and is not stored; pass it to `optimize` again", name)
        else:
            params[name] = value
    random_state = pack_random_state(embedding.random_state)
    return arrays, {"kind": type(embedding).__name__, "params": params, "random_state": random_state}


def _pack_optimizer(embedding: Any) -> dict[str, Array]:
    state = embedding.optimizer.state
    if state is None:
        return {}
    history = np.array(state.history, dtype=np.float64).reshape(len(state.history), len(Record._fields))
    kept = {f"kept.{name}": part for name, part in Reuse.parts(state.kept, np.asarray(embedding)).items()}
    return {
        "gains": state.gains,
        "update": state.update,
        "counter": state.counter,
        "history": history,
        "shape": state.shape,
        **kept,
    }


def affinities_path(path: Any, fingerprint: str) -> str:
    """Return the name of the file beside a checkpoint that holds its affinities.

    Parameters
    ----------
    path : path-like
    fingerprint : str
        Of the affinities, so that a new run at the same path leaves those of the checkpoint that is there.

    Examples
    --------
    >>> affinities_path("run.npz", "3f5a")
    'run.npz.3f5a.affinities'
    """
    return f"{os.fspath(path)}.{fingerprint}.affinities"


def remove_checkpoint(path: Any) -> None:
    """Remove a checkpoint and the affinities beside it, if they are there.

    Parameters
    ----------
    path : path-like

    Examples
    --------
    >>> remove_checkpoint("run.npz")
    """
    Path(path).unlink(missing_ok=True)
    _remove_beside(path, but="")


def _remove_beside(path: Any, but: str) -> None:
    """Remove the affinities beside a checkpoint, except those with the fingerprint `but`."""
    kept = affinities_path(path, but)
    for name in glob.glob(f"{glob.escape(os.fspath(path))}.*.affinities"):
        if name != kept:
            os.remove(name)


def save_affinities(embedding: Any, path: Any) -> str:
    """Write the affinities beside a checkpoint unless they are there, and return their fingerprint.

    Parameters
    ----------
    embedding : Embedding
    path : path-like
        Of the checkpoint.
    """
    fingerprint = storage.fingerprint(embedding._edges_of())
    target = affinities_path(path, fingerprint)
    try:
        storage.read(target)
        return fingerprint
    except StorageError:
        pass  # none there, or damaged: it is written anew
    header = None
    if embedding._own.affinities is None:
        arrays = {f"partial.{name}": part for name, part in pack_table(embedding._edges_of()).items()}
    else:
        arrays, header = pack_affinities(embedding._own.affinities, with_data=False)
    storage.write(target, arrays, {"fingerprint": fingerprint, "affinities": header})
    return fingerprint


def save_checkpoint(embedding: Any, path: Any, affinities: str, run: dict[str, Any]) -> None:
    """Write coordinates, optimizer and the state of a run.

    Parameters
    ----------
    embedding : Embedding
    path : path-like
    affinities : str
        The fingerprint of the affinities beside it.
    run : dict
        JSON values and, one level below ``"callbacks"``, arrays.
    """
    arrays, header = pack(embedding, LEVELS.index("optimizer"))
    states = []
    for i, state in enumerate(run.get("callbacks", [])):
        held = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"callbacks.{i}.{name}": value for name, value in held.items()}
        states.append({name: value for name, value in state.items() if name not in held})
    header |= {"include": "optimizer", "run": {**run, "callbacks": states}, "beside": affinities}
    storage.write(path, arrays, header)
    _remove_beside(path, but=affinities)
