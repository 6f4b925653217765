r"""One objective behind many losses: attraction along edges, a radial repulsion of all pairs, a normalizer.

Every method of the family is

.. math::
    L(Y) = \sum_{ij} w_{ij} A(d_{ij}^2) + N(\varphi), \qquad \varphi_i = \sum_{j \ne i} k(d_{ij}^2)

with edges w, a function A of attraction, a radial function k of repulsion, whose *potential* at point i is
:math:`\varphi_i`, and a *normalizer* N that says what the loss makes of the potentials: their weighted sum (Neg-t-SNE,
elastic embedding) or the logarithm of their sum Z, the partition function (t-SNE). Since k depends on distances alone,
the repulsive part of a quarter of the gradient is a multiple of :math:`\nabla \varphi_i`, and the engine gives value
and gradient of the potential together.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self, get_args

import numpy as np

from .._types import Array
from .._validation import check_choice, check_real
from ..errors import InvalidParameterError, TreeDimensionWarning, UnavailableError, UnsupportedDimensionError
from ..repulsion import (
    DEFAULT_TOLERANCE,
    Control,
    Extent,
    FrozenReference,
    Method,
    Potential,
    Radial,
    RepulsionEngine,
    exact_sums,
)
from .base import Context, Loss
from .edges import Edges
from .stale import StaleForces

METHODS = get_args(Method)
FAINTEST = np.float32(1e-30)  # potential that float32 can divide by
FINE_ANGLE = 0.25  # at most, where a tree gives a value that is read rather than descended


@dataclass(frozen=True, kw_only=True)
class AllPairs(Loss):
    """A loss with a radial repulsion of all pairs: the options of how that is summed.

    Attributes
    ----------
    method : {"auto", "exact", "bh", "fft"}
        How repulsion is summed, see `repulsion.RepulsionEngine`.
    theta : float
        Opening angle of Barnes-Hut.
    tolerance : float
        Relative error that the grid, or a tree that "auto" takes, may add to the forces of any map, see
        `repulsion.Control`.

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

    def __post_init__(self) -> None:
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


class Normalizer(Protocol):
    """What a loss makes of the potentials of a map.

    Attributes
    ----------
    constant : float
        What the value has in addition to attraction and repulsion.

    Examples
    --------
    >>> from opentsne_like.objectives import Weighted
    >>> twice = Weighted(2.0)
    >>> twice.constant, twice.value(3.0), twice.factor(3.0)
    (0.0, 6.0, 1.0)
    """

    @property
    def constant(self) -> float:
        """See above."""

    def value(self, total: float) -> float:
        """Return the repulsive part of the loss, given the sum of all potentials."""

    def factor(self, total: float) -> float:
        """Return what the gradient of the potential is multiplied by in a quarter of the gradient of the loss."""

    def shares(self, potential: Potential) -> Array:
        """Return what each point contributes, shape (n,) float64: together constant and value."""


@dataclass(frozen=True)
class Weighted:
    r"""A weighted sum, :math:`N = \nu \sum_i \varphi_i`.

    Each pair counts twice in the sum, so its derivative is :math:`2 \nu \nabla\varphi_i`.

    Attributes
    ----------
    weight : float

    Examples
    --------
    >>> Weighted(0.5).value(8.0), Weighted(0.5).factor(8.0)
    (4.0, 0.25)
    """

    weight: float
    constant: ClassVar[float] = 0.0

    def value(self, total: float) -> float:
        """Return ``weight * total``."""
        return self.weight * total

    def factor(self, total: float) -> float:
        """Return ``weight / 2``."""
        return 0.5 * self.weight

    def shares(self, potential: Potential) -> Array:
        """Return ``weight * phi_i``."""
        return self.weight * potential.values.astype(np.float64)


