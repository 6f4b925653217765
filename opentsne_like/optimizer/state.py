"""What an optimization needs to go on: named arrays in two buffers, a counter, a history."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import ops
from .._types import Array
from ..devices import beside, on_host, operations
from ..errors import InvalidParameterError
from .base import Proposal, Record

COUNTER, HISTORY, CARRIED = "counter", "history", "carried."


class State:
    """Named arrays of an optimizer, double-buffered, with the number of iterations done and a record of each.

    A step is made in the spare buffers, and made good by turning to them; so Ctrl-C finds an iteration done or not
    begun. Copies and files are taken under `lock`, which a commit holds, so they are whole whichever thread optimizes.

    An array of three dimensions is a *ring* of slots (slots, n, d), and there is one of it, not two: a step writes to a
    slot that nothing current names, and what it makes good is a number in another array that names the slot.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of the optimizer, and of learnable parameters.
    counter : int
        Iterations done.
    history : iterable of Record
    carried : mapping of str to ndarray, optional
        What an objective carries from one iteration to the next, see `objectives.carrying`.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.optimizer import Momentum
    >>> state = Momentum().start(np.zeros((3, 2)))
    >>> sorted(state.arrays()), int(state.counter[0])
    (['counter', 'gains', 'history', 'update'], 0)
    """

    def __init__(
        self,
        arrays: Mapping[str, Array],
        *,
        counter: int = 0,
        history: Iterable[Record] = (),
        carried: Mapping[str, Array] | None = None,
    ) -> None:
        self._buffers: list[dict[str, Array] | None] = [dict(arrays), None]
        self._work: dict[str, Array] = {}
        self._made: dict[str, Any] = {}
        self._tried: dict[str, Array] | None = None
        self.which = np.zeros(1, np.int64)
        self.counter = np.array([counter], np.int64)
        self.history = list(history)
        self.carried: dict[str, Array] = dict(carried or {})
        self.lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return {"arrays": self._at_home(), "counter": int(self.counter[0]), "history": list(self.history)} | {
            "carried": dict(self.carried)
        }

    def __setstate__(self, parts: dict[str, Any]) -> None:
        self.__init__(parts.pop("arrays"), **parts)  # type: ignore[misc]

    def __contains__(self, name: str) -> bool:
        return name in self._current

    def __getitem__(self, name: str) -> Array:
        return self._current[name]

    def __setitem__(self, name: str, array: Array) -> None:
        self._current[name] = array
        self._buffers[1 - int(self.which[0])] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._current)

    @property
    def _current(self) -> dict[str, Array]:
        return self._buffers[int(self.which[0])]  # type: ignore[return-value]  # the current one is always there

    def _at_home(self) -> dict[str, Array]:
        """Return the current arrays on the host, wherever they lie."""
        return {name: on_host(array) for name, array in self._current.items()}

    @property
    def spare(self) -> dict[str, Array]:
        """The buffers in which the next step is made; what nobody writes in a run stays as it was before it."""
        other = 1 - int(self.which[0])
        made = self._buffers[other]
        if made is None or made is self._current:
            made = {name: array if array.ndim == 3 else array.copy() for name, array in self._current.items()}
            self._buffers[other] = made
        return made

    def work(self, name: str, shape: tuple[int, ...], near: Array | None = None) -> Array:
        """Return a float64 array of unknown content, the same one until the loop ends.

        Parameters
        ----------
        name : str
        shape : tuple of int
        near : ndarray, optional
            Beside which it is to lie; by default on the host.
        """
        if name not in self._work or self._work[name].shape != shape:
            self._work[name] = beside(near, np.empty(shape))
        return self._work[name]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` makes when it is first asked for, the same object until the loop ends.

        Parameters
        ----------
        name : str
        make : callable
        """
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def move(self, names: Iterable[str], to: Callable[[Array], Array]) -> None:
        """Put arrays elsewhere, to a GPU or back; spare buffers are made anew there.

        Parameters
        ----------
        names : iterable of str
        to : callable
            From an array to the same one elsewhere.
        """
        with self.lock:
            moved = {**self._current, **{name: to(self._current[name]) for name in names}}
            self.drop_spare()
            self._buffers = [moved, None]

    def drop_spare(self) -> None:
        """Give the memory of spare buffers and work back; Ctrl-C between any two lines leaves a good state."""
        self._buffers = [self._current, self._current]
        self.which[0] = 0
        self._buffers = [self._current, None]
        self._work, self._made, self._tried = {}, {}, None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let an objective be evaluated away from the map: what it then carries is made good with the step, or never.

        Examples
        --------
        >>> state = State({})
        >>> with state.trying():
        ...     state.carried["verdict"] = np.zeros(9)
        >>> "verdict" in state.carried
        False
        """
        before, self._tried = dict(self.carried), None
        try:
            yield
            self._tried = dict(self.carried)
        finally:
            self._carry(before)

    def _carry(self, parts: Mapping[str, Array]) -> None:
        self.carried.clear()
        self.carried.update(parts)

    def commit(self, points: Array, made: Proposal, record: Record) -> None:
        """Make a proposed step the current one, in place; its record is there before it is.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64, changed
        made : Proposal
        record : Record
        """
        _ = self.spare  # the half to turn to; an optimizer that keeps nothing has not asked for it
        with self.lock:
            self.history.append(record)
            if self._tried is not None:
                self._carry(self._tried)
                self._tried = None
            operations(points).commit(points, self.counter, self.which, made.points, made.offset)

    def turn_to(self, points: Array, new_points: Array, arrays: Mapping[str, Array]) -> None:
        """Put other points and arrays in the place of the current ones, as whole as a step, but count no iteration.

        Parameters
        ----------
        points : ndarray of shape (n, d), float64, changed
        new_points : ndarray of shape (n, d), float64
        arrays : mapping of str to ndarray
            All that is to be there afterwards.

        Examples
        --------
        >>> state, points = State({"update": np.ones((3, 2))}), np.ones((3, 2))
        >>> state.turn_to(points, 2 * points, {"update": 2 * state["update"]})
        >>> float(points.max()), float(state["update"].max()), int(state.counter[0])
        (2.0, 2.0, 0)
        """
        with self.lock:
            self._buffers[1 - int(self.which[0])] = dict(arrays)
            ops.commit(points, np.zeros(1, np.int64), self.which, new_points, np.zeros(points.shape[1]))
            self.drop_spare()

    def arrays(self) -> dict[str, Array]:
        """Return all that has to be kept for the optimization to go on, by name."""
        records = self.history
        return {
            **self._at_home(),
            COUNTER: self.counter,
            HISTORY: np.array(records, dtype=np.float64).reshape(len(records), len(Record._fields)),
            **{f"{CARRIED}{name}": part for name, part in self.carried.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> State:
        """Return the state that `arrays` took apart.

        Parameters
        ----------
        arrays : mapping of str to ndarray

        Raises
        ------
        InvalidParameterError
            If counter and history are no such thing, or do not go together.
        """
        counter, history = np.asarray(arrays[COUNTER]), np.asarray(arrays[HISTORY])
        if counter.shape != (1,) or counter.dtype.kind not in "iu" or not 0 <= counter[0] < 2**62:
            raise InvalidParameterError("the counter of iterations must be one integer that is not negative")
        if history.ndim != 2 or history.shape[1] != len(Record._fields) or history.dtype != np.float64:
            raise InvalidParameterError("the history of iterations is no table of records")
        done = int(counter[0])
        if not np.array_equal(history[:, 0], np.arange(done - len(history) + 1.0, done + 1.0)) or len(history) > done:
            raise InvalidParameterError(f"the history of iterations does not end with the last of {done}")
        named = {name: part for name, part in arrays.items() if name not in (COUNTER, HISTORY)}
        carried = {name.removeprefix(CARRIED): part for name, part in named.items() if name.startswith(CARRIED)}
        own = {name: np.ascontiguousarray(part) for name, part in named.items() if not name.startswith(CARRIED)}
        records = [Record(int(row[0]), *row[1:]) for row in history.tolist()]
        return cls(own, counter=done, history=records, carried=carried)

    def copy(self) -> State:
        """Return an independent state."""
        with self.lock:
            arrays = {name: array.copy() for name, array in self._at_home().items()}
            done = int(self.counter[0])
            ahead = max(0, self.history[-1].iteration - done) if self.history else 0
            return State(arrays, counter=done, history=self.history[: len(self.history) - ahead], carried=self.carried)

    def grown(self, fresh: State, shape: tuple[int, ...]) -> State:
        """Return a state for these points and new ones behind them.

        Arrays of `fresh` with a row for each point get the old rows; its others stay as they are, so that what is of
        all points together begins anew. Of what another optimizer left, arrays with rows are dropped. What is of no
        point, such as learnable parameters, stays. What was carried is left behind.

        Parameters
        ----------
        fresh : State
            Of all points, changed.
        shape : (int, int)
            Of the old ones.
        """
        arrays = {name: fresh[name] for name in fresh}
        for name, array in self._current.items():
            rows = array.shape[-2:] == shape
            if name not in fresh and not rows:
                arrays[name] = array.copy()
            elif name in fresh and array.ndim == 2 and rows:
                arrays[name][: len(array)] = array
        return State(arrays, counter=int(self.counter[0]), history=self.history)
