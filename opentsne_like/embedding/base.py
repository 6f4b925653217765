"""Embeddings: maps that optimize, place new points, grow and are stored, whatever their loss is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self, cast

import numpy as np

from .._types import Array
from .._validation import check_flag, check_matrix, check_real
from ..affinity import matrix_of
from ..errors import InvalidParameterError, InvalidTypeError, OptimizationInterrupt, UnavailableError
from ..objectives import checksum
from ..optimizer import Record, StopReason
from . import archive, checkpoint, placing
from .array import EmbeddingState
from .descent import Descent
from .diagnostics import DiagnosedArray
from .settings import Settings


class Embedding(DiagnosedArray):
    """A map: an array of coordinates with affinities, a loss, and the state of its optimization.

    Parameters
    ----------
    embedding : array-like of shape (n, d)
        Initial coordinates; copied.
    affinities : Affinities
        With a matrix `P` of shape (n, n).
    random_state : int, RandomState, Generator or None
        For random starts of points that are added.
    optimizer : Optimizer or Descent, optional
        How steps are made, or an optimization to go on with: the `optimizer` of another embedding.
    **settings
        Defaults for `optimize`: ``loss``, and the fields of the loss, of the optimizer, of `Schedule`, `Following` and
        `Resources`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity, initialization
    >>> from opentsne_like.embedding import Embedding
    >>> from opentsne_like.objectives import KullbackLeibler
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> affinities = affinity.PerplexityBasedNN(X, perplexity=10)
    >>> Y = Embedding(initialization.pca(X), affinities, loss=KullbackLeibler(dof=0.8))
    >>> Y = Y.optimize(50, exaggeration=12).optimize(50)
    >>> Y.shape, Y.n_iter_, Y.loss.dof
    ((100, 2), 100, 0.8)
    """

    settings_class: ClassVar[type[Settings]] = Settings
    descent_class: ClassVar[type[Descent]] = Descent
    placed_class: ClassVar[type[Embedding]]

    def __new__(  # noqa: D102 (the class says it)
        cls, embedding: Any, affinities: Any, *, random_state: Any = None, optimizer: Any = None, **settings: Any
    ) -> Self:
        descent, options = cls._begun(optimizer, settings)
        chosen = cls.settings_class().changed(**options)
        array = check_start(embedding, check_affinities(affinities), chosen)
        return cls._make(array, EmbeddingState(affinities, descent, random_state, chosen))

    @classmethod
    def _begun(cls, optimizer: Any, settings: dict[str, Any]) -> tuple[Descent, dict[str, Any]]:
        """Return where the optimization stands, and settings; `optimizer` may be either."""
        if optimizer is None:
            return cls.descent_class(), settings
        if callable(getattr(optimizer, "propose", None)):
            return cls.descent_class(), {**settings, "optimizer": optimizer}
        if not isinstance(optimizer, cls.descent_class):
            raise InvalidTypeError(
                f"`optimizer` must be a {cls.descent_class.__name__} object, or an Optimizer such as Momentum(), got "
                f"{type(optimizer).__name__}"
            )
        return optimizer, settings

    def __repr__(self) -> str:
        if self._state is None:
            return f"{type(self).__name__} without state, {np.array_repr(np.asarray(self))}"
        rows, columns = self.shape
        return (
            f"<{type(self).__name__} of {rows:,} points in {columns} dimension{'s' * (columns > 1)}, "
            f"{self.n_iter_} iterations done, {self.label} {self._known_value()}, {self._phase()}>"
        )

    def _phase(self) -> str:
        if not self.history:
            return "not begun"
        exaggeration = self.history[-1].exaggeration
        return f"exaggeration {exaggeration:g}" if exaggeration != 1 else "no exaggeration"

    @property
    def affinities(self) -> Any:
        """The affinities of the points; None for points that are placed on a map."""
        return self._own.affinities

    @property
    def settings(self) -> Settings:
        """What `optimize` uses unless it is told otherwise."""
        return self._own.settings

    @property
    def optimizer(self) -> Descent:
        """Where the optimization stands: the state of the optimizer, and why the last call ended."""
        return self._own.optimizer

    @property
    def random_state(self) -> Any:
        """The seed that was given."""
        return self._own.random_state

    @property
    def history(self) -> list[Record]:
        """One record per iteration: number, loss, gradient norm, exaggeration, seconds."""
        state = self._own.optimizer.state
        return [] if state is None else state.history

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the last call of `optimize` ended; None before the first."""
        return self._own.optimizer.stop_reason

    @property
    def n_iter_(self) -> int:
        """Iterations done."""
        state = self._own.optimizer.state
        return 0 if state is None else int(state.counter[0])

    @property
    def force_error(self) -> float:
        """The relative error of the repulsive forces, estimated at a sample of points every 50 iterations or sooner.

        The root mean square of the error over that of the forces, see `repulsion.ladder`. NaN where sums are exact,
        before the first iteration and after points were moved by hand. It is above the tolerance only where a tree was
        asked for by name, and on maps of more than 20,000 points, where neither grid nor tree holds it.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNEEmbedding, affinity
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNEEmbedding(X[:, :2], affinity.PerplexityBasedNN(X, perplexity=10), negative_gradient_method="fft")
        >>> 0 < Y.optimize(10).force_error < 5e-3
        True
        """
        return self._own.optimizer.force_error(np.asarray(self))

    def optimize(self, n_iter: int, inplace: bool = False, propagate_exception: bool = False, **changes: Any) -> Self:
        """Move the points.

        Parameters
        ----------
        n_iter : int
            Number of iterations.
        inplace : bool
            Change this embedding instead of returning a changed copy.
        propagate_exception : bool
            Raise `OptimizationInterrupt` when a callback stops the run, instead of returning the embedding.
        **changes
            For this call only: fields of the loss, of the optimizer, of `Schedule` (``learning_rate``, ``momentum``,
            ``exaggeration``, ``fixed``, ``first_iteration``), of `Following` (``callbacks``, ``callbacks_every_iters``,
            ``verbose``) and ``n_jobs``; or ``loss`` and ``optimizer`` themselves.

        Returns
        -------
        The embedding that was moved: this one if `inplace`.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        NumericalError
            If a step leaves the finite numbers; the last good coordinates are kept.
        OptimizationInterrupt
            If a callback stops the run and `propagate_exception` is set.
        """
        propagate_exception = check_flag(propagate_exception, "propagate_exception")
        embedding = self if check_flag(inplace, "inplace") else self.copy()
        try:
            embedding._descend(embedding._own.settings.called(n_iter, changes))
        except OptimizationInterrupt:
            if propagate_exception:
                raise
        return embedding

    def scale(self, factor: float, inplace: bool = False) -> Self:
        """Multiply the map, and the last step of its optimizer with it.

        How wide a map is decides much of its loss, and is what a descent is slowest to find; a multiplication halfway
        saves it many steps. Optimizers other than `Momentum` begin anew afterwards. It is no iteration: nothing is
        counted or recorded. A map that is stored before or after it goes on with the same bits.

        Parameters
        ----------
        factor : float
            Positive; coordinates are multiplied as they are, so about the origin.
        inplace : bool
            Change this embedding instead of returning a changed copy.

        Returns
        -------
        The embedding that was multiplied: this one if `inplace`.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            If the factor is not positive or coordinates would not be finite, or if the settings of the map hold points
            still or keep it to a constraint, which says how wide it is.
        UnavailableError
            A RuntimeError, if the points are placed on another map, which has its scale, or are being optimized.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X).optimize(20, exaggeration=12)
        >>> bool((Y.scale(1.5) == 1.5 * Y).all())
        True
        >>> Y.scale(1.5).optimize(50).n_iter_
        70
        """
        own, factor = self._own, check_real(factor, "factor", above=0)
        schedule = own.settings.schedule
        if own.reference is not None:
            raise UnavailableError(
                "points that are placed on a map have its scale: multiply the map itself, `reference_embedding`, and "
                "place them anew"
            )
        if schedule.fixed is not None:
            raise InvalidParameterError("`fixed` must be None to multiply a map, got points that stay where they are")
        if schedule.constraint != "centered":
            raise InvalidParameterError(
                f"`constraint` must be 'centered' to multiply a map, got {schedule.constraint!r}, which sets its width"
            )
        embedding = self if check_flag(inplace, "inplace") else self.copy()
        embedding._own.optimizer.scale(embedding, factor, own.settings)
        return embedding

    def going_on(self, descent: Descent) -> Self:
        """Take over where an optimization of these points stands, and return this embedding; its settings stay.

        Parameters
        ----------
        descent : Descent
            The `optimizer` of another embedding.
        """
        self._own.optimizer = descent
        return self

    def heard_by(self, callbacks: Any) -> Self:
        """Let callbacks hear of every later call of `optimize`, as if the map had been made with them, and return it.

        `Snapshots` among them are stored with the map.

        Parameters
        ----------
        callbacks : callable, Hook, or a list of them
            In the place of those that there were.

        Raises
        ------
        InvalidObjectError

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import affinity
        >>> from opentsne_like.callbacks import Snapshots
        >>> from opentsne_like.embedding import Embedding
        >>> frames = Snapshots(every=10)
        >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2)).heard_by(frames)
        >>> Y = Y.optimize(20)
        >>> [total for total, _ in frames.frames]
        [10, 20]
        """
        own = self._own
        own.settings = own.settings.changed(callbacks=callbacks, use_callbacks=None)
        return self

    def known_by(self, affinities: Any, **changes: Any) -> Self:
        """Return a copy of this map that compares new points with its own by other affinities, which need no `P`.

        Parameters
        ----------
        affinities : Affinities or None
            Of the same points.
        **changes
            Of the settings, such as ``n_jobs``.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> from opentsne_like.affinity import Uniform
        >>> from opentsne_like.nearest_neighbors import make_index
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X)
        >>> by_ten = Uniform.around(make_index(X, 10), k_neighbors=10, symmetrize=True)
        >>> Y.known_by(by_ten).transform(X[:3], n_iter=20).shape
        (3, 2)
        """
        copied = self.copy()
        copied._own.affinities, copied._own.settings = affinities, copied._own.settings.changed(**changes)
        return copied

    def _descend(self, settings: Settings) -> None:
        """Go down the loss by the settings of one call."""
        own = self._own
        own.optimizer.run(self, self._edges_of(), settings, own.reference, own.affinities)

    def frozen(self, engine: Any, padding: float = 0.25) -> Any:
        """Return the potential of this map as a frozen reference, built once per version of the coordinates.

        Parameters
        ----------
        engine : RepulsionEngine
        padding : float
            Room around the map that a grid covers, in widths of the map.
        """
        state = self._own
        points = np.array(self)
        key = (checksum(points, engine.n_jobs), engine.radial, *engine.description.tolist())
        if key not in state.frozen:
            state.frozen = {key: engine.freeze(points, padding)}
        return state.frozen[key]

    def prepare_partial(self, X: Any, initialization: Any = "median", k: int = 25, **affinity_params: Any) -> Any:
        """Place new points on this map, before any optimization.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old; may be memory-mapped.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        **affinity_params
            For ``affinities.to_new``, such as ``perplexity``.

        Returns
        -------
        PlacedEmbedding of shape (m, d)

        Raises
        ------
        UnavailableError
            A RuntimeError, if the loss cannot place points, or the affinities know no data to compare them with.
        """
        return placing.prepare(self, X, initialization, k, affinity_params)

    def transform(
        self, X: Any, *, initialization: Any = "median", k: int = 25, affinity_params: Any = None, **changes: Any
    ) -> Any:
        """Place new points on this map, which does not move.

        Where a point lands depends on the map and on that point alone.

        Parameters
        ----------
        X : array-like of shape (m, n_features)
            New data, with the columns of the old; may be memory-mapped.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.
        affinity_params : mapping, optional
            For ``affinities.to_new``, such as ``{"perplexity": 5}``.
        **changes
            As of `optimize`, with ``n_iter``; by default what the loss says of placing, see `objectives.Placing`.

        Returns
        -------
        PlacedEmbedding of shape (m, d)

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        UnavailableError
            A RuntimeError, if the loss cannot place points, or the affinities know no data to compare them with.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import affinity, initialization
        >>> from opentsne_like.embedding import Embedding
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = Embedding(initialization.pca(X), affinity.PerplexityBasedNN(X, perplexity=10)).optimize(50)
        >>> Y.transform(X[:3], n_iter=20).shape
        (3, 2)
        """
        stage = {**placing.stage_of(self.settings), **changes}
        return placing.transform(self, X, initialization, k, dict(affinity_params or {}), [stage], {})

    def transform_batches(self, X: Any, *, batch_size: int = 2**16, **options: Any) -> Iterator[Array]:
        """Place many new points on this map, batch by batch, in memory that does not grow with their number.

        A point lands where `transform` of all at once would put it, with the same bits.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, n_features)
            New data, with the columns of the old; memory-mapped files, datasets of h5py and arrays of zarr and dask are
            read batch by batch.
        batch_size : int
            Rows of a batch.
        **options
            As of `transform`. The `initialization` is "median" or "weighted", which depend on a point alone.

        Yields
        ------
        ndarray of shape (at most batch_size, d), float64
            The places of the next rows.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Where a batch holds something else than finite numbers; those before it were placed.
        UnavailableError
            As of `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(200, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, random_state=0).fit(X[:100])
        >>> batches = list(Y.transform_batches(X[100:], batch_size=30, n_iter=20))
        >>> [len(batch) for batch in batches]
        [30, 30, 30, 10]
        >>> bool((np.concatenate(batches) == Y.transform(X[100:], n_iter=20)).all())
        True
        """
        return placing.transform_batches(self, X, batch_size, options)

    def add(self, X_new: Any, initialization: Any = "median", k: int = 25) -> Self:
        """Return an embedding of the old points and new ones, ready to be optimized further.

        The affinities are those of all data together, so that old points may gain new neighbours. Old points keep their
        places and what the optimizer knows of them; new ones begin where `prepare_partial` puts them. To hold the old
        ones still, ``optimize(n_iter, fixed=numpy.arange(len(grown)) < len(old))``.

        Parameters
        ----------
        X_new : array-like of shape (m, n_features)
            New data, with the columns of the old.
        initialization : {"median", "weighted", "random"} or array of shape (m, d)
        k : int
            Nearest old points that a start is the median or mean of.

        Returns
        -------
        Embedding of shape (n + m, d)
            The old points first. This embedding is not changed.

        Raises
        ------
        InvalidParameterError, InvalidTypeError
            Before any work.
        UnavailableError
            A RuntimeError, if the affinities know no data that new points could be compared with.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(120, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, early_exaggeration_iter=50, random_state=0).fit(X[:100])
        >>> grown = Y.add(X[100:])
        >>> grown.shape, bool((grown[:100] == Y).all())
        ((120, 2), True)
        """
        return cast(Self, placing.add(self, X_new, initialization, k))

    def save(self, path: Any, include: str = "data") -> None:
        """Write the embedding to one file, which `opentsne_like.load` reads.

        The file is written whole or not at all, and is read without running code.

        Parameters
        ----------
        path : path-like
        include : {"data", "affinities", "optimizer", "coordinates"}
            How much of it, each with all that stands to its right: the data that new points are compared with (needed
            by `transform` and `add`), the affinities (needed by `optimize`), the state of the optimizer, the history
            and `Snapshots` among the callbacks that the map was made with, the coordinates.

        Raises
        ------
        StorageError
            The file cannot be written; what was there before stays.
        InvalidParameterError, InvalidTypeError, UnavailableError
            What is to be stored cannot be, such as a metric that is a function.

        Examples
        --------
        >>> from opentsne_like import TSNEEmbedding, affinity, load
        >>> affinities = affinity.Uniform(np.eye(5), k_neighbors=2)
        >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinities).optimize(10)
        >>> Y.save("map.npz")
        >>> bool((load("map.npz").optimize(10) == Y.optimize(10)).all())
        True
        """
        archive.save(self, path, include)

    def save_affinities(self, path: Any) -> str:
        """Write the affinities beside a checkpoint unless they are there; `callbacks.Checkpoint` calls it.

        Parameters
        ----------
        path : path-like
            Of the checkpoint.

        Returns
        -------
        str
            The fingerprint of the affinities.
        """
        return checkpoint.save_affinities(self, path)

    def save_checkpoint(self, path: Any, affinities: str, run: dict[str, Any]) -> None:
        """Write coordinates, optimizer and the state of a run; `callbacks.Checkpoint` calls it.

        Parameters
        ----------
        path : path-like
        affinities : str
            What `save_affinities` returned.
        run : dict
            JSON values and, one level below ``"callbacks"``, arrays.
        """
        checkpoint.save_checkpoint(self, path, affinities, run)


