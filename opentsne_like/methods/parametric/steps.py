"""Steps of a network down the loss of a map."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..._types import Array
from ...errors import UnavailableError
from ...optimizer import Adam, Objective, Proposal, State, Step, inner, move_parameters, value_and_gradient
from ...optimizer.adam import MOMENTS
from ...optimizer.learning import MIN_GAIN
from .networks import Network


@dataclass(frozen=True)
class NetworkSteps(Adam):
    r"""Adam in the weights of a network whose outputs are the map.

    .. math::
        \frac{\partial L}{\partial w} = \sum_i \frac{\partial L}{\partial y_i} \frac{\partial y_i}{\partial w}

    The first factor is what any objective gives, the second is the network's own differentiation. The learning rate
    falls along a cosine to nothing over the call. Weights and moments stand in the state, so a step is whole or not
    made, and what the module holds in between does not count.

    Attributes
    ----------
    network : Network
    rows : ndarray or csr_matrix of shape (n, n_features)
        The data.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.methods.parametric import Network, NetworkSteps, multilayer
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> network = Network(multilayer(5, 2, [20], batch_norm=False), X.mean(axis=0), spread=1.0, width=1.0)
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X, initialization=network.outputs(X) / 1e4)
    >>> steps = NetworkSteps(network=network, rows=X)
    >>> Y.optimize(50, optimizer=steps, learning_rate=0.01).loss_value < Y.loss_value
    True
    """

    _: KW_ONLY
    network: Network = field(repr=False)
    rows: Any = field(repr=False, compare=False)
    keeps: ClassVar[tuple[str, ...]] = ("weights", *MOMENTS)

    def start(self, points: Array) -> State:
        """Return the state before the first step: the weights as they are, no mean gradient, no mean square."""
        weights = self.network.weights
        moments = {"mean": np.zeros(weights.shape), "square": np.zeros(weights.shape), "taken": np.zeros(1)}
        return State({"weights": weights, **moments})

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step in the spare buffers of `state`."""
        check_free(step.constraint.curved or bool(step.constraint.fixed.any()))
        self.network.weights = state["weights"]
        loss, gradient = value_and_gradient(objective, points, step.exaggeration, with_loss)
        move_parameters(objective, points, state, step, MIN_GAIN)
        pulled = self.network.pulled_back(self.rows, gradient)
        rate = step.learning_rate * 0.5 * (1.0 - math.cos(math.pi * step.remaining))
        self.network.weights = state.spare["weights"][:] = state["weights"] - rate * self._direction(
            pulled, state, step
        )
        made = self.network.outputs(self.rows)
        norm = float(np.sqrt(inner(gradient, gradient)))
        return Proposal(made, made.mean(axis=0), np.zeros(made.shape[1]), loss, norm)


def check_free(constrained: bool) -> None:
    """Refuse constraints, to which the outputs of a network do not keep.

    Parameters
    ----------
    constrained : bool
        Whether points are fixed, or the map has to be standardized.
    """
    if constrained:
        raise UnavailableError(
            "a network moves all points and keeps to no constraint; leave `fixed` out and `constraint` at 'centered'"
        )
