"""Distortion functions of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import as_array
from ..errors import InvalidParameterError
from .base import DistortionFunction

STEP = 1e-5  # of central differences, relative to a length; their error is about its square
AGREE = 1e-3  # relative difference between a slope that is given and one by differences that is an error


@dataclass(frozen=True)
class OwnDistortion(DistortionFunction, stored=False):
    """A NumPy function of all lengths at once, in the order in which its edges were given.

    Parameters
    ----------
    function : callable
        From the lengths (edges,) to as many distortions; each may depend on its own length alone.
    derivative : callable, optional
        From the lengths to the derivatives of the distortions; by central differences unless it is given. `check`,
        which `mde.MDE` calls at the start, refuses one that differs from these.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.distortions import OwnDistortion
    >>> weights = np.array([1.0, 2.0])
    >>> own = OwnDistortion(lambda d: weights * d**2)
    >>> values, slopes = own.evaluate(np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    >>> values.tolist(), slopes.round(6).tolist()
    ([18.0, 1.0], [12.0, 2.0])
    """

    function: Callable[[Array], Any]
    derivative: Callable[[Array], Any] | None = None
    takes: ClassVar[str] = "places"

    def evaluate(self, numbers: Array, lengths: Array) -> tuple[Array, Array]:
        """Return distortions and their derivatives; the number of an edge is its place in the list of edges."""
        places = numbers.astype(np.intp)
        given = np.empty(len(lengths))
        given[places] = lengths
        values = self._ask(self.function, given)
        slopes = self._by_differences(given) if self.derivative is None else self._ask(self.derivative, given)
        return values[places], slopes[places]

    def values(self, lengths: Array) -> Array:
        """Return the distortions alone.

        Parameters
        ----------
        lengths : ndarray of shape (edges,)
            In the order of the list of edges.
        """
        return self._ask(self.function, lengths)

    def check(self, lengths: Array) -> None:
        """Refuse a derivative that is not that of the function.

        Parameters
        ----------
        lengths : ndarray of shape (edges,)
            In the order of the list of edges.
        """
        if self.derivative is None:
            return
        said, found = self._ask(self.derivative, lengths), self._by_differences(lengths)
        near = np.abs(said - found) <= AGREE * (np.abs(found) + np.abs(found).mean())
        off = ~near & np.isfinite(found) & (lengths > 0)
        if off.any():
            k = int(np.argmax(off))
            raise InvalidParameterError(
                f"`derivative` must be that of `function`, got {said[k]:g} at the length {lengths[k]:g} of edge {k}, "
                f"where differences give {found[k]:g}"
            )

    def _by_differences(self, lengths: Array) -> Array:
        step = STEP * np.maximum(lengths, STEP)
        more, less = self._ask(self.function, lengths + step), self._ask(self.function, lengths - step)
        return (more - less) / (2.0 * step)

    def _ask(self, function: Callable[[Array], Any], lengths: Array) -> Array:
        found = np.asarray(as_array(function(np.array(lengths)), "distortion_function"), np.float64)
        if found.shape != lengths.shape:
            raise InvalidParameterError(
                f"`distortion_function` must return {len(lengths)} numbers, one for each edge, got shape {found.shape}"
            )
        return found
