"""Minimum-distortion embedding: items, edges, a distortion function and a constraint, stated as a problem and solved.

The names are PyMDE's, so that its scripts run after changing the import and handing over arrays in the place of
tensors. What `MDE.embed` returns is an `Embedding`, which goes on, is stored and takes new points like any other.

Agrawal, Ali & Boyd, *Minimum-distortion embedding*, Foundations and Trends in Machine Learning (2021).
"""

from __future__ import annotations

from ..objectives import PositionPenalty
from . import losses, penalties, preprocess, quadratic
from .constraints import Anchored, Centered, Constraint, Sphere, Standardized
from .functions import Function
from .geometry import align, all_edges, center, rotate
from .graph import Graph
from .pictures import plot
from .problem import MDE
from .quadratic import pca
from .randomness import seed
from .recipes import laplacian_embedding, preserve_distances, preserve_neighbors
from .solving import SolveStats

__all__ = [
    "MDE",
    "Anchored",
    "Centered",
    "Constraint",
    "Function",
    "Graph",
    "PositionPenalty",
    "SolveStats",
    "Sphere",
    "Standardized",
    "align",
    "all_edges",
    "center",
    "laplacian_embedding",
    "losses",
    "pca",
    "penalties",
    "plot",
    "preprocess",
    "preserve_distances",
    "preserve_neighbors",
    "quadratic",
    "rotate",
    "seed",
]
