"""Callbacks that check the loss that callbacks are told of."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from .base import Callback

log = logging.getLogger(__package__)


class VerifyExaggerationError(Callback):
    """Raise an error if the loss that callbacks are told of is not that of P without exaggeration.

    Parameters
    ----------
    embedding : Embedding
        The map, before it is optimized; its P is copied.

    Raises
    ------
    RuntimeError
        When the two numbers differ by more than 1e-6.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import VerifyExaggerationError
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> Y.optimize(50, exaggeration=12, callbacks=[VerifyExaggerationError(Y)]).shape
    (100, 2)
    """

    def __init__(self, embedding: Any) -> None:
        self.embedding = embedding
        self.P = embedding.affinities.P.copy()

    def __call__(self, iteration: int, corrected_error: float, embedding: Any) -> None:
        """Compare `corrected_error` with the loss of the map by the copy of P."""
        expected, label = embedding.evaluate(self.P), embedding.label
        log.info("%s %.6f, from P without exaggeration %.6f", label, corrected_error, expected)
        if not abs(expected - corrected_error) <= 1e-6:
            raise RuntimeError(
                f"the {label} in iteration {iteration} is {expected:.6g}, but callbacks are told {corrected_error:.6g}"
            )


class ErrorApproximations(Callback):
    """Keep the loss by exact sums, by Barnes-Hut and on a grid, to see how well the latter two do.

    Parameters
    ----------
    P : sparse matrix of shape (n, n)
        The affinities; copied.

    Attributes
    ----------
    exact_errors, bh_errors, fft_errors : list of float
        One entry per call.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import ErrorApproximations
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> errors = ErrorApproximations(Y.affinities.P)
    >>> Y = Y.optimize(50, callbacks=[errors], callbacks_every_iters=25)
    >>> np.allclose(errors.fft_errors, errors.exact_errors, atol=1e-3)
    True
    """

    def __init__(self, P: Any) -> None:
        self.P = P.tocsr().copy()
        self.exact_errors: list[float] = []
        self.bh_errors: list[float] = []
        self.fft_errors: list[float] = []

    def __call__(self, iteration: int, error: float, embedding: Any) -> None:
        """Evaluate the map three times."""
        for method, errors in (("exact", self.exact_errors), ("bh", self.bh_errors), ("fft", self.fft_errors)):
            errors.append(embedding.evaluate(self.P, method=method))

    def report(self) -> None:
        """Print mean and standard deviation of the differences from the exact value."""
        exact = np.array(self.exact_errors)
        for name, errors in (("Barnes-Hut", self.bh_errors), ("Interpolation", self.fft_errors)):
            difference = np.array(errors) - exact
            print(f"{name}: mean difference {difference.mean():.4f} (±{difference.std():.4f})")  # noqa: T201
