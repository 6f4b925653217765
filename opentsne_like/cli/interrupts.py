"""Ctrl-C in a process of the program's own."""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, which takes milliseconds
if TYPE_CHECKING:
    from typing import Any

PROGRAM = "opentsne-like"
INTERRUPTED = 130


class Interrupts:
    """What to do about Ctrl-C, in a process that belongs to the program.

    An exception that falls into an import can be lost there, leave a lock behind, or be reported by code in C that
    raises another. So an import is where the process ends at once; nothing that it leaves behind outlives it. Elsewhere
    Ctrl-C is the usual exception, so that work can be put in order; where a destructor swallows it, it is raised again.

    Attributes
    ----------
    asked : bool
        Whether Ctrl-C has come.
    options : object
        `after_interrupt` of these says what becomes of the work, where it is known already.
    """

    def __init__(self) -> None:
        self.asked = False
        self.options: Any = None
        self.watching = False

    def watch(self) -> None:
        """Look at Ctrl-C from now on, unless the process was started to ignore it."""
        import _thread
        import signal
        import sys
        import time

        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        signal.signal(signal.SIGINT, self._ask)
        self.watching = True
        report = sys.unraisablehook

        def interrupt_soon() -> None:
            time.sleep(0.01)  # at once, it would fall into the function that handles the first
            _thread.interrupt_main()

        def raise_again(lost: Any) -> None:
            if issubclass(lost.exc_type, KeyboardInterrupt):
                _thread.start_new_thread(interrupt_soon, ())
            elif not self.asked:
                report(lost)

        sys.unraisablehook = raise_again

    def _ask(self, _: Any, frame: Any) -> None:
        self.asked = True
        if is_importing(frame):
            import os

            self.leave()
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    def caused(self, error: BaseException) -> bool:
        """Say whether an exception is Ctrl-C, or what became of it.

        Parameters
        ----------
        error : BaseException
        """
        return self.asked or isinstance(error, KeyboardInterrupt)

    def ignore(self) -> None:
        """Let Ctrl-C do nothing from now on: the process ends."""
        if self.watching:
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def leave(self) -> int:
        """Say in one line that the program was interrupted, and return its status."""
        self.ignore()
        import sys

        consequence = getattr(self.options, "after_interrupt", "") or "nothing was written"
        print(f"{PROGRAM}: interrupted; {consequence}", file=sys.stderr, flush=True)
        return INTERRUPTED


def is_importing(frame: Any) -> bool:
    """Say whether a frame belongs to an import.

    Parameters
    ----------
    frame : frame or None
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
