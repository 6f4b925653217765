"""openTSNE's parameters as settings: its names, and what they stand for here."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from .._validation import check_real
from ..embedding import EmbeddingState, Settings, as_loss
from ..objectives import AllPairs, FunctionLoss, KullbackLeibler, Loss, ObjectiveLoss
from ..repulsion import DEFAULT_TOLERANCE
from .divergences import method_of, tolerance_of

METHOD = "negative_gradient_method"
_GRID = ("n_interpolation_points", "min_num_intervals", "ints_in_interval")
_HIDDEN = {"method", "tolerance", "function", "fft_params", "objective", "n_iter", "first_iteration"}


@dataclass(frozen=True)
class InterpolationGrid:
    """The parameters of openTSNE's grid, which stand for an accuracy.

    Attributes
    ----------
    n_interpolation_points, min_num_intervals : int
    ints_in_interval : float
        See `tolerance_of`; 3, 50, 1 mean the default accuracy.
    grid_tolerance : float or None
        Relative error that the grid may add to the forces of any map; wins over the three.

    Examples
    --------
    >>> from opentsne_like.opentsne import InterpolationGrid
    >>> InterpolationGrid().tolerance, InterpolationGrid(grid_tolerance=1e-3).tolerance
    (0.005, 0.001)
    """

    n_interpolation_points: int = 3
    min_num_intervals: int = 50
    ints_in_interval: float = 1
    grid_tolerance: float | None = None

    def __post_init__(self) -> None:
        tolerance_of(**self.by_name)
        if self.grid_tolerance is not None:
            check_real(self.grid_tolerance, "grid_tolerance", above=0)

    @property
    def by_name(self) -> dict[str, Any]:
        """The three parameters of openTSNE."""
        return {name: getattr(self, name) for name in _GRID}

    @property
    def tolerance(self) -> float:
        """Relative error of the forces that these stand for."""
        return tolerance_of(**self.by_name) if self.grid_tolerance is None else float(self.grid_tolerance)


@dataclass(frozen=True)
class TSNESettings(Settings):
    """Settings that know openTSNE's names.

    Attributes
    ----------
    grid : InterpolationGrid
        From which the loss has its tolerance.

    Examples
    --------
    >>> from opentsne_like.opentsne import TSNESettings
    >>> TSNESettings().changed(negative_gradient_method="barnes-hut", theta=0.3).loss.method
    'bh'
    """

    grid: InterpolationGrid = field(default_factory=InterpolationGrid)

    def changed(self, **changes: Any) -> Self:
        """Return settings with other values, by the names of openTSNE or of the fields."""
        if METHOD in changes:
            changes["loss"] = _loss_by(changes.pop(METHOD), as_loss(changes.get("loss", self.loss)))
        if "tolerance" in changes and isinstance(as_loss(changes.get("loss", self.loss)), AllPairs):
            changes["grid_tolerance"] = changes.pop("tolerance")
        settings = super().changed(**changes)
        loss = settings.loss
        if isinstance(loss, AllPairs) and (settings.grid != self.grid or _untold(loss, self.loss)):
            loss = replace(loss, tolerance=settings.grid.tolerance)
        if isinstance(loss, FunctionLoss):
            loss = replace(loss, fft_params=settings.grid.by_name)
        return settings if loss is settings.loss else replace(settings, loss=loss)


def _untold(loss: AllPairs, before: Loss) -> bool:
    """Say whether a loss has taken another's place and says nothing of its tolerance itself."""
    return loss is not before and loss.tolerance == DEFAULT_TOLERANCE


def _loss_by(method: Any, loss: Loss) -> Loss:
    """Return the loss by another method: a name, a function of openTSNE's contract, or a loss of the user's own."""
    if isinstance(method, (Loss, type)) or callable(getattr(method, "evaluate", None)):
        return as_loss(method)  # which refuses a class
    name = method_of(method)
    if isinstance(loss, FunctionLoss) or not isinstance(loss, AllPairs):
        loss = loss.plain() if isinstance(loss, FunctionLoss) else KullbackLeibler()
    if name is not None:
        return replace(loss, method=name)
    return FunctionLoss.like(loss if isinstance(loss, KullbackLeibler) else KullbackLeibler(), method)


class Parameters(MutableMapping[str, Any]):
    """What `optimize` uses unless it is told otherwise, by openTSNE's names; what is written is checked.

    Parameters
    ----------
    state : EmbeddingState
        Whose settings are read and replaced.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNEEmbedding, affinity
    >>> Y = TSNEEmbedding(np.eye(5)[:, :2], affinity.Uniform(np.eye(5), k_neighbors=2), theta=0.3)
    >>> Y.gradient_descent_params["negative_gradient_method"] = "bh"
    >>> Y.gradient_descent_params["theta"], Y.loss.method
    (0.3, 'bh')
    """

    def __init__(self, state: EmbeddingState) -> None:
        self._state = state

    def __repr__(self) -> str:
        return repr(dict(self))

    def _owners(self) -> dict[str, Any]:
        settings = self._state.settings
        parts = [getattr(settings, role) for role in settings.roles()]
        hidden = _HIDDEN if isinstance(settings.loss, AllPairs) else _HIDDEN - {"method", "tolerance"}
        return {f.name: part for part in parts for f in fields(part) if f.name not in hidden} | {METHOD: settings.loss}

    def __getitem__(self, name: str) -> Any:
        owner = self._owners()[name]
        if name != METHOD:
            return getattr(owner, name)
        if isinstance(owner, ObjectiveLoss):
            return owner.objective
        if isinstance(owner, FunctionLoss):
            return owner.function
        return owner.method if isinstance(owner, AllPairs) else owner

    def __setitem__(self, name: str, value: Any) -> None:
        self._state.settings = self._state.settings.changed(**{name: value})

    def __delitem__(self, name: str) -> None:
        self[name] = Parameters(replace(self._state, settings=type(self._state.settings)()))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._owners())

    def __len__(self) -> int:
        return len(self._owners())
