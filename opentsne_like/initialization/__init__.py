"""Where the points of a map start."""

from __future__ import annotations

import logging

from .components import pca
from .graph import spectral
from .landmarks import multiscale
from .partial import median, weighted_mean
from .scale import jitter, random, rescale

__all__ = ["jitter", "median", "multiscale", "pca", "random", "rescale", "spectral", "weighted_mean"]

log = logging.getLogger(__name__)
