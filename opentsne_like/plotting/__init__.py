"""Pictures of maps and of their losses, ready to print, movies, and pages on which maps can be explored.

Of matplotlib only the object-oriented interface is used, with the Agg canvas: no window opens, no global state is
changed, and figures can be drawn in threads and on machines without a screen.
"""

from .colors import PALETTE
from .comparison import compare
from .course import history
from .diagnosis import diagnostics
from .graphs import edges
from .losses import loss_cdf
from .maps import scatter
from .movies import Movie, animate
from .page import Page, html

__all__ = [
    "PALETTE",
    "Movie",
    "Page",
    "animate",
    "compare",
    "diagnostics",
    "edges",
    "history",
    "html",
    "loss_cdf",
    "scatter",
]
