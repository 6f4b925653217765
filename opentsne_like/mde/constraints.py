"""Constraints: what an embedding keeps to. Those of the package, by PyMDE's names, and the base of one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from .. import optimizer
from .._types import Array
from .._validation import as_array, check_matrix
from ..errors import InvalidObjectError, InvalidParameterError, InvalidTypeError
from .randomness import generator


class Constraint(ABC):
    """The base of constraints: an embedding can be brought onto it, and a step freed of what leads off it.

    Subclass it for a constraint of your own, which needs the four abstract methods.

    Examples
    --------
    Points on the right half of the unit circle:

    >>> import numpy as np
    >>> from opentsne_like import mde
    >>> class Arc(mde.Sphere):
    ...     def project_onto_constraint(self, Z, inplace=True):
    ...         return super().project_onto_constraint(np.c_[np.abs(Z[:, :1]), Z[:, 1:]], inplace=False)
    >>> arc = mde.MDE(3, 2, mde.all_edges(3), mde.losses.Absolute(np.ones(3)), Arc(1.0)).embed()
    >>> bool((np.asarray(arc)[:, 0] >= 0).all()), np.linalg.norm(arc, axis=1).round(6).tolist()
    (True, [1.0, 1.0, 1.0])
    """

    @abstractmethod
    def name(self) -> str:
        """Return the name of the constraint."""

    @abstractmethod
    def initialization(self, n_items: int, embedding_dim: int, device: Any = None) -> Array:
        """Return a random embedding that keeps to it, shape (n_items, embedding_dim)."""

    @abstractmethod
    def project_onto_constraint(self, Z: Array, inplace: bool = True) -> Array:
        """Return the nearest embedding to `Z` (n, d) that keeps to it; `inplace` allows to write into `Z`."""

    @abstractmethod
    def project_onto_tangent_space(self, X: Array, Z: Array, inplace: bool = True) -> Array:
        """Return `Z` (n, d), a step from `X`, without what leads off the constraint."""

    def check(self, n_items: int, embedding_dim: int) -> None:  # noqa: B027 (most have nothing to refuse)
        """Refuse an embedding of a shape that it cannot have."""

    def settings(self, n_items: int) -> dict[str, Any]:
        """Return what tells an `Embedding` of it."""
        return {"constraint": _Projected(self)}


class _Projected(optimizer.Unconstrained):
    """A constraint of this room as optimizers ask for it."""

    curved: ClassVar[bool] = True

    def __init__(self, own: Constraint) -> None:
        self.own = own

    def tangent(self, points: Array, vectors: Array) -> Array:
        return np.asarray(self.own.project_onto_tangent_space(points, np.array(vectors), inplace=False))

    def project(self, points: Array, before: Array) -> Array:
        return np.asarray(self.own.project_onto_constraint(np.array(points), inplace=False))


def _put(made: Array, Z: Any, inplace: bool) -> Array:
    """Return what was made of `Z`, in its place where it is an array of numbers with fractions."""
    if not (inplace and isinstance(Z, np.ndarray) and Z.dtype.kind == "f"):
        return np.asarray(made)
    Z[...] = made
    return Z


class _Known(Constraint):
    """A constraint that optimizers know."""

    known: Any

    def initialization(self, n_items: int, embedding_dim: int, device: Any = None) -> Array:
        """Return random coordinates that keep to it."""
        return self.project_onto_constraint(generator().normal(size=(n_items, embedding_dim)))

    def project_onto_constraint(self, Z: Any, inplace: bool = True) -> Array:
        """Return the nearest embedding that keeps to it, in the place of `Z` unless `inplace` is False."""
        points = np.asarray(Z, np.float64)
        return _put(self.known.project(points, points), Z, inplace)

    def project_onto_tangent_space(self, X: Any, Z: Any, inplace: bool = True) -> Array:
        """Return `Z` without what leads off the constraint, in its place unless `inplace` is False."""
        return _put(self.known.tangent(np.asarray(X, np.float64), np.asarray(Z, np.float64)), Z, inplace)


class Centered(_Known):
    """The mean of the embedding is the origin.

    Examples
    --------
    >>> Centered().project_onto_constraint([[1.0, 1.0], [3.0, 1.0]]).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    known = optimizer.Centered()

    def name(self) -> str:
        """Return the name."""
        return "centered"

    def settings(self, n_items: int) -> dict[str, Any]:
        """Return what tells an `Embedding` of it."""
        return {"constraint": "centered"}