def check_affinities(affinities: Any) -> int:
    """Return the number of points of affinities, or refuse what has no matrix P.

    Parameters
    ----------
    affinities : Affinities

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.embedding import check_affinities
    >>> check_affinities(np.eye(3))
    Traceback (most recent call last):
    opentsne_like.errors.InvalidTypeError: `affinities` must be an Affinities object, got ndarray
    """
    if not hasattr(type(affinities), "P") and not hasattr(affinities, "P"):
        raise InvalidTypeError(f"`affinities` must be an Affinities object, got {type(affinities).__name__}")
    if (P := matrix_of(affinities)) is None:
        raise InvalidParameterError("`affinities` must have a matrix P, got None for it")
    return int(P.shape[0])


def check_start(embedding: Any, rows: int, settings: Settings) -> Array:
    """Return initial coordinates as an array, checked with the settings of their optimization.

    Parameters
    ----------
    embedding : array-like of shape (rows, d)
    rows : int
    settings : Settings

    Examples
    --------
    >>> from opentsne_like.embedding import Settings, check_start
    >>> check_start([[0, 1], [2, 3]], 2, Settings()).dtype
    dtype('float64')
    """
    array = np.asarray(check_matrix(embedding, "embedding"))
    if len(array) != rows:
        raise InvalidParameterError(f"`embedding` must have {rows} rows, one per point of P, got shape {array.shape}")
    settings.loss.check_dimension(array.shape[1])
    settings.plan(rows, placed=False)
    return array
