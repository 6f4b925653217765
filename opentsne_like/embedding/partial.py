"""New points on a map that does not move."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import InvalidParameterError, UnavailableError
from ..optimizer import gradient_descent
from .base import Embedding, EmbeddingState, check_coordinates, check_optimizer


class PartialTSNEEmbedding(Embedding):
    """New points on a frozen map.

    Parameters
    ----------
    embedding : array-like of shape (m, d)
        Initial coordinates; copied.
    reference_embedding : TSNEEmbedding of shape (n, d)
    P : csr_matrix of shape (m, n)
        Affinities of the new points to the old ones; each row sums to 1.
    optimizer : gradient_descent, optional
    **gradient_descent_params
        Defaults for `optimize`.
    """

    def __new__(  # noqa: D102 (the class says it)
        cls,
        embedding: Any,
        reference_embedding: Any,
        P: Any,
        optimizer: gradient_descent | None = None,
        **gradient_descent_params: Any,
    ) -> Self:
        params = dict(gradient_descent_params)
        array = check_coordinates(embedding, P.shape[0], params)
        places = np.shape(reference_embedding)
        if places != (P.shape[1], array.shape[1]):
            raise InvalidParameterError(
                f"`reference_embedding` must have shape {(P.shape[1], array.shape[1])}, got {places}"
            )
        state = EmbeddingState(None, check_optimizer(optimizer), None, params, reference=reference_embedding, P=P)
        return cls._make(array, state)

    @property
    def reference_embedding(self) -> Any:
        """The map that the points are placed on."""
        return self._own.reference

    def _refuse(self, *_: Any, **__: Any) -> Any:
        """Raise an error: new points know no data that others could be compared with.

        Raises
        ------
        UnavailableError
        """
        raise UnavailableError(
            "new points on a map cannot take further ones: place those on the map itself, `reference_embedding`"
        )

    transform = prepare_partial = add = _refuse

    @property
    def P(self) -> Any:
        """Affinities of the new points to those of the reference."""
        return self._own.P