class Standardized(_Known):
    """The mean is the origin and the covariance is the identity, ``XᵀX = n I``.

    Examples
    --------
    >>> import numpy as np
    >>> X = Standardized().initialization(50, 2)
    >>> bool(np.allclose(X.T @ X / 50, np.eye(2))), round(Standardized().natural_length(12, 2), 4)
    (True, 2.0889)
    """

    known = optimizer.Standardized()

    def name(self) -> str:
        """Return the name."""
        return "standardized"

    def natural_length(self, n_items: int, embedding_dim: int) -> float:
        """Return the root mean square of all distances, ``sqrt(2 n d / (n - 1))``."""
        return float(np.sqrt(2.0 * n_items * embedding_dim / (n_items - 1)))

    def check(self, n_items: int, embedding_dim: int) -> None:
        """Refuse fewer items than an embedding needs to have extent in each dimension."""
        if n_items <= embedding_dim:
            raise InvalidParameterError(
                f"`embedding_dim` must be below the number of items, {n_items}, for a standardized embedding, got "
                f"{embedding_dim}"
            )

    def settings(self, n_items: int) -> dict[str, Any]:
        """Return what tells an `Embedding` of it."""
        return {"constraint": "standardized"}


class Anchored(_Known):
    """Some items, the anchors, stay where they are put.

    Parameters
    ----------
    anchors : array-like of shape (n_anchors,), integer
    values : array-like of shape (n_anchors, embedding_dim)

    Examples
    --------
    >>> Anchored([1], [[5.0, 5.0]]).project_onto_constraint([[1.0, 1.0], [3.0, 1.0]]).tolist()
    [[1.0, 1.0], [5.0, 5.0]]
    """

    def __init__(self, anchors: Any, values: Any) -> None:
        rows = np.atleast_1d(as_array(anchors, "anchors"))
        if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
            raise InvalidTypeError(f"`anchors` must be a list of integers, got {rows.dtype} of shape {rows.shape}")
        self.anchors = rows.astype(np.int64)
        self.values = np.asarray(check_matrix(values, "values"), np.float64)
        if len(self.values) != len(self.anchors):
            raise InvalidParameterError(
                f"`values` must have {len(self.anchors)} rows, one for each of `anchors`, got shape {self.values.shape}"
            )
        if len(np.unique(self.anchors)) < len(self.anchors):
            ordered = np.sort(self.anchors)
            twice = ordered[1:][np.diff(ordered) == 0][0]
            raise InvalidParameterError(f"`anchors` must name each item once, got {twice} twice")

    def name(self) -> str:
        """Return the name."""
        return "anchored"

    def project_onto_constraint(self, Z: Any, inplace: bool = True) -> Array:
        """Return `Z` with the anchors in their places, written into it unless `inplace` is False."""
        points = np.array(Z, np.float64)
        points[self.anchors] = self.values
        return _put(points, Z, inplace)

    def project_onto_tangent_space(self, X: Any, Z: Any, inplace: bool = True) -> Array:
        """Return `Z` with zeros for the anchors, written into it unless `inplace` is False."""
        vectors = np.array(Z, np.float64)
        vectors[self.anchors] = 0.0
        return _put(vectors, Z, inplace)

    def check(self, n_items: int, embedding_dim: int) -> None:
        """Refuse anchors that are no items, or have other coordinates than they need."""
        wrong = (self.anchors < 0) | (self.anchors >= n_items)
        if wrong.any():
            raise InvalidParameterError(
                f"`anchors` must be items from 0 to {n_items - 1}, got {self.anchors[np.argmax(wrong)]}"
            )
        if self.values.shape[1] != embedding_dim:
            raise InvalidParameterError(f"`values` must have {embedding_dim} columns, got shape {self.values.shape}")

    def settings(self, n_items: int) -> dict[str, Any]:
        """Return what tells an `Embedding` of it."""
        return {"fixed": np.isin(np.arange(n_items), self.anchors)}


class Sphere(_Known):
    """Every item lies on a sphere about the origin.

    Parameters
    ----------
    radius : float

    Examples
    --------
    >>> Sphere(2.0).project_onto_constraint([[3.0, 4.0]]).round(6).tolist()
    [[1.2, 1.6]]
    """

    def __init__(self, radius: float = 1.0) -> None:
        self.radius, self.known = radius, optimizer.Sphere(radius)

    def name(self) -> str:
        """Return the name."""
        return "sphere"


def as_constraint(value: Any) -> Constraint:
    """Return a constraint; None is `Centered`.

    Parameters
    ----------
    value : Constraint or None

    Examples
    --------
    >>> as_constraint(None).name()
    'centered'
    """
    if value is None:
        return Centered()
    if not isinstance(value, Constraint):
        raise InvalidObjectError(f"`constraint` must be a Constraint such as Centered(), or None, got {value!r}")
    return value
