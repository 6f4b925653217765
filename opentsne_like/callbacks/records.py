"""Callbacks that keep what happened: numbers, frames, checkpoints."""

from __future__ import annotations

import os
import time
from typing import Any, Self

import numpy as np

from .. import storage
from .._validation import check_integer, check_real
from ..errors import StorageError
from ..storage import Claim
from .base import Hook, Progress, every_of, state_of


class History(Hook):
    """Keep iteration, loss, gradient norm and exaggeration of every iteration.

    Parameters
    ----------
    loss_every : int
        How often the loss is computed; between, the last one stands. `kl_every` is another name of it.

    Attributes
    ----------
    records : list of dict
        With the keys ``iteration``, ``loss``, which also stands under ``kl_divergence``, ``gradient_norm`` and
        ``exaggeration``.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import History
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> history = History(loss_every=10)
    >>> Y = Y.optimize(30, exaggeration=12, callbacks=history)
    >>> [record["iteration"] for record in history.records[::10]], history.records[-1]["exaggeration"]
    ([1, 11, 21], 12.0)
    """

    def __init__(self, loss_every: int = 0, *, kl_every: int | None = None) -> None:
        self.loss_every = every_of(loss_every, kl_every, "loss_every")
        self.records: list[dict[str, float]] = []

    def looks(self, progress: Progress) -> bool:
        """Say no: numbers are all that is recorded."""
        return False

    def iteration(self, progress: Progress) -> None:
        """Append one record."""
        self.records.append(
            {
                "iteration": progress.total,
                "loss": progress.loss,
                "kl_divergence": progress.loss,
                "gradient_norm": progress.gradient_norm,
                "exaggeration": progress.exaggeration,
            }
        )

    def state(self) -> dict[str, Any]:
        """Return the records."""
        return {"records": self.records}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after the records."""
        self.records = list(state["records"])


class Snapshots(Hook):
    """Keep copies of the coordinates, for a movie by `plotting.animate`.

    They are stored with the map if they are among the callbacks that it was made with, ``TSNE(callbacks=...)``, or
    was given later by `Embedding.heard_by`, and `load` finds them there. Beside a `Checkpoint`, all frames so far are
    written with every checkpoint, so choose `every` of both with the size of the map in mind: a frame takes 4 bytes per
    coordinate.

    Parameters
    ----------
    every : int
        Iterations between frames.

    Attributes
    ----------
    frames : list of (int, ndarray of shape (n, d), float32)
        Total iteration and coordinates.

    Examples
    --------
    >>> import numpy as np
    >>> from opentsne_like import TSNE
    >>> from opentsne_like.callbacks import Snapshots
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> snapshots = Snapshots(every=10)
    >>> Y = Y.optimize(25, callbacks=snapshots)
    >>> [(total, frame.shape) for total, frame in snapshots.frames]
    [(10, (100, 2)), (20, (100, 2))]
    """

    def __init__(self, every: int = 10) -> None:
        self.every = check_integer(every, "every", at_least=1)
        self.frames: list[tuple[int, Any]] = []

    def looks(self, progress: Progress) -> bool:
        """Say whether a frame is due."""
        return progress.total % self.every == 0

    def iteration(self, progress: Progress) -> None:
        """Keep a frame when one is due."""
        if self.looks(progress):
            self.frames.append((progress.total, np.array(progress.embedding, dtype=np.float32)))

    def state(self) -> dict[str, Any]:
        """Return the frames, as arrays, and how often there is one."""
        if not self.frames:
            return {}
        totals, maps = zip(*self.frames, strict=True)
        return {"every": self.every, "totals": np.array(totals), "frames": np.stack(maps)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after the frames."""
        self.frames = [(int(total), frame) for total, frame in zip(state["totals"], state["frames"], strict=True)]

    @classmethod
    def load(cls, path: Any) -> Self:
        """Return the snapshots that are stored with a map, or in a checkpoint.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        Snapshots
            Which go on in further calls of `optimize`.

        Raises
        ------
        StorageError
            The file cannot be read, or holds none.

        Examples
        --------
        >>> import numpy as np
        >>> from opentsne_like import TSNE
        >>> from opentsne_like.callbacks import Snapshots
        >>> X = np.random.default_rng(0).normal(size=(60, 5))
        >>> estimator = TSNE(perplexity=10, early_exaggeration_iter=10, n_iter=20, callbacks=Snapshots(every=15))
        >>> estimator.fit(X).save("map.npz")
        >>> [total for total, frame in Snapshots.load("map.npz").frames]
        [15, 30]
        """
        header = storage.read(path, names=())[1]
        try:
            states = header["run"]["callbacks"]
            place = [state["class"] for state in states].index(cls.__name__)
            every = states[place]["every"]
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"`path` must be of a map with snapshots, got {os.fsdecode(path)!r}, which has none; they are stored "
                "where they are among the callbacks that the map was made with"
            ) from error
        prefix = f"callbacks.{place}."
        arrays = storage.parts_below(prefix, storage.read(path, [f"{prefix}totals", f"{prefix}frames"])[0])
        totals, frames = arrays["totals"], arrays["frames"]
        fits = totals.dtype.kind == "i" and totals.ndim == 1 and frames.ndim == 3 and 0 < len(totals) == len(frames)
        if not fits or type(every) is not int or every < 1:
            raise StorageError(f"`path` {os.fsdecode(path)!r} cannot be read: its snapshots are no such thing")
        made = cls(every)
        made.restore(arrays)
        return made


