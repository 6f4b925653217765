"""A user's own function as a loss, by openTSNE's contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from .._types import Array
from ..affinity import opened
from ..errors import InvalidParameterError, InvalidTypeError
from ..optimizer import Objective
from .base import Context
from .kl import KullbackLeibler, learned_dof


@dataclass(frozen=True, kw_only=True)
class FunctionLoss(KullbackLeibler):
    """A function ``(embedding, P, dof=..., should_eval_error=..., ...) -> (error, gradient)`` in the place of a loss.

    It is told the options of t-SNE's loss, and what it returns is taken for a KL divergence and a quarter of its
    gradient.

    Attributes
    ----------
    function : callable
    fft_params : mapping
        What openTSNE calls so, as the user gave it.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNEEmbedding, affinity
    >>> def bowl(embedding, P, should_eval_error=False, **options):
    ...     return 0.5 * float((embedding**2).sum()), embedding / 4
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2), negative_gradient_method=bowl)
    >>> type(Y.loss).__name__, round(Y.optimize(100, learning_rate=0.5).loss_value, 6)
    ('FunctionLoss', 0.0)
    """

    function: Callable[..., Any] = field(repr=False)
    fft_params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    carries: ClassVar[tuple[str, ...]] = ()  # a function keeps what it likes
    is_data: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.repulsion_strength != 1.0:
            raise InvalidParameterError(
                "`repulsion_strength` must be 1 with a function as `negative_gradient_method`, which returns the whole "
                f"gradient, got {self.repulsion_strength:g}"
            )

    @classmethod
    def like(cls, loss: KullbackLeibler, function: Callable[..., Any]) -> FunctionLoss:
        """Return `function` as a loss with the options of another.

        Parameters
        ----------
        loss : KullbackLeibler
        function : callable
        """
        return cls(**{f.name: getattr(loss, f.name) for f in fields(KullbackLeibler)}, function=function)

    def plain(self) -> KullbackLeibler:
        """Return the loss whose options these are, without the function."""
        return KullbackLeibler(**{f.name: getattr(self, f.name) for f in fields(KullbackLeibler)})

    def bind(self, P: Any, context: Context) -> Objective:
        """Return the function as the objective of a map."""
        return self._objective(P, None, context, learned_dof(context.state))

    def place(self, P: Any, reference: Any, context: Context) -> Objective:
        """Return the function as the objective of new points; it is told of the map."""
        return self._objective(P, reference, context, 1.0)

    def check_dimension(self, dimension: int) -> None:
        """Take maps of every dimension."""

    def precise(self) -> Self:
        """Return the loss itself."""
        return self

    def _objective(self, P: Any, reference: Any, context: Context, learned: float) -> FunctionObjective:
        options = {
            "dof": learned if self.dof == "learn" else float(self.dof),
            "bh_params": {"theta": self.theta},
            "fft_params": dict(self.fft_params),
            "reference_embedding": reference,
            "n_jobs": context.n_jobs,
        }
        return FunctionObjective(self.function, opened(P), options)  # openTSNE's compiled ones ask for writable memory


class FunctionObjective:
    """Calls a function of openTSNE's contract.

    By that contract the function finds exaggeration inside P, so it gets a scaled copy; the error it returns is then
    that of the scaled P, and the one without exaggeration is ``error / exaggeration - sum(p) log(exaggeration)``.

    Parameters
    ----------
    function : callable
    P : sparse matrix
    options : dict
        Passed on by name: ``dof``, ``bh_params``, ``fft_params``, ``reference_embedding``, ``n_jobs``.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from opentsne_like.objectives import FunctionObjective
    >>> def weight(embedding, P, should_eval_error=False, **options):
    ...     return float(P.sum()), np.zeros_like(embedding)
    >>> objective = FunctionObjective(weight, csr_matrix(np.array([[0, 0.5], [0.5, 0]])), {})
    >>> objective.evaluate(np.zeros((2, 2)), exaggeration=1.0, with_loss=True)[0]
    1.0
    """

    def __init__(self, function: Callable[..., Any], P: Any, options: dict[str, Any]) -> None:
        self.function = function
        self.P = P
        self.options = options
        self._scaled: tuple[float, Any] = (1.0, P)

    def evaluate(self, points: Array, *, exaggeration: float, with_loss: bool) -> tuple[float, Array]:
        """Return what the function says of `points`."""
        if self._scaled[0] != exaggeration:
            self._scaled = (exaggeration, self.P * exaggeration)
        result = self.function(points, self._scaled[1], should_eval_error=with_loss, **self.options)
        try:
            error, gradient = result
            gradient = np.ascontiguousarray(gradient, dtype=np.float64)
        except (TypeError, ValueError) as failure:
            raise InvalidTypeError(
                "`negative_gradient_method` must return (error, gradient), got " + type(result).__name__
            ) from failure
        if gradient.shape != points.shape:
            raise InvalidTypeError(
                f"`negative_gradient_method` must return a gradient of shape {points.shape}, got {gradient.shape}"
            )
        if not with_loss or error is None:
            return float("nan"), gradient
        return float(error) / exaggeration - float(self.P.sum()) * float(np.log(exaggeration)), gradient
