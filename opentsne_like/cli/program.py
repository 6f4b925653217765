"""From words on the command line to an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import OpenTSNEError
from .arguments import make_parser

PROGRAM = "opentsne-like"
BAD_INPUT = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 when all is done; 2 for input that cannot work, with one line on standard error; 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--version"])
    opentsne-like 0.1.0
    0
    """
    try:
        options = make_parser(PROGRAM).parse_args(arguments)
    except SystemExit as done:  # --help, --version, or an error that was printed
        return int(done.code or 0)
    command = _command(options.command)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            command(options)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail(f"interrupted; {options.after_interrupt}", INTERRUPTED)
    except BrokenPipeError:  # whoever read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OpenTSNEError as error:
        return _fail(f"error: {error}", BAD_INPUT)
    except MemoryError as error:
        return _fail(f"error: not enough memory ({error})", BAD_INPUT)
    return 0


def _command(name: str) -> Callable[[Any], None]:
    """Import only what the command needs."""
    if name == "demo":
        from .demo import demo

        return demo
    from . import commands

    return {"embed": commands.embed, "transform": commands.transform}[name]


def _fail(message: str, status: int) -> int:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    print(f"{PROGRAM}: warning: {' '.join(str(message).split())}", file=sys.stderr)
