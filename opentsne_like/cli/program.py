"""From words on the command line to an exit status."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import AdviceWarning, OpenTSNEError
from .arguments import flags_of, parse
from .interrupts import PROGRAM, Interrupts

BAD_INPUT = 2


def run(arguments: Sequence[str] | None, interrupts: Interrupts) -> int:
    """Run one command and return its status; see `entry.main`.

    Parameters
    ----------
    arguments : sequence of str or None
    interrupts : Interrupts
    """
    interrupts.options = options = argparse.Namespace()
    try:
        status = _obey(arguments, options, interrupts)
        sys.stdout.flush()
    except BaseException as error:
        if interrupts.caused(error):
            return interrupts.leave()
        return _report(error, getattr(options, "command", None))
    return status


def _obey(arguments: Sequence[str] | None, options: argparse.Namespace, interrupts: Interrupts) -> int:
    """Do what the arguments say; what they say, and what becomes of it, is noted in `options`."""
    try:
        parse(PROGRAM, arguments, options)
    except SystemExit as done:  # --help, --version, or an error that was printed
        return int(done.code or 0)
    with warnings.catch_warnings(), _noting(options):
        if getattr(options, "quiet", False):
            warnings.simplefilter("ignore", AdviceWarning)
        warnings.showwarning = lambda message, *_, **__: None if interrupts.asked else _warn(message)
        _command(options.command)(options)
    return 0


@contextmanager
def _noting(options: argparse.Namespace) -> Iterator[None]:
    """Print what the package notes by the way, a line each, unless it is told to be quiet."""
    quiet = getattr(options, "quiet", False)
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: None if quiet else _note(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(__package__.partition(".")[0])
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _report(error: BaseException, command: str | None) -> int:
    """Say in one line what went wrong outside of this program, and raise what went wrong inside."""
    if isinstance(error, OpenTSNEError):
        return _fail(f"error: {_as_written(str(error), command)}", BAD_INPUT)
    if isinstance(error, MemoryError):
        return _fail(f"error: not enough memory ({error})", BAD_INPUT)
    if isinstance(error, OSError):
        _drop_output()
        if isinstance(error, BrokenPipeError):  # whoever read the output, such as `head`, has had enough
            return 0
        place = "" if error.filename is None else f"{error.filename!r}: "
        return _fail(f"error: {place}{error.strerror or error}", BAD_INPUT)
    raise error


def _as_written(message: str, command: str | None) -> str:
    """Return a message with the names of options as they are written on the command line."""
    for name, flag in flags_of(PROGRAM, command).items() if command else ():
        message = message.replace(f"`{name}`", f"`{flag}`")
    return message


def _drop_output() -> None:
    """Let what can no longer be printed go, instead of failing once more when the process ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(name: str) -> Callable[[Any], None]:
    """Import only what the command needs."""
    if name == "demo":
        from .demo import demo

        return demo
    if name in ("plot", "info", "export"):
        from . import reports

        return {"plot": reports.plot, "info": reports.info, "export": reports.export}[name]
    from . import commands

    return {"embed": commands.embed, "transform": commands.transform, "add": commands.add}[name]


def _fail(message: str, status: int) -> int:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _warn(message: Any) -> None:
    _note(f"warning: {message}")


def _note(message: str) -> None:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
