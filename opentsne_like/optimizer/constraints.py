"""Constraints: what a map keeps to whichever way its points are moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from .._types import Array
from .._validation import check_real
from ..errors import InvalidParameterError

NOWHERE = np.zeros(0, bool)
KEPT = 1e-10  # deviation from unit covariance that is rounding
FLAT = 1e-10  # of the largest variance, along a direction in which a map has none


class Constraint(Protocol):
    """What an optimizer has to keep to when it makes a step.

    Attributes
    ----------
    fixed : ndarray of shape (n,), bool, or (0,)
        Points that stay where they are; none if it is empty.
    curved : bool
        Whether steps lead off it that go along tangents, so that they have to be brought back by `project`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Anchored, Centered
    >>> mean = np.array([1.0, 2.0])
    >>> Centered().offset(mean).tolist(), Anchored(np.array([True, False])).offset(mean).tolist()
    ([1.0, 2.0], [0.0, 0.0])
    """

    fixed: Array
    curved: ClassVar[bool]

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
    curved: ClassVar[bool] = False

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
        self.fixed = np.asarray(fixed)

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors` with zeros for the points that stay."""
        return np.where(self.fixed[:, None], 0.0, vectors)

    def project(self, points: Array, before: Array) -> Array:
        """Return `points` with those that stay where they were."""
        return np.where(self.fixed[:, None], before, points)


class Standardized(Unconstrained):
    r"""The mean is the origin and the covariance is the identity: :math:`\frac{1}{n} Y^T Y = I`.

    Points are brought back by the polar factor, :math:`\sqrt n\, Y (Y^T Y)^{-1/2}`, the nearest map that keeps to it; a
    vector V is tangent where the symmetric part of :math:`Y^T V` is zero.

    References
    ----------
    Agrawal, Ali & Boyd, *Minimum-distortion embedding* (2021), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Standardized
    >>> points = np.random.default_rng(0).normal(size=(50, 2)) @ [[3.0, 1.0], [0.0, 0.1]]
    >>> made = Standardized().project(points, points)
    >>> bool(np.allclose(made.T @ made / 50, np.eye(2))), bool(np.allclose(made.mean(axis=0), 0.0))
    (True, True)
    """

    curved: ClassVar[bool] = True

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return ``V - Y sym(YᵀV) / n``, with the mean taken off V."""
        centred = vectors - vectors.mean(axis=0)
        along = _products(points, centred)
        return np.asarray(centred - _times(points, 0.5 * (along + along.T) / len(points)))

    def project(self, points: Array, before: Array) -> Array:
        """Return the polar factor; points that keep to the constraint already are returned as they are.

        Raises
        ------
        InvalidParameterError
            If a step is to begin at a map without extent in some direction.
        """
        mean = points.mean(axis=0)
        centred = points - mean
        covariance = _products(centred, centred) / len(points)
        if max(np.abs(mean).max(), np.abs(covariance - np.eye(len(mean))).max()) < KEPT:
            return points
        if not np.isfinite(covariance).all():
            return np.full(points.shape, np.nan)
        variances, axes = np.linalg.eigh(covariance)
        if variances[0] > FLAT * variances[-1]:
            return _times(centred, (axes / np.sqrt(variances)) @ axes.T)
        if points is not before:
            return np.full(points.shape, np.nan)
        raise InvalidParameterError(
            f"`constraint` must be 'centered' for a map without extent in each of its {len(mean)} dimensions, got "
            "'standardized'; begin with another initialization, or with more points"
        )


@dataclass(frozen=True)
class Sphere(Unconstrained):
    """Every point lies on a sphere about the origin.

    A point at the origin, which is near to none of it, has no place there.

    Attributes
    ----------
    radius : float

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Sphere
    >>> points = np.array([[3.0, 4.0], [0.0, -0.1]])
    >>> Sphere(2.0).project(points, points).round(6).tolist()
    [[1.2, 1.6], [0.0, -2.0]]
    """

    radius: float = 1.0
    curved: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_real(self.radius, "radius", above=0)

    def tangent(self, points: Array, vectors: Array) -> Array:
        """Return `vectors` without their parts along the radii."""
        along = (points * vectors).sum(axis=1, keepdims=True) / self.radius**2
        return np.asarray(vectors - along * points)

    def project(self, points: Array, before: Array) -> Array:
        """Return the points of the sphere in the directions of `points`; those that lie on it stay as they are."""
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        if np.abs(lengths - self.radius).max(initial=0.0) <= KEPT * self.radius:
            return points
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(points * (self.radius / lengths))


def _products(one: Array, other: Array) -> Array:
    """Return ``oneᵀ other``, added in an order that depends on nothing but the shape."""
    return np.asarray(np.einsum("ni,nj->ij", one, other))


def _times(points: Array, matrix: Array) -> Array:
    return np.asarray(np.einsum("ni,ij->nj", points, matrix))


def began(constraint: Constraint, points: Array) -> Array:
    """Return where a step begins: at the points, or at the nearest ones that keep to a curved constraint.

    Parameters
    ----------
    constraint : Constraint
    points : ndarray of shape (n, d)

    Examples
    --------
    >>> from opentsne_like.optimizer import Centered, began
    >>> points = np.ones((3, 2))
    >>> began(Centered(), points) is points
    True
    """
    return np.ascontiguousarray(constraint.project(points, points)) if constraint.curved else points


def kept_to(constraint: Constraint, points: Array, gradient: Array) -> Array:
    """Return the gradient of points that a straight step moves: 0 at fixed ones, along a curved constraint.

    Parameters
    ----------
    constraint : Constraint
    points, gradient : ndarray of shape (n, d)

    Examples
    --------
    >>> from opentsne_like.optimizer import Anchored, kept_to
    >>> kept_to(Anchored(np.array([True, False])), np.zeros((2, 1)), np.ones((2, 1))).tolist()
    [[0.0], [1.0]]
    """
    return constraint.tangent(points, gradient) if constraint.curved or len(constraint.fixed) else gradient


def ended(constraint: Constraint, points: Array, before: Array, mean: Array) -> tuple[Array, Array, Array]:
    """Return where a step ends, the mean of these points, and what is taken off them when it is committed.

    Parameters
    ----------
    constraint : Constraint
    points : ndarray of shape (n, d)
        Where a straight step led, with this `mean` (d,).
    before : ndarray of shape (n, d)
        Where it began.
    mean : ndarray of shape (d,)

    Examples
    --------
    >>> from opentsne_like.optimizer import Centered, ended
    >>> ended(Centered(), np.ones((3, 1)), np.zeros((3, 1)), np.ones(1))[2].tolist()
    [1.0]
    """
    if not constraint.curved:
        return points, mean, constraint.offset(mean)
    made = np.ascontiguousarray(constraint.project(points, before))
    return made, made.mean(axis=0), np.zeros_like(mean)
