r"""Losses of neighbour embedding, and the objectives they become when they are bound.

A *loss* (`Loss`) is data: a frozen dataclass that says which, such as ``KullbackLeibler(dof=0.5)``. Bound to the
affinities P of a map it becomes an *objective*, which gives value and gradient at coordinates, and which is all that an
optimizer ever sees; placed on a map that does not move, it becomes the objective of new points there.

Most losses are one sum of attraction along the edges of P and one of repulsion over all pairs, put together by a
normalizer (`PairLoss`). Gradients are a quarter of the derivative, as is the custom with t-SNE.
"""

from __future__ import annotations

from ..ops import checksum
from ..repulsion import METHODS
from .all_pairs import AllPairs, check_dimension, check_pairs
from .base import AdditiveObjective, Context, EdgeSource, Loss, ObjectiveLoss, Parts, Placing
from .carrying import carried_names, check_carried
from .distortion import Distortion, DistortionObjective
from .drawing import distinct_ranks, further_pairs, mid_near_pairs
from .edges import Edges, check_shapes
from .elastic import ElasticEmbedding
from .function import FunctionLoss, FunctionObjective
from .fuzzy import FuzzyCrossEntropy, similarity_curve
from .kl import KullbackLeibler, LearnedDivergence, divergence, dof_gradient, learned_dof, placed_divergence
from .learned import LearnedObjective, learned
from .locality import Locality
from .negative_sampling import NegativeSampling
from .noise_contrastive import LearnedOdds, NoiseContrastive
from .normalizers import LogPartition, Normalizer, PlacedLog, PlacedLogPartition, PlacedWeighted, Weighted
from .pacmap import PaCMAP, PairsObjective, Pull, pair_edges
from .pairs import PairLoss
from .pairwise import LogSum, Pairwise
from .placed import PlacedPairLoss
from .placed_distortion import PlacedDistortion
from .positions import PositionPenalty
from .row_normalized import SNE, InfoNCE, RowNormalized, check_distributions
from .sampled import Samplable, SampledForces, drawn
from .stale import StaleForces

# By the names that files give them. A loss of one's own that is to be stored is entered here.
LOSSES: dict[str, type[Loss]] = {
    "KullbackLeibler": KullbackLeibler,
    "NegativeSampling": NegativeSampling,
    "ElasticEmbedding": ElasticEmbedding,
    "SNE": SNE,
    "InfoNCE": InfoNCE,
    "FuzzyCrossEntropy": FuzzyCrossEntropy,
    "NoiseContrastive": NoiseContrastive,
    "Pairwise": Pairwise,
    "PaCMAP": PaCMAP,
    "Distortion": Distortion,
}

__all__ = [
    "LOSSES",
    "METHODS",
    "SNE",
    "AdditiveObjective",
    "AllPairs",
    "Context",
    "Distortion",
    "DistortionObjective",
    "EdgeSource",
    "Edges",
    "ElasticEmbedding",
    "FunctionLoss",
    "FunctionObjective",
    "FuzzyCrossEntropy",
    "InfoNCE",
    "KullbackLeibler",
    "LearnedDivergence",
    "LearnedObjective",
    "LearnedOdds",
    "Locality",
    "LogPartition",
    "LogSum",
    "Loss",
    "NegativeSampling",
    "NoiseContrastive",
    "Normalizer",
    "ObjectiveLoss",
    "PaCMAP",
    "PairLoss",
    "PairsObjective",
    "Pairwise",
    "Parts",
    "PlacedDistortion",
    "PlacedLog",
    "PlacedLogPartition",
    "PlacedPairLoss",
    "PlacedWeighted",
    "Placing",
    "PositionPenalty",
    "Pull",
    "RowNormalized",
    "Samplable",
    "SampledForces",
    "StaleForces",
    "Weighted",
    "carried_names",
    "check_carried",
    "check_dimension",
    "check_distributions",
    "check_pairs",
    "check_shapes",
    "checksum",
    "distinct_ranks",
    "divergence",
    "dof_gradient",
    "drawn",
    "further_pairs",
    "learned",
    "learned_dof",
    "mid_near_pairs",
    "pair_edges",
    "placed_divergence",
    "similarity_curve",
]
