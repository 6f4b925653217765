"""Where the points of a map start."""

from __future__ import annotations

import logging

from .eigen import smallest_pairs
from .landmarks import multiscale
from .partial import median, weighted_mean
from .pca import pca
from .scale import jitter, random, rescale
from .spectral import spectral

__all__ = ["jitter", "median", "multiscale", "pca", "random", "rescale", "smallest_pairs", "spectral", "weighted_mean"]

log = logging.getLogger(__name__)
