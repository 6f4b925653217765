"""PaCMAP, with the parameters of the package of that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from .. import objectives
from .._validation import check_integer, check_real
from ..affinity import Affinities, ScaledNeighbors
from ..errors import InvalidParameterError
from ..objectives import Loss
from ..optimizer import Adam
from .family import FamilyMethod

FIRST, LATER = 1000.0, 3.0  # weights of mid-near pairs at the beginning and from the second phase on


@dataclass(repr=False, eq=False)
class PaCMAP(FamilyMethod):
    """PaCMAP: near pairs, mid-near pairs and further pairs, weighted in three phases, by Adam.

    At first mid-near pairs weigh most and give the map its global shape; in the second phase near pairs gather; in the
    third mid-near pairs count no longer.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    n_neighbors : int
        Near pairs of a point, nearest by scaled distances, see `affinity.ScaledNeighbors`.
    MN_ratio, FP_ratio : float
        Mid-near and further pairs of a point, for each near one.
    num_iters : (int, int, int)
        Iterations of the three phases.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
        A start that goes by a name has a standard deviation of 0.01.
    random_state : int, RandomState or None
        An integer seeds the pairs that are drawn, too; otherwise they are those of 0.
    learning_rate
        "auto" is 1, as there.
    metric, metric_params, neighbors, knn_kwargs
        See `FamilyMethod`; mid-near pairs are chosen by Euclidean distances.
    method
        How the repulsion of new points by the map is summed.
    device, n_jobs, callbacks, callbacks_every_iters, verbose
        As of `TSNE`.

    References
    ----------
    Wang, Huang, Rudin & Shaposhnik, *Understanding how dimension reduction tools work* (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import PaCMAP
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> PaCMAP(num_iters=(20, 20, 40), random_state=0).fit(X).shape
    (100, 2)
    """

    start_width: ClassVar[float | None] = 0.01
    _: KW_ONLY
    n_neighbors: int = 10
    MN_ratio: float = 0.5
    FP_ratio: float = 2.0
    num_iters: tuple[int, int, int] = (100, 100, 250)
    initialization: Any = "pca"

    def _check_parameters(self, X: Any) -> None:
        check_integer(self.n_neighbors, "n_neighbors", at_least=1, at_most=None if X is None else X.shape[0] - 1)
        for name in ("MN_ratio", "FP_ratio"):
            check_real(getattr(self, name), name, at_least=0)
        if len(self._lengths()) != 3:
            raise InvalidParameterError(
                f"`num_iters` must be three numbers, of the iterations of each phase, got {self.num_iters!r}"
            )

    def _lengths(self) -> list[int]:
        lengths = np.atleast_1d(np.asarray(self.num_iters, dtype=object)).tolist()
        return [check_integer(length, "num_iters", at_least=0) for length in lengths]

    def _affinities(self, X: Any) -> Affinities:
        return ScaledNeighbors(X, k_neighbors=self.n_neighbors, **self._near)

    def _settings(self, n: int) -> dict[str, Any]:
        return {**super()._settings(n), "optimizer": Adam(decay=0.999)}

    def _pairs(self) -> objectives.PaCMAP:
        """Return the loss of the third phase."""
        return objectives.PaCMAP(
            n_neighbors=self.n_neighbors,
            n_mid_near=round(self.n_neighbors * self.MN_ratio),
            n_further=round(self.n_neighbors * self.FP_ratio),
            seed=self._seed,
            method=self.method,
        )

    def _loss(self, n: int) -> Loss:
        return self._pairs()

    def _stages(self, n: int) -> list[dict[str, Any]]:
        last = self._pairs()
        first, second = (replace(last, w_near=w_near, w_mid_near=LATER) for w_near in (2.0, 3.0))
        lengths = self._lengths()
        stages: list[dict[str, Any]] = [
            {"loss": first, "exaggeration": falling(lengths[0])},
            {"loss": second, "exaggeration": None},
            {"loss": last, "exaggeration": None},
        ]
        return [{**stage, "n_iter": length, "momentum": 0.9} for stage, length in zip(stages, lengths, strict=True)]


def falling(n_iter: int) -> Callable[[int], float]:
    """Return the weight of mid-near pairs over that of the later phases, which falls to 1 in a straight line.

    Parameters
    ----------
    n_iter : int

    Examples
    --------
    >>> from opentsne_like.methods.pacmap import falling
    >>> round(falling(100)(0), 6), falling(100)(100)
    (333.333333, 1.0)
    """
    return lambda i: (1.0 - i / n_iter) * FIRST / LATER + i / n_iter
