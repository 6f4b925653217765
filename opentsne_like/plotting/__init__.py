"""Pictures of maps and of their losses, ready to print.

Only matplotlib's object-oriented interface is used, with the Agg canvas: no window opens, no global state is changed,
and figures can be drawn in threads and on machines without a screen.
"""

from .colors import PALETTE
from .losses import loss_cdf
from .maps import scatter

__all__ = ["PALETTE", "loss_cdf", "scatter"]
