"""The two kinds of callbacks, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._validation import check_integer
from ..optimizer import StopReason


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
            The loss of the map, without exaggeration.
        embedding : Embedding
            The map before the step of this iteration.
        """
        raise TypeError(f"{type(self).__name__} must define __call__(iteration, error, embedding)")


@dataclass(frozen=True)
class Progress:
    """Where an optimization stands.

    Attributes
    ----------
    embedding : Embedding
        The map after the step.
    iteration, n_iter : int
        Iterations done and asked for in this call of `optimize`.
    total : int
        Iterations that the map has seen in all.
    loss : float
        The last that was computed, NaN before the first; `kl_divergence` is another name of it.
    gradient_norm : float
        Norm of a quarter of the gradient; NaN before the first iteration.
    exaggeration : float
    seconds : float
        Since the call began.
    callbacks : tuple
        All callbacks and hooks of the run.
    label : str
        What the loss is called.

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
    loss: float
    gradient_norm: float
    exaggeration: float
    seconds: float
    callbacks: tuple[Any, ...] = ()
    label: str = "loss"

    @property
    def kl_divergence(self) -> float:
        """The loss, by the name it has for t-SNE."""
        return self.loss


class Hook:
    """Base of callbacks that follow a run from start to end; override what is needed.

    Attributes
    ----------
    loss_every : int
        How often, in iterations, the loss is to be computed for this hook; 0 for never. `kl_every` is another name of
        it.

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

    loss_every: int = 0

    @property
    def kl_every(self) -> int:
        """How often the loss is computed, by the name it has for t-SNE."""
        return self.loss_every

    @kl_every.setter
    def kl_every(self, every: int) -> None:
        self.loss_every = every

    def start(self, progress: Progress) -> None:
        """Look before the first iteration of a call of `optimize`."""

    def iteration(self, progress: Progress) -> bool | StopReason | None:
        """Look after a committed iteration; True or a reason stops the optimization."""

    def looks(self, progress: Progress) -> bool:
        """Say whether `iteration` is going to look at the map, or to move it: where none does, a GPU keeps it.

        A subclass of a hook that says no, such as `History`, and looks nevertheless, has to say yes.
        """
        return True

    def end(self, progress: Progress) -> None:
        """Look when the call ends, also by an exception or Ctrl-C."""

    def state(self) -> dict[str, Any]:
        """Return what the hook has to remember across an interrupted run: JSON values and arrays by name."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""


def state_of(hook: Hook) -> dict[str, Any]:
    """Return what a hook remembers, and its class, by which it is found again.

    Parameters
    ----------
    hook : Hook

    Examples
    --------
    >>> from opentsne_like.callbacks import Snapshots, state_of
    >>> state_of(Snapshots())
    {'class': 'Snapshots'}
    """
    return {"class": type(hook).__name__, **hook.state()}


def every_of(given: Any, alias: Any, name: str) -> int:
    """Return how often a hook wants to look, whether it was told under the name of today or of t-SNE.

    Parameters
    ----------
    given : int
        Under the name `name`.
    alias : int or None
        What was given as `kl_every`; it wins.
    name : str
    """
    return check_integer(given, name, at_least=0) if alias is None else check_integer(alias, "kl_every", at_least=0)


def loss_every(hook: Hook) -> int:
    """Return how often a hook wants the loss; a class may also say so in an attribute `kl_every`.

    Parameters
    ----------
    hook : Hook

    Examples
    --------
    >>> class Old(Hook):
    ...     kl_every = 5
    >>> loss_every(Old()), loss_every(Hook())
    (5, 0)
    """
    return int(hook.loss_every or hook.kl_every)
