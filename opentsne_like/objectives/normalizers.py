"""Normalizers: what a loss makes of the potentials of a map, or of a frozen one at points that are placed on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from .._types import Array
from ..repulsion import Potential
from .edges import Edges

FAINTEST = np.float32(1e-30)  # potential that float32 can divide by


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
    r"""The logarithm of the partition function, :math:`N = \nu\, m \log Z` with :math:`Z = \sum_i \varphi_i`.

    With it goes the constant ``sum w log w``, by which the loss is a divergence: 0 where edges and map agree. `m` is
    ``sum w``. In the gradient it counts as 1, so edges that sum to another number act like an exaggeration, as they do
    in openTSNE, whose objective functions get it inside P.

    Parameters
    ----------
    edges : Edges
    weight : float
        The factor nu.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, LogPartition
    >>> normalizer = LogPartition(Edges.of(csr_matrix(np.array([[0, 0.5], [0.5, 0]]))))
    >>> round(normalizer.constant + normalizer.value(2.0), 6), normalizer.factor(2.0)
    (0.0, 0.25)
    """

    def __init__(self, edges: Edges, weight: float = 1.0) -> None:
        self.edges, self.weight = edges, float(weight)

    @property
    def constant(self) -> float:
        """``sum w log w``, computed when it is first wanted."""
        return self.edges.entropy

    def value(self, total: float) -> float:
        """Return ``weight * m * log(total)``."""
        return self.weight * self.edges.mass * float(np.log(total))

    def factor(self, total: float) -> float:
        """Return ``weight / (2 total)``."""
        return 0.5 * self.weight / total if total > 0.0 else np.inf

    def shares(self, potential: Potential) -> Array:
        """Return ``sum_j p_ij (log p_ij + weight log Z)``: with attraction, the divergence of each row of P."""
        return self.edges.row_entropies + self.weight * self.edges.row_masses * float(np.log(potential.total))


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
    r"""The logarithm of each point's own partition function, :math:`N = \nu \sum_i m_i \log \varphi_i`.

    `m` are the rows' sums.

    A point so far away that the potential is below 1e-30 is attracted only.

    Parameters
    ----------
    edges : Edges
    weight : float
        The factor nu.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, PlacedLogPartition
    >>> normalizer = PlacedLogPartition(Edges.of(csr_matrix(np.array([[0.5, 0.5]]))))
    >>> normalizer.factors(np.array([2.0], np.float32)).tolist()
    [0.25]
    """

    def __init__(self, edges: Edges, weight: float = 1.0) -> None:
        self.edges, self.weight = edges, float(weight)

    @property
    def constant(self) -> float:
        """``sum p log p``."""
        return self.edges.entropy

    def value(self, potentials: Array) -> float:
        """Return ``weight * sum m * log(potentials)``."""
        return float(self._logarithms(potentials).sum())

    def factors(self, potentials: Array) -> Array:
        """Return ``weight / (2 potentials)``."""
        return np.asarray((0.5 * self.weight) / np.maximum(potentials, FAINTEST))

    def shares(self, potentials: Array) -> Array:
        """Return ``sum_j p_ij (log p_ij + weight log phi_i)``."""
        return self.edges.row_entropies + self._logarithms(potentials)

    def _logarithms(self, potentials: Array) -> Array:
        logarithms = np.log(np.maximum(potentials, FAINTEST).astype(np.float64))
        return np.asarray(self.weight * self.edges.row_masses * logarithms)


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
