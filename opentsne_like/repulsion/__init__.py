r"""Repulsion: sums of a radial function over all pairs of points, with their gradients.

Every point carries a *charge*, 1 unless a loss says otherwise, and its *potential* is what it feels of all others,

.. math::
    \varphi_i = \sum_{j \ne i} c_j\, k(d_{ij}^2)

with k a *radial function* (`Radial`), one of the squared distance alone. The gradient of the potential is the repulsive
force, up to a factor that is the loss's business; so one sum gives both, and the engine that takes it, which knows no
loss (`RepulsionEngine`), goes the cheapest of three ways:

- *exact sums* over all pairs: for a few thousand points, in any dimension, and as the oracle of the other two;
- *Barnes-Hut*: points that are far away are summed in groups, the nodes of a tree: for maps with far outliers;
- a *grid*: charges are spread onto it by splines, convolved with the kernel by Fourier transforms, and the potential is
  gathered by the same splines. The transform of the kernel is corrected for spreading and gathering (the *influence
  function*), and what a point feels of its own charge (the *self-interaction*) is subtracted.

A map that does not move is frozen once (`FrozenReference`), and its potential can then be read anywhere.
"""

from __future__ import annotations

from ..ops import Extent, Potential
from .control import Control
from .engine import DEFAULT_TOLERANCE, METHODS, FrozenReference, Method, RepulsionEngine
from .exact import exact_sums
from .functions import RADIALS, FunctionRadial, as_radial
from .levelling import Hyperbola, Saturation
from .powers import LogOnePlusPower, SoftenedPower
from .radial import (
    Gaussian,
    LogInverse,
    LogOnePlus,
    LogStudentT,
    LogStudentTTail,
    Radial,
    Square,
    StudentT,
    StudentTTail,
)
from .rows import RowEngine
from .softened import SoftenedLog
from .weighted import SquaredDistances, WeightedEngine, WeightedReference

__all__ = [
    "DEFAULT_TOLERANCE",
    "METHODS",
    "RADIALS",
    "Control",
    "Extent",
    "FrozenReference",
    "FunctionRadial",
    "Gaussian",
    "Hyperbola",
    "LogInverse",
    "LogOnePlus",
    "LogOnePlusPower",
    "LogStudentT",
    "LogStudentTTail",
    "Method",
    "Potential",
    "Radial",
    "RepulsionEngine",
    "RowEngine",
    "Saturation",
    "SoftenedLog",
    "SoftenedPower",
    "Square",
    "SquaredDistances",
    "StudentT",
    "StudentTTail",
    "WeightedEngine",
    "WeightedReference",
    "as_radial",
    "exact_sums",
]
