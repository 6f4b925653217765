"""Operations on arrays that an iteration is made of: the line behind which another device can stand.

Each takes and returns plain arrays, deals out its work to threads in fixed chunks, and has the same bits for any number
of them. Nothing above this room calls the compiled loops behind them.
"""

from __future__ import annotations

from .distortions import Distorted, Pairs, distort, evaluate, lengths, pull
from .edges import (
    Graph,
    attract,
    attract_with_loss,
    attract_with_losses,
    checksum,
    edge_loss,
    edge_loss_chunks,
    entropy,
    entropy_chunks,
    partial_edge_loss,
    partial_entropy,
    reorder,
    take_rows,
)
from .extents import Extent, around, bulk, extent, sample_places
from .fourier import arrange, convolve
from .grid import HARMONICS, TAPS, Grid, Place, gather, gather_charges, spread
from .pairs import exact
from .potential import Potential
from .step import Moments, StepRates, commit, step
from .tree import Tree, build_tree, morton_order, walk_tree
from .workspace import Workspace

__all__ = [
    "HARMONICS",
    "TAPS",
    "Distorted",
    "Extent",
    "Graph",
    "Grid",
    "Moments",
    "Pairs",
    "Place",
    "Potential",
    "StepRates",
    "Tree",
    "Workspace",
    "around",
    "arrange",
    "attract",
    "attract_with_loss",
    "attract_with_losses",
    "build_tree",
    "bulk",
    "checksum",
    "commit",
    "convolve",
    "distort",
    "edge_loss",
    "edge_loss_chunks",
    "entropy",
    "entropy_chunks",
    "evaluate",
    "exact",
    "extent",
    "gather",
    "gather_charges",
    "lengths",
    "morton_order",
    "partial_edge_loss",
    "partial_entropy",
    "pull",
    "reorder",
    "sample_places",
    "spread",
    "step",
    "take_rows",
    "walk_tree",
]
