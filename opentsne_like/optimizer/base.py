"""What passes between the loop, an objective and an optimizer: steps, proposals, records, reasons to stop."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol, runtime_checkable

from .._types import Array
from .constraints import Constraint


class StopReason(Enum):
    """Why an optimization ended; `stop_reason` of an embedding is one of these.

    Attributes
    ----------
    FINISHED, CALLBACK, CONVERGED, FLAT, TIME, INTERRUPTED
        All iterations were done; a callback said so; the loss stood still; the gradient was below `min_grad_norm`; the
        time was up; an error or Ctrl-C.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import StopReason
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y.optimize(5).stop_reason is StopReason.FINISHED
    True
    >>> print(StopReason.CALLBACK)
    a callback asked to stop
    """

    FINISHED = "all iterations were done"
    CALLBACK = "a callback asked to stop"
    CONVERGED = "the loss no longer falls"
    FLAT = "the gradient is below min_grad_norm"
    TIME = "the time is up"
    INTERRUPTED = "an error or Ctrl-C ended it; the last finished iteration was kept"

    def __str__(self) -> str:
        return self.value

    @property
    def ends_phase(self) -> bool:
        """Whether a phase has ended sooner than its iterations, because there was nothing left to do in it."""
        return self in (StopReason.CONVERGED, StopReason.FLAT)


class Record(NamedTuple):
    """What is kept of one iteration.

    Attributes
    ----------
    iteration : int
        Iterations of this embedding so far, this one included.
    loss : float
        Before the step, without exaggeration; NaN where nobody asked for it.
    gradient_norm : float
        Root of the summed squares of a quarter of the gradient at points that move, before clipping.
    exaggeration : float
    seconds : float
        Of this iteration up to its commit, callbacks that look at the map before the step included.

    Examples
    --------
    >>> from opentsne_like.optimizer import Record
    >>> Record(1, 2.5, 0.1, 12.0, 0.01).kl_divergence
    2.5
    """

    iteration: int
    loss: float
    gradient_norm: float
    exaggeration: float
    seconds: float

    @property
    def kl_divergence(self) -> float:
        """The loss, by the name it has for t-SNE."""
        return self.loss


class Step(NamedTuple):
    """What the schedule says of one iteration.

    Attributes
    ----------
    exaggeration : float
        Factor on the attraction.
    learning_rate, momentum : float
    constraint : Constraint
        What every map has to keep to.
    n_jobs : int
        Threads; no result depends on it.
    subject : float
        A number that tells what is descended, loss and P, from others; 0 where no optimizer asks.
    remaining : float
        What is left of the call, from 1 in its first iteration down to 1 / n_iter in its last.

    Examples
    --------
    >>> from opentsne_like.optimizer import Schedule
    >>> plan = Schedule(10, exaggeration=4.0).plan(100, lambda rho: 100 / rho, None, n_jobs=1)
    >>> plan.at(0).exaggeration, plan.at(0).learning_rate, plan.at(0).momentum
    (4.0, 25.0, 0.8)
    """

    exaggeration: float
    learning_rate: float
    momentum: float
    constraint: Constraint
    n_jobs: int
    subject: float = 0.0
    remaining: float = 1.0


class Proposal(NamedTuple):
    """A step that was made beside the current map, and is not yet the current one.

    Attributes
    ----------
    points : ndarray of shape (n, d), float64
        Where the points would go.
    mean : ndarray of shape (d,)
        Their mean; not finite where a coordinate is not.
    offset : ndarray of shape (d,)
        What is taken off each of them when the step is committed.
    loss : float
        At the current map, without exaggeration; NaN unless it was wanted.
    gradient_norm : float
        Of a quarter of the gradient at the current map.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Momentum, Schedule
    >>> class Bowl:
    ...     def evaluate(self, points, *, exaggeration, with_loss):
    ...         return 0.5 * float((points**2).sum()), points / 4
    >>> points = np.ones((2, 2))
    >>> step = Schedule(1, learning_rate=1.0).plan(2, lambda rho: 1.0, None, n_jobs=1).at(0)
    >>> made = Momentum(use_gains=False).propose(Bowl(), points, Momentum().start(points), step, with_loss=True)
    >>> made.points.tolist(), made.loss, points.tolist()
    ([[0.75, 0.75], [0.75, 0.75]], 2.0, [[1.0, 1.0], [1.0, 1.0]])
    """

    points: Array
    mean: Array
    offset: Array
    loss: float
    gradient_norm: float


class Objective(Protocol):
    """A loss over the coordinates of a map, with its gradient: bound to its edges and to its way of summing all pairs.

    Loop and optimizers know nothing else of a method: not its kernel, not its normalizer, not where its edges come
    from.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import Context, ElasticEmbedding, Parts
    >>> P = csr_matrix(np.array([[0, 0.5], [0.5, 0]]))
    >>> objective = ElasticEmbedding().bind(P, Context(n_jobs=1, state=None, parts=Parts()))
    >>> loss, gradient = objective.evaluate(np.array([[0.0, 0.0], [1.0, 0.0]]), exaggeration=1.0, with_loss=True)
    >>> round(loss, 3), gradient.shape
    (1.368, (2, 2))
    """

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return loss and gradient at `points`.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64
        exaggeration : float
            Factor on the attraction.
        with_loss : bool
            Whether the loss is wanted; if not, NaN stands in its place.

        Returns
        -------
        loss : float
            Without exaggeration.
        gradient : ndarray of shape (n, d)
            A quarter of the derivative of the loss, as is the custom with t-SNE; another part where an objective has an
            attribute `share` that says so.
        """


@runtime_checkable
class LearningObjective(Objective, Protocol):
    """An objective with learnable parameters: numbers of its own, such as those of its kernel, beside the coordinates.

    Attributes
    ----------
    learns : str
        The name of the array of the state that holds them, shape (3, k): values, last steps, gains.
    bounds : (float, float)
        Smallest and largest value.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.objectives import Context, KullbackLeibler, Parts
    >>> from opentsne_like.optimizer import LearningObjective
    >>> P, context = affinity.Uniform(np.eye(4), k_neighbors=2).P, Context(n_jobs=1, state=None, parts=Parts())
    >>> [isinstance(KullbackLeibler(dof).bind(P, context), LearningObjective) for dof in (1.0, "learn")]
    [False, True]
    """

    learns: str
    bounds: tuple[float, float]

    def is_due(self, iteration: int, exaggeration: float) -> bool:
        """Say whether the parameters move in this iteration of the map, counted from 0: at the objective's own pace."""

    def parameter_gradient(self, points: Array) -> Array:
        """Return the derivative of the loss, without exaggeration, in each of the values, shape (k,)."""
