"""The general estimator: neighbour embedding by parts that it is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from .. import initialization as starts
from .._validation import Rows, check_flag, check_matrix, check_real, column_names
from ..affinity import Affinities, PerplexityBasedNN
from ..embedding import Settings
from ..errors import InvalidParameterError, InvalidTypeError
from ..objectives import KullbackLeibler
from ..optimizer import Momentum, Schedule
from .base import Method
from .distinct import DistinctRows, at_equal_places
from .early import early_schedule

TSNE_STAGES = {"early_exaggeration": 12.0, "early_exaggeration_iter": 250, "n_iter": 500, "learning_rate": "auto"}


class NeighborEmbedding(Method):
    """A map by any affinities, any loss and any optimizer; by default those of t-SNE.

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    affinities : callable, optional
        From data to `Affinities`: ``functools.partial(affinity.Uniform, k_neighbors=15)``, say. By default
        `affinity.PerplexityBasedNN` with a perplexity of 30.
    loss : Loss or Objective, optional
        By default `objectives.KullbackLeibler`, the loss of t-SNE.
    optimizer : Optimizer, optional
        By default `optimizer.Momentum`.
    schedule : Schedule or sequence of Schedule, optional
        The stages of the optimization; by default the two that the next four parameters say, which must be left out
        where stages are given.
    n_iter : int, optional
        Iterations after those with early exaggeration; 500 by default.
    early_exaggeration : float, sequence of float or callable, optional
        Factor on the attraction in the first stage; 12 by default.
    early_exaggeration_iter : int, optional
        Iterations of the first stage; 250 by default, 0 for none.
    learning_rate : float, sequence of float, callable or "auto"
        Of both stages, see `optimizer.Schedule`; a callable is told the iteration within its stage.
    initialization : {"pca", "spectral", "random"} or array of shape (n, n_components)
    init_scaling : float, optional
        The standard deviation of a start that goes by a name; by default 0.0001, t-SNE's. Losses other than t-SNE's
        begin better at 0.1 (elastic embedding) or 1 (Neg-t-SNE).
    min_grad_norm : float, optional
        A stage ends where the norm of the gradient is below, unless its `Schedule` says otherwise. A start that is
        0.0001 wide has a gradient of less than 1e-4 itself: larger numbers end the run before its first step.
    repulsion_strength : float, optional
        Factor on the repulsion, ``L_att + s L_rep``; by default what the loss says, see `objectives.AllPairs`.
    process_duplicates : bool
        Whether rows of `X` that are equal, number for number, are one point of the map. Where there are some, `fit`
        returns all rows placed on the map of the different ones, a `PlacedEmbedding` whose `reference_embedding` is
        that map: optimize, transform, extend and look at the loss there. Affinities that are given to `fit` are taken
        as they are.
    device : {"auto", "cpu", "cuda"}
        See `embedding.Resources`.
    n_jobs : int
        Threads; -1 for all cores. The map does not depend on it.
    callbacks : callable, Hook, or a list of them
    callbacks_every_iters : int
    random_state : int, RandomState or None
    verbose : bool

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import NeighborEmbedding
    >>> from opentsne_like.objectives import NegativeSampling
    >>> from opentsne_like.optimizer import Schedule
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> loss, schedule = NegativeSampling(c=0.1), Schedule(100)
    >>> NeighborEmbedding(loss=loss, schedule=schedule, init_scaling=1.0, random_state=0).fit(X).shape
    (100, 2)
    """

    handed_on: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        n_components: int = 2,
        *,
        affinities: Callable[[Any], Affinities] | None = None,
        loss: Any = None,
        optimizer: Any = None,
        schedule: Schedule | Sequence[Schedule] | None = None,
        n_iter: int | None = None,
        early_exaggeration: float | None = None,
        early_exaggeration_iter: int | None = None,
        learning_rate: Any = None,
        initialization: Any = "pca",
        init_scaling: float | None = None,
        min_grad_norm: float | None = None,
        repulsion_strength: float | None = None,
        process_duplicates: bool = False,
        device: str = "auto",
        n_jobs: int = -1,
        callbacks: Any = None,
        callbacks_every_iters: int = 50,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.affinities = affinities
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.n_iter = n_iter
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.learning_rate = learning_rate
        self.initialization = initialization
        self.init_scaling = init_scaling
        self.min_grad_norm = min_grad_norm
        self.repulsion_strength = repulsion_strength
        self.process_duplicates = process_duplicates
        self.device = device
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.callbacks_every_iters = callbacks_every_iters
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any = None, affinities: Any = None, initialization: Any = None, *, checkpoint: Any = None) -> Any:
        """Make a map, see `Method.fit`; where equal rows are one point, of the different ones.

        Parameters
        ----------
        X, affinities, initialization, checkpoint
            As of `Method.fit`. Where equal rows begin at several places, the first counts.

        Returns
        -------
        Embedding of shape (n, n_components)
            A `PlacedEmbedding` where `process_duplicates` has found some.
        """
        if not check_flag(self.process_duplicates, "process_duplicates") or X is None or affinities is not None:
            return super().fit(X, affinities, initialization, checkpoint=checkpoint)
        table = check_matrix(X, at_least_rows=2, accept_sparse=True)
        rows = DistinctRows.of(table)
        if len(rows.first) == table.shape[0]:
            return super().fit(X, initialization=initialization, checkpoint=checkpoint)
        start = self.initialization if initialization is None else initialization
        if not isinstance(start, str):
            start = self._checked_start(start, table.shape[0])[rows.first]
        made = super().fit(table[rows.first], initialization=start, checkpoint=checkpoint)
        if made.affinities.knn_index is not None:
            made.affinities.knn_index.columns = column_names(X)
        return at_equal_places(made, rows.kind)

    def _check_parameters(self, X: Any) -> None:
        if self.init_scaling is not None:
            check_real(self.init_scaling, "init_scaling", above=0)
        if self.affinities is not None and not callable(self.affinities):
            raise InvalidTypeError(
                "`affinities` must be a function of the data, got "
                f"{type(self.affinities).__name__}; give finished ones to fit(affinities=...)"
            )
        check_flag(self.process_duplicates, "process_duplicates")
        if self.repulsion_strength is not None and not Settings().changed(loss=self._given_loss).has(
            "repulsion_strength"
        ):
            raise InvalidParameterError(
                f"`repulsion_strength` must be left out with `loss` {type(self.loss).__name__}, which has no such "
                f"option, got {self.repulsion_strength!r}"
            )
        self._check_schedule()

    def _check_schedule(self) -> None:
        given = [name for name in TSNE_STAGES if getattr(self, name) is not None]
        if given and self.schedule is not None:
            raise InvalidParameterError(
                f"`{given[0]}` must be left out with `schedule`, whose stages say it, got {getattr(self, given[0])!r}"
            )
        for stage in self._schedules():
            if not isinstance(stage, Schedule):
                raise InvalidTypeError(
                    f"`schedule` must be a Schedule or a sequence of them, got {type(stage).__name__}"
                )

    def _affinities(self, X: Any) -> Affinities:
        if self.affinities is not None:
            return self.affinities(np.asarray(X) if isinstance(X, Rows) else X)
        shared = {"n_jobs": self.n_jobs, "random_state": self.random_state, "verbose": self.verbose}
        return PerplexityBasedNN(X, perplexity=30, **shared)

    def _settings(self, n: int) -> dict[str, Any]:
        names = ("device", "n_jobs", "callbacks", "callbacks_every_iters", "verbose")
        strength = {} if self.repulsion_strength is None else {"repulsion_strength": self.repulsion_strength}
        return {
            "loss": self._given_loss,
            "optimizer": Momentum() if self.optimizer is None else self.optimizer,
            **strength,
            **{name: getattr(self, name) for name in names},
        }

    @property
    def _given_loss(self) -> Any:
        return KullbackLeibler() if self.loss is None else self.loss

    def _schedules(self) -> list[Any]:
        if self.schedule is None:
            given = {name: getattr(self, name) for name in TSNE_STAGES if getattr(self, name) is not None}
            factor, early, late, rate = {**TSNE_STAGES, **given}.values()
            return [early_schedule(early, factor, rate), Schedule(late, rate)]
        return list(self.schedule) if isinstance(self.schedule, Sequence) else [self.schedule]

    def _stages(self, n: int) -> list[dict[str, Any]]:
        stages = [{f.name: getattr(stage, f.name) for f in fields(stage)} for stage in self._schedules()]
        return [{**stage, "min_grad_norm": self._least(stage["min_grad_norm"])} for stage in stages]

    def _least(self, of_stage: float | None) -> float | None:
        return self.min_grad_norm if of_stage is None else of_stage

    def _starts_from(self, X: Any, affinities: Affinities, how: str) -> Any:
        start = super()._starts_from(X, affinities, how)
        return start if self.init_scaling is None else starts.rescale(start, target_std=float(self.init_scaling))
