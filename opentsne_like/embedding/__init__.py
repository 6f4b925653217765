"""Embeddings: coordinates that know their affinities, their loss, and how far their optimization has come.

An `Embedding` is an array, and everything else about it stands in one slot: the affinities of its points, its
*settings* (the loss and the optimizer as data, the schedule, who follows), and its *descent* (the state of the
optimizer, and what was bound for it). `optimize` binds the loss to the affinities and runs the loop; new points are
placed on a map, as a `PlacedEmbedding`, or added to it, whatever the loss is.
"""

from __future__ import annotations

from .archive import LEVELS, check_stored_kind, known_arrays, pack, pack_settings, unpack_descent, unpack_settings
from .array import EmbeddingState, StatefulArray
from .base import Embedding, check_affinities, check_start
from .checkpoint import affinities_path, read_beside, remove_checkpoint, restore_affinities
from .descent import Descent, in_place
from .diagnostics import DiagnosedArray
from .placed import PlacedEmbedding
from .placing import BATCHED, known_affinities, prepare, stage_of, transform
from .randomness import pack_random_state, unpack_random_state
from .settings import Resources, Settings, as_loss

__all__ = [
    "BATCHED",
    "LEVELS",
    "Descent",
    "DiagnosedArray",
    "Embedding",
    "EmbeddingState",
    "PlacedEmbedding",
    "Resources",
    "Settings",
    "StatefulArray",
    "affinities_path",
    "as_loss",
    "check_affinities",
    "check_start",
    "check_stored_kind",
    "in_place",
    "known_affinities",
    "known_arrays",
    "pack",
    "pack_random_state",
    "pack_settings",
    "prepare",
    "read_beside",
    "remove_checkpoint",
    "restore_affinities",
    "stage_of",
    "transform",
    "unpack_descent",
    "unpack_random_state",
    "unpack_settings",
]
