"""How a problem is solved: when the steps end, and what is remembered of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._types import Array
from ..callbacks import Hook, Progress
from ..optimizer import Known, StopReason


class SolveStats(NamedTuple):
    """What is known of the steps of a call of `MDE.embed`.

    Attributes
    ----------
    average_distortions : list of float
        Before each step.
    residual_norms : list of float
        Norms of the gradient along the constraint, before each step.
    step_size_percents : list of float
        Lengths of the steps, in per cent of the norm of the embedding.
    solve_time : float
    times : list of float
        Seconds since the call began, after each step.
    snapshots : list of ndarray
        Embeddings on the way, the first and the last among them.
    snapshot_every : int or None
    iterations : int

    Examples
    --------
    >>> from opentsne_like import mde
    >>> problem = mde.MDE(3, 2, mde.all_edges(3), mde.losses.Quadratic([1.0, 1.0, 1.0]))
    >>> _ = problem.embed(snapshot_every=1)
    >>> stats = problem.solve_stats
    >>> stats.iterations == len(stats.residual_norms), len(stats.snapshots) >= 2
    (True, True)
    """

    average_distortions: list[float]
    residual_norms: list[float]
    step_size_percents: list[float]
    solve_time: float
    times: list[float]
    snapshots: list[Array]
    snapshot_every: int | None
    iterations: int

    def __str__(self) -> str:
        """Say how it ended."""
        last = f"{self.average_distortions[-1]:.3g}, residual norm {self.residual_norms[-1]:.3g}" if self.times else "-"
        return f"SolveStats: average distortion {last}, {self.iterations} iterations in {self.solve_time:.3g} s"


class Following(Hook):
    """Remembers the steps, and ends them where the residual is small or nothing lower is found.

    Parameters
    ----------
    eps : float
    snapshot_every : int or None
    """

    loss_every = 1

    def __init__(self, eps: float, snapshot_every: int | None) -> None:
        self.eps, self.snapshot_every = eps, snapshot_every
        self.losses: list[float] = []
        self.residuals: list[float] = []
        self.percents: list[float] = []
        self.times: list[float] = []
        self.snapshots: list[Array] = []

    def start(self, progress: Progress) -> None:
        """Keep the start."""
        self.before = np.array(progress.embedding)
        if self.snapshot_every:
            self.snapshots.append(np.array(progress.embedding))

    def iteration(self, progress: Progress) -> StopReason | None:
        """Remember a step, and say whether it was the last."""
        self.losses.append(progress.loss)
        self.residuals.append(4.0 * progress.gradient_norm)  # of a quarter of the gradient
        self.times.append(progress.seconds)
        points, before = np.asarray(progress.embedding), self.before
        self.percents.append(100.0 * float(np.linalg.norm(points - before) / (np.linalg.norm(before) or 1.0)))
        before[:] = points
        if self.snapshot_every and progress.iteration % self.snapshot_every == 0:
            self.snapshots.append(np.array(progress.embedding))
        known = Known(*progress.embedding.optimizer.state["known"].tolist())
        return StopReason.CONVERGED if self.residuals[-1] <= self.eps or known.stands else None

    def end(self, progress: Progress) -> None:
        """Keep the end."""
        if self.snapshot_every and len(self.losses) % self.snapshot_every:
            self.snapshots.append(np.array(progress.embedding))

    def stats(self) -> SolveStats:
        """Return what was remembered."""
        seconds = self.times[-1] if self.times else 0.0
        return SolveStats(
            self.losses,
            self.residuals,
            self.percents,
            seconds,
            self.times,
            self.snapshots,
            self.snapshot_every,
            len(self.losses),
        )
