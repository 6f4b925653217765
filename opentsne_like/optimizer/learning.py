"""Steps of learnable parameters, which move beside the coordinates."""

from __future__ import annotations

from typing import cast

import numpy as np

from .._types import Array
from .base import LearningObjective, Objective, Step
from .state import State

RATE = 0.3  # learning rate of a parameter's step
LONGEST = 0.1  # and its greatest length
MIN_GAIN = 0.01  # what is added to a gain that shrinks, for optimizers that have no gains of their own


def move_parameters(objective: Objective, points: Array, state: State, step: Step, min_gain: float) -> bool:
    """Write the next learnable parameters to the spare buffers: moved if they are due, else as they are.

    They go by the rule for coordinates, with gains and momentum. Every optimizer calls this in `propose`.

    Parameters
    ----------
    objective : Objective
    points : ndarray of shape (n, d)
    state : State
    step : Step
    min_gain : float

    Returns
    -------
    bool
        Whether they were moved.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.objectives import Context, KullbackLeibler, Parts
    >>> from opentsne_like.optimizer import Momentum, Schedule, move_parameters
    >>> points, loss = np.random.default_rng(0).normal(size=(20, 2)), KullbackLeibler("learn")
    >>> state = Momentum().start(points)
    >>> state["log_dof"] = loss.parameters()["log_dof"]
    >>> P = affinity.Uniform(points, k_neighbors=5).P
    >>> step = Schedule(1).plan(20, lambda rho: 20.0, None, n_jobs=1).at(0)
    >>> move_parameters(loss.bind(P, Context(1, state, Parts())), points, state, step, min_gain=0.01)
    True
    >>> bool(state["log_dof"][0, 0] == 0.0), bool(state.spare["log_dof"][0, 0] == 0.0)
    (True, False)
    """
    name = getattr(objective, "learns", None)  # an isinstance of a protocol takes longer than a small map's step
    if name is None or name not in state:
        return False
    learning, current = cast(LearningObjective, objective), state[name]
    due = learning.is_due(int(state.counter[0]), step.exaggeration)
    state.spare[name][:] = _moved(learning, points, current, step, min_gain) if due else current
    return due


def _moved(objective: LearningObjective, points: Array, current: Array, step: Step, min_gain: float) -> Array:
    """Return values, steps and gains, one step further."""
    values, update, gains = current
    slopes = objective.parameter_gradient(points)
    same = np.sign(update) == np.sign(slopes)
    gains = np.where(same, 0.8 * gains + min_gain, gains + 0.2)
    update = np.clip(step.momentum * update - RATE * gains * slopes, -LONGEST, LONGEST)
    return np.array([np.clip(values + update, *objective.bounds), update, gains])
