"""Pictures of maps and of their losses, ready to print, and pages on which maps can be explored.

Of matplotlib only the object-oriented interface is used, with the Agg canvas: no window opens, no global state is
changed, and figures can be drawn in threads and on machines without a screen.
"""

from .colors import PALETTE
from .losses import loss_cdf
from .maps import scatter
from .page import Page, html

__all__ = ["PALETTE", "Page", "html", "loss_cdf", "scatter"]
