"""PaCMAP: attraction of near and mid-near pairs, repulsion of further ones, each along its own graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._types import Array
from .._validation import check_integer, check_real
from ..affinity import table_of
from ..optimizer import Objective
from ..repulsion import Hyperbola, Saturation, StudentT
from .all_pairs import AllPairs, check_pairs
from .base import Context, Placing
from .drawing import further_pairs, mid_near_pairs
from .edges import Edges
from .normalizers import PlacedWeighted
from .placed import PlacedPairLoss

NEAR, MID_NEAR, FURTHER = 10.0, 10_000.0, 1.0  # squared distances at which half of a force's way is gone


@dataclass(frozen=True)
class PaCMAP(AllPairs):
    r"""The loss of pairwise controlled manifold approximation, as in the package of that name.

    .. math::
        L = w_N \sum_{near} \frac{\tilde d_{ij}}{10 + \tilde d_{ij}}
        + w_M \sum_{mid\,near} \frac{\tilde d_{ij}}{10000 + \tilde d_{ij}}
        + w_F \sum_{further} \frac{1}{1 + \tilde d_{ij}}, \qquad \tilde d_{ij} = 1 + d_{ij}^2

    Near pairs are the edges of P, whose weights sum to 1 and count ``n n_neighbors`` pairs together. The others are
    drawn at random, once for a seed: a mid-near partner is the second nearest of six points, by distances in the data;
    a further one is any point without an edge. Exaggeration is a factor on the mid-near pairs, which early on give the
    map its global shape.

    A new point on a map is attracted by its neighbours and repelled by all points of the map, in the mean over the
    further pairs that it might have drawn.

    Attributes
    ----------
    n_neighbors : int
        Near pairs that a point counts for.
    n_mid_near, n_further : int
        Pairs that are drawn for each point.
    w_near, w_mid_near, w_further : float
        Weights; with mid-near pairs the affinities have to know their data.
    seed : int
        Of the pairs that are drawn.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how that of new points by the map is summed, see `objectives.AllPairs`.

    References
    ----------
    Wang, Huang, Rudin & Shaposhnik, *Understanding how dimension reduction tools work* (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import PaCMAP
    >>> from opentsne_like.optimizer import Adam
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> start = initialization.rescale(initialization.pca(X, random_state=0), target_std=0.01)
    >>> Y = Embedding(start, affinity.ScaledNeighbors(X), loss=PaCMAP(w_mid_near=3.0), optimizer=Adam())
    >>> Y.optimize(50).loss_value < Y.loss_value
    True
    """

    n_neighbors: int = 10
    n_mid_near: int = 5
    n_further: int = 20
    w_near: float = 1.0
    w_mid_near: float = 0.0
    w_further: float = 1.0
    seed: int = 0
    label: ClassVar[str] = "PaCMAP loss"
    placing: ClassVar[Placing | None] = Placing(learning_rate=1.0, exaggeration=1.0, max_grad_norm=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.n_neighbors, "n_neighbors", at_least=1)
        for name in ("n_mid_near", "n_further"):
            check_integer(getattr(self, name), name, at_least=0)
        check_real(self.w_near, "w_near", above=0)
        for name in ("w_mid_near", "w_further"):
            check_real(getattr(self, name), name, at_least=0)
        check_integer(self.seed, "seed", at_least=0, at_most=2**63 - 1)

    @property
    def _has_mid_near(self) -> bool:
        return self.w_mid_near > 0 and self.n_mid_near > 0

    @property
    def _further(self) -> float:
        """The weight of further pairs, which alone repel."""
        return float(self.w_further * self.repulsion_strength)

    def takes(self, affinities: Any) -> tuple[Array, ...]:
        """Return the data, by whose distances mid-near pairs are chosen."""
        if not self._has_mid_near:
            return ()
        return (table_of(affinities, "`w_mid_near` weighs pairs that are chosen by distances in the data"),)

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map."""
        n = check_pairs(P)
        near = Pull(context.edges(P), NEAR, self.w_near * n * self.n_neighbors)
        mid_near = further = None
        if self._has_mid_near:
            (data,) = context.taken
            drawn = self._drawn("mid-near", context, data, lambda: mid_near_pairs(data, self.n_mid_near, self.seed))
            mid_near = Pull(drawn, MID_NEAR, self.w_mid_near)
        if self._further > 0 and self.n_further > 0:
            drawn = self._drawn("further", context, P, lambda: further_pairs(P.tocsr(), self.n_further, self.seed))
            further = Pull(drawn, FURTHER, -self._further)
        return PairsObjective(near, mid_near, further, context.n_jobs)

    def _drawn(self, kind: str, context: Context, source: Any, draw: Callable[[], Array]) -> Edges:
        """Return the graph of pairs that are drawn from data or from P, made once for each of them."""
        key = (kind, self.n_mid_near, self.n_further, self.seed, *context.parts.fingerprint(source, context.n_jobs))
        return context.parts.kept(key, lambda: pair_edges(draw(), context.n_jobs))

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of new points on a map, divided by the weight of their near pairs.

        A point of the map has twice ``n_further`` pairs that are further, those it has drawn and those that drew it,
        beside twice ``n_neighbors`` near ones.
        """
        frozen = context.frozen(reference, self.engine(context))
        weight = self._further * self.n_further / (self.w_near * self.n_neighbors * P.shape[1])
        return PlacedPairLoss(context.edges(P), Saturation(NEAR), frozen, PlacedWeighted(weight), context.n_jobs)

    @property
    def kernel(self) -> Hyperbola:
        """``1 / (2 + d²)``."""
        return Hyperbola(FURTHER)

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return half of the inverse of the attraction's stiffness at distance 0, of near and mid-near pairs."""
        near = 2 * self.w_near * self.n_neighbors * NEAR / (NEAR + 1.0) ** 2
        mid_near = 2 * self.w_mid_near * self.n_mid_near * MID_NEAR / (MID_NEAR + 1.0) ** 2
        return 1.0 / (near + exaggeration * mid_near)


def pair_edges(partners: Array, n_jobs: int) -> Edges:
    """Return pairs of each point (n, count) as a graph: both directions of a pair weigh a half.

    Parameters
    ----------
    partners : int ndarray of shape (n, count)
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import pair_edges
    >>> pair_edges(np.array([[1], [0], [0]]), n_jobs=1).weights.tolist()
    [1.0, 0.5, 1.0, 0.5]
    """
    from scipy import sparse

    n, count = partners.shape
    places = np.arange(0, n * count + 1, count)
    one_way = sparse.csr_matrix((np.full(n * count, 0.5), partners.ravel(), places), shape=(n, n))
    return Edges.of(sparse.csr_matrix(one_way + one_way.T), n_jobs=n_jobs)


class Pull:
    r"""Attraction along a graph that levels off, :math:`w \sum_{ij} p_{ij} \tilde d_{ij} / (h + \tilde d_{ij})`.

    With :math:`\tilde d = 1 + d^2` that is :math:`1 - h / (h + 1 + d^2)`, t-SNE's kernel on a map that is narrower by
    :math:`\sqrt{h + 1}`; so compiled loops have it. With a negative weight it is the repulsion
    :math:`|w| \sum_{ij} p_{ij} h / (h + \tilde d_{ij})`.

    Parameters
    ----------
    edges : Edges
    height : float
        h.
    weight : float
        w.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import Pull, pair_edges
    >>> points = np.array([[0.0, 0.0], [3.0, 0.0]])
    >>> Pull(pair_edges(np.array([[1], [0]]), n_jobs=1), height=10.0, weight=1.0).value(points, n_jobs=1)
    1.0
    """

    def __init__(self, edges: Edges, height: float, weight: float) -> None:
        self.edges, self.weight = edges, weight
        self._narrower = 1.0 / np.sqrt(height + 1.0)
        self._share = height / (height + 1.0)  # of t-SNE's kernel

    @property
    def stiffness(self) -> float:
        """The slope of attraction in the squared distance at 0, ``w h / (h + 1)²``."""
        return float(self.weight * self._share * self._narrower**2)

    @property
    def _level(self) -> float:
        """What is far away counts."""
        return max(self.weight, 0.0)

    def value(self, points: Array, n_jobs: int) -> float:
        """Return the part of the loss at points (n, d)."""
        near = points * self._narrower
        summed = self.edges.loss(near, near, StudentT(), n_jobs)
        return self._level * self.edges.mass - self.weight * self._share * summed

    def values(self, points: Array, n_jobs: int) -> Array:
        """Return the part of every edge, shape (edges,)."""
        near = points * self._narrower
        kernel = self.edges.losses(near, near, StudentT(), n_jobs)
        return self._level * self.edges.weights - self.weight * self._share * kernel

    def add(self, points: Array, mean: Array, factor: float, rest: Array, n_jobs: int) -> Array:
        """Return `rest` (n, d) and a quarter of `factor` times the gradient, float32."""
        scale = -factor * self.weight * self._share * self._narrower
        near = points * self._narrower
        return self.edges.mutual.add_mutual_attraction(
            near, mean * self._narrower, StudentT(), scale, rest, 1.0, n_jobs
        )


class PairsObjective:
    """The objective of a map along three graphs: of near pairs, of mid-near ones and of further ones.

    Parameters
    ----------
    near : Pull
    mid_near, further : Pull, optional
    n_jobs : int

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import PairsObjective, Pull, pair_edges
    >>> points, edges = np.array([[0.0, 0.0], [3.0, 0.0]]), pair_edges(np.array([[1], [0]]), n_jobs=1)
    >>> objective = PairsObjective(Pull(edges, 10.0, 1.0), None, Pull(edges, 1.0, -1.0), n_jobs=1)
    >>> round(objective.evaluate(points, exaggeration=1.0, with_loss=True)[0], 4)
    1.1818
    """

    def __init__(self, near: Pull, mid_near: Pull | None, further: Pull | None, n_jobs: int) -> None:
        self.near, self.mid_near, self.further, self.n_jobs = near, mid_near, further, n_jobs

    @property
    def _parts(self) -> list[Pull]:
        return [part for part in (self.further, self.mid_near, self.near) if part is not None]

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return the loss (NaN unless asked for) and a quarter of its gradient, shape (n, d)."""
        self.near.edges.check(points)
        mean, gradient = points.mean(axis=0), np.zeros(points.shape, np.float32)
        for part in self._parts:
            factor = exaggeration if part is self.mid_near else 1.0
            gradient = part.add(points, mean, factor, gradient, self.n_jobs)
        return self._value(points) if with_loss else float("nan"), gradient

    def evaluate_exaggerated(self, points: Array, *, exaggeration: float) -> tuple[float, float, Array]:
        """Return the loss without exaggeration, the loss with it, and a quarter of the gradient of the latter.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64
        exaggeration : float
        """
        loss, gradient = self.evaluate(points, exaggeration=exaggeration, with_loss=True)
        drawn = 0.0 if self.mid_near is None else self.mid_near.value(points, self.n_jobs)
        return loss, loss + (exaggeration - 1.0) * drawn, gradient

    def attractive_laplacian(self) -> Any:
        """Return the graph Laplacian L of attraction at distance 0: a quarter of its gradient is ``L Y`` on small maps.

        Returns
        -------
        csr_matrix of shape (n, n)
        """
        pulls = [part for part in (self.near, self.mid_near) if part is not None]
        return sum(part.edges.laplacian(part.stiffness) for part in pulls)

    def _value(self, points: Array) -> float:
        return sum(part.value(points, self.n_jobs) for part in self._parts)

    def edge_losses(self, points: Array) -> Array:
        """Return the part of every near pair, shape (edges,), in the order of P."""
        return self.near.values(points, self.n_jobs)

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes, shape (n,): half of all its pairs."""
        return np.asarray(sum(part.edges.row_sums(part.values(points, self.n_jobs)) for part in self._parts))
