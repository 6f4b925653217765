"""Runs of several stages that go on where they were killed."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .. import storage
from .._types import Array
from ..callbacks import Checkpoint, Hook
from ..embedding import affinities_path, pack_random_state, restore_affinities
from ..errors import InvalidParameterError, StorageError
from ..loading import load_run
from ..nearest_neighbors import kept_by

log = logging.getLogger(__name__)


class ResumableRun:
    """A sequence of `optimize` calls that a checkpoint belongs to.

    Parameters
    ----------
    checkpoint : path-like or Checkpoint
    parameters : mapping of str to object
        What the run depends on, by name; a run with others is refused.
    data : array, sparse matrix or None
        What the run is made from; a run of other data is refused.
    lengths : sequence of int
        Iterations of each stage.

    Attributes
    ----------
    hook : Checkpoint
        Goes last in the callbacks of each stage.
    stage, first : int
        The stage to go on with, and how many of its iterations were done.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like.methods import ResumableRun
    >>> run = ResumableRun("run.npz", {"perplexity": 30}, np.eye(3), lengths=[250, 500])
    >>> run.resume(None, [], make=lambda: None) is None, run.stage, run.first
    (True, 0, 0)
    """

    def __init__(self, checkpoint: Any, parameters: Mapping[str, Any], data: Any, lengths: Sequence[int]) -> None:
        self.hook = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        storage.check_writable(self.hook.path, "checkpoint", ending=affinities_path("", "0" * 32))
        self.hook.hold()
        described = {name: _described(value) for name, value in parameters.items()}
        self.hook.run = {"parameters": described, "data": storage.fingerprint(data), "stage": 0}
        self.lengths = list(lengths)
        self.stage = 0
        self.first = 0
        self._ended = False

    def resume(self, data: Any, callbacks: Sequence[Any], make: Callable[[], Any]) -> Any:
        """Return the embedding of the checkpoint, or None if there is none; callbacks remember what they knew.

        Parameters
        ----------
        data : array or sparse matrix, optional
            For `transform` on the embedding.
        callbacks : sequence
        make : callable
            Returns the affinities, should those beside the checkpoint be gone.

        Raises
        ------
        InvalidParameterError
            The checkpoint is of other data or parameters.
        StorageError
            The file cannot be read.
        """
        path = self.hook.path
        if not os.path.exists(path):
            return None
        restore_affinities(path, make)
        embedding, run = load_run(path, data)
        if "parameters" not in run:
            raise InvalidParameterError(f"`checkpoint` must be of a run of `fit`, got {str(path)!r}; remove the file")
        self._check(run)
        self._check_place(run, embedding.n_iter_)
        ended = embedding.stop_reason
        self._ended = ended is not None and ended.ends_phase
        try:
            _restore(callbacks, run["callbacks"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise StorageError(
                f"`checkpoint` {str(path)!r} cannot be gone on with: what its callbacks remember is damaged ({error})"
            ) from error
        return embedding

    def keeping_neighbors(self) -> AbstractContextManager[None]:
        """Return the context in which neighbours are kept beside the checkpoint, block by block, as they are found."""
        return kept_by(self._neighbors)

    def close(self) -> None:
        """Let other runs write to the path; each run needs it once.

        Once there is a checkpoint, whose affinities were made of them, neighbours are needed no more.
        """
        if os.path.exists(self.hook.path):
            self._neighbors.remove()
        self.hook.release()

    @property
    def _neighbors(self) -> KeptNeighbors:
        folder = f"{os.path.abspath(os.fsdecode(self.hook.path))}.neighbors"
        return KeptNeighbors(folder, {name: self.hook.run[name] for name in ("parameters", "data")})

    def begin(self, stage: int) -> bool:
        """Note that a stage begins, and say whether it has iterations left: it may have converged before it was killed.

        Parameters
        ----------
        stage : int
        """
        if stage != self.stage:
            self.stage, self.first, self._ended = stage, 0, False
        self.hook.run["stage"] = stage
        return not self._ended

    def _check_place(self, run: Mapping[str, Any], done: int) -> None:
        """Take over stage and iteration, or refuse those that no run of these stages passes through."""
        stage: Any = run.get("stage")
        first: Any = run.get("iteration")
        whole = type(stage) is int and type(first) is int and isinstance(run.get("callbacks"), list)
        lengths = dict(enumerate(self.lengths))
        if not whole or stage not in lengths or not 0 <= first <= min(done, lengths[stage]):
            raise StorageError(
                f"`checkpoint` {str(self.hook.path)!r} cannot be gone on with: iteration {first!r} of stage {stage!r} "
                f"is none of a run of {self.lengths} iterations that has made {done}"
            )
        self.stage, self.first = stage, first

    def _check(self, run: Mapping[str, Any]) -> None:
        """Refuse a checkpoint of another run, and say what differs."""
        path = str(self.hook.path)
        if not isinstance(run["parameters"], Mapping) or "data" not in run:
            raise StorageError(f"`checkpoint` {path!r} cannot be gone on with: its parameters are no such thing")
        if run["data"] != self.hook.run["data"]:
            raise InvalidParameterError(
                f"`checkpoint` must be of the same data, got {path!r}, which is of others; choose another file"
            )
        mine, its = self.hook.run["parameters"], run["parameters"]
        for name in sorted({*mine, *its}):
            if mine.get(name) != its.get(name):
                raise InvalidParameterError(
                    f"`checkpoint` must be of a run with the same parameters, got {path!r} with "
                    f"{name}={its.get(name)!r} instead of {mine.get(name)!r}; choose another file"
                )


class KeptNeighbors:
    """A folder of files that keeps the neighbours of one run, see `nearest_neighbors.kept_by`.

    What another run left there, or what is damaged, counts as nothing and is written anew.

    Parameters
    ----------
    folder : path-like
    run : mapping of str to JSON values
        The parameters and the fingerprint of the data.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from opentsne_like.methods.resuming import KeptNeighbors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     KeptNeighbors(folder, {"data": "0f3c"}).put("seed", {"seed": np.array(7)})
    ...     same, other = (KeptNeighbors(folder, {"data": data}).get("seed") for data in ("0f3c", "9a51"))
    >>> int(same["seed"]), other is None
    (7, True)
    """

    def __init__(self, folder: Any, run: Mapping[str, Any]) -> None:
        self.folder = os.fsdecode(folder)
        self.run = {"fingerprint": storage.fingerprint(dict(run))}

    def get(self, name: str) -> Mapping[str, Array] | None:
        """Return what was kept under a name, or None."""
        path = self._path(name)
        if not os.path.exists(path):
            return None
        try:
            arrays, header = storage.read(path)
        except StorageError as error:
            log.warning("%s is damaged and is made again (%s)", path, error)
            return None
        return arrays if header == {**self.run, "name": name} else None

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Keep arrays under a name."""
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise StorageError(f"neighbours cannot be kept in {self.folder!r}: {error}") from error
        storage.write(self._path(name), arrays, {**self.run, "name": name})

    def remove(self) -> None:
        """Remove what was kept, by whichever run, and the folder unless something else is in it."""
        with suppress(OSError):
            for file in os.listdir(self.folder):
                if file.endswith((".npz", ".tmp")):
                    os.remove(os.path.join(self.folder, file))
            os.rmdir(self.folder)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.npz")


