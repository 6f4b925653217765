"""Repulsion from a few points that are drawn anew in every iteration, as contrastive methods and UMAP had it first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._parallel import chunk_bounds, run_tasks
from .._types import Array
from .._validation import check_choice, check_integer
from ..optimizer import State
from ..repulsion import Extent, Potential, RepulsionEngine
from .all_pairs import AllPairs
from .base import Context

REPULSIONS = ("all", "sampled")
DRAWS = 4  # for each negative that goes with an edge: by one, a rate that does not fall is lost in the noise
ROWS = 4096  # points of a chunk
WORD = 2**64 - 1
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of splitmix64


@dataclass(frozen=True, kw_only=True)
class Samplable(AllPairs):
    """A loss whose repulsion is a weighted sum over all pairs, and so may be estimated from a sample of them.

    Attributes
    ----------
    repulsion : {"all", "sampled"}
        "sampled" draws points for each point in every iteration, see `SampledForces`; the loss that is descended is the
        same, its gradient noisy. The value is read from all pairs.
    seed : int
        Of the sample.
    repulsion_strength, method, theta, tolerance
        What repulsion weighs, and how it is summed, see `objectives.AllPairs`.

    Examples
    --------
    >>> from opentsne_like.objectives import NegativeSampling, Samplable
    >>> isinstance(NegativeSampling(), Samplable), NegativeSampling(repulsion="sampled").steady
    (True, False)
    """

    repulsion: str = "all"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.repulsion, "repulsion", REPULSIONS)
        check_integer(self.seed, "seed", at_least=0, at_most=WORD)

    @property
    def steady(self) -> bool:
        """Whether its gradient is that of all pairs, and not another one in every iteration."""
        return self.repulsion == "all"

    @property
    def carries(self) -> tuple[str, ...]:
        """What is known of the error of the forces; nothing where they are sampled."""
        return super().carries if self.steady else ()

    def forces(self, context: Context, n_negatives: int) -> dict[str, Any]:
        """Return how a map's repulsion is evaluated, as arguments of `PairLoss`.

        Parameters
        ----------
        context : Context
        n_negatives : int
            If repulsion is sampled, four times as many points are drawn for each point.
        """
        if self.steady:
            return {"control": context.control()}
        return {"stale": SampledForces(DRAWS * n_negatives, self.seed, context.state)}


class SampledForces:
    r"""Estimates potentials from points that are drawn for each point, uniformly from all others, with replacement.

    .. math::
        \hat\varphi_i = \frac{n - 1}{M} \sum_{t=1}^{M} k(|y_i - y_{j_t}|^2)

    whose mean over the draws is :math:`\varphi_i`. Each point gathers its own sample and pushes nobody else (*pull
    form*), so threads do not meet. Which points are drawn is a hash of seed, iteration, point and t, so any number of
    threads, and a run that is cut anywhere, draws the same.

    Parameters
    ----------
    count : int
        M.
    seed : int
    state : State or None
        Whose counter of iterations counts; None for the first.

    Attributes
    ----------
    fresh : bool
        False: the sum of all potentials is only estimated.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import SampledForces
    >>> from opentsne_like.repulsion import RepulsionEngine, StudentT
    >>> points, engine = np.random.default_rng(0).normal(size=(200, 2)), RepulsionEngine(StudentT(), n_jobs=1)
    >>> sampled = SampledForces(50, seed=0, state=None).evaluate(engine, points, engine.extent(points))
    >>> bool(abs(sampled.total / engine.evaluate(points).total - 1) < 0.02)
    True
    """

    fresh: ClassVar[bool] = False

    def __init__(self, count: int, seed: int, state: State | None) -> None:
        self.count, self.seed, self.state = count, seed, state

    def evaluate(self, engine: RepulsionEngine, points: Array, extent: Extent) -> Potential:
        """Return estimates of the potential (n,) and its gradient (n, d), float64."""
        (n, d), radial, scale = points.shape, engine.radial, (len(points) - 1) / self.count
        iteration = 0 if self.state is None else int(self.state.counter[0])
        values, gradient = np.empty(n), np.empty((n, d))

        def gather(low: int, high: int) -> None:
            apart = points[low:high, np.newaxis] - points[drawn(self.seed, iteration, low, high, self.count, n)]
            squares = np.einsum("ijk,ijk->ij", apart, apart)
            values[low:high] = scale * radial(squares).sum(axis=1)
            gradient[low:high] = (2.0 * scale) * np.einsum("ij,ijk->ik", radial.slope(squares), apart)

        run_tasks([(gather, chunk) for chunk in chunk_bounds(n, ROWS)], n_jobs=engine.n_jobs)
        return Potential(values, gradient, float(values.sum()))


def drawn(seed: int, iteration: int, low: int, high: int, count: int, n: int) -> Array:
    """Return the points that are drawn for the points [low, high) of n: never the point itself.

    Number t of point i is the splitmix64 hash of ``i count + t``, with a key that is one of seed and iteration.

    Parameters
    ----------
    seed, iteration : int
    low, high : int
    count : int
    n : int
        At least 2.

    Returns
    -------
    int64 ndarray of shape (high - low, count)

    References
    ----------
    Steele, Lea & Flood, *Fast splittable pseudorandom number generators* (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.objectives import drawn
    >>> whole = drawn(seed=0, iteration=7, low=0, high=100, count=5, n=100)
    >>> np.array_equal(whole[30:40], drawn(seed=0, iteration=7, low=30, high=40, count=5, n=100))
    True
    """
    once = _mixed(np.array([seed], np.uint64) + np.uint64(STEP))
    key = _mixed(once + np.array([iteration], np.uint64) * np.uint64(STEP))
    places = np.arange(low * count + 1, high * count + 1, dtype=np.uint64).reshape(high - low, count)
    others = (_mixed(key + places * np.uint64(STEP)) % np.uint64(n - 1)).astype(np.int64)
    return np.asarray(others + (others >= np.arange(low, high)[:, np.newaxis]))


def _mixed(words: Array) -> Array:
    """Return the words through the finisher of splitmix64, each bit of which depends on all."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(FIRST)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(SECOND)
    return np.asarray(words ^ (words >> np.uint64(31)))
