"""Distortion functions with the numbers of their edges: what a problem is stated with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import as_array, shown
from ..affinity import check_numbers
from ..distortions import DistortionFunction, OwnDistortion
from ..errors import InvalidObjectError, InvalidParameterError


class EdgeFunction:
    """A distortion function and a number for each edge; the base of penalties and losses.

    Attributes
    ----------
    function : DistortionFunction
        The formula.
    numbers : ndarray of shape (edges,)
        Weights or targets.
    factors : ndarray of shape (edges,) or None
        By which distortions are multiplied.

    The numbers of the formula, such as `exponent`, are attributes, too.
    """

    numbers_name: ClassVar[str] = "weights"
    function: DistortionFunction
    numbers: Array
    factors: Array | None = None

    def __call__(self, distances: Any) -> Array:
        """Return the distortions of edges of these lengths, shape (edges,)."""
        lengths = np.asarray(distances, np.float64)
        values = self.function(self.numbers, lengths)
        return values if self.factors is None else values * self.factors

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.numbers.size} {self.numbers_name})"

    def of_edges(self, count: int) -> tuple[Array, Array | None]:
        """Return numbers and factors of so many edges, or refuse to have others.

        Parameters
        ----------
        count : int
        """
        numbers = check_numbers(self.numbers, count, self.numbers_name)
        return numbers, None if self.factors is None else check_numbers(self.factors, count, "weights")

    def _take(self, function: DistortionFunction, numbers: Any) -> None:
        array = as_array(numbers, self.numbers_name)
        self.numbers = np.atleast_1d(check_numbers(array, array.size, self.numbers_name))
        self.function = function
        vars(self).update({part.name: getattr(function, part.name) for part in fields(function)})
        wrong, needed = function.wrong(self.numbers)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise InvalidParameterError(f"`{self.numbers_name}` must be {needed}, got {self.numbers[k]:g} for edge {k}")


class Function(EdgeFunction):
    """A function of your own: from the lengths of all edges, in their order, to their distortions.

    Parameters
    ----------
    function : callable
        NumPy's; the distortion of an edge may depend on its own length alone.
    derivative : callable, optional
        From the lengths to the derivatives; by central differences unless it is given, and compared with these.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> weights = np.array([1.0, 2.0, 1.0])
    >>> springs = mde.Function(lambda d: weights * (d - 1) ** 2, lambda d: 2 * weights * (d - 1))
    >>> problem = mde.MDE(3, 2, mde.all_edges(3), springs)
    >>> round(problem.embed().loss_value, 6)
    0.0
    """

    numbers_name = "places"

    def __init__(self, function: Callable[[Array], Any], derivative: Callable[[Array], Any] | None = None) -> None:
        for name, part in (("function", function), ("derivative", derivative)):
            if not (callable(part) or (part is None and name == "derivative")):
                raise InvalidObjectError(f"`{name}` must be a function of lengths, got {shown(part)}")
        self.function: OwnDistortion = OwnDistortion(function, derivative)
        self.numbers = np.zeros(0)

    def __call__(self, distances: Any) -> Array:
        """Return what the function says of all lengths."""
        return self.function.values(np.asarray(distances, np.float64))

    def of_edges(self, count: int) -> tuple[Array, None]:
        """Return the places of so many edges.

        Parameters
        ----------
        count : int
        """
        return np.arange(float(count)), None


def as_edge_function(value: Any) -> EdgeFunction:
    """Return a distortion function with its numbers, or a function of the user's own as one.

    Parameters
    ----------
    value : EdgeFunction or callable

    Raises
    ------
    InvalidObjectError
        If it is neither.

    Examples
    --------
    >>> from opentsne_like import mde
    >>> as_edge_function(mde.losses.Absolute)
    Traceback (most recent call last):
    opentsne_like.errors.InvalidObjectError: `distortion_function` must be a penalty or a loss such as ...
    """
    if isinstance(value, EdgeFunction):
        return value
    if callable(value) and not isinstance(value, type):
        return Function(value)
    raise InvalidObjectError(
        "`distortion_function` must be a penalty or a loss such as penalties.Quadratic(weights), or a function of "
        f"lengths, got {shown(value)}"
    )
