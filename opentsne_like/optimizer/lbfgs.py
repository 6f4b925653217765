"""Limited-memory BFGS: steps that learn the curvature of the loss from the last few of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from .._validation import check_integer, check_real
from .base import Array, Objective, Proposal, Step
from .constraints import began
from .learning import MIN_GAIN, move_parameters
from .line_search import Trial, search_line
from .state import State
from .trials import Evaluated, along, evaluate_at, inner, longest_row, place_of

MOST_PAIRS = 1000  # a file may ask for any number

Pair = tuple[Array, Array, float]  # a step, the change of the gradient over it, and their product


class Known(NamedTuple):
    """What stands in the array ``"memory"`` of the state: numbers about the other arrays.

    Attributes
    ----------
    kept, newest : float
        Pairs that are kept, and the slot of the last one.
    loss, value : float
        Of the map where the last step ended, see `Evaluated`; its gradient is ``state["gradient"]``.
    place, subject, exaggeration : float
        What tells that map, and what was descended then, from others.
    current : float
        Whether the gradient is of the loss as it is now; it is not once learnable parameters have moved.
    stands : float
        Whether nothing lower was found there.
    """

    kept: float = 0.0
    newest: float = 0.0
    loss: float = 0.0
    value: float = 0.0
    place: float = -1.0
    subject: float = 0.0
    exaggeration: float = 0.0
    current: float = 0.0
    stands: float = 0.0


@dataclass(frozen=True)
class LBFGS:
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
    keeps: ClassVar[tuple[str, ...]] = ("steps", "changes", "gradient", "memory")
    searches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self.memory, "memory", at_least=1, at_most=MOST_PAIRS)
        if self.max_step_norm is not None:
            check_real(self.max_step_norm, "max_step_norm", above=0)

    def start(self, points: Array) -> State:
        """Return the state before the first step: no pairs. There is a slot more than there are pairs."""
        slots = (int(self.memory) + 1, *points.shape)
        rings = {"steps": np.zeros(slots), "changes": np.zeros(slots)}
        return State({**rings, "gradient": np.zeros(points.shape), "memory": np.array(Known())})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return the learning rate "auto", the scale of the first step: the loss's own unit.

        Parameters
        ----------
        unit : callable
        exaggeration : float
        """
        return unit(exaggeration)

    def propose(self, objective: Objective, points: Array, state: State, step: Step, with_loss: bool) -> Proposal:
        """Make one step in the spare buffers of `state`."""
        known = self._recall(points, state, step)
        with state.trying():
            here = _evaluate_here(objective, points, state, step, known)
            gradient = step.constraint.tangent(points, here.gradient)
            norm = float(np.sqrt(inner(gradient, gradient)))
            if not np.isfinite(norm + here.value):
                return Proposal(points, points.mean(axis=0), np.zeros(points.shape[1]), here.loss, float("nan"))
            if known.current and known.stands:  # it would look at the same points again
                there, count = here, 0.0
            else:
                there, count = self._search(objective, state, step, here, gradient, known)
            moved = move_parameters(objective, points, state, step, MIN_GAIN)
        known = known._replace(kept=count, current=float(not moved), stands=float(there is here))
        self._remember(state, step, here, there, known)
        return Proposal(there.points, there.points.mean(axis=0), np.zeros(points.shape[1]), here.loss, norm)

    def _recall(self, points: Array, state: State, step: Step) -> Known:
        """Return what is known of the loss here, which is nothing where the last step ended elsewhere."""
        known = Known(*state["memory"].tolist())
        if (known.subject, known.exaggeration) != (step.subject, step.exaggeration):
            return Known()
        if known.place != place_of(points, step.n_jobs):
            return Known()
        return known._replace(kept=min(max(known.kept, 0), self.memory), newest=known.newest % (self.memory + 1))

    def _search(
        self, objective: Objective, state: State, step: Step, here: Evaluated, gradient: Array, known: Known
    ) -> tuple[Evaluated, float]:
        """Return where the step ends, and how many of the pairs are still of use."""
        pairs = self._pairs(state, known)
        for used in (pairs, []) if pairs else ([],):
            direction = _direction(gradient, used, step.learning_rate)
            direction = step.constraint.tangent(here.points, direction)
            slope, length = inner(gradient, direction), longest_row(direction)
            if not (slope < 0.0 and np.isfinite(length)):
                continue
            longest = np.inf if self.max_step_norm is None else self.max_step_norm / length
            evaluate = along(objective, step, here.points, direction)
            found = search_line(evaluate, Trial(0.0, here.value, slope, here), 1.0, longest).found
            if found is not here:
                return found, known.kept if used else 0.0
        return here, 0.0

    def _pairs(self, state: State, known: Known) -> list[Pair]:
        """Return the pairs, the newest first."""
        slots = [int(known.newest - k) % (self.memory + 1) for k in range(int(known.kept))]
        pairs = [(state["steps"][slot], state["changes"][slot]) for slot in slots]
        products = [inner(made, change) for made, change in pairs]
        return [(*pair, product) for pair, product in zip(pairs, products, strict=True) if product > 0.0]

    def _remember(self, state: State, step: Step, here: Evaluated, there: Evaluated, known: Known) -> None:
        """Write the new pair to the slot that is free, and to the spare buffers what is known where the step ends."""
        made = there.points - here.points
        change = step.constraint.tangent(there.points, there.gradient)
        change = change - step.constraint.tangent(here.points, here.gradient)
        if inner(made, change) > np.finfo(float).eps * inner(change, change):
            slot = int(known.newest + 1) % (self.memory + 1)
            state["steps"][slot], state["changes"][slot] = made, change
            known = known._replace(kept=min(known.kept + 1, self.memory), newest=slot)
        state.spare["gradient"][:] = there.gradient
        state.spare["memory"][:] = known._replace(
            loss=there.loss,
            value=there.value,
            place=place_of(there.points, step.n_jobs),
            subject=step.subject,
            exaggeration=step.exaggeration,
        )


def _evaluate_here(objective: Objective, points: Array, state: State, step: Step, known: Known) -> Evaluated:
    """Return the objective at the map, as the last step found it if that is known."""
    if known.current:
        return Evaluated(points, known.loss, known.value, state["gradient"])
    return evaluate_at(objective, began(step.constraint, points), step.exaggeration)


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
