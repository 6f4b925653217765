"""What every distortion function has: a kind, a formula, a name that files know it by."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .. import kernels, ops
from .._types import Array

# By the names that files give them; every class with a formula enters itself.
DISTORTIONS: dict[str, type[DistortionFunction]] = {}


@dataclass(frozen=True)
class DistortionFunction:
    """A function of the length of an edge and of its number, a weight or a target.

    A subclass whose name is that of a form of `kernels.distortions`, with fields in the same order, has the form's
    formula; another overrides `form`, or `evaluate`, which is asked of all edges at once.

    Attributes
    ----------
    takes : {"weights", "targets"}
        What the number of an edge is.

    Examples
    --------
    >>> from opentsne_like.distortions import CubicPenalty, DistortionFunction
    >>> isinstance(CubicPenalty(), DistortionFunction), CubicPenalty().takes
    (True, 'weights')
    """

    takes: ClassVar[str] = "weights"

    def __init_subclass__(cls, stored: bool = True) -> None:
        if stored and cls.__module__.startswith(f"{__package__}."):
            DISTORTIONS[cls.__name__] = cls

    @cached_property
    def form(self) -> Any:
        """What compiled loops know the function by, or None."""
        kind = getattr(kernels.distortions, type(self).__name__, None)
        return None if kind is None else kind(*(float(value) for value in astuple(self)))

    def evaluate(self, numbers: Array, lengths: Array) -> tuple[Array, Array]:
        """Return distortions and their derivatives in the lengths.

        Parameters
        ----------
        numbers, lengths : ndarray of shape (edges,), float64

        Returns
        -------
        values, slopes : ndarray of shape (edges,)
        """
        return ops.evaluate(self.form, numbers, lengths)

    def __call__(self, numbers: Any, lengths: Any) -> Array:
        """Return the distortions of edges with these numbers and lengths, of shapes that fit together."""
        number, length = np.broadcast_arrays(np.asarray(numbers, np.float64), np.asarray(lengths, np.float64))
        return self.evaluate(number.ravel(), length.ravel())[0].reshape(number.shape)

    def wrong(self, numbers: Array) -> tuple[Array, str]:
        """Return which numbers the function cannot have, and what they have to be.

        Parameters
        ----------
        numbers : ndarray of shape (edges,)

        Returns
        -------
        wrong : bool ndarray of shape (edges,)
        needed : str
        """
        return np.zeros(numbers.shape, bool), "finite"

    def packed(self) -> dict[str, Any]:
        """Return the function as JSON values."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"distortion": type(self).__name__, **parts}

    @classmethod
    def unpacked(cls, parts: dict[str, Any]) -> DistortionFunction:
        """Return the function that `packed` described; its class checks the numbers.

        Parameters
        ----------
        parts : dict
            Without the class.
        """
        return cls(**parts)
