"""What a loss is: options that say which, and an objective once it is bound to data."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np

from .._types import Array
from ..devices import lies_on_gpu
from ..errors import InvalidTypeError, UnavailableError
from ..ops import checksum
from ..optimizer import LearningObjective, Objective, State
from ..repulsion import Control, FrozenReference, Radial, RepulsionEngine
from .edges import Edges, is_read_only

MOST_GRAPHS = 2  # that are kept besides those of P
MOST_ENGINES = 4  # that are kept; learnable parameters and other methods ask for more than one


class Placing(NamedTuple):
    """How new points are placed on a finished map, unless the call says otherwise.

    Attributes
    ----------
    learning_rate : float
    exaggeration : float
    n_iter : int
    momentum : float
    max_grad_norm : float or None
    apart : float
        How far new points that begin in the place of another are moved when a map grows, of its standard deviation: for
        losses that are infinite where two points are in one place.

    Examples
    --------
    >>> from opentsne_like.objectives import ElasticEmbedding, KullbackLeibler
    >>> KullbackLeibler.placing.exaggeration, ElasticEmbedding.placing.exaggeration
    (1.5, 1.0)
    """

    learning_rate: float = 0.1
    exaggeration: float = 1.5
    n_iter: int = 250
    momentum: float = 0.8
    max_grad_norm: float | None = 0.25
    apart: float = 0.0


@runtime_checkable
class AdditiveObjective(Objective, Protocol):
    """An objective that says what each edge and each point adds to its value, without exaggeration.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.objectives import AdditiveObjective, Context, ElasticEmbedding, Parts
    >>> P, points = affinity.Uniform(np.eye(4), k_neighbors=2).P, np.random.default_rng(0).normal(size=(4, 2))
    >>> objective = ElasticEmbedding().bind(P, Context(n_jobs=1, state=None, parts=Parts()))
    >>> isinstance(objective, AdditiveObjective), objective.point_losses(points).shape
    (True, (4,))
    """

    def edge_losses(self, points: Array) -> Array:
        """Return the value of the attraction along every edge of P, shape (edges,), in its order."""

    def point_losses(self, points: Array) -> Array:
        """Return what each point contributes, shape (n,); the sum is the loss."""


@runtime_checkable
class EdgeSource(Protocol):
    """A matrix P that says itself what its edges are, such as one whose rows stand on the workers of a cluster.

    Attributes
    ----------
    key : tuple
        Hashable; tells it from others.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import EdgeSource, Edges, Parts
    >>> class Doubled(csr_matrix):
    ...     key = ("doubled",)
    ...
    ...     def edges(self, n_jobs):
    ...         return Edges.of(2 * csr_matrix(self), n_jobs=n_jobs)
    >>> P = Doubled(np.array([[0, 0.5], [0.5, 0]]))
    >>> isinstance(P, EdgeSource), Parts().edges(P, n_jobs=1).mass
    (True, 2.0)
    """

    @property
    def key(self) -> tuple[Any, ...]:
        """See above."""

    def edges(self, n_jobs: int) -> Edges:
        """Return the edges, or what has as much of `Edges` as a loss wants, and refuses the rest by name."""


class Parts:
    """What outlives a binding: edges, by the checksum of P, and engines, by what makes them.

    An embedding and its copies share one, so that neither edges nor influence functions are made twice.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Parts
    >>> parts, P = Parts(), csr_matrix(np.array([[0, 0.5], [0.5, 0]]))
    >>> parts.edges(P, n_jobs=1) is parts.edges(P, n_jobs=1)
    True
    """

    def __init__(self) -> None:
        self._known: tuple[Any, Any] | None = None
        self._edges: tuple[Any, Edges] | None = None
        self._engines: OrderedDict[Any, RepulsionEngine] = OrderedDict()
        self._kept: OrderedDict[Any, Edges] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return Parts, ()

    def edges(self, P: Any, n_jobs: int) -> Edges:
        """Return the edges of P, made anew only when somebody has written into it."""
        make = P.edges if isinstance(P, EdgeSource) else partial(Edges.of, P if lies_on_gpu(P) else P.tocsr())
        key = (P if lies_on_gpu(P) else self.key(P, n_jobs), n_jobs)
        with self._lock:
            if self._edges is None or self._edges[0] != key:
                self._edges = None  # before the new ones are made, lest there be two
                self._edges = (key, make(n_jobs=n_jobs))
            return self._edges[1]

    def kept(self, key: Any, make: Callable[[], Edges]) -> Edges:
        """Return a graph that a loss makes besides that of P, by a key that tells it from others."""
        with self._lock:
            made = self._kept.pop(key, None) or make()
            self._kept[key] = made
            if len(self._kept) > MOST_GRAPHS:
                self._kept.popitem(last=False)
            return made

    def leave_gpu(self) -> None:
        """Drop what of edges and engines lies on a GPU."""
        with self._lock:
            if self._edges is not None:
                self._edges[1].leave_gpu()
            for engine in self._engines.values():
                engine.leave_gpu()

    def fingerprint(self, source: Any, n_jobs: int) -> tuple[Any, ...]:
        """Return what tells a sparse matrix or an array from others, see `key`."""
        return self.key(source, n_jobs) if hasattr(source, "tocsr") else (source.shape, checksum(source, n_jobs))

    def key(self, P: Any, n_jobs: int) -> tuple[Any, ...]:
        """Return what tells a sparse matrix from another, and from itself after somebody has written into it.

        A matrix that cannot be written into is looked through once.
        """
        if isinstance(P, EdgeSource):
            return P.key
        P = P.tocsr()
        known = self._known
        if known is None or known[0] is not P or not is_read_only(P):
            sums = (checksum(part, n_jobs) for part in (P.data, P.indices, P.indptr))
            self._known = known = (P, (P.shape, *sums))
        return cast("tuple[Any, ...]", known[1])

    def engine(self, radial: Radial, kind: type[RepulsionEngine] = RepulsionEngine, **options: Any) -> RepulsionEngine:
        """Return the engine of a radial function, of a kind and with these options."""
        key = (radial, kind, *sorted(options.items()))
        try:
            hash(key)
        except TypeError as error:
            raise InvalidTypeError(
                f"the radial function {type(radial).__name__} must be a frozen dataclass of numbers, by which its "
                "engine is kept and found again"
            ) from error
        with self._lock:
            engine = self._engines.pop(key, None) or kind(radial, **options)
            self._engines[key] = engine
            if len(self._engines) > MOST_ENGINES:
                self._engines.popitem(last=False)
            return engine


@dataclass(frozen=True)
class Context:
    """What a loss is bound in.

    Attributes
    ----------
    n_jobs : int
        Threads; no result depends on it.
    state : State or None
        Of the optimization, for learnable parameters and for what is carried from one iteration to the next; None where
        nothing has begun.
    parts : Parts
    taken : tuple of ndarray
        What the loss takes of the affinities besides P, see `Loss.takes`.

    Examples
    --------
    >>> from opentsne_like.objectives import Context, Parts
    >>> from opentsne_like.repulsion import Gaussian
    >>> context = Context(n_jobs=1, state=None, parts=Parts())
    >>> context.engine(Gaussian(), method="fft") is context.engine(Gaussian(), method="fft")
    True
    """

    n_jobs: int
    state: State | None
    parts: Parts
    taken: tuple[Array, ...] = ()

    def edges(self, P: Any) -> Edges:
        """Return the edges of P."""
        return self.parts.edges(P, self.n_jobs)

    def engine(self, radial: Radial, kind: type[RepulsionEngine] = RepulsionEngine, **options: Any) -> RepulsionEngine:
        """Return the engine of a radial function, see `repulsion.RepulsionEngine`."""
        return self.parts.engine(radial, kind, n_jobs=self.n_jobs, **options)

    def control(self) -> Control:
        """Return what keeps the forces of a map to their tolerance, and remembers in the state how."""
        return Control() if self.state is None else Control(self.state.carried, self.state.counter)

    def frozen(self, reference: Any, engine: RepulsionEngine) -> FrozenReference:
        """Return the potential of a map that does not move: an embedding, which keeps it, or coordinates (n, d)."""
        if hasattr(reference, "frozen"):
            return cast(FrozenReference, reference.frozen(engine))
        return engine.freeze(np.array(reference))


@dataclass(frozen=True)
class Loss(ABC):
    """A loss of neighbour embedding as data: a frozen dataclass whose fields are its options, JSON values only.

    A loss knows neither P nor a map. An embedding binds it, and goes down the objective that comes out; the file of an
    embedding holds the loss by its name in `objectives.LOSSES` and its fields. How to write one is shown in the guide
    "Extending".

    Attributes
    ----------
    label : str
        The name of its value: what bars, records and messages say.
    placing : Placing or None
        How new points are placed; None where they cannot be.
    learnable : mapping of str to (float, float)
        The smallest and largest value of each learnable parameter that it may have, by the name of its array.
    is_data : bool
        False where an object of the user's stands behind it, which may change unseen: no value of it is kept.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from opentsne_like.objectives import KullbackLeibler, Loss
    >>> loss = replace(KullbackLeibler(), dof=0.5)
    >>> isinstance(loss, Loss), loss.label, loss == KullbackLeibler(0.5), loss.learning_rate(1200, exaggeration=12.0)
    (True, 'KL divergence', True, 100.0)
    """

    label: ClassVar[str]
    placing: ClassVar[Placing | None] = None
    learnable: ClassVar[Mapping[str, tuple[float, float]]] = {}
    is_data: ClassVar[bool] = True

    @abstractmethod
    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective of a map whose points attract each other along the edges of P.

        Parameters
        ----------
        P : csr_matrix of shape (n, n)
        context : Context
        """

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective of points that are placed, each by itself, on a map that does not move.

        Parameters
        ----------
        P : csr_matrix of shape (m, n)
            Affinities of the points to those of the map; rows sum to 1.
        reference : Embedding or ndarray of shape (n, d)
        context : Context

        Raises
        ------
        UnavailableError
            If this loss places no points.
        """
        raise UnavailableError(
            f"`loss` {type(self).__name__} cannot place new points on a finished map; make a map of all points, "
            "or take a loss that can, such as KullbackLeibler"
        )

    @abstractmethod
    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return the unit of the learning rate for a map of `n` points, of which optimizers make "auto"."""

    def takes(self, affinities: Any) -> tuple[Array, ...]:
        """Return what a loss depends on besides P and the map: arrays of the affinities, such as their data.

        It finds them in the context in which it is bound, or placed: there they are those of the map that does not
        move. Most losses take none.

        Parameters
        ----------
        affinities : Affinities or None

        Raises
        ------
        UnavailableError
            If these affinities do not have what this loss takes.
        """
        return ()

    def check_dimension(self, dimension: int) -> None:  # noqa: B027 (most losses take every one)
        """Refuse maps of a dimension that this loss is not made for; by default every one is taken."""

    def parameters(self) -> dict[str, Array]:
        """Return the learnable parameters as they are before the first step: arrays (3, k) of the state, by name."""
        return {}

    def settled(self, state: State | None) -> Loss:
        """Return this loss with numbers in the place of what is learned: those that `state` has come to."""
        return self

    def precise(self) -> Loss:
        """Return the loss by which a value is read rather than descended: the same, with smaller errors."""
        return self

    @property
    def steady(self) -> bool:
        """Whether its gradient is always that of the points as they are, as a search along a line takes it to be."""
        return True

    @property
    def on_gpu(self) -> bool:
        """Whether its objective of a map takes points that lie on a GPU."""
        return False

    @property
    def carries(self) -> tuple[str, ...]:
        """Names of what its objective carries from one iteration to the next, see `objectives.carrying`."""
        return ()


@dataclass(frozen=True)
class ObjectiveLoss(Loss):
    """A finished objective of the user's own as a loss: used as it is, without P and without anything of t-SNE.

    Parameters
    ----------
    objective : Objective
        With a method ``evaluate(points, *, exaggeration, with_loss)``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNEEmbedding, affinity
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> Y = Y.optimize(100, loss=Bowl(), learning_rate=0.5)
    >>> bool(abs(np.asarray(Y)).max() < 1e-3)
    True
    """

    objective: Any
    label: ClassVar[str] = "loss"
    is_data: ClassVar[bool] = False

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the objective."""
        return cast(Objective, self.objective)

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the objective."""
        return cast(Objective, self.objective)

    def learning_rate(self, n: int, exaggeration: float) -> float:
        """Return 1: of a loss that nothing is known of, the user knows the rate."""
        return 1.0


__all__ = [
    "AdditiveObjective",
    "Context",
    "EdgeSource",
    "LearningObjective",
    "Loss",
    "Objective",
    "ObjectiveLoss",
    "Parts",
    "Placing",
]
