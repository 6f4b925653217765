"""Limited-memory BFGS: steps that learn the curvature of the loss from the last few of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._types import Array
from .._validation import check_integer, check_real
from .base import Objective, Step
from .line_search import Trial, search_line
from .searching import Searching
from .state import State
from .trials import Evaluated, along, inner, longest_row

MOST_PAIRS = 1000  # a file may ask for any number

Pair = tuple[Array, Array, float]  # a step, the change of the gradient over it, and their product


@dataclass(frozen=True)
class LBFGS(Searching):
    r"""Limited-memory BFGS with a strong Wolfe line search.

    The direction is :math:`-H \nabla`, where H estimates the inverse of the Hessian from the last few pairs of steps s
    and changes of the gradient y (two-loop recursion), scaled by :math:`s^T y / y^T y` of the last pair. An iteration
    is one accepted step, and mostly takes one evaluation of the loss, at times several. Trial points keep to the
    constraint. The first direction, and one that is taken where pairs lead nowhere, is that of gradient descent with
    the learning rate. Where no point along it is lower within the error of the values, the map stands still.

    Pairs are forgotten when loss, affinities, exaggeration or coordinates are not those that the last step left.

    Attributes
    ----------
    memory : int
        How many pairs.
    max_step_norm : float or None
        Longest step of a point; longer ones fling t-SNE's clusters so far apart that they no longer feel each other.

    References
    ----------
    Nocedal, *Updating quasi-Newton matrices with limited storage* (1980); Liu & Nocedal, *On the limited memory BFGS
    method for large scale optimization* (1989).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import ElasticEmbedding
    >>> from opentsne_like.optimizer import LBFGS
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=0.1)
    >>> Y = Embedding(start, affinity.PerplexityBasedNN(X, perplexity=10), loss=ElasticEmbedding(lam=10))
    >>> Y.optimize(20, optimizer=LBFGS()).loss_value < Y.optimize(20).loss_value
    True
    """

    memory: int = 10
    max_step_norm: float | None = 1
    requires: ClassVar[tuple[str, ...]] = ("evaluate",)
    keeps: ClassVar[tuple[str, ...]] = ("steps", "changes", "memory", *Searching.keeps)
    own: ClassVar[tuple[str, ...]] = ("memory",)

    def __post_init__(self) -> None:
        check_integer(self.memory, "memory", at_least=1, at_most=MOST_PAIRS)
        if self.max_step_norm is not None:
            check_real(self.max_step_norm, "max_step_norm", above=0)

    def start(self, points: Array) -> State:
        """Return the state before the first step: no pairs. There is a slot more than there are pairs."""
        slots = (int(self.memory) + 1, *points.shape)
        rings = {"steps": np.zeros(slots), "changes": np.zeros(slots)}
        return State({**rings, "memory": np.zeros(2), **self.began(points)})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return the learning rate "auto", the scale of the first step: the loss's own unit.

        Parameters
        ----------
        unit : callable
        exaggeration : float
        """
        return unit(exaggeration)

    def search(
        self, objective: Objective, state: State, step: Step, here: Evaluated, gradient: Array, goes_on: bool
    ) -> Evaluated:
        """Return where the step ends; its pair goes to the slot that is free, and ``"memory"`` says which that is."""
        kept, newest = self._memory(state) if goes_on else (0, 0)
        pairs = self._pairs(state, kept, newest)
        there, used = self._along_pairs(objective, step, here, gradient, pairs)
        kept = kept if used else 0
        made = there.points - here.points
        change = step.constraint.tangent(there.points, there.gradient) - gradient
        if inner(made, change) > np.finfo(float).eps * inner(change, change):
            kept, newest = min(kept + 1, self.memory), (newest + 1) % (self.memory + 1)
            state["steps"][newest], state["changes"][newest] = made, change
        state.spare["memory"][:] = kept, newest
        return there

    def _memory(self, state: State) -> tuple[int, int]:
        """Return how many pairs are kept, and the slot of the last; a file may say what it likes."""
        kept, newest = state["memory"].tolist()
        return int(min(max(kept, 0), self.memory)), int(newest % (self.memory + 1))

    def _pairs(self, state: State, kept: int, newest: int) -> list[Pair]:
        """Return the pairs, the newest first."""
        slots = [(newest - k) % (self.memory + 1) for k in range(kept)]
        pairs = [(state["steps"][slot], state["changes"][slot]) for slot in slots]
        products = [inner(made, change) for made, change in pairs]
        return [(*pair, product) for pair, product in zip(pairs, products, strict=True) if product > 0.0]

    def _along_pairs(
        self, objective: Objective, step: Step, here: Evaluated, gradient: Array, pairs: list[Pair]
    ) -> tuple[Evaluated, bool]:
        """Return where the step ends, and whether the pairs were of use."""
        for used in (pairs, []) if pairs else ([],):
            direction = step.constraint.tangent(here.points, _direction(gradient, used, step.learning_rate))
            slope, length = inner(gradient, direction), longest_row(direction)
            if not (slope < 0.0 and np.isfinite(length)):
                continue
            longest = np.inf if self.max_step_norm is None else self.max_step_norm / length
            evaluate = along(objective, step, here.points, direction)
            found = search_line(evaluate, Trial(0.0, here.value, slope, here), 1.0, longest).found
            if found is not here:
                return found, bool(used)
        return here, False


def _direction(gradient: Array, pairs: list[Pair], rate: float) -> Array:
    """Return minus the gradient times the inverse Hessian that the pairs, newest first, tell of (two loops)."""
    if not pairs:
        return -rate * gradient
    left, weights = -gradient, []
    for made, change, product in pairs:
        weights.append(inner(made, left) / product)
        left = left - weights[-1] * change
    _, change, product = pairs[0]
    found = left * (product / inner(change, change))
    for (made, change, product), weight in zip(reversed(pairs), reversed(weights), strict=True):
        found = found + (weight - inner(change, found) / product) * made
    return found
