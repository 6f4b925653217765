"""New points on a map that does not move."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import InvalidParameterError, UnavailableError
from .array import EmbeddingState
from .base import Embedding, check_start


class PlacedEmbedding(Embedding):
    """New points on a frozen map, each with a loss of its own.

    Parameters
    ----------
    embedding : array-like of shape (m, d)
        Initial coordinates; copied.
    reference_embedding : Embedding of shape (n, d)
    P : csr_matrix of shape (m, n)
        Affinities of the new points to the old ones; each row sums to 1.
    **settings
        Defaults for `optimize`, see `Embedding`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like import affinity
    >>> from opentsne_like.embedding import Embedding, PlacedEmbedding
    >>> Y = Embedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2))
    >>> new = PlacedEmbedding(np.zeros((1, 2)), Y, csr_matrix([[0.0, 0.0, 0.0, 0.5, 0.5]]))
    >>> new.optimize(10).shape
    (1, 2)
    """

    _made_of = "reference_embedding, P"

    def __new__(  # noqa: D102 (the class says it)
        cls, embedding: Any, reference_embedding: Any, P: Any, **settings: Any
    ) -> Self:
        return cls.on(embedding, reference_embedding, P, cls.settings_class().changed(**settings))

    @classmethod
    def on(cls, embedding: Any, reference: Any, P: Any, settings: Any) -> Self:
        """Return points that begin at `embedding`, with settings that were made before.

        Parameters
        ----------
        embedding : array-like of shape (m, d)
        reference : Embedding of shape (n, d)
        P : csr_matrix of shape (m, n)
        settings : Settings
        """
        array = check_start(embedding, P.shape[0], settings)
        places = np.shape(reference)
        if places != (P.shape[1], array.shape[1]):
            raise InvalidParameterError(
                f"`reference_embedding` must have shape {(P.shape[1], array.shape[1])}, got {places}"
            )
        return cls._make(array, EmbeddingState(None, cls.descent_class(), None, settings, reference=reference, P=P))

    @property
    def reference_embedding(self) -> Any:
        """The map that the points are placed on."""
        return self._own.reference

    @property
    def P(self) -> Any:
        """Affinities of the new points to those of the reference."""
        return self._own.P

    @property
    def force_error(self) -> float:
        """The relative error of the repulsive forces of the map that the points are placed on, at a sample of its own.

        NaN where sums are exact. The potential of the map is made for it where none was made yet.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> Y = TSNE(perplexity=10, n_iter=50, negative_gradient_method="fft", random_state=0).fit(X)
        >>> 0 < Y.transform(X[:3] + 0.1).force_error < 5e-3
        True
        """
        own = self._own
        objective = own.optimizer.bind(np.asarray(self), self._edges_of(), own.settings, own.reference)
        return float(getattr(objective, "force_error", np.nan))

    def _refuse(self, *_: Any, **__: Any) -> Any:
        """Raise an error: new points know no data that others could be compared with.

        Raises
        ------
        UnavailableError
        """
        raise UnavailableError(
            "new points on a map cannot take further ones: place those on the map itself, `reference_embedding`"
        )

    transform = transform_batches = prepare_partial = add = _refuse


Embedding.placed_class = PlacedEmbedding
