"""Gradient descent with momentum and a gain for every coordinate: the usual optimizer of t-SNE and its family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import ops
from .._types import Array
from .._validation import check_flag, check_real
from ..devices import beside, operations
from .base import Objective, Proposal, Step
from .constraints import began, ended, kept_to
from .learning import move_parameters
from .state import State
from .trials import value_and_gradient


@dataclass(frozen=True)
class Momentum:
    r"""Gradient descent with momentum and, if wanted, gains.

    .. math::
        v \leftarrow \mu v - \eta g \odot \nabla, \qquad y \leftarrow y + v

    with :math:`\mu` the momentum, :math:`\eta` the learning rate and g the gains (Jacobs 1988): a gain grows by 0.2
    where the last step and the gradient have different signs, else it becomes ``0.8 gain + min_gain``.

    Attributes
    ----------
    use_gains : bool
        Whether every coordinate has a gain on the learning rate. Without gains, high momentum goes further in fewer
        iterations, see `TSNE(schedule="accelerated")`.
    min_gain : float
        What is added to a gain that shrinks.
    max_grad_norm, max_step_norm : float or None
        Longest row of the gradient and of the step.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Momentum
    >>> Momentum().start(np.zeros((2, 2)))["gains"].tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

    use_gains: bool = True
    min_gain: float = 0.01
    max_grad_norm: float | None = None
    max_step_norm: float | None = 5
    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = ("gains", "update")
    scales: ClassVar[dict[str, int]] = {"gains": 0, "update": 1}

    def __post_init__(self) -> None:
        check_flag(self.use_gains, "use_gains")
        check_real(self.min_gain, "min_gain", at_least=0)
        for name in ("max_grad_norm", "max_step_norm"):
            if getattr(self, name) is not None:
                check_real(getattr(self, name), name, above=0)

    def start(self, points: Array) -> State:
        """Return the state before the first step: gains of 1 and no last step."""
        gains, update = (beside(points, values) for values in (np.ones(points.shape), np.zeros(points.shape)))
        return State({"gains": gains, "update": update})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return the learning rate "auto".

        Parameters
        ----------
        unit : callable
            The loss's own unit of the learning rate, as a function of the exaggeration.
        exaggeration : float

        Returns
        -------
        float
            That unit; without gains, twice the unit at ``exaggeration ** 1.5``: plain momentum is stable at twice the
            rate, but not where much exaggeration makes the attraction stiff.
        """
        return unit(exaggeration) if self.use_gains else 2.0 * unit(exaggeration**1.5)

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step in the spare buffers of `state`."""
        points = began(step.constraint, points)
        loss, gradient = value_and_gradient(objective, points, step.exaggeration, with_loss)
        gradient = kept_to(step.constraint, points, gradient)
        move_parameters(objective, points, state, step, self.min_gain)
        spare, new_points = state.spare, state.work("points", points.shape, points)
        rates = ops.StepRates(
            step.learning_rate,
            step.momentum,
            self.max_grad_norm or np.inf,
            self.max_step_norm or np.inf,
            self.min_gain,
            self.use_gains,
        )
        current = (points, state["update"], state["gains"], gradient, step.constraint.fixed)
        out = (new_points, spare["update"], spare["gains"])
        made = operations(points).step(*current, rates, out, n_jobs=step.n_jobs)
        return Proposal(*ended(step.constraint, new_points, points, made.mean), loss, made.gradient_norm)
