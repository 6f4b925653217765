"""What happens between iterations: progress, early stopping, records, frames, checkpoints.

Two kinds of callbacks can be mixed in one list. A *callback* in the sense of openTSNE is any callable
``(iteration, error, embedding) -> stop?``; it runs every `callbacks_every_iters` iterations, before the step of its
iteration. A `Hook` follows the run: it is told of its start, of every finished iteration, and of its end.
"""

from __future__ import annotations

import logging

from ..optimizer import StopReason
from .base import Callback, Hook, Progress, state_of
from .checks import ErrorApproximations, VerifyExaggerationError
from .display import ErrorLogger, ProgressBar
from .following import Follower, Following, as_list
from .records import Checkpoint, History, Snapshots
from .stopping import EarlyStopping, ExaggerationStopping, TimeLimit

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "ErrorApproximations",
    "ErrorLogger",
    "ExaggerationStopping",
    "Follower",
    "Following",
    "History",
    "Hook",
    "Progress",
    "ProgressBar",
    "Snapshots",
    "StopReason",
    "TimeLimit",
    "VerifyExaggerationError",
    "as_list",
    "state_of",
]

log = logging.getLogger(__name__)