class Checkpoint(Hook):
    """Save the embedding as it runs, so that a killed run can go on.

    The affinities are written once, to a file beside `path`; a checkpoint holds the coordinates, the optimizer's state
    and what the other callbacks remember. `opentsne_like.load` reads it, ``TSNE.fit(X, checkpoint=path)`` goes on from
    it.

    Parameters
    ----------
    path : path-like
        The file; it is replaced in one step, so that at any moment the last or the new one is there. One run at a time
        can write to it.
    every : int, optional
        Iterations between checkpoints.
    every_seconds : float, optional
        Seconds between checkpoints; by default 30 where `every` is not given.

    Attributes
    ----------
    run : dict of str to JSON values
        What else is to be kept with each checkpoint, such as the data's fingerprint.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import opentsne_like
    >>> from opentsne_like.callbacks import Checkpoint
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> Y = opentsne_like.TSNE(perplexity=10, random_state=0).prepare_initial(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.tsne"
    ...     Y = Y.optimize(25, callbacks=Checkpoint(path, every=10))
    ...     stored = opentsne_like.load(path)
    >>> stored.n_iter_, bool((stored == Y).all())
    (25, True)
    """

    def __init__(self, path: Any, every: int | None = None, every_seconds: float | None = None) -> None:
        self.path = path
        self.every = None if every is None else check_integer(every, "every", at_least=1)
        default = 30.0 if every is None else None
        self.every_seconds = default if every_seconds is None else check_real(every_seconds, "every_seconds", above=0)
        self.run: dict[str, Any] = {}
        self._affinities = ""
        self._last = time.perf_counter()
        self._claim: Claim | None = None
        self._place = ""
        self._held = 0

    def hold(self) -> None:
        """Keep other runs from writing to `path` until `release`, which each call needs once.

        Raises
        ------
        StorageError
            Another run, which is alive, is writing to it.
        """
        if not self._held:
            self._claim = Claim(self.path, "checkpoint")
            self._place = os.path.abspath(os.fsdecode(self.path))  # wherever callbacks may go in the meantime
        self._held += 1

    def release(self) -> None:
        """Take back one call of `hold`."""
        self._held -= 1
        if not self._held and self._claim is not None:
            self._claim.release()
            self._claim = None

    def start(self, progress: Progress) -> None:
        """Write the affinities unless they are there, and the first checkpoint."""
        self.hold()
        try:
            self._affinities = progress.embedding.save_affinities(self._place)
            self._write(progress)
        except BaseException:
            self.release()
            raise

    def looks(self, progress: Progress) -> bool:
        """Say no: saving brings the map home."""
        return False

    def iteration(self, progress: Progress) -> None:
        """Write a checkpoint when one is due."""
        due = self.every is not None and progress.total % self.every == 0
        if self.every_seconds is not None and time.perf_counter() - self._last >= self.every_seconds:
            due = True
        if due:
            self._write(progress)

    def end(self, progress: Progress) -> None:
        """Write the last checkpoint."""
        try:
            self._write(progress)
        finally:
            self.release()

    def _write(self, progress: Progress) -> None:
        hooks = [callback for callback in progress.callbacks if isinstance(callback, Hook)]
        states = [state_of(hook) for hook in hooks]
        run = {**self.run, "iteration": progress.iteration, "callbacks": states}
        progress.embedding.save_checkpoint(self._place, self._affinities, run)
        self._last = time.perf_counter()
