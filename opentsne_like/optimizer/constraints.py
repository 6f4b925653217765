"""Constraints: what a map keeps to whichever way its points are moved."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .._types import Array

NOWHERE = np.zeros(0, bool)


class Constraint(Protocol):
    """What an optimizer has to keep to when it makes a step.

    Attributes
    ----------
    fixed : ndarray of shape (n,), bool, or (0,)
        Points that stay where they are; none if it is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Anchored, Centered
    >>> mean = np.array([1.0, 2.0])
    >>> Centered().offset(mean).tolist(), Anchored(np.array([True, False])).offset(mean).tolist()
    ([1.0, 2.0], [0.0, 0.0])
    """

    fixed: Array

    def offset(self, mean: Array) -> Array:
        """Return what is taken off all points after a step that leaves their mean at `mean` (d,)."""

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors` (n, d) at `points` without what leads off the constraint."""

    def project(self, points: Array, before: Array) -> Array:
        """Return the points nearest to `points` (n, d) that keep to it, for a step that began at `before`."""


class Unconstrained:
    """Every point goes where it is drawn: for points that are placed, each by itself.

    Examples
    --------
    >>> Unconstrained().offset(np.ones(2)).tolist()
    [0.0, 0.0]
    """

    fixed = NOWHERE

    def offset(self, mean: Array) -> Array:
        """Return zeros: nothing is moved back."""
        return np.zeros_like(mean)

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors`."""
        return vectors

    def project(self, points: Array, before: Array) -> Array:
        """Return `points`."""
        return points


class Centered(Unconstrained):
    """The mean of the map is the origin: a loss of distances does not say where a map lies, and rounding lets it drift.

    Examples
    --------
    >>> Centered().offset(np.ones(2)).tolist()
    [1.0, 1.0]
    """

    def offset(self, mean: Array) -> Array:
        """Return the mean itself."""
        return mean

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors` without their mean."""
        return np.asarray(vectors - vectors.mean(axis=0))

    def project(self, points: Array, before: Array) -> Array:
        """Return `points` without their mean."""
        return np.asarray(points - points.mean(axis=0))


class Anchored(Unconstrained):
    """Some points stay where they are, bit for bit; so nothing is centred.

    Parameters
    ----------
    fixed : ndarray of shape (n,), bool

    Examples
    --------
    >>> Anchored(np.array([True, False])).fixed.tolist()
    [True, False]
    """

    def __init__(self, fixed: Array) -> None:
        self.fixed = fixed

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors` with zeros for the points that stay."""
        return np.where(self.fixed[:, None], 0.0, vectors)

    def project(self, points: Array, before: Array) -> Array:
        """Return `points` with those that stay where they were."""
        return np.where(self.fixed[:, None], before, points)
