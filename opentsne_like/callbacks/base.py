"""The two kinds of callbacks, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class StopReason(Enum):
    """Why an optimization ended; `stop_reason` of an embedding is one of these.

    Attributes
    ----------
    FINISHED, CALLBACK, CONVERGED, TIME, INTERRUPTED
        All iterations were done; a callback said so; the KL divergence stood still; the time was up; an error
        or Ctrl-C.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import StopReason
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y.optimize(5).stop_reason is StopReason.FINISHED
    True
    >>> print(StopReason.CALLBACK)
    a callback asked to stop
    """

    FINISHED = "all iterations were done"
    CALLBACK = "a callback asked to stop"
    CONVERGED = "the KL divergence no longer falls"
    TIME = "the time is up"
    INTERRUPTED = "an error or Ctrl-C ended it; the last finished iteration was kept"

    def __str__(self) -> str:
        return self.value


class Callback:
    """Base of callbacks that look at the map before a step, every `callbacks_every_iters` iterations.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import Callback
    >>> class WideEnough(Callback):
    ...     def __call__(self, iteration, error, embedding):
    ...         return bool(np.ptp(embedding) > 1)
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y = Y.optimize(500, exaggeration=4, callbacks=WideEnough(), callbacks_every_iters=10)
    >>> print(Y.stop_reason)
    a callback asked to stop
    """

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

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import Hook
    >>> class Say(Hook):
    ...     def end(self, progress):
    ...         print(progress.iteration, progress.n_iter, progress.total, progress.exaggeration)
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y = Y.optimize(20, exaggeration=12).optimize(5, callbacks=Say())
    5 5 25 1.0
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

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import Hook
    >>> class SmallGradient(Hook):
    ...     def iteration(self, progress):
    ...         return progress.gradient_norm < 1e-3
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y = Y.optimize(2000, callbacks=SmallGradient())
    >>> print(Y.stop_reason, Y.history[-1].gradient_norm < 1e-3)
    a callback asked to stop True
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
