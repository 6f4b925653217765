"""Parametric maps: a network as the optimizer of any loss."""

from __future__ import annotations

from .checks import check_network
from .estimator import ParametricEmbedding
from .networks import Network, center_and_spread, multilayer
from .recipes import pack_recipe, plain, unpack_recipe
from .steps import NetworkSteps

__all__ = [
    "Network",
    "NetworkSteps",
    "ParametricEmbedding",
    "center_and_spread",
    "check_network",
    "multilayer",
    "pack_recipe",
    "plain",
    "unpack_recipe",
]
