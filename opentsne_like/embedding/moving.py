"""How a map moves: down its loss, and by multiplication."""

from __future__ import annotations

from typing import Any, Self

from .._validation import check_real
from ..errors import InvalidParameterError, OptimizationInterrupt, UnavailableError
from .descent import Descent
from .diagnostics import DiagnosedArray
from .settings import Settings


class MovingArray(DiagnosedArray):
    """A map that goes down its loss. The base of embeddings, not made by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, MovingArray
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> isinstance(Y, MovingArray), Y.optimize(10).loss_value < Y.loss_value
    (True, True)
    """

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
        embedding = self if inplace else self.copy()
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
        embedding = self if inplace else self.copy()
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

    def _descend(self, settings: Settings) -> None:
        """Go down the loss by the settings of one call."""
        own = self._own
        own.optimizer.run(self, self._edges_of(), settings, own.reference, own.affinities)
