"""The first lines of the program: they import nothing that takes time, so that Ctrl-C finds them in charge."""

from __future__ import annotations

from .interrupts import Interrupts

TYPE_CHECKING = False  # as in `typing`, which takes milliseconds
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process, which then belongs to the program: Ctrl-C is one line, wherever it falls.

    Returns
    -------
    int
        0 when all is done; 2 for input or files that cannot work, with one line on standard error; 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--version"])
    opentsne-like 0.1.0
    0
    """
    interrupts = Interrupts()
    try:
        if arguments is None:
            interrupts.watch()
        from .program import run

        return run(arguments, interrupts)
    except BaseException as error:
        if not interrupts.caused(error):
            raise
        return interrupts.leave()
    finally:
        interrupts.ignore()
