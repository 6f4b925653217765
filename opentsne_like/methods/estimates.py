"""How long a map will take and how much memory it will need, from a short trial on some of the rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..affinity import matrix_of
from ..nearest_neighbors import make_index
from ..objectives.locality import FEWEST_POINTS
from ..utils import in_words

_ROWS = 4_000  # of the trial
_ITERATIONS = 200  # of it, shared out among the stages
_GRID = 5_000  # points that cost as much as the grid, which does not depend on their number
_STATE = 16  # arrays of the size of the map that an optimization holds
_BASE = 80e6  # bytes of compiled code, and of blocks that are worked on
_CELLS = 800  # bytes of the grid, and of what the system's allocator keeps, for each point
_WIDE = 100_000  # points from which on both grow no further

# Seconds of two threads, whose ratios count: of a product of exact search, which comes for each pair of rows; of an
# inverted file, for each row; of a neighbour that is sorted, weighed and made symmetric.
_PAIR, _PROBED, _EDGE = 1e-11, 9e-8, 1.5e-7
_FILE = 50_000  # rows for which `_PROBED` was measured
_GROWTH = 0.25  # exponent by which a row costs more in larger files

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
    m = min(n, _ROWS)
    # A generator and callbacks that were given would go on, or remember the trial.
    changes: dict[str, Any] = {"random_state": 0, "callbacks": None, "verbose": False}
    if not isinstance(_search(method), str):
        changes["neighbors"] = "auto"  # in the place of an index of all rows
    method = type(method)(**{**method.get_params(deep=False), **changes})
    some = X[np.unique(np.linspace(0, n - 1, m).astype(np.int64))]
    _trial(method, some[: min(m, 500)], n)  # compiles, and warms caches
    trial = _trial(method, some, n)
    k, seconds = trial.k, trial.seconds
    exact = type(make_index(X, min(k, n - 1), method=_search(method), metric=_metric(method))).__name__ == "Sklearn"
    grown = _neighbor_cost(n, d, k, exact=exact) / _neighbor_cost(m, d, k, exact=True)
    stages = {
        "neighbours and affinities": seconds[0] * grown,
        "start": seconds[1] * n / m,
        "optimization": seconds[2] * (_GRID + n) / (_GRID + m),
    }
    columns = 0 if hasattr(X, "tocsr") else d
    return Estimate(sum(stages.values()), _memory(n, columns, X.dtype.itemsize, method.n_components, trial), stages)


class _Trial(NamedTuple):
    """What a trial says: neighbours and entries of P for each point, bytes of an entry, seconds of the stages."""

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
    return _Trial(k, P.nnz / n, P.dtype.itemsize, [spent[0], spent[1], spent[2] * whole / done])


def _neighbor_cost(n: int, d: int, k: int, *, exact: bool) -> float:
    """Return what the neighbours of n rows cost; 150 columns stand for what is done with a product once it is there."""
    search = _PAIR * n * n if exact else _PROBED * n * (n / _FILE) ** _GROWTH
    return search * (150 + d) + _EDGE * n * k


def _search(method: Any) -> Any:
    return getattr(method, "neighbors", "auto")


def _metric(method: Any) -> Any:
    return getattr(method, "metric", "euclidean")
