"""What all estimators share: parameters, checks, a start, stages, and runs that go on after they were killed."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np

from .. import initialization as starts
from .._validation import (
    calling,
    check_choice,
    check_integer,
    check_matrix,
    check_random_state,
    check_rows,
    column_names,
)
from ..affinity import Affinities, Awaited, matrix_of
from ..callbacks import as_list
from ..devices import copied_to_gpu
from ..embedding import Embedding, Settings, check_stored_kind
from ..errors import InvalidObjectError, InvalidParameterError, OptimizationInterrupt
from ..nearest_neighbors import distances_among
from ..utils import Timer
from .advice import advise_on_data, advise_on_rate
from .estimates import Estimate, estimate
from .parameters import Parameters
from .resuming import ResumableRun

log = logging.getLogger("opentsne_like.tsne")

_NEED_DATA = ("pca", "landmarks")  # starts that affinities alone cannot give


class Method(Parameters, ABC):
    """A recipe over affinities, a start and the stages of an optimization: the base of the estimators.

    A method is a class with keyword parameters, kept under their names, that says three things: how affinities are made
    of data (`_affinities`), what the embedding is to know (`_settings`), and what `optimize` is told in each stage
    (`_stages`).

    Attributes
    ----------
    embedding_class : type
        Of what `fit` returns.
    starts : tuple of str
        Names that `initialization` may have.
    free : frozenset of str
        Parameters that a run may be resumed with other values of. Callbacks may change where a run ends, and are given
        again.
    handed_on : mapping of str to str
        By what names of its own a method hands its parameters on to affinities and starts: errors use those of the
        parameters.

    Examples
    --------
    >>> from opentsne_like import TSNE, NeighborEmbedding
    >>> from opentsne_like.methods import Method
    >>> issubclass(TSNE, Method), issubclass(NeighborEmbedding, Method)
    (True, True)
    >>> NeighborEmbedding(init_scaling=1.0, random_state=0)
    NeighborEmbedding(init_scaling=1.0, random_state=0)
    """

    embedding_class: ClassVar[type[Embedding]] = Embedding
    starts: ClassVar[tuple[str, ...]] = ("pca", "spectral", "random")
    free: ClassVar[frozenset[str]] = frozenset({"device", "n_jobs", "verbose", "callbacks", "callbacks_every_iters"})
    handed_on: ClassVar[Mapping[str, str]] = {"method": "neighbors", "k_neighbors": "n_neighbors"}
    n_components: int
    initialization: Any
    random_state: Any
    n_jobs: int
    callbacks: Any
    verbose: bool
    _columns: Any = None  # names of the columns of the data that were checked last

    @abstractmethod
    def _affinities(self, X: Any) -> Affinities:
        """Return the affinities of data that were checked."""

    @abstractmethod
    def _settings(self, n: int) -> dict[str, Any]:
        """Return what the embedding of `n` points keeps for its `optimize` calls."""

    @abstractmethod
    def _stages(self, n: int) -> list[dict[str, Any]]:
        """Return what `optimize` is told in each stage of a run on `n` points, ``n_iter`` among it."""

    def _onward(self, n: int) -> dict[str, Any]:
        """Return what `optimize` is told to go on from a map that another run has made: the last stage."""
        return self._stages(n)[-1]

    def _between(self, embedding: Any, stage: int) -> None:
        """Do to a map what is to be done after a stage and before the next one: nothing."""

    def _check_parameters(self, X: Any) -> None:
        """Refuse parameters of this method that cannot work, before any work."""

    def _starts_from(self, X: Any, affinities: Affinities, how: str) -> Any:
        """Return initial coordinates by the name of a start."""
        if how == "random":
            return starts.random(affinities.n_samples, self.n_components, random_state=self.random_state)
        if how == "pca":
            return starts.pca(X, self.n_components, random_state=self.random_state, n_jobs=self.n_jobs)
        return starts.spectral(matrix_of(affinities), self.n_components, random_state=self.random_state)

    def _data_have_columns(self) -> bool:
        """Say whether X holds the data themselves, not their distances."""
        return True

    def fit(self, X: Any = None, affinities: Any = None, initialization: Any = None, *, checkpoint: Any = None) -> Any:
        """Make a map.

        Parameters
        ----------
        X : array-like of shape (n, n_features), optional
        affinities : Affinities, optional
            Instead of `X`, or beside it; affinities of given neighbours then compare new points with `X`.
        initialization : array of shape (n, n_components) or str, optional
            Instead of the estimator's own.
        checkpoint : path-like or callbacks.Checkpoint, keyword only, optional
            Where the run is kept while it runs, every 30 seconds unless the Checkpoint says otherwise. If the file is
            there already the run goes on from it and ends with the same bits as one that was never interrupted; it is
            refused if data or parameters differ. A function as `exaggeration` has to be given again.

        Returns
        -------
        Embedding of shape (n, n_components)

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        StorageError
            The checkpoint cannot be written or read.
        """
        if checkpoint is None:
            return self._run(self.prepare_initial(X, affinities=affinities, initialization=initialization), None)
        X, start = self._checked(X, affinities, initialization)
        affinities = self._with_data(affinities, X)
        data = X if affinities is None else matrix_of(affinities)
        n = data.shape[0]
        settings = self._settings_of(n)
        for role in settings.roles():
            check_stored_kind(role, getattr(settings, role))
        parameters = {name: value for name, value in self.get_params().items() if name not in self.free}
        lengths = [stage["n_iter"] for stage in self._stages(n)]
        run = ResumableRun(checkpoint, {**parameters, "fit": {"initialization": initialization}}, data, lengths)
        try:
            embedding = self._resumed(run, X, affinities)
            if embedding is None:
                with self._beside(X):
                    with run.keeping_neighbors():
                        affinities = self._named_affinities(X) if affinities is None else affinities
                    embedding = self._begin(X, affinities, start)
            return self._run(embedding, run)
        finally:
            run.close()

    def _resumed(self, run: ResumableRun, X: Any, affinities: Any) -> Any:
        """Return the embedding that a run had come to, with the settings of today, or None."""
        found = run.resume(
            X if affinities is None else None,
            as_list(self.callbacks),
            lambda: self._named_affinities(X) if affinities is None else affinities,
        )
        if found is None:
            return None
        known = found.affinities if affinities is None else affinities
        if known is None:  # they were not stored, because they are made faster than that
            known = self._named_affinities(X)
        return self._embedding(found, known).going_on(found.optimizer)

    def prepare_initial(self, X: Any = None, affinities: Any = None, initialization: Any = None) -> Any:
        """Return the embedding before its first iteration; see `fit`."""
        X, start = self._checked(X, affinities, initialization)
        return self._begin(X, self._with_data(affinities, X), start)

    def at(self, coordinates: Any, X: Any = None, affinities: Any = None) -> Any:
        """Return an embedding with the coordinates that a map of these data has, to go on from there.

        Parameters
        ----------
        coordinates : array-like of shape (n, n_components)
        X, affinities
            As of `fit`.

        Returns
        -------
        Embedding of shape (n, n_components)

        Examples
        --------
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(50, 5))
        >>> TSNE(perplexity=10).at(X[:, :2], X).transform(X[:3]).shape
        (3, 2)
        """
        X, _ = self._checked(X, affinities, "random")
        affinities = self._named_affinities(X) if affinities is None else self._with_data(affinities, X)
        points = check_matrix(coordinates, "coordinates")
        return self._embedding(np.array(points, dtype=np.float64), affinities)

    def estimate(self, X: Any) -> Estimate:
        """Return about how long `fit` is going to take, and how much memory it is going to need.

        Trials of two to four seconds, of a fit of up to 4,000 rows, of a search of 25,000 and of iterations of 50,000
        points, are scaled by what these parts cost with the number of rows. Estimates of time are right to about 20 %
        on an idle machine, see the guide on speed, and to a factor of two or three where neighbours are found by
        another search than "auto" takes for dense data under the euclidean metric or its like. Memory is added up from
        what each stage holds, see the guide on scale.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        Estimate
            With `seconds`, `memory` in bytes and `stages`.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            As `fit` does.

        Examples
        --------
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(600, 5))
        >>> TSNE(random_state=0).estimate(X)
        Estimate: about ... s (neighbours and affinities ...) and 0.0... GB of memory
        """
        if not self._data_have_columns():
            raise InvalidParameterError("`metric` must be one of data, to estimate what they need, got 'precomputed'")
        return estimate(self, self._checked(X, None, None)[0])

    def _run(self, embedding: Any, run: ResumableRun | None) -> Any:
        """Optimize in stages, from where a run stands."""
        try:
            for stage, settings in enumerate(self._stages(len(embedding))):
                if run is not None and stage < run.stage:
                    continue
                if run is None or run.begin(stage):
                    resuming = self._resuming(run)
                    embedding.optimize(**{**settings, **resuming}, inplace=True, propagate_exception=True)
                self._between(embedding, stage)
        except OptimizationInterrupt as interrupt:
            return interrupt.final_embedding
        return embedding

    def _resuming(self, run: ResumableRun | None) -> dict[str, Any]:
        """Return what makes a stage go on from a checkpoint and keep it up to date."""
        if run is None:
            return {}
        return {"callbacks": [*as_list(self.callbacks), run.hook], "first_iteration": run.first}

    def _begin(self, X: Any, affinities: Any, start: Any) -> Any:
        """Return the embedding before its first iteration, from what was checked."""
        with self._beside(X):
            if affinities is None:
                affinities = self._named_affinities(X)
            else:
                self._check_taken(affinities.n_samples, affinities)
            if isinstance(start, str):
                with Timer(f"Calculating {start} initialization...", self.verbose):
                    start = self._starts_from(X, affinities, start)
        return self._embedding(start, affinities)

    def _beside(self, X: Any) -> AbstractContextManager[None]:
        """Return a context in which data have a copy where their map is going to be optimized."""
        dense = X is not None and not hasattr(X, "tocsr") and self._data_have_columns()
        on_gpu = dense and self._settings_of(X.shape[0]).resources.device == "cuda"
        return copied_to_gpu(X) if on_gpu else nullcontext()

    def _named_affinities(self, X: Any) -> Affinities:
        """Return the affinities of data, whose neighbour index knows the names of their columns."""
        with calling(self.handed_on), self._beside(X):
            affinities = self._affinities(X)
        affinities.trim()
        if self._columns is not None and affinities.knn_index is not None:
            affinities.knn_index.columns = self._columns
        return affinities

    def _with_data(self, affinities: Any, X: Any) -> Any:
        """Return given affinities, which know the data that were given beside them."""
        if X is None or not isinstance(affinities, Affinities) or not self._data_have_columns():
            return affinities
        told = affinities.with_data(X)
        if told is not affinities:
            told.knn_index.columns = self._columns
        return told

    def _embedding(self, start: Any, affinities: Any) -> Any:
        make: Any = self.embedding_class
        return make(start, affinities, random_state=self.random_state, **self._settings(len(start)))

    def _checked(self, X: Any, affinities: Any, initialization: Any) -> tuple[Any, Any]:
        """Refuse what cannot work before any work, and return the data and the start, a name or coordinates."""
        if X is None and affinities is None:
            raise InvalidParameterError("`X` or `affinities` must be given, got None for both")
        if affinities is not None and not isinstance(affinities, Affinities):
            raise InvalidObjectError(
                f"`affinities` must be an Affinities object, got {type(affinities).__name__}; a matrix becomes one by "
                "affinity.PrecomputedAffinities(matrix), and labels are not used"
            )
        if X is not None:
            X = self._table(X)
        n = X.shape[0] if affinities is None else affinities.n_samples
        if X is not None and X.shape[0] != n:
            raise InvalidParameterError(f"`X` must have the {n} rows of `affinities`, got shape {X.shape}")
        check_integer(self.n_components, "n_components", at_least=1)
        if not isinstance(self.random_state, np.random.Generator):  # from which a check would draw
            check_random_state(self.random_state)
        self._check_parameters(X)
        self._check_stages(n)
        if affinities is None:
            self._check_taken(n, Awaited(X if self._data_have_columns() else None))
        start = self.initialization if initialization is None else initialization
        with calling(self.handed_on if initialization is None else {}):
            start = self._checked_name(start, X, n) if isinstance(start, str) else self._checked_start(start, n)
        if X is not None and affinities is None and self._data_have_columns():
            self._advise(X)
        return X, start

    def _table(self, X: Any) -> Any:
        """Return data as the table that affinities and starts are made of, or refuse them; note names of columns."""
        distances = not self._data_have_columns() and not hasattr(X, "tocsr")
        table = distances_among(X, "X") if distances else check_rows(X, at_least_rows=2)
        self._columns = column_names(X)
        return table

    def _advise(self, X: Any) -> None:
        """Say what of the data is likely not what was meant."""
        advise_on_data(X, getattr(self, "metric", "euclidean"))

    def _settings_of(self, n: int) -> Settings:
        """Return the settings that an embedding of `n` points is going to have."""
        return self.embedding_class.settings_class().changed(**self._settings(n))

    def _check_stages(self, n: int) -> None:
        """Refuse settings or stages that cannot work."""
        settings = self._settings_of(n)
        for stage in self._stages(n):
            called = settings.changed(**stage)
            called.loss.check_dimension(self.n_components)
            called.on_gpu((n, self.n_components))
            plan = called.plan(n, placed=False)
            if not (callable(called.schedule.exaggeration) or callable(called.schedule.learning_rate)):
                advise_on_rate(plan.rate_at(0), plan.auto_rate(plan.exaggeration_at(0)), n)

    def _check_taken(self, n: int, affinities: Any) -> None:
        """Refuse affinities that lack what a loss takes of them besides P."""
        settings = self._settings_of(n)
        for stage in self._stages(n):
            settings.changed(**stage).loss.takes(affinities)

    def _checked_name(self, start: str, X: Any, n: int) -> str:
        """Return the name of a start that can be made of `X`."""
        check_choice(start, "initialization", self.starts)
        if start in _NEED_DATA and (X is None or not self._data_have_columns()):
            if n > 2:  # two points have one start up to its direction
                log.warning("`initialization` %r needs the data themselves; 'spectral' is used instead", start)
            return "spectral"
        if start in _NEED_DATA and self.n_components > min(X.shape):
            raise InvalidParameterError(
                f"`n_components` must be at most {min(X.shape)} to begin with principal components of data of shape "
                f"{X.shape}, got {self.n_components}; use initialization='random' or 'spectral'"
            )
        return start

    def _checked_start(self, start: Any, n: int) -> Any:
        """Return initial coordinates of the right shape, or refuse them."""
        start = check_matrix(start, "initialization")
        if start.shape != (n, self.n_components):
            raise InvalidParameterError(f"`initialization` must have shape {(n, self.n_components)}, got {start.shape}")
        return start
