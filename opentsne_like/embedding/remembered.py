"""What callbacks remember, in files: numbers and words in the header, arrays beside those of the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._types import Array
from ..callbacks import Snapshots, state_of


def pack_states(states: Sequence[dict[str, Any]]) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Return the arrays of states of callbacks by name, and what is left of each.

    Parameters
    ----------
    states : sequence of dict
        JSON values and arrays by name.

    Examples
    --------
    >>> from opentsne_like.embedding.remembered import pack_states
    >>> pack_states([{"class": "Snapshots", "totals": np.arange(2)}])
    ({'callbacks.0.totals': array([0, 1])}, [{'class': 'Snapshots'}])
    """
    arrays: dict[str, Array] = {}
    left = []
    for i, state in enumerate(states):
        held = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"callbacks.{i}.{name}": value for name, value in held.items()}
        left.append({name: value for name, value in state.items() if name not in held})
    return arrays, left


def snapshots_of(embedding: Any) -> list[dict[str, Any]]:
    """Return the states of the snapshots among the callbacks that a map was made with.

    Frames of another number of points, from before the map has grown, are left out.

    Parameters
    ----------
    embedding : Embedding

    Examples
    --------
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import Snapshots
    >>> from opentsne_like.embedding.remembered import snapshots_of
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> Y = TSNE(perplexity=10, early_exaggeration_iter=10, n_iter=20, callbacks=Snapshots(every=10)).fit(X)
    >>> [(state["class"], state["totals"].tolist()) for state in snapshots_of(Y)]
    [('Snapshots', [10, 20, 30])]
    """
    states = []
    for callback in embedding.settings.following.heard:
        if isinstance(callback, Snapshots):
            kept = Snapshots(callback.every)
            kept.frames = [(total, frame) for total, frame in callback.frames if frame.shape == embedding.shape]
            states += [state_of(kept)] if kept.frames else []
    return states
