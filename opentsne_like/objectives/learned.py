"""Objectives with a number of their own that is learned with the map, as its logarithm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from ..optimizer import State
from .pairs import PairLoss

EVERY = 5  # iterations between steps of the number: a new kernel costs more than new forces


class LearnedObjective(ABC):
    """An objective of a positive number, whose logarithm stands in the state and is moved by optimizers.

    Parameters
    ----------
    state : State or None
        Holds the logarithm, shape (3, 1); None where nothing has begun.
    of : callable
        From the number to the objective that has it.
    first : float
        The number where the state holds none.

    Attributes
    ----------
    learns : str
        The name of the array of the state.
    bounds : (float, float)
        Smallest and largest logarithm.

    Examples
    --------
    >>> from opentsne_like.objectives import LearnedDivergence, LearnedObjective, LearnedOdds
    >>> issubclass(LearnedDivergence, LearnedObjective), issubclass(LearnedOdds, LearnedObjective)
    (True, True)
    """

    learns: ClassVar[str]
    bounds: ClassVar[tuple[float, float]]

    def __init__(self, state: State | None, of: Callable[[float], PairLoss], first: float = 1.0) -> None:
        self._state, self._of, self._first = state, of, first
        self._built: tuple[float, PairLoss] | None = None

    @property
    def number(self) -> float:
        """The number as it is now."""
        return learned(self._state, self.learns, self._first)

    @property
    def now(self) -> PairLoss:
        """The objective with the number as it is now."""
        number = self.number
        if self._built is None or self._built[0] != number:
            self._built = (number, self._of(number))
        return self._built[1]

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the loss (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        return self.now.evaluate(points, exaggeration=exaggeration, with_loss=with_loss)

    def evaluate_exaggerated(self, points: Array, *, exaggeration: float) -> tuple[float, float, Array]:
        """Return what `PairLoss.evaluate_exaggerated` does."""
        return self.now.evaluate_exaggerated(points, exaggeration=exaggeration)

    def attractive_laplacian(self) -> Any:
        """Return what `PairLoss.attractive_laplacian` does, with the number as it is now."""
        return self.now.attractive_laplacian()

    def edge_losses(self, points: Array) -> Array:
        """Return the attraction's part of every edge, shape (edges,)."""
        return self.now.edge_losses(points)

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes to the loss, shape (n,)."""
        return self.now.point_losses(points)

    def is_due(self, iteration: int, exaggeration: float) -> bool:
        """Say yes every fifth iteration without exaggeration: the gradient is that of the loss itself."""
        return exaggeration == 1.0 and iteration % EVERY == 0

    def parameter_gradient(self, points: Array) -> Array:
        """Return the derivative of the loss in the logarithm of the number, shape (1,)."""
        return np.array([self.number * self.slope(points)])

    @abstractmethod
    def slope(self, points: Array) -> float:
        """Return the derivative of the loss in the number."""


def learned(state: State | None, name: str, first: float) -> float:
    """Return the number whose logarithm is learned as `name`; `first` where none was.

    Parameters
    ----------
    state : State or None
    name : str
    first : float

    Examples
    --------
    >>> from opentsne_like.objectives import learned
    >>> learned(None, "log_c", 2.0)
    2.0
    """
    return float(np.exp(state[name][0, 0])) if state is not None and name in state else first
