"""The two kinds of callbacks, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class StopReason(Enum):
    """Why an optimization ended."""

    FINISHED = "all iterations were done"
    CALLBACK = "a callback asked to stop"
    CONVERGED = "the KL divergence no longer falls"
    TIME = "the time is up"
    INTERRUPTED = "an error or Ctrl-C ended it; the last finished iteration was kept"

    def __str__(self) -> str:
        return self.value


class Callback:
    """Base of callbacks that look at the map before a step, every `callbacks_every_iters` iterations."""

    def optimization_about_to_start(self) -> None:
        """Look once at the start of every `optimize` call."""

    def __call__(self, iteration: int, error: float, embedding: Any) -> bool | None:
        """Look at the map; returning True stops the optimization.

        Parameters
        ----------
        iteration : int
            Counted from 1 within the call of `optimize`.
        error : float
            KL divergence of the map, without exaggeration.
        embedding : TSNEEmbedding
            The map before the step of this iteration.
        """
        raise TypeError(f"{type(self).__name__} must define __call__(iteration, error, embedding)")


@dataclass(frozen=True)
class Progress:
    """Where an optimization stands.

    Attributes
    ----------
    embedding : TSNEEmbedding
        The map after the step.
    iteration, n_iter : int
        Iterations done and asked for in this call of `optimize`.
    total : int
        Iterations that the map has seen in all.
    kl_divergence : float
        The last that was computed, NaN before the first.
    gradient_norm : float
        Norm of a quarter of the gradient; NaN before the first iteration.
    exaggeration : float
    seconds : float
        Since the call began.
    callbacks : tuple
        All callbacks and hooks of the run.
    """

    embedding: Any
    iteration: int
    n_iter: int
    total: int
    kl_divergence: float
    gradient_norm: float
    exaggeration: float
    seconds: float
    callbacks: tuple[Any, ...] = ()


class Hook:
    """Base of callbacks that follow a run from start to end; override what is needed.

    Attributes
    ----------
    kl_every : int
        How often, in iterations, the KL divergence is to be computed for this hook; 0 for never.
    """

    kl_every: int = 0

    def start(self, progress: Progress) -> None:
        """Look before the first iteration of a call of `optimize`."""

    def iteration(self, progress: Progress) -> bool | StopReason | None:
        """Look after a committed iteration; True or a reason stops the optimization."""

    def end(self, progress: Progress) -> None:
        """Look when the call ends, also by an exception or Ctrl-C."""

    def state(self) -> dict[str, Any]:
        """Return what the hook has to remember across an interrupted run: JSON values and arrays by name."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