class LogPartition:
    r"""The logarithm of the partition function, :math:`N = m \log Z` with :math:`Z = \sum_i \varphi_i`.

    With it goes the constant ``sum w log w``, by which the loss is a divergence: 0 where edges and map agree. `m` is
    ``sum w``. In the gradient it counts as 1, so edges that sum to another number act like an exaggeration, as they do
    in openTSNE, whose objective functions get it inside P.

    Parameters
    ----------
    edges : Edges

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, LogPartition
    >>> normalizer = LogPartition(Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]]))))
    >>> round(normalizer.constant + normalizer.value(2.0), 6), normalizer.factor(2.0)
    (0.0, 0.25)
    """

    def __init__(self, edges: Edges) -> None:
        self.edges = edges

    @property
    def constant(self) -> float:
        """``sum w log w``, computed when it is first wanted."""
        return self.edges.entropy

    def value(self, total: float) -> float:
        """Return ``m * log(total)``."""
        return self.edges.mass * float(np.log(total))

    def factor(self, total: float) -> float:
        """Return ``1 / (2 total)``."""
        return 0.5 / total if total > 0.0 else np.inf

    def shares(self, potential: Potential) -> Array:
        """Return ``sum_j p_ij (log p_ij + log Z)``: with attraction, the divergence of each row of P."""
        return self.edges.row_entropies + self.edges.row_masses * float(np.log(potential.total))


