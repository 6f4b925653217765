"""The operations of `ops` on an NVIDIA GPU: the same names and parameters, on CuPy's arrays.

Kernels are CUDA C++, in `sources`, compiled as one module when the first is launched. Results have the same bits in
every run on the same card. Extents, sums and whatever the host decides by are the host's; all else stays on the device.

What `ops` has besides is not here: trees, in whose place a GPU takes exact sums or the grid; sums of distortions; and
`checksum` and `sample_places`, which are about what stays on the host.

And what maps are made of: exact neighbours, perplexities, symmetric matrices, products of data. Their words are those
of the rooms of the CPU that ask for them where rows, lists of neighbours or matrices lie here.
"""

from __future__ import annotations

from .components import Table
from .edges import Graph, attract, attract_with_loss, edge_loss, reorder, take_rows
from .extents import around, bulk, extent
from .fourier import arrange, convolve
from .grid import gather, gather_charges, spread
from .influence import influence
from .matrix import MOST_KEYS, Matrix, entropy, symmetrized
from .neighbors import Prefilter, exact_neighbors
from .order import morton_order
from .pairs import exact
from .perplexity import evaluate, search
from .source import source
from .step import commit, step
from .workspace import Workspace

__all__ = [
    "MOST_KEYS",
    "Graph",
    "Matrix",
    "Prefilter",
    "Table",
    "Workspace",
    "around",
    "arrange",
    "attract",
    "attract_with_loss",
    "bulk",
    "commit",
    "convolve",
    "edge_loss",
    "entropy",
    "evaluate",
    "exact",
    "exact_neighbors",
    "extent",
    "gather",
    "gather_charges",
    "influence",
    "morton_order",
    "reorder",
    "search",
    "source",
    "spread",
    "step",
    "symmetrized",
    "take_rows",
]
