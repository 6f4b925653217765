"""The kernels' sources, joined to one module."""

from __future__ import annotations

from functools import cache
from importlib import resources

from .forms import KINDS

FILES = (  # in this order: a file uses the words of those before it
    *("basics", "sums", "forms", "grid", "spread", "fourier", "influence", "gather"),
    *("points", "edges", "exact", "step", "order", "centre", "neighbors", "perplexity", "symmetrize"),
)


@cache
def source() -> str:
    """Return the text of all kernels, in which the compiler's messages name file and line.

    Examples
    --------
    >>> from opentsne_like.gpu import source
    >>> "KERNEL spread(" in source()
    True
    """
    folder = resources.files(__package__) / "sources"
    texts = [f'#line 1 "{name}.cu"\n{(folder / f"{name}.cu").read_text(encoding="utf-8")}' for name in FILES]
    return "\n".join([f"enum Kind {{ {', '.join(kind.__name__ for kind in KINDS)} }};", *texts])
