"""A map that is optimized on a GPU: its points and the arrays of its optimizer lie there while a call lasts.

What the host decides by is read in every iteration; coordinates come home when somebody looks at them, and at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np

from .._types import Array
from ..callbacks import Follower
from ..devices import card, on_host, to_gpu, undivided
from ..errors import InsufficientMemoryError
from ..optimizer import Record, State, StopReason

Answer = TypeVar("Answer")


class OnGPU:
    """A context in which a map and the arrays of its state lie on a GPU.

    Parameters
    ----------
    home : ndarray of shape (n, d), float64, changed
        The map on the host.
    state : State, changed
    names : tuple of str
        The arrays of the state that have a row for each point.

    Attributes
    ----------
    points : ndarray of the device, shape (n, d), float64
        The map.

    Raises
    ------
    InsufficientMemoryError
        Where the card has not enough memory left; map and state are then those of the last iteration.
    """

    def __init__(self, home: Array, state: State, names: tuple[str, ...]) -> None:
        self.home, self._state, self._names = home, state, names
        self.points: Any = None

    def __enter__(self) -> Self:
        try:
            self.points = to_gpu(self.home)
            self._state.move(self._names, to_gpu)
        except card().memory_error as error:
            self._leave()
            raise self._too_large(error) from error
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        with undivided():
            self._leave()
        if isinstance(error, card().memory_error):
            raise self._too_large(error) from error

    def _leave(self) -> None:
        with self._state.lock:
            self.bring_home()
            self._state.drop_spare()
            self._state.move(self._names, on_host)
            self.points = None

    def _too_large(self, error: BaseException) -> InsufficientMemoryError:
        return InsufficientMemoryError(
            f"a GPU must have more memory left for a map of {len(self.home)} points, got '{error}'; free some of it, "
            "or use device='cpu'"
        )

    def bring_home(self) -> None:
        """Write the map as it is now to the host."""
        if self.points is not None:
            with self._state.lock:
                self.home[:] = on_host(self.points)

    def show(self, look: Callable[[], Answer]) -> Answer:
        """Let somebody look at the map on the host, and take over what was moved there; return what `look` returns."""
        self.bring_home()
        before = self.home.copy()
        answer = look()
        if not np.array_equal(before, self.home):
            self.points[:] = to_gpu(self.home)
        return answer


class FollowerOnGPU:
    """A follower to whom the map is shown on the host where it looks at it.

    Parameters
    ----------
    follower : Follower
    away : OnGPU
    """

    def __init__(self, follower: Follower, away: OnGPU) -> None:
        self._follower, self._away = follower, away

    def wants_loss(self, iteration: int) -> bool:
        """Say whether somebody wants the loss of this iteration."""
        return self._follower.wants_loss(iteration)

    def looks(self, iteration: int) -> bool:
        """Say whether a callback is shown the map before this step."""
        return self._follower.looks(iteration)

    def before_step(self, iteration: int, loss: float) -> bool:
        """Show the map before its step to the callbacks that are due."""
        if not self.looks(iteration):
            return self._follower.before_step(iteration, loss)
        return self._away.show(lambda: self._follower.before_step(iteration, loss))

    def after_step(self, iteration: int, record: Record) -> StopReason | None:
        """Tell the hooks of a committed iteration, and show them the map where one of them looks."""
        if not self._follower.looks_after(record):
            return self._follower.after_step(iteration, record)
        return self._away.show(lambda: self._follower.after_step(iteration, record))
