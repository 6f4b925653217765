"""Checkpoints: a map in motion and, beside it, the affinities that do not move."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import storage
from .._types import Array
from ..affinity import matrix_of, pack_affinities
from ..errors import StorageError
from ..nearest_neighbors import pack_table
from .archive import LEVELS, pack
from .remembered import pack_states


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
    return f"{os.fsdecode(path)}.{fingerprint}.affinities"


def remove_checkpoint(path: Any) -> None:
    """Remove a checkpoint and the affinities beside it, if they are there.

    Parameters
    ----------
    path : path-like

    Examples
    --------
    >>> remove_checkpoint("run.npz")
    """
    Path(os.fsdecode(path)).unlink(missing_ok=True)
    _remove_beside(path, but="")


def _remove_beside(path: Any, but: str) -> None:
    """Remove the affinities beside a checkpoint, except those with the fingerprint `but`."""
    kept = affinities_path(path, but)
    for name in glob.glob(f"{glob.escape(os.fsdecode(path))}.*.affinities"):
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
    except StorageError:  # none there, or damaged: it is written anew
        storage.write(target, *_beside(embedding.affinities, embedding._own.P, fingerprint))
    return fingerprint


def _beside(affinities: Any, P: Any, fingerprint: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the header of the file beside a checkpoint: of affinities, or of placed points' P."""
    header = None
    if affinities is None:
        arrays = {f"partial.{name}": part for name, part in pack_table(P).items()}
    else:
        arrays, header = pack_affinities(affinities, with_data=False)
    return arrays, {"fingerprint": fingerprint, "affinities": header}


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
    with embedding.optimizer.held():
        arrays, header = pack(embedding, LEVELS.index("optimizer"))
    held, states = pack_states(run.get("callbacks", []))
    header |= {"include": "optimizer", "run": {**run, "callbacks": states}, "beside": affinities}
    own = embedding._own
    storage.write_missing(affinities_path(path, affinities), lambda: _beside(own.affinities, own.P, affinities))
    storage.write(path, {**arrays, **held}, header)
    _remove_beside(path, but=affinities)


def read_beside(path: Any, fingerprint: Any) -> tuple[dict[str, Array], Any]:
    """Return the arrays and the header of the affinities beside a checkpoint.

    Parameters
    ----------
    path : path-like
        Of the checkpoint.
    fingerprint : str
        Of the affinities.

    Raises
    ------
    StorageError
        If they are not there, or are others.

    Examples
    --------
    >>> import numpy as np
    >>> import tempfile
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, read_beside
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fingerprint = Y.save_affinities(f"{folder}/run.npz")
    ...     arrays, header = read_beside(f"{folder}/run.npz", fingerprint)
    >>> header["class"], "P.csr_indices" in arrays
    ('Uniform', True)
    """
    if not isinstance(fingerprint, str) or not re.fullmatch("[0-9a-f]{1,64}", fingerprint):
        raise StorageError("the fingerprint of its affinities is no such thing")
    name = affinities_path(path, fingerprint)
    arrays, header = storage.read(name)
    if header.get("fingerprint") != fingerprint:
        raise StorageError(f"{name!r} holds other affinities")
    return arrays, header["affinities"]


def restore_affinities(path: Any, make: Callable[[], Any]) -> None:
    """Write the affinities beside a checkpoint again if they are gone or damaged, where the data are at hand.

    Parameters
    ----------
    path : path-like
        Of the checkpoint.
    make : callable
        Returns the affinities; called only where they are needed.

    Raises
    ------
    StorageError
        If the checkpoint cannot be read, or was made with other affinities.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from opentsne_like import affinity, load
    >>> from opentsne_like.callbacks import Checkpoint
    >>> from opentsne_like.embedding import Embedding, restore_affinities
    >>> affinities = affinity.Uniform(np.eye(5), k_neighbors=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.npz"
    ...     Y = Embedding(np.eye(5)[:, :2], affinities).optimize(5, callbacks=Checkpoint(path))
    ...     next(Path(folder).glob("*.affinities")).unlink()
    ...     restore_affinities(path, lambda: affinities)
    ...     load(path).n_iter_
    5
    """
    fingerprint = storage.read(path, names=())[1].get("beside")
    if not isinstance(fingerprint, str):
        return
    with suppress(StorageError):
        read_beside(path, fingerprint)
        return
    affinities = make()
    if storage.fingerprint(matrix_of(affinities)) != fingerprint:
        raise StorageError(
            f"`checkpoint` {os.fsdecode(path)!r} cannot be gone on with: its affinities are gone, and those made "
            "of these data now are others; remove the file"
        )
    storage.write(affinities_path(path, fingerprint), *_beside(affinities, None, fingerprint))
