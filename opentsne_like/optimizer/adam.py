"""Adam: steps of about one length, whatever the scale of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._types import Array
from .._validation import check_real
from .base import Objective, Proposal, Step
from .constraints import began, ended, kept_to
from .learning import MIN_GAIN, move_parameters
from .state import State
from .trials import inner, value_and_gradient

RATE = 1.0  # "auto": a step is at most about as long as the kernel is wide
MOMENTS = ("mean", "square", "taken")  # arrays of the state
TINIEST = 1e-12  # added to the root of the mean square; gradients fall with the number of points


@dataclass(frozen=True)
class Adam:
    r"""Adam (adaptive moment estimation).

    .. math::
        m \leftarrow \mu m + (1 - \mu) \nabla, \qquad v \leftarrow \beta v + (1 - \beta) \nabla^2, \qquad
        y \leftarrow y - \eta\, \frac{m / (1 - \mu^t)}{\sqrt{v / (1 - \beta^t)}}

    after t steps of its own, with :math:`\mu` the momentum of the schedule and :math:`\eta` the learning rate, which is
    a length on the map here.

    Attributes
    ----------
    decay : float
        :math:`\beta`, by which older squares of the gradient count less. Kingma and Ba's 0.999 is for gradients of
        samples; one of all pairs shrinks steadily, and its size is better forgotten sooner.

    References
    ----------
    Kingma & Ba, *Adam: a method for stochastic optimization* (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.optimizer import Adam
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = Embedding(initialization.pca(X), affinity.PerplexityBasedNN(X, perplexity=10), optimizer=Adam())
    >>> Y.optimize(50, momentum=0.9).loss_value < Y.loss_value
    True
    """

    decay: float = 0.99
    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = MOMENTS

    def __post_init__(self) -> None:
        check_real(self.decay, "decay", at_least=0, below=1)

    def start(self, points: Array) -> State:
        """Return the state before the first step: no mean gradient, no mean square, and no steps taken."""
        return State({"mean": np.zeros(points.shape), "square": np.zeros(points.shape), "taken": np.zeros(1)})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return the learning rate "auto", 1: the length of a step does not depend on the loss's unit.

        Parameters
        ----------
        unit : callable
        exaggeration : float
        """
        return RATE

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step in the spare buffers of `state`."""
        begin = began(step.constraint, points)
        loss, gradient = value_and_gradient(objective, begin, step.exaggeration, with_loss)
        gradient = kept_to(step.constraint, begin, gradient)
        move_parameters(objective, begin, state, step, MIN_GAIN)
        change = step.learning_rate * self._direction(gradient, state, step)
        change[np.flatnonzero(step.constraint.fixed)] = 0.0
        made = begin - change
        norm = float(np.sqrt(inner(gradient, gradient)))
        return Proposal(*ended(step.constraint, made, begin, made.mean(axis=0)), loss, norm)

    def _direction(self, gradient: Array, state: State, step: Step) -> Array:
        """Write the moments to the spare buffers, and return the one over the root of the other."""
        mean, square, taken = (state.spare[name] for name in MOMENTS)
        taken[:] = state["taken"] + 1.0
        mean[:] = step.momentum * state["mean"] + (1.0 - step.momentum) * gradient
        square[:] = self.decay * state["square"] + (1.0 - self.decay) * gradient**2
        first, second = 1.0 - step.momentum ** taken[0], 1.0 - self.decay ** taken[0]
        return np.asarray((mean / first) / (np.sqrt(square / second) + TINIEST))
