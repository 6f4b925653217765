"""The spectral direction: a Newton step by that part of the Hessian that is sparse and never negative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from .._types import Array
from .._validation import check_real
from .base import Objective, Step
from .line_search import SHORTER, Trial, backtrack
from .searching import Searching
from .solving import solver_of
from .state import State
from .trials import Evaluated, along, inner, longest_row


@dataclass(frozen=True)
class SpectralDirection(Searching):
    r"""Steps along the spectral direction, with backtracking.

    The direction p solves

    .. math::
        (4 \rho L^+ + \mu I)\, p = -\nabla, \qquad \mu = 10^{-3} \cdot 4 \rho \min_i L^+_{ii}

    where :math:`\rho` is the exaggeration and :math:`L^+` the graph Laplacian of attraction, with the weights
    :math:`p_{ij} A'(0)`. For elastic embedding, whose attraction A is the squared distance, that is the Hessian of
    attraction. Where A is concave in the squared distance, as in t-SNE and Neg-t-SNE, it is an upper bound of it which
    is tight where neighbours are close, and it stays the same all the way, so that it is factorized once: by a sparse
    LU decomposition up to 5,000 points; beyond, conjugate gradients begin at the last direction and stop at a relative
    residual of 0.01.

    A step begins at the length of the last one over 0.8, at most 1, and moves no point further than `max_step_norm`; it
    is shortened by 0.8 until the loss has fallen by a tenth of what its slope promises. There is no learning rate.
    Where nothing is lower the map stands still.

    Attributes
    ----------
    max_step_norm : float or None
        Longest step of a point: without a bound the first steps fling a map apart.

    References
    ----------
    Vladymyrov & Carreira-Perpiñán, *Partial-Hessian strategies for fast learning of nonlinear embeddings* (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import ElasticEmbedding
    >>> from opentsne_like.optimizer import SpectralDirection
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=0.1)
    >>> Y = Embedding(start, affinity.PerplexityBasedNN(X, perplexity=10), loss=ElasticEmbedding(lam=10))
    >>> Y.optimize(20, optimizer=SpectralDirection()).loss_value < Y.optimize(20).loss_value
    True
    """

    max_step_norm: float | None = 2
    requires: ClassVar[tuple[str, ...]] = ("evaluate", "attractive_laplacian")
    keeps: ClassVar[tuple[str, ...]] = ("solution", "length", *Searching.keeps)
    own: ClassVar[tuple[str, ...]] = ("solution", "length")

    def __post_init__(self) -> None:
        if self.max_step_norm is not None:
            check_real(self.max_step_norm, "max_step_norm", above=0)

    def start(self, points: Array) -> State:
        """Return the state before the first step."""
        return State({"solution": np.zeros(points.shape), "length": np.ones(1), **self.began(points)})

    def auto_rate(self, unit: Callable[[float], float], exaggeration: float) -> float:
        """Return 1, which is not used: the length of a step is found by a search.

        Parameters
        ----------
        unit : callable
        exaggeration : float
        """
        return 1.0

    def search(
        self, objective: Objective, state: State, step: Step, here: Evaluated, gradient: Array, goes_on: bool
    ) -> Evaluated:
        """Return where the step ends; the solution is kept, from which the next one begins, and the length."""
        solve = state.once("solver", lambda: solver_of(cast(Any, objective).attractive_laplacian()))
        nothing = np.zeros_like(gradient)
        state.spare["length"][:] = 1.0
        for guess in (state["solution"], nothing) if goes_on else (nothing,):
            solution = solve(gradient, guess)
            direction = step.constraint.tangent(here.points, solution / -step.exaggeration)
            slope, longest = inner(gradient, direction), longest_row(direction)
            if slope < 0.0 and np.isfinite(longest):  # else conjugate gradients stopped too soon for a bad guess
                break
        else:
            return here
        first = min(1.0, float(state["length"][0]) / SHORTER) if goes_on else 1.0
        if self.max_step_norm is not None:
            first = min(first, self.max_step_norm / longest)
        evaluate = along(objective, step, here.points, direction)
        found = backtrack(evaluate, Trial(0.0, here.value, slope, here), first)
        state.spare["solution"][:] = solution
        state.spare["length"][:] = found.length or 1.0
        return cast(Evaluated, found.found)
