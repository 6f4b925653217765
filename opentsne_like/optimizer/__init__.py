"""The descent of a map: one loop for every loss and every optimizer.

Five things meet in `run`, and none knows how another works:

- an *objective* gives the loss at the points and its gradient;
- an *optimizer* (`Momentum`, `LBFGS`, `Adam`, `SGD`, `SpectralDirection`) makes of these a step beside the current
  map, a `Proposal`;
- the *state* (`State`) holds what the optimizer has to remember, as named arrays in two buffers: a step is written to
  the spare ones, and made good by turning to them in one call that nothing can split;
- a *plan*, made of a `Schedule`, says for each iteration how much the attraction is exaggerated, how long a step is,
  and what the map keeps to (`Centered`, `Anchored`, `Standardized`, `Sphere`);
- a *follower* is shown the map before a step and after it, and may end the run.
"""

from __future__ import annotations

from .adam import Adam
from .base import LearningObjective, Objective, Proposal, Record, Step, StopReason
from .constraints import Anchored, Centered, Constraint, Sphere, Standardized, Unconstrained, began, ended, kept_to
from .lbfgs import LBFGS
from .learning import move_parameters
from .line_search import Trial, backtrack, search_line
from .loop import Outcome, Silent, run
from .momentum import Momentum
from .protocols import Follower, Optimizer
from .schedule import CONSTRAINTS, Plan, Schedule, accelerated_momentum, value_at
from .searching import Known, Searching
from .sgd import SGD
from .solving import conjugate_gradients, solver_of
from .spectral import SpectralDirection
from .state import State
from .trials import Evaluated, along, evaluate_at, inner, longest_row, place_of, value_and_gradient

# By the names that files give them.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "Momentum": Momentum,
    "LBFGS": LBFGS,
    "Adam": Adam,
    "SGD": SGD,
    "SpectralDirection": SpectralDirection,
}

__all__ = [
    "CONSTRAINTS",
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Anchored",
    "Centered",
    "Constraint",
    "Evaluated",
    "Follower",
    "Known",
    "LearningObjective",
    "Momentum",
    "Objective",
    "Optimizer",
    "Outcome",
    "Plan",
    "Proposal",
    "Record",
    "Schedule",
    "Searching",
    "Silent",
    "SpectralDirection",
    "Sphere",
    "Standardized",
    "State",
    "Step",
    "StopReason",
    "Trial",
    "Unconstrained",
    "accelerated_momentum",
    "along",
    "backtrack",
    "began",
    "conjugate_gradients",
    "ended",
    "evaluate_at",
    "inner",
    "kept_to",
    "longest_row",
    "move_parameters",
    "place_of",
    "run",
    "search_line",
    "solver_of",
    "value_and_gradient",
    "value_at",
]
