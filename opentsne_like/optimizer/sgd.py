"""Plain gradient descent with a learning rate that falls to nothing over the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import ops
from .._types import Array
from .._validation import check_real
from .base import Objective, Proposal, Step
from .constraints import began, ended, kept_to
from .learning import MIN_GAIN, move_parameters
from .state import State
from .trials import value_and_gradient


@dataclass(frozen=True)
class SGD:
    r"""Gradient descent whose learning rate is annealed.

    .. math::
        y \leftarrow y - \eta\,\Big(1 - \frac{t}{T}\Big) \nabla

    in iteration t, counted from 0, of a call of T iterations, as umap-learn and LargeVis have it. The gradient is that
    of the objective: where it is a sum over all pairs nothing is stochastic, and `Momentum` gets further; where pairs
    are sampled, the falling rate averages the noise out. The momentum of the schedule has no part in it.

    A run that is cut and goes on by ``first_iteration``, as checkpoints do, has the same bits. Two calls of `optimize`
    are not one: each has an end of its own, towards which its rate falls.

    Attributes
    ----------
    max_step_norm : float or None
        Longest step of a point.

    References
    ----------
    McInnes, Healy & Melville, *UMAP: uniform manifold approximation and projection for dimension reduction* (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import NegativeSampling
    >>> from opentsne_like.optimizer import SGD
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=1)
    >>> Y = Embedding(start, affinity.Uniform(X, k_neighbors=15), loss=NegativeSampling(), optimizer=SGD())
    >>> Y.optimize(50).loss_value < Y.loss_value
    True
    """

    max_step_norm: float | None = 5
    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.max_step_norm is not None:
            check_real(self.max_step_norm, "max_step_norm", above=0)

    def start(self, points: Array) -> State:
        """Return the state before the first step, in which nothing is kept."""
        return State({})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return the learning rate "auto" of the first iteration: that of `Momentum` without gains.

        Parameters
        ----------
        unit : callable
        exaggeration : float
        """
        return 2.0 * unit(exaggeration**1.5)

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step beside the map."""
        begin = began(step.constraint, points)
        loss, gradient = value_and_gradient(objective, begin, step.exaggeration, with_loss)
        gradient = kept_to(step.constraint, begin, gradient)
        move_parameters(objective, begin, state, step, MIN_GAIN)
        longest = np.inf if self.max_step_norm is None else self.max_step_norm
        rates = ops.StepRates(step.learning_rate * step.remaining, 0.0, np.inf, longest, 0.0, False)
        nothing = np.zeros(points.shape)
        out = tuple(state.work(name, points.shape) for name in ("points", "update", "gains"))
        current = (begin, nothing, nothing, gradient, step.constraint.fixed)
        made = ops.step(*current, rates, (out[0], out[1], out[2]), n_jobs=step.n_jobs)
        return Proposal(*ended(step.constraint, out[0], begin, made.mean), loss, made.gradient_norm)
