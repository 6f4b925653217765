"""Callbacks that end an optimization."""

from __future__ import annotations

from typing import Any

from .._validation import check_integer, check_real
from ..optimizer import StopReason
from .base import Hook, Progress

BEGUN = 1e-2  # relative fall of the loss since the start of a phase with exaggeration
NOTICEABLE = 1e-3  # relative fall of the loss; before, at the start, it moves by chance


def _size(loss: float, first: float) -> float:
    """Return what a fall of the loss is measured by.

    That is the loss itself where it is positive, such as a divergence, which can fall to 0 at most. A loss that may be
    negative, such as a log-likelihood, has no such end: there it is the loss without its sign or the whole way that it
    has come, whichever is more, so that passing through 0 means nothing.
    """
    return loss if loss > 0.0 else max(-loss, first - loss)


class EarlyStopping(Hook):
    """Stop the phase when the loss no longer falls; `TSNE.fit` then goes on with its next phase.

    With exaggeration it waits until the loss has begun to fall: for the first iterations a map stands still. Falls are
    relative to the loss; where it is negative, to its size or to the way it has come, whichever is more.

    Parameters
    ----------
    tolerance : float
        The smallest relative fall of the loss, from one look to the next, that counts.
    patience : int
        How many looks in a row may fail to see one.
    every : int
        Iterations between looks.

    Examples
    --------
    >>> from opentsne_like.callbacks import EarlyStopping
    >>> EarlyStopping(tolerance=1e-3, patience=2).state()
    {'best': inf, 'first': inf, 'fails': 0, 'phase': None}
    """

    def __init__(self, tolerance: float = 1e-4, patience: int = 3, every: int = 25) -> None:
        self.tolerance = check_real(tolerance, "tolerance", at_least=0)
        self.patience = check_integer(patience, "patience", at_least=1)
        self.loss_every = check_integer(every, "every", at_least=1)
        self._best = self._first = float("inf")
        self._fails = 0
        self._phase: float | None = None

    def start(self, progress: Progress) -> None:
        """Forget the loss of another map, and that of a phase with another exaggeration."""
        if progress.total == 0 or self._phase not in (None, progress.exaggeration):
            self._best = self._first = float("inf")
            self._fails = 0
        self._phase = progress.exaggeration

    def looks(self, progress: Progress) -> bool:
        """Say no: the loss decides."""
        return False

    def iteration(self, progress: Progress) -> StopReason | None:
        """Look every `every` iterations."""
        if progress.iteration % self.loss_every:
            return None
        loss = progress.loss
        if self._best == float("inf"):
            self._best = self._first = loss
            return None
        if loss < self._best - self.tolerance * _size(self._best, self._first):
            self._best, self._fails = loss, 0
        elif progress.exaggeration <= 1.0 or loss < self._first - BEGUN * _size(self._first, self._first):
            self._fails += 1
        return StopReason.CONVERGED if self._fails >= self.patience else None

    def state(self) -> dict[str, Any]:
        """Return the best loss, the number of looks without progress, and the exaggeration they hold for."""
        return {"best": self._best, "first": self._first, "fails": self._fails, "phase": self._phase}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with the patience that was left."""
        self._best, self._first = float(state["best"]), float(state["first"])
        self._fails, self._phase = int(state["fails"]), state["phase"]


class ExaggerationStopping(Hook):
    """Stop early exaggeration soon after the loss has fallen fastest; later phases are left alone.

    That is the first phase of a map with an exaggeration above 1. The relative fall of the loss from one look to the
    next rises while the clusters come apart. Once it has passed its maximum, exaggeration has done its work
    (opt-SNE's rule). `TSNE.fit` then goes on with its next phase.

    Parameters
    ----------
    every : int
        Iterations between looks.
    patience : int
        How many looks in a row have to see a slower fall than the fastest.

    References
    ----------
    Belkina, Ciccolella, Anno, Halpert, Spidlen & Snyder-Cappione, *Automated optimized parameters for T-distributed
    stochastic neighbor embedding improve visualization and analysis of large datasets* (2019).

    Examples
    --------
    >>> from opentsne_like.callbacks import ExaggerationStopping
    >>> ExaggerationStopping(every=5).state()
    {'last': inf, 'first': inf, 'fastest': 0.0, 'fails': 0, 'phase': None}
    """

    def __init__(self, every: int = 5, patience: int = 3) -> None:
        self.every = check_integer(every, "every", at_least=1)
        self.patience = check_integer(patience, "patience", at_least=1)
        self._forget()

    def _forget(self) -> None:
        self._last = self._first = float("inf")
        self._fastest, self._fails = 0.0, 0
        self._phase: float | None = None

    def start(self, progress: Progress) -> None:
        """Forget the fall of another map, and look on in the first phase that has exaggeration, in no other."""
        if progress.total == 0:
            self._forget()
        if self._phase is None and progress.exaggeration > 1.0:
            self._phase = progress.exaggeration
        mine = progress.exaggeration == self._phase and self._fails < self.patience
        self.loss_every = self.every if mine else 0

    def looks(self, progress: Progress) -> bool:
        """Say no: the loss decides."""
        return False

    def iteration(self, progress: Progress) -> StopReason | None:
        """Look every `every` iterations."""
        if not self.loss_every or progress.iteration % self.loss_every:
            return None
        loss, begun = progress.loss, self._last != float("inf")
        self._first = self._first if begun else loss
        fall = (self._last - loss) / (_size(self._last, self._first) or 1.0) if begun else 0.0
        self._last = loss
        slower = self._fastest > NOTICEABLE and fall < self._fastest
        self._fails = self._fails + 1 if slower else 0
        self._fastest = max(fall, self._fastest)
        return StopReason.CONVERGED if self._fails >= self.patience else None

    def state(self) -> dict[str, Any]:
        """Return the last loss and the first, its fastest fall, the slower looks since, and the phase's factor."""
        numbers = {"last": self._last, "first": self._first, "fastest": self._fastest}
        return {**numbers, "fails": self._fails, "phase": self._phase}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where the run was."""
        self._last, self._first = float(state["last"]), float(state.get("first", state["last"]))
        self._fastest, self._fails = float(state["fastest"]), int(state["fails"])
        self._phase = state["phase"]


class TimeLimit(Hook):
    """Stop after a number of seconds, counted from the start of the call.

    Parameters
    ----------
    seconds : float

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import TimeLimit
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y = Y.optimize(10**6, callbacks=TimeLimit(0.05))
    >>> print(Y.stop_reason)
    the time is up
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = check_real(seconds, "seconds", above=0)

    def looks(self, progress: Progress) -> bool:
        """Say no: the clock decides."""
        return False

    def iteration(self, progress: Progress) -> StopReason | None:
        """Look at the clock."""
        return StopReason.TIME if progress.seconds >= self.seconds else None