class PairLoss:
    """The objective of a map whose points attract each other along edges and repel each other in all pairs.

    Parameters
    ----------
    edges : Edges
    attraction : Radial
        A, a function of the squared distance.
    engine : RepulsionEngine
        Of the radial function of repulsion.
    normalizer : Normalizer
    control : Control, optional
        Keeps forces to the tolerance of the engine; without it they are as good as the engine's first choice.
    stale : StaleForces, optional
        Keeps repulsion for several iterations. The value is that of the points as they are.

    Examples
    --------
    t-SNE's attraction with the repulsion of elastic embedding:

    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PairLoss, Weighted
    >>> from opentsne_like.repulsion import Gaussian, LogStudentT, RepulsionEngine
    >>> edges = Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]])))
    >>> mixed = PairLoss(edges, LogStudentT(), RepulsionEngine(Gaussian()), Weighted(0.5))
    >>> loss, _ = mixed.evaluate(np.array([[0.0, 0.0], [1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> bool(np.isclose(loss, np.log(2) + np.exp(-1)))
    True
    """

    def __init__(
        self,
        edges: Edges,
        attraction: Radial,
        engine: RepulsionEngine,
        normalizer: Normalizer,
        control: Control | None = None,
        stale: StaleForces | None = None,
    ) -> None:
        self.edges, self.attraction, self.engine = edges, attraction, engine
        self.normalizer, self.control, self.stale = normalizer, control, stale

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the loss (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        total, gradient = self._forces(points, exaggeration)
        if not with_loss:
            return float("nan"), gradient
        if self.stale is not None and not self.stale.fresh:
            total = self.engine.evaluate(points).total
        return self._value(total, self._pull(points)), gradient

    def evaluate_exaggerated(self, points: Array, *, exaggeration: float) -> tuple[float, float, Array]:
        """Return the loss without exaggeration, the loss with it, and a quarter of the gradient of the latter.

        For optimizers that compare values: where attraction is exaggerated, the gradient is not that of the loss.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64
        exaggeration : float
        """
        total, gradient = self._forces(points, exaggeration)
        pull = self._pull(points)
        loss = self._value(total, pull)
        return loss, loss + (exaggeration - 1.0) * pull, gradient

    def attractive_laplacian(self) -> Any:
        """Return the graph Laplacian L of attraction at distance 0: a quarter of its gradient is ``L Y`` on small maps.

        Its weights are ``p A'(0)``, for a P that is not symmetric those of its symmetric part.

        Returns
        -------
        csr_matrix of shape (n, n)

        Raises
        ------
        UnavailableError
            If the attraction has no slope at 0 that is positive and finite.
        """
        slope = float(self.attraction.slope(np.zeros(1))[0])
        if not 0.0 < slope < np.inf:
            raise UnavailableError(
                f"the attraction {type(self.attraction).__name__} has the slope {slope:g} at distance 0, from which no "
                "spectral direction can be made; take another optimizer, such as Momentum()"
            )
        return self.edges.laplacian(slope)

    def _pull(self, points: Array) -> float:
        return self.edges.loss(points, points, self.attraction, self.engine.n_jobs)

    def _value(self, total: float, pull: float) -> float:
        return self.normalizer.constant + pull + self.normalizer.value(total)

    def _forces(self, points: Array, exaggeration: float) -> tuple[float, Array]:
        """Return the sum of all potentials and a quarter of the gradient."""
        self.edges.check(points)
        n_jobs, exact = self.engine.n_jobs, self._exact
        extent = self.engine.extent(points)
        if self.stale is not None and not exact:
            potential = self.stale.evaluate(self.engine, points, extent)
        else:
            potential = self._potential(points, extent)
        total = potential.total
        numbers = (self.attraction, exaggeration, potential.gradient, self.normalizer.factor(total), n_jobs)
        if exact:
            return total, self.edges.add_attraction(points, points, *numbers)
        return total, self.edges.add_mutual_attraction(points, extent.mean, *numbers)

    def edge_losses(self, points: Array) -> Array:
        """Return ``p_ij A(d_ij²)`` of every edge, shape (edges,), in the order of P."""
        return self.edges.losses(points, points, self.attraction, self.engine.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes to the loss, shape (n,): its edges, and its share of the normalizer."""
        potential = self._potential(points, self.engine.extent(points))
        return self.edges.row_sums(self.edge_losses(points)) + self.normalizer.shares(potential)

    @property
    def _exact(self) -> bool:
        return bool(self.edges.values.dtype == np.float64)

    def _potential(self, points: Array, extent: Extent) -> Potential:
        """Return the potential of the points as they are."""
        if self._exact:
            return exact_sums(points, None, self.engine.radial, n_jobs=self.engine.n_jobs)
        if self.control is not None:
            return self.control.evaluate(self.engine, points, extent)
        return self.engine.evaluate(points, extent)


class PlacedNormalizer(Protocol):
    """What a loss makes of the potential of a frozen map at the points that are placed on it, each by itself.

    Attributes
    ----------
    constant : float
        What the summed value has in addition to attraction and repulsion.
    """

    @property
    def constant(self) -> float:
        """See above."""

    def value(self, potentials: Array) -> float:
        """Return the repulsive part of the summed loss, given the potentials (m,)."""

    def factors(self, potentials: Array) -> Array:
        """Return what each gradient of the potential is multiplied by, shape (m,), in the dtype of `potentials`."""

    def shares(self, potentials: Array) -> Array:
        """Return what each point has in addition to attraction, shape (m,) float64: together constant and value."""


class PlacedLogPartition:
    r"""The logarithm of each point's own partition function: :math:`N = \sum_i m_i \log \varphi_i`, `m` the rows' sums.

    A point so far away that the potential is below 1e-30 is attracted only.

    Parameters
    ----------
    edges : Edges

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PlacedLogPartition
    >>> normalizer = PlacedLogPartition(Edges.of(csr_matrix(np.array([[0.5, 0.5]]))))
    >>> normalizer.factors(np.array([2.0], np.float32)).tolist()
    [0.25]
    """

    def __init__(self, edges: Edges) -> None:
        self.edges = edges

    @property
    def constant(self) -> float:
        """``sum p log p``."""
        return self.edges.entropy

    def value(self, potentials: Array) -> float:
        """Return ``sum m * log(potentials)``."""
        return float(self._logarithms(potentials).sum())

    def factors(self, potentials: Array) -> Array:
        """Return ``1 / (2 potentials)``."""
        return np.asarray(0.5 / np.maximum(potentials, FAINTEST))

    def shares(self, potentials: Array) -> Array:
        """Return ``sum_j p_ij (log p_ij + log phi_i)``."""
        return self.edges.row_entropies + self._logarithms(potentials)

    def _logarithms(self, potentials: Array) -> Array:
        return np.asarray(self.edges.row_masses * np.log(np.maximum(potentials, FAINTEST).astype(np.float64)))


@dataclass(frozen=True)
class PlacedLog:
    r"""A weighted sum of logarithms: :math:`N = \nu \sum_i \log \varphi_i`.

    A point so far away that the potential is below 1e-30 is attracted only.

    Attributes
    ----------
    weight : float

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import PlacedLog
    >>> PlacedLog(2.0).factors(np.array([4.0], np.float32)).tolist()
    [0.25]
    """

    weight: float = 1.0
    constant: ClassVar[float] = 0.0

    def value(self, potentials: Array) -> float:
        """Return ``weight * sum log(potentials)``."""
        return float(self.shares(potentials).sum())

    def factors(self, potentials: Array) -> Array:
        """Return ``weight / (2 potentials)``."""
        return np.asarray((0.5 * self.weight) / np.maximum(potentials, FAINTEST), potentials.dtype)

    def shares(self, potentials: Array) -> Array:
        """Return ``weight * log(phi_i)``."""
        return np.asarray(self.weight * np.log(np.maximum(potentials, FAINTEST).astype(np.float64)))


@dataclass(frozen=True)
class PlacedWeighted:
    r"""A weighted sum: :math:`N = \nu \sum_i \varphi_i`.

    Attributes
    ----------
    weight : float

    Examples
    --------
    >>> import numpy as np
    >>> PlacedWeighted(2.0).factors(np.ones(2, np.float32)).tolist()
    [1.0, 1.0]
    """

    weight: float
    constant: ClassVar[float] = 0.0

    def value(self, potentials: Array) -> float:
        """Return ``weight * sum potentials``."""
        return self.weight * float(potentials.sum(dtype=np.float64))

    def factors(self, potentials: Array) -> Array:
        """Return ``weight / 2`` for each."""
        return np.full(len(potentials), 0.5 * self.weight, potentials.dtype)

    def shares(self, potentials: Array) -> Array:
        """Return ``weight * phi_i``."""
        return self.weight * potentials.astype(np.float64)


class PlacedPairLoss:
    r"""The objective of points that are placed on a map which does not move, each with a loss of its own.

    .. math::
        L = \sum_i \Big( \sum_j p_{ij} A(d_{ij}^2) + N(\varphi_i) \Big), \qquad \varphi_i = \sum_j k(d_{ij}^2)

    where j runs over the map.

    Parameters
    ----------
    edges : Edges
        Of P, (m, n), whose rows sum to 1.
    attraction : Radial
    reference : FrozenReference
        The potential of the map.
    normalizer : PlacedNormalizer
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PlacedPairLoss, PlacedWeighted
    >>> from opentsne_like.repulsion import Gaussian, RepulsionEngine, Square
    >>> engine, map_ = RepulsionEngine(Gaussian(), n_jobs=1), np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> edges = Edges.of(csr_matrix(np.array([[0.5, 0.5]])))
    >>> objective = PlacedPairLoss(edges, Square(), engine.freeze(map_), PlacedWeighted(1.0), n_jobs=1)
    >>> loss, gradient = objective.evaluate(np.array([[1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> bool(np.isclose(loss, 1 + 2 * np.exp(-1))), gradient.round(5).tolist()
    (True, [[0.0, 0.0]])
    """

    def __init__(
        self,
        edges: Edges,
        attraction: Radial,
        reference: FrozenReference,
        normalizer: PlacedNormalizer,
        n_jobs: int,
    ) -> None:
        self.edges, self.attraction, self.reference = edges, attraction, reference
        self.normalizer, self.n_jobs = normalizer, n_jobs
        self._centre = reference.sources.mean(axis=0)
        with np.errstate(over="ignore"):
            self._near = np.asarray(reference.sources - self._centre, dtype=np.float32)

    @property
    def force_error(self) -> float:
        """The relative error of the map's repulsive forces at a sample of its own points; NaN where sums are exact."""
        return self.reference.error

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the summed loss (NaN unless asked for) and a quarter of its gradient, shape (m, d)."""
        self.edges.check(points)
        potential = self.reference.evaluate(points)
        repulsion = potential.gradient * self.normalizer.factors(potential.values)[:, None]
        near = self.edges.near(points, self._centre, self.n_jobs)
        numbers = (self.attraction, exaggeration, repulsion, 1.0, self.n_jobs)
        gradient = self.edges.add_attraction(near, self._near, *numbers)
        if not with_loss:
            return float("nan"), gradient
        attraction = self.edges.loss(points, self.reference.sources, self.attraction, self.n_jobs)
        return self.normalizer.constant + attraction + self.normalizer.value(potential.values), gradient

    def edge_losses(self, points: Array) -> Array:
        """Return ``p_ij A(d_ij²)`` of every edge to the map, shape (edges,), in the order of P."""
        return self.edges.losses(points, self.reference.sources, self.attraction, self.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return the loss of each point, shape (m,)."""
        shares = self.normalizer.shares(self.reference.evaluate(points).values)
        return self.edges.row_sums(self.edge_losses(points)) + shares
