"""Callbacks that say how far the optimization is."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from typing import Any

from .base import Callback, Hook, Progress, every_of

log = logging.getLogger(__package__)


class ProgressBar(Hook):
    """A progress bar with the loss and the time left, in a terminal or a notebook.

    Parameters
    ----------
    description : str, optional
        What stands before the bar; by default the phase.
    loss_every : int
        How often the loss is computed, in iterations; `kl_every` is another name of it.

    Examples
    --------
    >>> from opentsne_like.callbacks import ProgressBar
    >>> ProgressBar(loss_every=100).loss_every
    100
    """

    def __init__(self, description: str | None = None, loss_every: int = 50, *, kl_every: int | None = None) -> None:
        self.description = description
        self.loss_every = every_of(loss_every, kl_every, "loss_every")
        self._bar: Any = None

    def start(self, progress: Progress) -> None:
        """Open the bar, if there is anything to do."""
        if progress.iteration >= progress.n_iter:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of notebooks without ipywidgets, where the bar is text
            from tqdm.auto import tqdm

        phase = "exaggerated" if progress.exaggeration > 1 else "optimizing"
        self._bar = tqdm(
            total=progress.n_iter,
            initial=progress.iteration,
            desc=self.description or phase,
            unit="it",
            mininterval=0.2,
        )

    def looks(self, progress: Progress) -> bool:
        """Say no: the number of points is all that it wants of the map."""
        return False

    def iteration(self, progress: Progress) -> None:
        """Advance the bar."""
        if progress.loss == progress.loss:
            new = hasattr(progress.embedding, "reference_embedding")  # whose loss is a sum over them
            shown = progress.loss / (len(progress.embedding) if new else 1)
            self._bar.set_postfix_str(f"{progress.label} {shown:.4f}", refresh=False)
        self._bar.update()

    def end(self, progress: Progress) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class ErrorLogger(Callback):
    """Log iteration, loss and speed, every `callbacks_every_iters` iterations.

    Parameters
    ----------
    write : callable, optional
        Where the lines go: ``print``, say; by default this module's logger.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import ErrorLogger
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y = Y.optimize(50, callbacks=ErrorLogger(print), callbacks_every_iters=25)
    Iteration   25, KL divergence ..., 25 iterations in ... sec
    Iteration   50, KL divergence ..., 25 iterations in ... sec
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
            f"Iteration {iteration:4d}, {getattr(embedding, 'label', 'loss')} {error:6.4f}, "
            f"{iteration - done} iterations in {now - before:.4f} sec"
        )
