"""What the iteration loop asks of a loss."""

from __future__ import annotations

from typing import Any, Protocol

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
