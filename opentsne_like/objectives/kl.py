"""The KL divergence of t-SNE: the loss, its placing, and its degrees of freedom as a learnable parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from .._types import Array
from .._validation import check_choice, check_integer, check_real
from ..optimizer import Objective, State
from ..repulsion import Control, LogStudentT, LogStudentTTail, RepulsionEngine, StudentT, StudentTTail
from .all_pairs import AllPairs
from .base import Context, Placing
from .edges import Edges
from .learned import LearnedObjective, learned
from .normalizers import LogPartition, PlacedLogPartition
from .pairs import PairLoss
from .placed import PlacedPairLoss
from .stale import StaleForces

LOG_DOF = "log_dof"  # the array of the state that holds learned degrees of freedom
EXACT_TAIL_BELOW = 700  # points; above, the second radial sum is faster on the grid


@dataclass(frozen=True)
class KullbackLeibler(AllPairs):
    r"""The Kullback-Leibler divergence between P and the map's heavy-tailed similarities: the loss of t-SNE.

    .. math::
        KL = \sum_{ij} p_{ij} [\log p_{ij} + a \log(1 + d_{ij}^2 / a)] + (\sum_{ij} p_{ij}) \log Z,
        \qquad Z = \sum_{i \ne j} (1 + d_{ij}^2 / a)^{-a}

    with `a` the degrees of freedom.

    Attributes
    ----------
    dof : float or "learn"
        Degrees of freedom; "learn" goes down the gradient in them too, every fifth iteration without exaggeration,
        from where the state stands or from 1.
    repulsion_every : int
        Iterations that share one evaluation of repulsion, for maps that move as a whole: faster and less exact.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    References
    ----------
    van der Maaten & Hinton, *Visualizing data using t-SNE* (2008); Kobak, Linderman, Steinerberger, Kluger & Berens,
    *Heavy-tailed kernels reveal a finer cluster structure in t-SNE visualisations* (2019).

    Examples
    --------
    >>> from opentsne_like.objectives import KullbackLeibler
    >>> KullbackLeibler(dof=0.5)
    KullbackLeibler(method='auto', theta=0.5, tolerance=0.005, repulsion_strength=1.0, dof=0.5, repulsion_every=1)
    """

    dof: float | str = 1.0
    repulsion_every: int = 1
    label: ClassVar[str] = "KL divergence"
    placing: ClassVar[Placing | None] = Placing()
    learnable: ClassVar[Mapping[str, tuple[float, float]]] = {LOG_DOF: (float(np.log(0.1)), float(np.log(100.0)))}

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.dof, str):
            check_choice(self.dof, "dof", ("learn",))
        else:
            check_real(self.dof, "dof", above=0)
        check_integer(self.repulsion_every, "repulsion_every", at_least=1)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        edges, state, control = context.edges(P), context.state, context.control()
        keeps = self.repulsion_every > 1 and state is not None
        stale = StaleForces(int(self.repulsion_every), cast(State, state), control) if keeps else None

        def of(dof: float) -> PairLoss:
            loss = self if dof == self.dof else replace(self, dof=dof)
            return divergence(edges, dof, loss.engine(context), control, stale, self.repulsion_strength)

        if self.dof == "learn":
            return LearnedDivergence(state, of)
        return of(float(self.dof))

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map, with degrees of freedom that are a number."""
        frozen = context.frozen(reference, self.engine(context))
        return placed_divergence(context.edges(P), float(self.dof), frozen, context.n_jobs, self.repulsion_strength)

    @property
    def kernel(self) -> StudentT:
        """Student's t, with degrees of freedom that are a number."""
        return StudentT(float(self.dof))

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return ``n / exaggeration``: attraction then moves points by about their distance (Belkina et al. 2019)."""
        return n / exaggeration

    def parameters(self) -> dict[str, Array]:
        """Return the logarithm of the degrees of freedom, if they are learned: 0, no step, a gain of 1."""
        return {LOG_DOF: np.array([[0.0], [0.0], [1.0]])} if self.dof == "learn" else {}

    def settled(self, state: State | None) -> Self:
        """Return the loss with the degrees of freedom that `state` has come to; 1 where none were learned."""
        return replace(self, dof=learned_dof(state)) if self.dof == "learn" else self

    def precise(self) -> Self:
        """Return the loss with a narrow opening angle, and with forces of the points as they are."""
        return replace(super().precise(), repulsion_every=1)

    @property
    def steady(self) -> bool:
        """Whether no repulsion is kept for several iterations."""
        return self.repulsion_every == 1

    @property
    def on_gpu(self) -> bool:
        """Whether no repulsion is kept for several iterations, nor summed by a tree."""
        return self.steady and self.method != "bh"

    @property
    def carries(self) -> tuple[str, ...]:
        """What is known of the error of the forces, and repulsion that is kept for several iterations."""
        return (*super().carries, *(StaleForces.names if self.repulsion_every > 1 else ()))


def learned_dof(state: State | None) -> float:
    """Return the degrees of freedom that an optimization has learned; 1 where it has learned none.

    Parameters
    ----------
    state : State or None

    Examples
    --------
    >>> from opentsne_like.objectives import learned_dof
    >>> learned_dof(None)
    1.0
    """
    return learned(state, LOG_DOF, 1.0)


def divergence(
    edges: Edges,
    dof: float,
    engine: RepulsionEngine,
    control: Control | None = None,
    stale: StaleForces | None = None,
    strength: float = 1.0,
) -> PairLoss:
    """Return the KL divergence of a map as an objective.

    Parameters
    ----------
    edges : Edges
    dof : float
        Degrees of freedom.
    engine : RepulsionEngine
        With the kernel of the same degrees of freedom.
    control : Control, optional
    stale : StaleForces, optional
    strength : float
        Weight of the logarithm of the partition function.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, divergence
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> P = csr_matrix(np.array([[0, 0.5], [0.5, 0]]))
    >>> objective = divergence(Edges.of(P), 1.0, RepulsionEngine(StudentT(1.0)))
    >>> loss, _ = objective.evaluate(np.array([[0.0, 0.0], [1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> round(abs(loss), 6)
    0.0
    """
    return PairLoss(edges, LogStudentT(dof), engine, LogPartition(edges, strength), control, stale)


def placed_divergence(edges: Edges, dof: float, reference: Any, n_jobs: int, strength: float = 1.0) -> PlacedPairLoss:
    """Return the KL divergences of points that are placed on a frozen map, each its own, as one objective.

    Parameters
    ----------
    edges : Edges
        Of P, (m, n), whose rows sum to 1.
    dof : float
        Degrees of freedom.
    reference : FrozenReference
    n_jobs : int
    strength : float
        Weight of the logarithms of the partition functions.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, placed_divergence
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> reference = RepulsionEngine(StudentT(), n_jobs=1).freeze(np.array([[0.0, 0.0], [2.0, 0.0]]))
    >>> objective = placed_divergence(Edges.of(csr_matrix(np.array([[0.5, 0.5]]))), 1.0, reference, n_jobs=1)
    >>> loss, _ = objective.evaluate(np.array([[1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> round(abs(loss), 5)
    0.0
    """
    return PlacedPairLoss(edges, LogStudentT(dof), reference, PlacedLogPartition(edges, strength), n_jobs)


class LearnedDivergence(LearnedObjective):
    """The KL divergence of t-SNE, whose degrees of freedom are learned with the map.

    Parameters
    ----------
    state : State or None
        Holds the logarithm of the degrees of freedom, which optimizers move; 1 where nothing has begun.
    of : callable
        From degrees of freedom to the objective that has them.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.objectives import Context, KullbackLeibler, Parts
    >>> P = affinity.Uniform(np.eye(4), k_neighbors=2).P
    >>> objective = KullbackLeibler("learn").bind(P, Context(n_jobs=1, state=None, parts=Parts()))
    >>> objective.learns, objective.is_due(5, 1.0), objective.is_due(5, 12.0), objective.is_due(6, 1.0)
    ('log_dof', True, False, False)
    """

    learns = LOG_DOF
    bounds = KullbackLeibler.learnable[LOG_DOF]

    def slope(self, points: Array) -> float:
        """Return the derivative of the KL divergence in the degrees of freedom."""
        return dof_gradient(self.now, points)


def dof_gradient(objective: PairLoss, points: Array) -> float:
    r"""Return the derivative of the KL divergence, without exaggeration, in the degrees of freedom.

    .. math::
        \frac{\partial KL}{\partial a} = \sum_{ij} p_{ij} \ell_{ij}
        - \frac{\sum_{ij} p_{ij}}{Z} \sum_{i \ne j} w_{ij} \ell_{ij},
        \qquad \ell = \log(1 + u) - \frac{u}{1 + u}, \quad u = \frac{d^2}{a}

    with :math:`w = (1 + u)^{-a}`. The second sum is radial like Z, and taken in the same way.

    Parameters
    ----------
    objective : PairLoss
        From `divergence`.
    points : ndarray of shape (n, d), float64

    References
    ----------
    Kobak, Linderman, Steinerberger, Kluger & Berens, *Heavy-tailed kernels reveal a finer cluster structure in t-SNE
    visualisations* (2019), for the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Edges, divergence, dof_gradient
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> points = np.random.default_rng(0).normal(size=(4, 2))
    >>> edges = Edges.of(csr_matrix((np.ones((4, 4)) - np.eye(4)) / 12))
    >>> def at(dof):
    ...     return divergence(edges, dof, RepulsionEngine(StudentT(dof), method="exact"))
    >>> rise = [at(dof).evaluate(points, exaggeration=1.0, with_loss=True)[0] for dof in (0.99, 1.01)]
    >>> abs(dof_gradient(at(1.0), points) - (rise[1] - rise[0]) / 0.02) < 1e-4
    True
    """
    engine, edges = objective.engine, objective.edges
    dof = float(cast(StudentT, engine.radial).dof)
    tails = RepulsionEngine(
        StudentTTail(dof),
        method="exact" if engine.method == "exact" or len(points) < EXACT_TAIL_BELOW else "fft",
        tolerance=engine.tolerance,
        n_jobs=engine.n_jobs,
    )
    z = engine.evaluate(points).total
    pulled = edges.loss(points, points, LogStudentTTail(dof), engine.n_jobs)
    mass = cast(LogPartition, objective.normalizer).weight * edges.mass
    return pulled - mass * tails.evaluate(points).total / z if z > 0 else pulled
