"""How long a map will take and how much memory it will need, from a short trial on some of the rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..affinity import Affinities, matrix_of
from ..errors import OpenTSNEError
from ..nearest_neighbors import IVF, make_index
from ..objectives.locality import FEWEST_POINTS
from ..ops import morton_order
from ..utils import in_words

_ROWS = 4_000  # of the trial
_ITERATIONS = 200  # of it, shared out among the stages
_SEARCHED = 25_000  # rows of the trial of a search by cells
_LOOKED = 0.035, 0.8  # share of it that is spent on rows that are looked at, which grow as this power of all rows
_MOVED = 50_000  # points, at most, of the trial of an iteration
_STEPS, _TURNS = 4, 3  # of it, of which the fastest counts
_STRIDE = 17  # places between neighbours along the curve through a map: as far as those of a finished one
_STATE = 16  # arrays of the size of the map that an optimization holds
_BASE = 80e6  # bytes of compiled code, and of blocks that are worked on
_CELLS = 800  # bytes of the grid, and of what the system's allocator keeps, for each point
_WIDE = 100_000  # points from which on both grow no further

# Seconds of two threads, whose ratio counts: of a product of exact search, which comes for each pair of rows, and of a
# neighbour that is sorted, weighed and made symmetric.
_PAIR, _EDGE = 1e-11, 1.5e-7

_STAGES = ("neighbours and affinities", "start", "optimization")
_clock = time.perf_counter


@dataclass(frozen=True)
class Estimate:
    """What a fit is going to need.

    Attributes
    ----------
    seconds : float
        On this machine as busy as it is now.
    memory : int
        Bytes beyond the data, at the peak, those of compiled code included.
    stages : dict of str to float
        Seconds of "neighbours and affinities", "start" and "optimization".

    Examples
    --------
    >>> from opentsne_like.methods import Estimate
    >>> Estimate(90.0, 2_000_000_000, {"start": 1.0, "optimization": 89.0})
    Estimate: about 1.5 minutes (start 1 s, optimization 89 s) and 2 GB of memory
    """

    seconds: float
    memory: int
    stages: dict[str, float]

    def __repr__(self) -> str:
        """Say it in words."""
        parts = ", ".join(f"{name} {in_words(seconds)}" for name, seconds in self.stages.items())
        return f"Estimate: about {in_words(self.seconds)} ({parts}) and {self.memory / 1e9:.2g} GB of memory"


def estimate(method: Any, X: Any) -> Estimate:
    """Return what a fit of data is going to need, see `Method.estimate`.

    Parameters
    ----------
    method : Method
    X : ndarray or csr_matrix of shape (n, d)
        Checked.
    """
    n, d = X.shape
    fewest = 2 * _neighbors(method)  # rows that have as many neighbours as are asked for, and some
    m = min(n, max(_ROWS, fewest))
    # A generator and callbacks that were given would go on, or remember the trial.
    changes: dict[str, Any] = {"random_state": 0, "callbacks": None, "verbose": False}
    if not isinstance(_search(method), str):
        changes["neighbors"] = "auto"  # in the place of an index of all rows
    method = type(method)(**{**method.get_params(deep=False), **changes})
    some = _some(X, m)
    _trial(method, some[: min(m, max(500, fewest))], n)  # compiles, and warms caches
    trial = _trial(method, some, n)
    stages = dict(zip(_STAGES, trial.seconds, strict=True))
    if n > m:
        whole = (_searching(method, X, trial), trial.seconds[1] * n / m, _moving(method, n, trial))
        stages = dict(zip(_STAGES, whole, strict=True))
    columns = 0 if hasattr(X, "tocsr") else d
    return Estimate(sum(stages.values()), _memory(n, columns, X.dtype.itemsize, method.n_components, trial), stages)


def _searching(method: Any, X: Any, trial: _Trial) -> float:
    """Return the seconds of the affinities of all rows."""
    n, d = X.shape
    found = make_index(X, min(trial.k, n - 1), method=_search(method), metric=_metric(method))
    if not isinstance(found, IVF):
        exact = [_PAIR * rows * rows * (150 + d) + _EDGE * rows * trial.k for rows in (n, trial.n)]
        return float(trial.seconds[0] * exact[0] / exact[1])
    m = min(n, _SEARCHED)
    parameters = method.get_params(deep=False)
    if "neighbors" in parameters:
        method = type(method)(**{**parameters, "neighbors": "ivf"})
    some = _some(X, m)
    began = _clock()
    method._affinities(some)
    share, power = _LOOKED
    return float((_clock() - began) * n / m * (1 + share * (n / m) ** power) / (1 + share))


def _moving(method: Any, n: int, trial: _Trial) -> float:
    """Return the seconds of all iterations, of which one costs so much for the grid and so much for each point."""
    stages = method._stages(n)
    whole = sum(stage["n_iter"] for stage in stages)
    m = min(n, _MOVED)
    try:
        last = {**stages[-1], **({"method": "fft"} if n > m and method._settings_of(n).has("method") else {})}
        costs = [_iteration(method, rows, last, trial) for rows in (m // 4, m)]
    except OpenTSNEError:  # of a loss that takes more than a map and its edges
        return trial.seconds[2] * n / trial.n
    a_point = max(0.0, costs[1] - costs[0]) / (m - m // 4)
    return float(whole * (costs[1] + a_point * (n - m)))


def _iteration(method: Any, n: int, stage: Mapping[str, Any], trial: _Trial) -> float:
    """Return the seconds of an iteration of `n` points on a map made up from that of the trial, and as wide.

    So the grid is the same for any `n`, and about that of a whole run on average: maps of more points end up to
    twice as wide, and begin narrow.
    """
    rng = np.random.RandomState(0)
    points = trial.points[np.arange(n) % trial.n]
    points = points + rng.normal(scale=points.std() / trial.n**0.5, size=points.shape)
    affinities = Affinities()
    affinities.P = _banded(n, max(1, round(trial.entries / 2)))
    embedding = method._embedding(points[morton_order(points, method.n_jobs)], affinities)
    still = {**stage, "learning_rate": 1e-12, "inplace": True}
    embedding.optimize(**{**still, "n_iter": 3})  # makes what is kept, and sorts edges
    times = [_clock()]
    for _ in range(_TURNS):
        embedding.optimize(**{**still, "n_iter": _STEPS})
        times.append(_clock())
    return float(np.min(np.diff(times))) / _STEPS


def _banded(n: int, half: int) -> Any:
    """Return a symmetric P whose rows hold `half` entries at either side of the diagonal."""
    from scipy.sparse import csr_matrix

    beside = np.arange(1, half + 1) * _STRIDE
    columns = (np.arange(n)[:, None] + np.concatenate([-beside, beside])) % n
    values = np.full(columns.size, 1 / columns.size)
    return csr_matrix((values, columns.ravel().astype(np.int32), np.arange(n + 1) * 2 * half), shape=(n, n))


def _some(X: Any, m: int) -> Any:
    """Return `m` rows from all over the data."""
    return X[np.unique(np.linspace(0, X.shape[0] - 1, m).astype(np.int64))]


class _Trial(NamedTuple):
    """What a trial says: rows, its map, neighbours and entries of P for each, bytes of an entry, seconds of stages."""

    n: int
    points: Array
    k: int
    entries: float
    itemsize: int
    seconds: list[float]


def _memory(n: int, d: int, itemsize: int, dimension: int, trial: _Trial) -> int:
    """Return how many bytes the hungriest of three stages holds: the search, P in the making, the iterations.

    Parameters
    ----------
    n, d : int
        Rows, and columns that are searched in single precision.
    itemsize : int
        Bytes of a number of the data, in which distances are.
    dimension : int
        Of the map.
    trial : _Trial
    """
    index = 4 if trial.entries * n < 2**31 else 8
    lists = trial.k * (4 + itemsize)
    P = trial.entries * (index + trial.itemsize)
    in_order, rounded = trial.entries * (index + 4), trial.entries * (4 if trial.itemsize > 4 else 0)
    copy = in_order if n >= FEWEST_POINTS and dimension <= 3 else rounded
    search = lists + 4 * (d + 1 if d else 0)
    making = lists + trial.k * 4 + P
    moving = P + copy + 8 * dimension * _STATE
    return int(n * max(search, making, moving) + _CELLS * min(n, _WIDE) + _BASE)


def _trial(method: Any, X: Any, rows: int) -> _Trial:
    """Return what a fit of `X` says, with the seconds of as many iterations as a fit of `rows` has."""
    n = X.shape[0]
    times = [_clock()]
    affinities = method._affinities(X)
    times.append(_clock())
    start = method.initialization
    if isinstance(start, str):
        points = method._starts_from(X, affinities, "pca" if start == "landmarks" else start)
    else:
        points = np.asarray(start)[:n]
    times.append(_clock())
    embedding = method._embedding(points, affinities)
    stages = method._stages(n)
    share = min(1.0, _ITERATIONS / max(1, sum(stage["n_iter"] for stage in stages)))
    for stage in stages:
        embedding.optimize(**{**stage, "n_iter": int(stage["n_iter"] * share)}, inplace=True)
    times.append(_clock())
    done = max(1, sum(int(stage["n_iter"] * share) for stage in stages))
    whole = max(1, sum(stage["n_iter"] for stage in method._stages(rows)))
    spent = np.diff(times).tolist()
    index, P = affinities.knn_index, matrix_of(affinities)
    k = 90 if index is None else int(index.k)
    seconds = [spent[0], spent[1], spent[2] * whole / done]
    return _Trial(n, np.array(embedding), k, P.nnz / n, P.dtype.itemsize, seconds)


def _neighbors(method: Any) -> int:
    """Return how many neighbours a method was asked for by number, 0 where it was not."""
    k = getattr(method, "n_neighbors", None)
    return int(k) if isinstance(k, Integral) else 0


def _search(method: Any) -> Any:
    return getattr(method, "neighbors", "auto")


def _metric(method: Any) -> Any:
    return getattr(method, "metric", "euclidean")
