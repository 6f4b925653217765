"""What the iteration loop asks of a loss."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

Array = np.ndarray[Any, Any]


class Objective(Protocol):
    """A loss over the coordinates of a map, with its gradient.

    The loop knows nothing else of a method: not its kernel, not its normaliser, not where its edges come from.
    """

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return loss and gradient at `points`.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64
        exaggeration : float
            Factor on the attraction.
        with_loss : bool
            Whether the loss is wanted; if not, NaN stands in its place.

        Returns
        -------
        loss : float
            Without exaggeration.
        gradient : ndarray of shape (n, d)
            In the scale of the method; for t-SNE, a quarter of the derivative of the KL divergence.
        """


@runtime_checkable
class ShapedObjective(Objective, Protocol):
    """A loss with a few numbers of its own, such as those of its kernel, that the loop learns with the map.

    Attributes
    ----------
    shape : ndarray of shape (3, k), float64
        The state of the descent: values, last step and gains. The first row is read, the loop changes all.
    bounds : (float, float)
        Smallest and largest value.
    """

    shape: Array
    bounds: tuple[float, float]

    def shape_gradient(self, points: Array) -> Array:
        """Return the derivative of the loss, without exaggeration, in each of the values, shape (k,)."""
