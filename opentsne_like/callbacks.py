"""What happens between iterations: progress, early stopping, records, frames, checkpoints.

Two kinds of callbacks can be mixed in one list. A *callback* in the sense of openTSNE is any callable
``(iteration, error, embedding) -> stop?``; it runs every `callbacks_every_iters` iterations, before the step of its
iteration. A `Hook` follows the run: it is told of its start, of every finished iteration, and of its end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ._validation import check_integer, check_real

log = logging.getLogger(__name__)

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "ErrorLogger",
    "History",
    "Hook",
    "Progress",
    "ProgressBar",
    "Snapshots",
    "StopReason",
    "TimeLimit",
]


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
        """Return what the hook has to remember across an interrupted run, as JSON values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""


class ProgressBar(Hook):
    """A progress bar with the KL divergence and the time left, in a terminal or a notebook.

    Parameters
    ----------
    description : str, optional
        What stands before the bar; by default the phase.
    kl_every : int
        How often the KL divergence is computed, in iterations.

    Examples
    --------
    >>> from opentsne_like.callbacks import ProgressBar
    >>> ProgressBar(kl_every=100).kl_every
    100
    """

    def __init__(self, description: str | None = None, kl_every: int = 50) -> None:
        self.description = description
        self.kl_every = check_integer(kl_every, "kl_every", at_least=0)
        self._bar: Any = None

    def start(self, progress: Progress) -> None:
        """Open the bar."""
        from tqdm.auto import tqdm

        phase = "exaggerated" if progress.exaggeration > 1 else "optimizing"
        self._bar = tqdm(total=progress.n_iter, desc=self.description or phase, unit="it", mininterval=0.2)

    def iteration(self, progress: Progress) -> None:
        """Advance the bar."""
        if progress.kl_divergence == progress.kl_divergence:
            self._bar.set_postfix_str(f"KL {progress.kl_divergence:.4f}", refresh=False)
        self._bar.update()

    def end(self, progress: Progress) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class ErrorLogger(Callback):
    """Log iteration, KL divergence and speed, every `callbacks_every_iters` iterations.

    Parameters
    ----------
    write : callable, optional
        Where the lines go: ``print``, say; by default this module's logger.
    """

    def __init__(self, write: Callable[[str], Any] | None = None) -> None:
        self.write = write or log.info
        self._last = (0, time.perf_counter())

    def optimization_about_to_start(self) -> None:
        """Start the clock."""
        self._last = (0, time.perf_counter())

    def __call__(self, iteration: int, error: float, embedding: Any) -> None:
        """Write one line."""
        now = time.perf_counter()
        done, before = self._last
        self._last = (iteration, now)
        self.write(
            f"Iteration {iteration:4d}, KL divergence {error:6.4f}, "
            f"{iteration - done} iterations in {now - before:.4f} sec"
        )


class EarlyStopping(Hook):
    """Stop the phase when the KL divergence no longer falls; `TSNE.fit` then goes on with its next phase.

    Parameters
    ----------
    tolerance : float
        The smallest relative fall of the KL divergence, from one look to the next, that counts.
    patience : int
        How many looks in a row may fail to see one.
    every : int
        Iterations between looks.

    Examples
    --------
    >>> from opentsne_like.callbacks import EarlyStopping
    >>> EarlyStopping(tolerance=1e-3, patience=2).state()
    {'best': inf, 'fails': 0, 'phase': None}
    """

    def __init__(self, tolerance: float = 1e-4, patience: int = 3, every: int = 25) -> None:
        self.tolerance = check_real(tolerance, "tolerance", at_least=0)
        self.patience = check_integer(patience, "patience", at_least=1)
        self.kl_every = check_integer(every, "every", at_least=1)
        self._best = float("inf")
        self._fails = 0
        self._phase: float | None = None

    def start(self, progress: Progress) -> None:
        """Forget the KL divergence of a phase with another exaggeration."""
        if self._phase is not None and self._phase != progress.exaggeration:
            self._best, self._fails = float("inf"), 0
        self._phase = progress.exaggeration

    def iteration(self, progress: Progress) -> StopReason | None:
        """Look every `every` iterations."""
        if progress.iteration % self.kl_every:
            return None
        kl = progress.kl_divergence
        if kl < self._best * (1.0 - self.tolerance) or self._best == float("inf"):
            self._best, self._fails = kl, 0
        else:
            self._fails += 1
        return StopReason.CONVERGED if self._fails >= self.patience else None

    def state(self) -> dict[str, Any]:
        """Return the best KL divergence, the number of looks without progress, and the exaggeration they hold for."""
        return {"best": self._best, "fails": self._fails, "phase": self._phase}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with the patience that was left."""
        self._best, self._fails, self._phase = float(state["best"]), int(state["fails"]), state["phase"]


class TimeLimit(Hook):
    """Stop after a number of seconds, counted from the start of the call.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = check_real(seconds, "seconds", above=0)

    def iteration(self, progress: Progress) -> StopReason | None:
        """Look at the clock."""
        return StopReason.TIME if progress.seconds >= self.seconds else None


