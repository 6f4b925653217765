"""Losses with a repulsion of all pairs: the options of how that is summed."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

from .._validation import check_choice, check_real
from ..errors import InvalidParameterError, TreeDimensionWarning, UnsupportedDimensionError
from ..repulsion import DEFAULT_TOLERANCE, METHODS, Control, Method, Radial, RepulsionEngine
from .base import Context, Loss

FINE_ANGLE = 0.25  # at most, where a tree gives a value that is read rather than descended


@dataclass(frozen=True, kw_only=True)
class AllPairs(Loss):
    r"""A loss with a radial repulsion of all pairs: what that weighs, and how it is summed.

    Attributes
    ----------
    method : {"auto", "exact", "bh", "fft"}
        How repulsion is summed, see `repulsion.RepulsionEngine`.
    theta : float
        Opening angle of Barnes-Hut.
    tolerance : float
        Relative error that the grid, or a tree that "auto" takes, may add to the forces of any map, see
        `repulsion.Control`.
    repulsion_strength : float
        A factor s on the repulsive part of the loss, whatever its normaliser makes of the potentials:
        ``L = L_att + s L_rep``, for t-SNE :math:`\sum p_{ij} \log(p_{ij} / w_{ij}) + s \log Z`. Its gradient is s times
        that with an exaggeration of 1/s, so less than 1 draws clusters together.

    Examples
    --------
    >>> from opentsne_like.objectives import ElasticEmbedding
    >>> loss = ElasticEmbedding(method="bh", theta=0.8)
    >>> loss.kernel, loss.precise().theta
    (Gaussian(), 0.25)
    """

    method: Method = "auto"
    theta: float = 0.5
    tolerance: float = DEFAULT_TOLERANCE
    repulsion_strength: float = 1.0

    def __post_init__(self) -> None:
        check_real(self.repulsion_strength, "repulsion_strength", at_least=0)
        check_choice(self.method, "method", METHODS)
        check_real(self.theta, "theta", at_least=0)
        check_real(self.tolerance, "tolerance", above=0)

    @property
    @abstractmethod
    def kernel(self) -> Radial:
        """The radial function of repulsion."""

    @property
    def engine_class(self) -> type[RepulsionEngine]:
        """What sums it: potentials, or rows that are normalised by their own."""
        return RepulsionEngine

    def engine(self, context: Context) -> RepulsionEngine:
        """Return what sums the kernel over all pairs.

        Parameters
        ----------
        context : Context
        """
        options: dict[str, Any] = {"method": self.method, "theta": self.theta, "tolerance": self.tolerance}
        return context.engine(self.kernel, self.engine_class, **options)

    @property
    def carries(self) -> tuple[str, ...]:
        """What is known of the error of the forces."""
        return Control.names

    def check_dimension(self, dimension: int) -> None:
        """Refuse a grid in more than three dimensions, and warn of a tree there."""
        check_dimension(self.method, dimension)

    def precise(self) -> Self:
        """Return the loss with a narrow opening angle."""
        return replace(self, theta=min(self.theta, FINE_ANGLE))


def check_dimension(method: Method, dimension: int) -> None:
    """Refuse a grid in more than three dimensions, and warn of a tree there.

    Parameters
    ----------
    method : {"auto", "exact", "bh", "fft"}
    dimension : int

    Examples
    --------
    >>> from opentsne_like.objectives import check_dimension
    >>> check_dimension("fft", 4)
    Traceback (most recent call last):
    opentsne_like.errors.UnsupportedDimensionError: `negative_gradient_method` (`method` of a loss) must not be ...
    """
    if dimension > 3 and method == "fft":
        raise UnsupportedDimensionError(
            f"`negative_gradient_method` (`method` of a loss) must not be 'fft' in {dimension} dimensions; "
            "use 'exact', or at most 3"
        )
    if dimension > 3 and method == "bh":
        warnings.warn(
            f"`negative_gradient_method` (`method` of a loss) 'bh' takes exact sums in {dimension} dimensions, "
            "where no tree pays; "
            "the time grows with the square of the number of points",
            TreeDimensionWarning,
            stacklevel=2,
        )


def check_pairs(P: Any) -> int:
    """Return the number of points of P, or refuse a single one.

    Parameters
    ----------
    P : sparse matrix

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import check_pairs
    >>> check_pairs(csr_matrix((3, 3)))
    3
    """
    n = int(P.shape[0])
    if n < 2:
        raise InvalidParameterError(f"`P` must be of 2 points or more, which repel each other, got {n}")
    return n
