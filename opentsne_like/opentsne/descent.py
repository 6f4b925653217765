"""openTSNE's optimizer object: where an optimization stands, with its names, and callable on plain arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from .._types import Array
from ..embedding import Descent
from ..objectives import learned_dof
from .settings import METHOD, TSNESettings

_FIRST = (  # of the options, in openTSNE's order
    *("dof", "min_gain", "max_grad_norm", "max_step_norm", "theta"),
    *("n_interpolation_points", "min_num_intervals", "ints_in_interval", "reference_embedding"),
    *("n_jobs", "use_callbacks", "callbacks", "callbacks_every_iters", "verbose"),
)


class gradient_descent(Descent):  # noqa: N801 (openTSNE's name)
    """Gradient descent with momentum and gains that remembers where it stands.

    Attributes
    ----------
    gains, update : ndarray of shape (n, d) or None
        Per-coordinate gains and the last step; None before the first call.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import affinity
    >>> from opentsne_like.tsne import gradient_descent
    >>> Y = np.random.default_rng(0).normal(size=(5, 2))
    >>> error, _ = gradient_descent()(Y, affinity.Uniform(np.eye(5), k_neighbors=2).P, 10, "exact", learning_rate=1.0)
    """

    @property
    def gains(self) -> Array | None:
        """Factors on the learning rate, one per coordinate."""
        return self._named("gains")

    @gains.setter
    def gains(self, value: Any) -> None:
        self._name("gains", value)

    @property
    def update(self) -> Array | None:
        """The last step, one entry per coordinate."""
        return self._named("update")

    @update.setter
    def update(self, value: Any) -> None:
        self._name("update", value)

    @property
    def dof(self) -> float:
        """The degrees of freedom that were learned; 1 before."""
        return learned_dof(self.state)

    def _named(self, name: str) -> Array | None:
        return self.state[name] if self.state is not None and name in self.state else None

    def _name(self, name: str, value: Any) -> None:
        array = np.array(value, dtype=np.float64, order="C")
        self.start(array, TSNESettings())[name] = array

    def __call__(
        self,
        embedding: Any,
        P: Any,
        n_iter: int,
        objective_function: Any,
        learning_rate: float | str = "auto",
        momentum: float = 0.8,
        exaggeration: float | Callable[[int], float] | None = None,
        reference_embedding: Any = None,
        **options: Any,
    ) -> tuple[float, Any]:
        """Move `embedding` for `n_iter` iterations, in place.

        Parameters
        ----------
        embedding : ndarray of shape (n, d), float64, changed
        P : sparse matrix
            Joint probabilities, or those of new points given the reference.
        n_iter : int
        objective_function : {"auto", "exact", "bh", "fft"} or callable
        learning_rate : float or "auto"
            "auto" is ``n / exaggeration``, without gains ``2 n / exaggeration ** 1.5``; 0.1 for placed points.
        momentum : float
        exaggeration : float, callable or None
            None is 1.
        reference_embedding : TSNEEmbedding or ndarray, optional
            The frozen map that the points are placed on.
        **options
            Fields of `objectives.KullbackLeibler`, `optimizer.Momentum`, `optimizer.Schedule`, `callbacks.Following`
            and `InterpolationGrid`, and ``n_jobs``. Callbacks are heard with ``use_callbacks=True`` only, as there.

        Returns
        -------
        error : float
            The last KL divergence that was computed; NaN if none was.
        embedding : the same object

        Raises
        ------
        InvalidParameterError
            If P does not fit the map, or an index of it lies outside of it.
        OptimizationInterrupt
            If a callback asks to stop.
        """
        stage = {"learning_rate": learning_rate, "momentum": momentum, "exaggeration": exaggeration, "n_iter": n_iter}
        changes = {METHOD: objective_function, "use_callbacks": False, **stage, **options}
        return self.run(embedding, P, TSNESettings().changed(**changes), reference_embedding), embedding


def _described(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of the call with the options that it hands on spelled out."""
    own = inspect.signature(call).parameters
    shown = [p for p in own.values() if p.kind is not inspect.Parameter.VAR_KEYWORD and p.name != "reference_embedding"]
    settings = TSNESettings().changed(use_callbacks=False)
    parts = [getattr(settings, role) for role in settings.roles()]
    options = {f.name: getattr(part, f.name) for part in parts for f in fields(part)} | {"reference_embedding": None}
    hidden = {*own, "method", "tolerance"} - {"reference_embedding"}
    names = [*_FIRST, *(name for name in options if name not in _FIRST)]
    kind = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(name, kind, default=options[name]) for name in names if name not in hidden]
    return inspect.Signature([*shown, *more])


gradient_descent.__call__.__signature__ = _described(gradient_descent.__call__)  # type: ignore[attr-defined]