def _described(value: Any) -> Any:
    """Return a parameter as something that JSON holds and that tells it from others."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": type(value).__name__, **{f.name: _described(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, functools.partial):
        return {"partial": _described(value.func), "args": _described(value.args), **_described(value.keywords)}
    if isinstance(value, (list, tuple)) and not all(isinstance(part, (int, float, list, tuple)) for part in value):
        return [_described(part) for part in value]
    if isinstance(value, (np.ndarray, list, tuple)) or hasattr(value, "tocsr"):
        short = np.ndim(value) == 1 and len(value) <= 16
        return np.asarray(value).tolist() if short else storage.fingerprint(_as_array(value))
    if isinstance(value, Mapping):
        return {str(name): _described(part) for name, part in value.items()}
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
        return storage.fingerprint(pack_random_state(value))
    if isinstance(value, np.generic):
        return value.item()
    kind = value if callable(value) and hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _as_array(value: Any) -> Any:
    return value if hasattr(value, "tocsr") else np.asarray(value)


def _restore(callbacks: Sequence[Any], states: Sequence[dict[str, Any]]) -> None:
    """Give the hooks back what they remembered, the n-th of a class to the n-th of that class."""
    left = [dict(state) for state in states]
    for hook in callbacks:
        if not isinstance(hook, Hook):
            continue
        name = type(hook).__name__
        index = next((i for i, state in enumerate(left) if state["class"] == name), None)
        if index is not None:
            state = left.pop(index)
            del state["class"]
            if state:
                hook.restore(state)
