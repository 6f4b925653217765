"""The stages of a run: a bar that moves while one lasts, and a line with its time when it has ended."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_LOGGER = "opentsne_like.utils"  # where stages are announced
_WIDTH, _BLOCK = 20, 6  # characters of the bar, and of what moves in it
_EVERY = 0.1  # seconds


class StageBar(logging.Handler):
    """Shows the stages that the package announces in its log.

    Parameters
    ----------
    say : callable
        Takes the line of a stage that has ended.
    stream : file
        Where the bar moves, if it is a terminal.
    """

    def __init__(self, say: Callable[[str], Any], stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self.say = say
        self.stream = stream
        self._open: list[tuple[str, float]] = []
        self._ended = threading.Event()
        self._mover: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Open or close a stage; those within another one are parts of it."""
        if not hasattr(record, "begins"):
            return
        if record.begins:
            self._open.append((str(record.msg).rstrip("."), time.perf_counter()))
            if len(self._open) == 1 and self.stream.isatty():
                self._ended.clear()
                self._mover = threading.Thread(target=self._move, args=self._open[0], daemon=True)
                self._mover.start()
        elif self._open:
            name, began = self._open.pop()
            if not self._open:
                self.stop()
                self.say(f"  {name}: {time.perf_counter() - began:.1f} s")

    def stop(self) -> None:
        """End the movement, and wipe the bar."""
        if self._mover is not None:
            self._ended.set()
            self._mover.join()
            self._mover = None

    def _move(self, name: str, began: float) -> None:
        line, place = "", 0
        while not self._ended.wait(_EVERY):
            place = (place + 1) % (2 * (_WIDTH - _BLOCK))
            left = min(place, 2 * (_WIDTH - _BLOCK) - place)
            line = f"{name} |{' ' * left}{'#' * _BLOCK}{' ' * (_WIDTH - _BLOCK - left)}| "
            line += f"{time.perf_counter() - began:.0f} s"
            self.stream.write(f"\r{line}")
            self.stream.flush()
        self.stream.write(f"\r{' ' * len(line)}\r")
        self.stream.flush()


@contextmanager
def telling(say: Callable[[str], Any], *, quiet: bool) -> Iterator[None]:
    """Tell the stages of what is done inside, unless quiet.

    Parameters
    ----------
    say : callable
    quiet : bool
    """
    if quiet:
        yield
        return
    logger, bar = logging.getLogger(_LOGGER), StageBar(say, sys.stderr)
    level = logger.level
    logger.addHandler(bar)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(bar)
        bar.stop()