class History(Hook):
    """Keep iteration, KL divergence, gradient norm and exaggeration of every iteration.

    Parameters
    ----------
    kl_every : int
        How often the KL divergence is computed; between, the last one stands.

    Attributes
    ----------
    records : list of dict
    """

    def __init__(self, kl_every: int = 0) -> None:
        self.kl_every = check_integer(kl_every, "kl_every", at_least=0)
        self.records: list[dict[str, float]] = []

    def iteration(self, progress: Progress) -> None:
        """Append one record."""
        self.records.append(
            {
                "iteration": progress.total,
                "kl_divergence": progress.kl_divergence,
                "gradient_norm": progress.gradient_norm,
                "exaggeration": progress.exaggeration,
            }
        )

    def state(self) -> dict[str, Any]:
        """Return the records."""
        return {"records": self.records}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after the records."""
        self.records = list(state["records"])


class Snapshots(Hook):
    """Keep copies of the coordinates, for an animation.

    Parameters
    ----------
    every : int
        Iterations between frames.

    Attributes
    ----------
    frames : list of (int, ndarray of shape (n, d), float32)
        Total iteration and coordinates.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = check_integer(every, "every", at_least=1)
        self.frames: list[tuple[int, Any]] = []

    def iteration(self, progress: Progress) -> None:
        """Keep a frame when one is due."""
        if progress.total % self.every == 0:
            import numpy as np

            self.frames.append((progress.total, np.array(progress.embedding, dtype=np.float32)))


class Checkpoint(Hook):
    """Save the embedding as it runs, so that a killed run can go on.

    The affinities are written once, to a file beside `path`; a checkpoint holds the coordinates, the optimizer's state
    and what the other callbacks remember. `opentsne_like.load` reads it, ``TSNE.fit(X, checkpoint=path)`` goes on from
    it.

    Parameters
    ----------
    path : path-like
        The file; it is replaced in one step, so that at any moment the last or the new one is there.
    every : int, optional
        Iterations between checkpoints.
    every_seconds : float, optional
        Seconds between checkpoints; by default 30 where `every` is not given.

    Attributes
    ----------
    run : dict of str to JSON values
        What else is to be kept with each checkpoint, such as the data's fingerprint.
    """

    def __init__(self, path: Any, every: int | None = None, every_seconds: float | None = None) -> None:
        self.path = path
        self.every = None if every is None else check_integer(every, "every", at_least=1)
        default = 30.0 if every is None else None
        self.every_seconds = default if every_seconds is None else check_real(every_seconds, "every_seconds", above=0)
        self.run: dict[str, Any] = {}
        self._affinities = ""
        self._last = time.perf_counter()

    def start(self, progress: Progress) -> None:
        """Write the affinities unless they are there, and the first checkpoint."""
        self._affinities = progress.embedding.save_affinities(self.path)
        self._write(progress)

    def iteration(self, progress: Progress) -> None:
        """Write a checkpoint when one is due."""
        due = self.every is not None and progress.total % self.every == 0
        if self.every_seconds is not None and time.perf_counter() - self._last >= self.every_seconds:
            due = True
        if due:
            self._write(progress)

    def end(self, progress: Progress) -> None:
        """Write the last checkpoint."""
        self._write(progress)

    def _write(self, progress: Progress) -> None:
        states = [callback.state() if isinstance(callback, Hook) else {} for callback in progress.callbacks]
        run = {**self.run, "iteration": progress.iteration, "callbacks": states}
        progress.embedding.save_checkpoint(self.path, self._affinities, run)
        self._last = time.perf_counter()
