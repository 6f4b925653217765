"""What points cost by where they lie, beside what edges cost by their lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from .._validation import check_real, shown
from ..errors import InvalidObjectError, InvalidParameterError

STEP = 1e-5  # of central differences, relative to the width of the map
AGREE = 1e-3  # relative difference between a derivative that is given and one by differences that is an error


@dataclass(frozen=True)
class PositionPenalty:
    r"""A penalty on positions, :math:`\frac{\mu}{n} \sum_i g_i(x_i)`.

    Parameters
    ----------
    function : callable
        From the coordinates (n, d) to a penalty for each point, (n,), which depends on its own place alone.
    derivative : callable, optional
        From the coordinates to the derivatives, (n, d); by central differences unless it is given. `check`, which
        `mde.MDE` calls at the start, refuses one that differs from these.
    weight : float
        The factor :math:`\mu`.

    Examples
    --------
    Points that should lie on the horizontal axis:

    >>> import numpy as np
    >>> from opentsne_like.objectives import PositionPenalty
    >>> flat = PositionPenalty(lambda x: x[:, 1] ** 2, weight=3.0)
    >>> values, gradient = flat.evaluate(np.array([[1.0, 2.0]]))
    >>> values.tolist(), gradient.round(6).tolist()
    ([12.0], [[0.0, 12.0]])
    """

    function: Callable[[Array], Any]
    derivative: Callable[[Array], Any] | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("function", "derivative"):
            part = getattr(self, name)
            if not (callable(part) or (part is None and name == "derivative")):
                raise InvalidObjectError(f"`{name}` must be a function of coordinates, got {shown(part)}")
        check_real(self.weight, "weight", at_least=0)

    def evaluate(self, points: Array) -> tuple[Array, Array]:
        """Return what each point adds to the loss, shape (n,), and the derivative of the sum of that, shape (n, d).

        Parameters
        ----------
        points : ndarray of shape (n, d)
        """
        scale = self.weight / len(points)
        values = self._ask(self.function, points, points.shape[:1])
        if self.derivative is None:
            return scale * values, scale * self._by_differences(points)
        return scale * values, scale * self._ask(self.derivative, points, points.shape)

    def check(self, points: Array) -> None:
        """Refuse a derivative that is not that of the function.

        Parameters
        ----------
        points : ndarray of shape (n, d)
        """
        if self.derivative is None:
            return
        said, found = self._ask(self.derivative, points, points.shape), self._by_differences(points)
        off = np.abs(said - found) > AGREE * (np.abs(found) + np.abs(found).mean())
        if off.any():
            i, k = np.argwhere(off)[0]
            raise InvalidParameterError(
                f"`derivative` must be that of `function`, got {said[i, k]:g} in column {k} of point {i}, where "
                f"differences give {found[i, k]:g}"
            )

    def _by_differences(self, points: Array) -> Array:
        step = STEP * float(np.ptp(points) or 1.0)
        out = np.empty(points.shape)
        for k in range(points.shape[1]):
            shift = np.zeros(points.shape[1])
            shift[k] = step
            more, less = (self._ask(self.function, points + sign * shift, points.shape[:1]) for sign in (1.0, -1.0))
            out[:, k] = (more - less) / (2.0 * step)
        return out

    def _ask(self, function: Callable[[Array], Any], points: Array, shape: tuple[int, ...]) -> Array:
        found = np.asarray(function(np.array(points)), np.float64)
        if found.shape != shape:
            raise InvalidParameterError(
                f"`position_penalty` must return numbers of shape {shape} for points of shape {points.shape}, got "
                f"{found.shape}"
            )
        return found
